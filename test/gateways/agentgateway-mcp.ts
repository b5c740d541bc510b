import { agentgateway as wire } from '../../gen/wire.js'
import { isJsonContentType } from '../../src/protocol/content-type.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'
import type { GatewayRequest } from './gateway.js'
import { headerMap } from './gateway.js'
import { plainToStruct, structToPlain } from './struct-to-plain.js'

const { McpRequest, McpRequestResult, McpResponse, McpResponseResult } = wire.dev.ext_mcp

export interface McpBackend {
  /** Names of the targets; with more than one, clients see `<target>_<tool>`. */
  readonly targets: readonly string[]
  /** What `metadata` of the processor came to. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** A JWT policy took the Authorization header. */
  readonly jwt?: boolean
}

export interface ShownMcpRequest {
  readonly method: string
  readonly bytes: Buffer
}

/** The params of a method, as the gateway knows them; what else is in them is gone when it writes them anew. */
const shownParams: Readonly<Record<string, readonly string[]>> = {
  'tools/call': ['name', 'arguments', 'task', 'inputResponses', 'requestState'],
  'prompts/get': ['name', 'arguments', 'inputResponses', 'requestState'],
  'resources/read': ['uri', 'inputResponses', 'requestState'],
}

/** Methods with a request phase and no params in it. */
const withoutParams: ReadonlySet<string> = new Set([
  ...['initialize', 'server/discover', 'ping', 'logging/setLevel', 'subscriptions/listen'],
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'],
])

/**
 * The guard request for a message of a client; undefined if the gateway refuses the message by itself, takes it for a
 * notification, or has no request phase for its method. Names of several targets are taken apart at the first "_" and "+".
 */
export function mcpRequestOf(request: GatewayRequest, backend: McpBackend): ShownMcpRequest | undefined {
  const message = readMessage(request)
  if (message === undefined || !('id' in message) || !isRequestId(request.body?.toString() ?? '', message.id)) {
    return undefined
  }
  const { method, params } = message
  const isKnown = withoutParams.has(method) || Object.hasOwn(shownParams, method)
  if (!isKnown) return undefined
  const shown = paramsOf(method, params, backend.targets)
  if (shown === undefined) return undefined
  const headers = headerMap(request)
  // What repeats the body must equal it (-32020), in every era.
  const repeats = (name: string, value: unknown) => headers.get(name)?.some(one => one !== value) !== true
  if (!repeats('mcp-method', method) || !repeats('mcp-name', params.name ?? params.uri)) return undefined
  headers.delete('host')
  if (backend.jwt === true) headers.delete('authorization')
  const pseudo = [
    [':method', request.method],
    [':scheme', 'http'],
    [':authority', request.authority],
    [':path', request.target],
  ] as const
  const listed = [...pseudo, ...[...headers].flatMap(([name, values]) => values.map(value => [name, value] as const))]
  const bytes = McpRequest.encode({
    serviceNames: shown.service === undefined ? [...backend.targets] : [shown.service],
    method,
    metadataContext: plainToStruct(backend.metadata ?? {}),
    ...(shown.text !== undefined && { mcpRequest: Buffer.from(shown.text) }),
    headers: listed.map(([key, value]) => ({ key, value: Buffer.from(value, 'latin1') })),
  }).finish()
  return { method, bytes: Buffer.from(bytes) }
}

/** The guard request for a result. */
export function mcpResponseOf(method: string, result: unknown, backend: McpBackend): Buffer {
  return Buffer.from(
    McpResponse.encode({
      serviceNames: [...backend.targets],
      method,
      metadataContext: plainToStruct(backend.metadata ?? {}),
      mcpResponse: Buffer.from(JSON.stringify(result)),
    }).finish(),
  )
}

export type AppliedMcpResult =
  | {
      readonly passed: true
      readonly set: ReadonlyMap<string, string>
      readonly removed: ReadonlySet<string>
      readonly metadata: Readonly<Record<string, unknown>>
    }
  | { readonly passed: false; readonly code: number; readonly message: string; readonly reason: string }

const codes = [-32603, -32001, -32003, -32600]

/** What the gateway makes of the answer; nothing in it is a violation of the protocol, which denies (failClosed). */
export function applyMcpResult(answer: Uint8Array): AppliedMcpResult {
  const { pass, mutated, error, headerMutation, metadata } = McpRequestResult.decode(answer)
  if (error) return denied(error)
  if (mutated) throw new Error('requests must not be changed: the gateway would not authorize the new one')
  if (!pass) return { passed: false, code: -32603, message: 'protocol violation', reason: '' }
  const set = new Map<string, string>()
  for (const { key, value } of headerMutation?.set ?? []) set.set(key ?? '', Buffer.from(value ?? []).toString('utf8'))
  const removed = new Set(headerMutation?.remove)
  for (const name of removed) set.delete(name)
  return { passed: true, set, removed, metadata: structToPlain(metadata) }
}

export type AppliedMcpResponse =
  | { readonly passed: true; readonly result: unknown; readonly changed: boolean }
  | Extract<AppliedMcpResult, { readonly passed: false }>

export function applyMcpResponse(given: unknown, answer: Uint8Array): AppliedMcpResponse {
  const { pass, mutated, error } = McpResponseResult.decode(answer)
  if (error) return denied(error)
  if (mutated?.length) return { passed: true, result: JSON.parse(Buffer.from(mutated).toString('utf8')), changed: true }
  if (!pass) return { passed: false, code: -32603, message: 'protocol violation', reason: '' }
  return { passed: true, result: given, changed: false }
}

function denied({
  code,
  reason,
  mcpError,
}: wire.dev.ext_mcp.IAuthorizationError): AppliedMcpResult & { passed: false } {
  const data: { readonly reason?: unknown } = mcpError?.length ? JSON.parse(Buffer.from(mcpError).toString('utf8')) : {}
  const told = typeof data.reason === 'string' ? data.reason : ''
  return { passed: false, code: codes[code ?? 0] ?? -32603, message: reason ?? '', reason: told }
}

interface ClientMessage {
  readonly method: string
  readonly id?: unknown
  readonly params: Readonly<Record<string, unknown>>
}

/** As the gateway reads bodies: one JSON-RPC request in JSON; a key that comes twice where it matters is refused. */
function readMessage({ method, headers, body }: GatewayRequest): ClientMessage | undefined {
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (method !== 'POST' || body === undefined || !isJsonContentType(type)) return undefined
  let message: unknown
  try {
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch {
    return undefined
  }
  const strict = parseStrictJson(body, { maxBytes: body.length })
  if (!strict.ok && strict.reason === 'message.duplicate_key') return undefined
  if (!isObject(message) || message.jsonrpc !== '2.0' || typeof message.method !== 'string') return undefined
  const { params = {} } = message
  if (!isObject(params)) return undefined
  return { method: message.method, params, ...('id' in message && { id: message.id }) }
}

/** Everything else is a notification to this gateway: it goes to the servers, and no guard is asked. */
export function isRequestId(body: string, id: unknown): boolean {
  if (typeof id === 'string') return true
  if (typeof id !== 'number') return false
  const lexeme = /"id"\s*:\s*([^,}\s]+)/.exec(body)?.[1] ?? ''
  if (!/^-?[0-9]+$/.test(lexeme)) return false
  const exact = BigInt(lexeme)
  return exact >= -(2n ** 63n) && exact < 2n ** 63n
}

function paramsOf(
  method: string,
  params: Readonly<Record<string, unknown>>,
  targets: readonly string[],
): { readonly service: string | undefined; readonly text: string | undefined } | undefined {
  const known = shownParams[method]
  if (known === undefined) return { service: undefined, text: undefined }
  const kept: Record<string, unknown> = Object.fromEntries(
    known.filter(name => name in params).map(name => [name, params[name]]),
  )
  const key = known[0] ?? ''
  const name = kept[key]
  if (typeof name !== 'string') return undefined
  if (targets.length === 1) return { service: targets[0], text: JSON.stringify(kept) }
  const at = name.indexOf(key === 'uri' ? '+' : '_')
  const service = name.slice(0, at)
  if (at < 0 || !targets.includes(service)) return undefined
  return { service, text: JSON.stringify({ ...kept, [key]: name.slice(at + 1) }) }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
