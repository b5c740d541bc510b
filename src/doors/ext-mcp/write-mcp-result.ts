import { agentgateway, type google } from '../../../gen/wire.js'
import type { Decision, Failure, HeaderValue, MetadataValue } from '../../decision/decision.js'
import { canonicalJson } from '../../protocol/canonical-json.js'
import { isJsonArray, isJsonObject, type JsonObject } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { isHeaderName, isHeaderValue, isWellFormed } from '../envoy/header-text.js'

const { McpRequestResult, McpResponseResult, AuthorizationError } = agentgateway.dev.ext_mcp
const { UNKNOWN, PERMISSION_DENIED, RESOURCE_EXHAUSTED, INVALID } = AuthorizationError.Code

export type WrittenResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** The decision cannot be said on the wire; answer an internal denial instead. Holds no values. */
  | { readonly ok: false; readonly detail: string }

/**
 * The answer to a request. `mutated` is never used: the gateway sends changed params on without asking its own
 * mcpAuthorization again, so that a call could become one which that denies.
 */
export function writeRequestResult(decision: Decision): WrittenResult {
  const { answer } = decision
  const metadata = metadataStruct(decision.metadata)
  if (decision.outcome !== 'allow' || answer.kind !== 'allow') {
    return { ok: true, bytes: McpRequestResult.encode({ error: errorOf(decision), metadata }).finish() }
  }
  const detail = headersProblem(answer.setHeaders, answer.removeHeaders)
  if (detail !== undefined) return { ok: false, detail }
  const headerMutation = {
    set: answer.setHeaders.map(({ name, value }) => ({ key: name, value: Buffer.from(value, 'utf8') })),
    remove: [...answer.removeHeaders],
  }
  return { ok: true, bytes: McpRequestResult.encode({ pass: {}, headerMutation, metadata }).finish() }
}

/** The answer to a result: undefined lets it pass as it is. */
export function writePassedResult(mutated: Uint8Array | undefined): Uint8Array {
  return McpResponseResult.encode(mutated === undefined ? { pass: {} } : { mutated }).finish()
}

export function writeRefusedResult(decision: Decision): Uint8Array {
  return McpResponseResult.encode({ error: errorOf(decision) }).finish()
}

/** The denial that needs nothing of the rest to work, in both phases: field 3 (error), code 1, no reason. */
export const lastResort: Uint8Array = Uint8Array.of(0x1a, 0x02, 0x08, 0x01)

const maxReason = 4096
const maxData = 16 * 1024

/**
 * A denial as the gateway can say it: one of four codes, a message and data, in a JSON-RPC error. Message and data are
 * those that clients of the other doors get, so that what hides there hides here.
 */
function errorOf(decision: Decision): agentgateway.dev.ext_mcp.IAuthorizationError {
  const { answer, failure } = decision
  const said = answer.kind === 'respond' && decision.outcome === 'deny' ? readDenial(answer.body) : undefined
  // A document that was asked for in a place where there are none, or a body of no form that is known here: where denials
  // hide, the reason must not come out in this way.
  if (said === undefined) return { code: PERMISSION_DENIED, reason: 'The request was denied' }
  const data = said.data === undefined ? undefined : Buffer.from(canonicalJson(said.data), 'utf8')
  return {
    code: codeOf(said.code, failure),
    reason: sendable(said.message),
    ...(data !== undefined && data.length <= maxData && { mcpError: data }),
  }
}

interface SaidDenial {
  /** Of a JSON-RPC error; undefined for a tool result. */
  readonly code: bigint | undefined
  readonly message: string
  readonly data: JsonObject | undefined
}

/** What the JSON-RPC message in a denial's body says, be it framed as an event, as some servers answer. */
function readDenial(body: string): SaidDenial | undefined {
  const event = body.split('\n').find(line => line.startsWith('data: '))
  const json = parseStrictJson(Buffer.from(event === undefined ? body : event.slice('data: '.length), 'utf8'))
  if (!json.ok || !isJsonObject(json.value)) return undefined
  const error = json.value.get('error')
  if (isJsonObject(error)) {
    const [code, message, data] = [error.get('code'), error.get('message'), error.get('data')]
    if (typeof message !== 'string') return undefined
    return { code: typeof code === 'bigint' ? code : undefined, message, data: isJsonObject(data) ? data : undefined }
  }
  const result = json.value.get('result')
  const content = isJsonObject(result) ? result.get('content') : undefined
  const [first] = isJsonArray(content) ? content : []
  const text = isJsonObject(first) ? first.get('text') : undefined
  if (!isJsonObject(result) || typeof text !== 'string') return undefined
  const meta = result.get('_meta')
  const data = isJsonObject(meta) ? meta.get('mcp-authz.dev/decision') : undefined
  return { code: undefined, message: text, data: isJsonObject(data) ? data : undefined }
}

/** Of broken messages the gateway says -32600, of ours -32603, of an overload -32003; of all that a rule denies -32001. */
function codeOf(
  said: bigint | undefined,
  failure: Failure | undefined,
): agentgateway.dev.ext_mcp.AuthorizationError.Code {
  if (said === -32700n || said === -32600n) return INVALID
  if (said !== -31503n) return PERMISSION_DENIED
  return failure?.reason === 'dependency.overloaded' ? RESOURCE_EXHAUSTED : UNKNOWN
}

function sendable(text: string): string {
  const short = text.length <= maxReason ? text : `${text.slice(0, maxReason - 1)}…`
  // Half of a surrogate pair, also one that the cut has made, becomes U+FFFD.
  return Buffer.from(short).toString()
}

const limits = { count: 24, bytes: 28 * 1024, removed: 256 } as const

/** The gateway applies them after it has read the request: they would speak of another message than it sends. */
const reserved: ReadonlySet<string> = new Set([
  ...['host', 'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'],
  ...['content-length', 'content-type', 'content-encoding', 'transfer-encoding', 'mcp-session-id'],
])

/** Bad headers are skipped by the gateway in silence, and the client's copy survives: one of them fails the whole answer. */
function headersProblem(set: readonly HeaderValue[], remove: readonly string[]): string | undefined {
  if (set.length > limits.count || remove.length > limits.removed) return 'too many headers'
  const removed = new Set(remove)
  const seen = new Set<string>()
  let bytes = 0
  for (const { name, value } of set) {
    if (!isHeaderName(name) || reserved.has(name)) return 'a header that must not be set'
    if (!isHeaderValue(value)) return `header ${name} has a value that cannot be sent`
    // They are set first and removed then.
    if (removed.has(name)) return `header ${name} is both set and removed`
    if (seen.has(name)) return `header ${name} is set twice`
    seen.add(name)
    bytes += name.length + Buffer.byteLength(value)
  }
  for (const name of remove) {
    if (!isHeaderName(name, 8192) || reserved.has(name)) return 'a header that cannot be removed'
  }
  return bytes > limits.bytes ? `headers of more than ${limits.bytes} bytes` : undefined
}

const maxEntries = 64
const maxText = 2048

/** What describes the decision, as far as it can be sent: nothing in it may turn an allow into a denial. */
function metadataStruct(metadata: ReadonlyMap<string, MetadataValue>): google.protobuf.IStruct {
  const fields: Record<string, google.protobuf.IValue> = {}
  for (const [key, value] of [...metadata].slice(0, maxEntries)) {
    if (key === '__proto__' || !isWellFormed(key)) continue
    if (typeof value === 'string') fields[key] = { stringValue: sendable(value.slice(0, maxText)) }
    else if (typeof value === 'boolean') fields[key] = { boolValue: value }
    else if (typeof value === 'number') {
      if (Number.isFinite(value)) fields[key] = { numberValue: value }
    } else fields[key] = { listValue: { values: value.slice(0, 4096).map(one => ({ stringValue: sendable(one) })) } }
  }
  return { fields }
}
