import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { decisionRecordVersion } from '../record-versions.js'

/** As much of the record of a decision as is told to a cluster: nothing of arguments but their digest. */
export interface ToldRecord {
  readonly decisionId: string
  /** RFC 3339, UTC. */
  readonly timestamp: string
  readonly outcome: ToldOutcome
  /** Reason code of the denial, or of the first that was not enforced; "" for none. */
  readonly reason: string
  readonly policy: string
  readonly policyReason: string
  readonly server: string
  readonly user: string
  readonly issuer: string
  readonly groups: readonly string[]
  readonly agent: string
  readonly tenant: string
  readonly method: string
  /** Tool of a tools/call; "" where there is none. */
  readonly tool: string
  readonly argsDigest: string
  readonly traceId: string
  readonly operations: readonly ToldOperation[]
  /** How many requests it stands for. */
  readonly requests: number
}

/** would-deny: it was allowed because of Audit. */
export type ToldOutcome = 'allow' | 'deny' | 'would-deny'

export interface ToldOperation {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly allowed: boolean
}

const head = `{"version":"${decisionRecordVersion}",`
const deny = '"decision":"deny"'
const would = '"would_deny":['
const limits = { maxMembers: 1_000_000, maxDepth: 200, anyKeys: true } as const

/**
 * Whether a line is worth being read, by no more than a look at it: it may say so of lines that are none, because the same
 * letters may stand in what was recorded of arguments.
 */
export function mayBeTold(line: string, which: 'denials' | 'all'): boolean {
  return line.startsWith(head) && (which === 'all' || line.includes(deny) || line.includes(would))
}

/** Reads a line of the decision log; undefined: it is not of a decision about a request. */
export function readToldRecord(line: string): ToldRecord | undefined {
  const parsed = parseStrictJson(Buffer.from(line), limits)
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined
  const record = parsed.value
  if (record.get('version') !== decisionRecordVersion) return undefined
  const decision = text(record, 'decision')
  // A well-known document is no invocation of anything.
  if (decision !== 'allow' && decision !== 'deny') return undefined
  const notEnforced = elements(record.get('would_deny'))[0]
  const told = decision === 'deny' ? record : notEnforced
  const subject = member(record, 'subject')
  const mcp = member(record, 'mcp')
  const target = member(mcp, 'target')
  const method = text(mcp, 'method')
  return {
    decisionId: text(record, 'decision_id'),
    timestamp: text(record, 'timestamp'),
    outcome: decision === 'deny' ? 'deny' : notEnforced === undefined ? 'allow' : 'would-deny',
    reason: text(told, 'reason'),
    policy: text(told, 'policy'),
    policyReason: text(told, 'policy_reason'),
    server: text(record, 'server'),
    user: text(subject, 'user'),
    issuer: text(subject, 'issuer'),
    groups: items(subject?.get('groups')).filter(item => typeof item === 'string'),
    agent: text(member(record, 'agent'), 'id'),
    tenant: text(record, 'tenant'),
    method,
    tool: method === 'tools/call' && text(target, 'kind') === 'tool' ? text(target, 'name') : '',
    argsDigest: text(record, 'args_digest'),
    traceId: text(record, 'trace_id'),
    requests: countOf(record.get('requests')),
    operations: elements(record.get('rbac')).map(asked => ({
      verb: text(asked, 'verb'),
      group: text(asked, 'group'),
      resource: text(asked, 'resource'),
      subresource: text(asked, 'subresource'),
      namespace: text(asked, 'namespace'),
      name: text(asked, 'name'),
      allowed: asked.get('allowed') === true,
    })),
  }
}

/** 1 unless it says that it is more. */
function countOf(value: JsonValue | undefined): number {
  return typeof value === 'bigint' && value > 1n && value <= Number.MAX_SAFE_INTEGER ? Number(value) : 1
}

function text(object: JsonObject | undefined, name: string): string {
  const value = object?.get(name)
  return typeof value === 'string' ? value : ''
}

function member(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object?.get(name)
  return isJsonObject(value) ? value : undefined
}

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return isJsonArray(value) ? value : []
}

function elements(value: JsonValue | undefined): readonly JsonObject[] {
  return items(value).filter(isJsonObject)
}

/** What no reader sees or what changes how the rest is read, each run of it. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\s]+/gu

/** One line that fits: what callers chose must not pass for a line of ours. */
export function line(value: string, most: number): string {
  const flat = value.replace(unseen, ' ').trim()
  return flat.length <= most ? flat : `${flat.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
