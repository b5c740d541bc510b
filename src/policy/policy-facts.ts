import type { CelFacts, PathFacts } from '../cel/environment.js'

/**
 * What is known of the variables of policies beyond their types, for lint: what `expression-environment.ts` makes of a
 * call, and a test holds the two together. What comes from callers and tokens (args, params, claims) may be anything.
 */
export const policyFacts: CelFacts = new Map<string, PathFacts>([
  ['request', { members: ['id', 'time', 'method', 'host', 'path', 'headers', 'sourceAddress'] }],
  ['request.id', { kind: 'text' }],
  ['request.time', { kind: 'timestamp' }],
  ['request.method', { kind: 'text' }],
  ['request.host', { kind: 'text' }],
  ['request.path', { kind: 'text' }],
  ['request.headers', { kind: 'map' }],
  ['request.sourceAddress', { kind: 'text' }],
  ['mcp', { members: ['method', 'protocolVersion', 'tool', 'prompt', 'resource', 'params'] }],
  ['mcp.method', { kind: 'text' }],
  ['mcp.protocolVersion', { kind: 'text' }],
  ['mcp.tool', { members: ['name', 'via', 'access', 'labels'] }],
  ['mcp.tool.name', { kind: 'text' }],
  ['mcp.tool.via', { kind: 'text' }],
  ['mcp.tool.access', { values: ['read', 'write', 'delete', 'exec', 'sensitive'] }],
  ['mcp.tool.labels', { kind: 'map' }],
  ['mcp.prompt', { members: ['name'] }],
  ['mcp.prompt.name', { kind: 'text' }],
  ['mcp.resource', { members: ['uri'] }],
  ['mcp.resource.uri', { kind: 'text' }],
  ['server', { members: ['name', 'namespace', 'labels'] }],
  ['server.name', { kind: 'text' }],
  ['server.namespace', { kind: 'text' }],
  ['server.labels', { kind: 'map' }],
  ['user', { members: ['username', 'uid', 'groups', 'extra'] }],
  ['user.username', { kind: 'text' }],
  ['user.uid', { kind: 'text' }],
  ['user.groups', { kind: 'list' }],
  ['user.groups.*', { kind: 'text' }],
  ['user.extra', { kind: 'map' }],
  ['principal', { members: ['kind', 'throughAgent'] }],
  ['principal.kind', { values: ['user', 'machine', 'anonymous'] }],
  ['principal.throughAgent', { kind: 'bool' }],
  ['agent', { members: ['id', 'issuer', 'assurance'] }],
  ['agent.assurance', { values: ['attested', 'claimed', 'none'] }],
  ['actors.*', { members: ['subject', 'issuer'] }],
  [
    'operations.*',
    {
      members: ['verb', 'group', 'version', 'resource', 'subresource', 'namespace', 'name', 'clusterScoped', 'object'],
    },
  ],
  ['operations.*.verb', { kind: 'text' }],
  ['operations.*.group', { kind: 'text' }],
  ['operations.*.version', { kind: 'text' }],
  ['operations.*.resource', { kind: 'text' }],
  ['operations.*.subresource', { kind: 'text' }],
  ['operations.*.namespace', { kind: 'text' }],
  ['operations.*.name', { kind: 'text' }],
  ['operations.*.clusterScoped', { kind: 'bool' }],
  ['operations.*.object', { kind: 'map' }],
  ['scopes.*', { scopes: 'one' }],
  // RFC 8693, section 4.2; some issuers call it scp. Others write a list there.
  ['claims.scope', { scopes: 'several' }],
  ['claims.scp', { scopes: 'several' }],
])

const resultMembers: readonly (readonly [string, PathFacts])[] = [
  ['request', { members: ['host', 'path', 'time'] }],
  ['mcp', { members: ['method', 'tool'] }],
  ['mcp.tool', { members: ['name', 'access', 'labels'] }],
]

/** Of Guardrails about results: what `result-guardrail-environment.ts` makes of an answer. */
export const resultFacts: CelFacts = new Map([
  ...[...policyFacts].filter(
    ([path]) =>
      !/^(?:operations|request\.(?:id|method|headers|sourceAddress)|mcp\.(?:protocolVersion|prompt|resource|tool\.via))(?:\.|$)/.test(
        path,
      ),
  ),
  ...resultMembers,
])

/** With the names that a document gives to its variables. */
export function withVariableNames(names: readonly string[], facts: CelFacts = policyFacts): CelFacts {
  return new Map([...facts, ['variables', { members: names }]])
}

/** Of AuthenticationConfiguration: `user` is what the claims were mapped to. */
export const identityFacts: CelFacts = new Map(
  [...policyFacts].filter(([path]) => path.startsWith('claims.') || path === 'user' || path.startsWith('user.')),
)
