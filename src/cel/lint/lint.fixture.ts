import type { CelFacts, CelType } from '../environment.js'

export const variables = {
  args: 'map',
  claims: 'map',
  images: 'list(string)',
  mcp: 'map',
  now: 'google.protobuf.Timestamp',
  ok: 'bool',
  numbers: 'list(int)',
  rate: 'double',
  request: 'map',
  scopes: 'list(string)',
  text: 'string',
  user: 'map',
} as const satisfies Readonly<Record<string, CelType>>

export const facts: CelFacts = new Map([
  ['mcp', { members: ['method', 'tool'] }],
  ['mcp.tool', { members: ['name', 'access'] }],
  ['mcp.tool.access', { values: ['read', 'write', 'delete'] }],
  ['mcp.tool.name', { kind: 'text' }],
  ['request', { members: ['time', 'method', 'host', 'headers'] }],
  ['request.time', { kind: 'timestamp' }],
  ['request.headers', { kind: 'map' }],
  ['user', { members: ['username', 'groups'] }],
  ['user.username', { kind: 'text' }],
  ['user.groups', { kind: 'list' }],
  ['user.groups.*', { kind: 'text' }],
  ['scopes.*', { scopes: 'one' }],
  ['claims.scope', { scopes: 'several' }],
])
