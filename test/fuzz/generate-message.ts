import { legacyVersions, versionKey } from '../../src/protocol/mcp/era.js'
import { methodTable } from '../../src/protocol/mcp/method-table.js'
import { numbers, strings } from './dictionary.js'
import type { FuzzInput, HeaderList } from './fuzz-input.js'
import { printTree } from './json-tree.js'
import { anyValue } from './mutate-json.js'
import type { Random } from './random.js'

const names = ['echo', 'get-sum', 'resources_scale', 'a/b', 'A.b-c_d', 'toString', 'constructor', 'x'.repeat(128)]
const uris = [
  'file:///a/b.txt',
  'https://example.com/a?b=c',
  'k8s://ns/pods/web',
  'demo://resource/static/1',
  'urn:a:b',
]
const methods = [...methodTable.keys()]
const legacy = [...legacyVersions]

/** A message of one era as an honest client would send it, now and then with a fault. */
export function generateMessage(random: Random): FuzzInput {
  const modern = random.chance(0.5)
  const method = random.chance(0.5) ? 'tools/call' : random.chance(0.95) ? random.pick(methods) : 'vendor/x'
  const { params, name } = paramsOf(method, random)
  const headers: [string, string][] = [['content-type', random.chance(0.8) ? 'application/json' : contentType(random)]]
  if (modern) {
    params.push(['_meta', metaOf(random)])
    headers.push(['mcp-protocol-version', '2026-07-28'], ['mcp-method', method])
    if (name !== undefined) headers.push(['mcp-name', spelledName(name, random)])
  } else {
    if (random.chance(0.7)) headers.push(['mcp-protocol-version', random.pick(legacy)])
    if (random.chance(0.5)) headers.push(['mcp-session-id', '3f1b6c1e-8d0a-4f0e-9a55-000000000001'])
    if (random.chance(0.1)) headers.push(['mcp-method', method])
  }
  const members: [string, string][] = [['jsonrpc', '"2.0"']]
  if (!method.startsWith('notifications/')) members.push(['id', idOf(random)])
  members.push(['method', JSON.stringify(method)])
  if (params.length > 0 || random.chance(0.5)) members.push(['params', objectText(params)])
  if (!modern && random.chance(0.05)) return { track: 'message', headers, bytes: response(random) }
  return { track: 'message', headers, bytes: Buffer.from(objectText(members), 'utf8') }
}

/** A message, or seldom several of the legacy era in a batch. */
export function generateMessages(random: Random): FuzzInput {
  const first = generateMessage(random)
  if (!random.chance(0.06)) return first
  const legacyOnly = Array.from({ length: 6 }, () => generateMessage(random)).filter(
    ({ headers }) => !headers.some(([name, value]) => name.startsWith('mcp-') && value.startsWith('2026')),
  )
  const texts = legacyOnly.slice(0, 3).map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  // Ids in a batch must differ.
  const numbered = texts.map((text, at) => (random.chance(0.9) ? text.replace(/"id":[^,]*,/, `"id":${at},`) : text))
  const headers: HeaderList = [['content-type', 'application/json']]
  const version: HeaderList = random.chance(0.5) ? [['mcp-protocol-version', '2025-03-26']] : []
  return { track: 'message', headers: [...headers, ...version], bytes: Buffer.from(`[${numbered.join(',')}]`) }
}

function paramsOf(method: string, random: Random): { params: [string, string][]; name: string | undefined } {
  const row = methodTable.get(method)
  const params: [string, string][] = []
  let name: string | undefined
  switch (row?.target?.kind) {
    case 'tool':
    case 'prompt':
      name = random.pick(names)
      params.push(['name', JSON.stringify(name)])
      break
    case 'resource':
      name = random.pick(uris)
      params.push(['uri', JSON.stringify(name)])
      break
    case 'task':
      name = 'task-1'
      params.push(['taskId', '"task-1"'])
      break
    case 'ref': {
      const prompt = random.chance(0.5)
      const ref = prompt ? '{"type":"ref/prompt","name":"echo"}' : '{"type":"ref/resource","uri":"file:///{a}"}'
      params.push(['ref', ref], ['argument', '{"name":"a","value":"b"}'])
      break
    }
    case 'subscriptions':
      params.push(['notifications', '{"resourceSubscriptions":["file:///a"]}'])
      break
  }
  if (row?.takesArguments === true && random.chance(0.9)) params.push(['arguments', argumentsText(random)])
  if (method === 'initialize') {
    const version = JSON.stringify(random.pick(legacy))
    params.push(['protocolVersion', version], ['capabilities', '{}'], ['clientInfo', '{"name":"c","version":"1"}'])
  }
  return { params, name: row?.nameHeader === true ? name : undefined }
}

function argumentsText(random: Random): string {
  const members: [string, string][] = []
  for (let i = random.few(6); i > 0; i--) {
    const value = random.chance(0.3)
      ? printTree(anyValue(random, 2))
      : random.pick(random.chance(0.5) ? numbers : strings)
    members.push([random.pick(['a', 'message', 'namespace', 'scale', 'Scale', 'b', 'é', '0', 'resource']), value])
  }
  return objectText(members)
}

function metaOf(random: Random): string {
  const members: [string, string][] = [
    [versionKey, '"2026-07-28"'],
    ['io.modelcontextprotocol/clientCapabilities', '{}'],
    ['io.modelcontextprotocol/clientInfo', '{"name":"c","version":"1"}'],
  ]
  if (random.chance(0.2)) members.push(['progressToken', random.pick(numbers)])
  return objectText(members)
}

function response(random: Random): Uint8Array {
  const outcome = random.chance(0.5) ? '"result":{"a":1}' : '"error":{"code":-1,"message":"m"}'
  return Buffer.from(`{"jsonrpc":"2.0","id":${idOf(random)},${outcome}}`)
}

function idOf(random: Random): string {
  return random.pick(['1', '0', '-7', '"a"', '"\\u0061"', '""', '9007199254740993', random.pick(numbers), '"é"'])
}

function spelledName(name: string, random: Random): string {
  if (random.chance(0.7)) return name
  return random.chance(0.7) ? `=?base64?${Buffer.from(name).toString('base64')}?=` : ` ${name}\t`
}

function contentType(random: Random): string {
  return random.pick([
    ...['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'APPLICATION/JSON', 'text/plain'],
    ...['application/json; charset=utf-16', 'application/jsonx', 'application/json, text/plain', ' application/json '],
  ])
}

function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}

const headerValues = [
  ...['2026-07-28', '2025-11-25', '2025-06-18', '2027-01-01', '', ' ', 'tools/call', 'tools/list', 'echo', 'Echo', 'é'],
  ...['=?base64?ZWNobw==?=', '=?base64?ZWNobw?=', '=?BASE64?ZWNobw==?=', 'echo, echo', 'a\u0000b', 'application/json'],
  ...['gzip', 'identity', 'websocket', 'x'.repeat(4097)],
]
const headerNames = [
  ...['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id', 'content-type', 'content-encoding'],
  ...['mcp_name', 'Mcp-Name', 'mcp-param-a', 'x-http-method-override', 'upgrade', 'authorization', 'last-event-id'],
]

export function mutateHeaders(headers: HeaderList, random: Random): HeaderList {
  const at = random.int(headers.length + 1)
  const header = headers[at]
  const others = headers.filter((_, index) => index !== at)
  if (header === undefined || random.chance(0.2)) {
    return [...headers, [random.pick(headerNames), random.pick(headerValues)]]
  }
  const [name, value] = header
  switch (random.int(5)) {
    case 0:
      return others
    case 1:
      return [...headers, header]
    case 2:
      return [...others, [name, random.pick(headerValues)]]
    case 3:
      return [
        ...others,
        [name, random.pick([` ${value}`, `${value}\t`, `${value},`, `"${value}"`, value.toUpperCase()])],
      ]
    default:
      return [...others, [random.pick(headerNames), value]]
  }
}
