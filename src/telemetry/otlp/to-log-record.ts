import type { HrTime } from '@opentelemetry/api'
import { type AnyValue, type AnyValueMap, type LogAttributes, SeverityNumber } from '@opentelemetry/api-logs'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'

export interface LogOrigin {
  readonly resource: Resource
  readonly instrumentationScope: ReadableLogRecord['instrumentationScope']
}

/** Fields of a record that are attributes as well, so that they can be searched for without looking into bodies. */
const attributeFields = ['decision_id', 'decision', 'reason', 'policy', 'server', 'mode', 'result'].map(
  field => [field, `mcp_authz.${field}`] as const,
)

/** Whatever arguments were recorded; they came within limits of ours. */
const limits = { maxMembers: 1_000_000, maxDepth: 200, anyKeys: true } as const

/**
 * A line of the decision log as a log record of OTLP. Its body is the record itself, as a structure; the time is that of the
 * record. Denials are warnings, and errors where the service could not do its work.
 * @param observed milliseconds since the epoch
 */
export function toLogRecord(line: string, observed: number, origin: LogOrigin): ReadableLogRecord {
  const parsed = parseStrictJson(Buffer.from(line), limits)
  const record = parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined
  const common = { ...origin, hrTimeObserved: timeOf(observed), droppedAttributesCount: 0 }
  if (record === undefined)
    return { ...common, ...severities.info, hrTime: timeOf(observed), body: line, attributes: {} }
  const time = Date.parse(textOf(record, 'timestamp') ?? '')
  const traceId = textOf(record, 'trace_id')
  return {
    ...common,
    hrTime: timeOf(Number.isFinite(time) ? time : observed),
    ...eventOf(record),
    ...severityOf(record),
    ...(traceId !== undefined && { spanContext: { traceId, spanId: '', traceFlags: 0 } }),
    body: structureOf(record),
    attributes: attributesOf(record),
  }
}

function attributesOf(record: JsonObject): LogAttributes {
  const attributes: LogAttributes = {}
  for (const [field, name] of attributeFields) {
    const value = record.get(field)
    if (typeof value === 'string') attributes[name] = value
  }
  return attributes
}

/** `mcp-authz.dev/decision/v1` is the event `mcp_authz.decision`. */
function eventOf(record: JsonObject): { readonly eventName?: string } {
  const kind = /^mcp-authz\.dev\/([a-z]{1,32})\/v/.exec(textOf(record, 'version') ?? '')?.[1]
  return kind === undefined ? {} : { eventName: `mcp_authz.${kind}` }
}

type Severity = Pick<ReadableLogRecord, 'severityNumber' | 'severityText'>

const severities = {
  info: { severityNumber: SeverityNumber.INFO, severityText: 'INFO' },
  warn: { severityNumber: SeverityNumber.WARN, severityText: 'WARN' },
  error: { severityNumber: SeverityNumber.ERROR, severityText: 'ERROR' },
} as const

function severityOf(record: JsonObject): Severity {
  const denied = textOf(record, 'decision') === 'deny' || textOf(record, 'result') === 'withheld'
  if (!denied) return severities.info
  const broken = /^(?:dependency|internal|policy)\./.test(textOf(record, 'reason') ?? '')
  return broken ? severities.error : severities.warn
}

function textOf(record: JsonObject, name: string): string | undefined {
  const value = record.get(name)
  return typeof value === 'string' ? value : undefined
}

function structureOf(value: JsonValue): AnyValue {
  if (isJsonObject(value)) {
    const structure: AnyValueMap = {}
    for (const [name, member] of value) {
      // The one name that means more than its letters, where a member is assigned.
      if (name === '__proto__') Object.defineProperty(structure, name, { value: structureOf(member), enumerable: true })
      else structure[name] = structureOf(member)
    }
    return structure
  }
  if (isJsonArray(value)) return value.map(structureOf)
  // OTLP has integers of 64 bits, but the SDK has none beyond 53.
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return value
}

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1_000_000)]
}
