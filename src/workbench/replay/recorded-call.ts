import { hash } from 'node:crypto'
import type { Call, CallKind } from '../../protocol/call.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import type { DecisionRecord } from '../../telemetry/read-records.js'

type RecordedMessage = NonNullable<DecisionRecord['mcp']>

/** The message that a record is about, as far as it says. Of a tool, the target is named without a prefix. */
export function recordedCall(mcp: RecordedMessage, args: JsonObject | undefined): Call {
  return {
    protocol: mcp.method === 'json' ? 'json' : 'mcp',
    kind: mcp.kind,
    era: mcp.era,
    version: mcp.protocol_version,
    id: '1',
    method: bodiless.has(mcp.kind) || mcp.method === 'json' ? '' : mcp.method,
    target: mcp.target ?? { kind: 'none' },
    via: mcp.via,
    alsoTargets: mcp.also ?? [],
    params: undefined,
    arguments: args,
    sessionId: undefined,
  }
}

const bodiless: ReadonlySet<CallKind> = new Set<CallKind>(['response', 'stream', 'close'])

export interface RecordedArguments {
  readonly arguments: JsonObject | undefined
  /** As in `CallFacts`. */
  readonly known: boolean | readonly string[]
}

/** Of `{}`, which also stands for arguments that are absent. */
const emptyDigest = `sha256:${hash('sha256', '{}', 'hex')}`

/** The arguments that a record holds, or proves that there were none. */
export function recordedArguments({
  arguments: args,
  args_digest,
  erased = [],
  masked = [],
}: DecisionRecord): RecordedArguments {
  if (args_digest === emptyDigest) return { arguments: undefined, known: true }
  if (!isJsonObject(args)) return { arguments: undefined, known: false }
  const changed = [...erased, ...masked].filter(pointer => pointer === root || pointer.startsWith(`${root}/`))
  if (changed.length === 0) return { arguments: args, known: true }
  const names = changed.map(pointer => pointer.split('/')[2]?.replaceAll('~1', '/').replaceAll('~0', '~'))
  const known: string[] = []
  for (const name of names) {
    if (name === undefined) return { arguments: undefined, known: false }
    known.push(name)
  }
  const rest = new Map<string, JsonValue>([...args].filter(([name]) => !known.includes(name)))
  return { arguments: rest, known: [...new Set(known)] }
}

const root = '/arguments'

/** The request that a record is about: of its headers and its body nothing is known. */
export function recordedRequest({
  http,
  source_address = '',
  workload = '',
  ...record
}: DecisionRecord): InboundRequest {
  return {
    method: http?.method ?? 'POST',
    scheme: 'https',
    authority: http?.host ?? '',
    path: http?.path ?? '',
    query: undefined,
    headers: RequestHeaders.from([]),
    body: { state: 'absent' },
    peer: { address: source_address, principal: workload },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: record.listener, door: record.door, profile: 'envoy', trust: 'none' },
  }
}
