import { isJsonArray, isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { RecentDecision } from './recent-decisions.js'
import { decisionRecordVersion, shadowRecordVersion } from './record-versions.js'

/** What a record that another process of ours wrote is about. */
export type RecordedDecision =
  | { readonly kind: 'decision'; readonly decision: RecentDecision }
  | { readonly kind: 'difference'; readonly id: string }
  | { readonly kind: 'other' }

const decisionBegin = `{"version":"${decisionRecordVersion}","decision_id":"`
const differenceBegin = `{"version":"${shadowRecordVersion}","decision_id":"`

/** Looks at a record as our own code writes it. Nothing of it is parsed before somebody asks for more than the id. */
export function readRecordedDecision(line: string): RecordedDecision {
  if (line.startsWith(differenceBegin)) return { kind: 'difference', id: textAt(line, differenceBegin.length) }
  if (!line.startsWith(decisionBegin)) return { kind: 'other' }
  let parsed: Omit<RecentDecision, 'id' | 'line'> | undefined
  const get = () => {
    parsed ??= parse(line)
    return parsed
  }
  const decision: RecentDecision = {
    id: textAt(line, decisionBegin.length),
    line,
    get outcome() {
      return get().outcome
    },
    get server() {
      return get().server
    },
    get reason() {
      return get().reason
    },
    get would() {
      return get().would
    },
  }
  return { kind: 'decision', decision }
}

function textAt(line: string, from: number): string {
  return line.slice(from, line.indexOf('"', from))
}

function parse(line: string): Omit<RecentDecision, 'id' | 'line'> {
  const json = parseStrictJson(Buffer.from(line))
  const record: JsonObject = json.ok && isJsonObject(json.value) ? json.value : new Map()
  const decision = record.get('decision')
  const would = record.get('would_deny')
  return {
    outcome: decision === 'allow' || decision === 'respond' ? decision : 'deny',
    server: text(record.get('server')),
    reason: text(record.get('reason')),
    would:
      would !== undefined && isJsonArray(would)
        ? would.map(one => (isJsonObject(one) ? text(one.get('reason')) : ''))
        : [],
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
