import { createDecide } from '../../decision/create-decide.js'
import { createArgumentRecorder } from '../../decision/record-arguments.js'
import type { Principal } from '../../identity/principal.js'
import type { PolicyStore } from '../../policy/policy-store.js'
import { isJsonObject } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import { type DecisionRecord, readRecord } from '../../telemetry/read-records.js'
import { assume } from '../assumed-principal.js'
import { createJudge } from '../create-judge.js'
import { hypotheticalRequest, requestMessage, toolCallMessage } from '../hypothetical-request.js'

/** A call of a test. */
export interface MadeCall {
  readonly principal: Principal
  readonly server: string
  /** JSON. */
  readonly message: string
}

export function toolCall(principal: Principal, server: string, tool: string, args: object = {}): MadeCall {
  return { principal, server, message: toolCallMessage(tool, JSON.stringify(args)) }
}

export function methodCall(principal: Principal, server: string, method: string, params?: object): MadeCall {
  return { principal, server, message: requestMessage(method, params && JSON.stringify(params)) }
}

export const testTime = Date.UTC(2026, 0, 15, 12)

export interface LogOptions {
  /** Which arguments are recorded. Default: all. */
  readonly arguments?: 'all' | 'none'
}

/** The lines that a service with these policies writes about calls. */
export async function logOf(
  store: PolicyStore,
  calls: readonly MadeCall[],
  { arguments: mode = 'all' }: LogOptions = {},
): Promise<string[]> {
  const snapshot = snapshotOf(store)
  const lines: string[] = []
  const recordArguments = createArgumentRecorder({ mode, paths: [], patterns: [], maxBytes: 4096 })
  for (const { principal, server, message } of calls) {
    const decide = createDecide({
      snapshot: () => ({ ...snapshot, authenticator: assume(principal) }),
      now: () => testTime + 60_000 * lines.length,
      recordArguments,
      onDecided: ({ record }) => void lines.push(record()),
    })
    await decide(hypotheticalRequest(serverOf(store, server), { body: message }))
  }
  return lines
}

export async function recordsOf(
  store: PolicyStore,
  calls: readonly MadeCall[],
  options: LogOptions = {},
): Promise<DecisionRecord[]> {
  const lines = await logOf(store, calls, options)
  return lines.flatMap(line => {
    const { record, problem } = readRecord(Buffer.from(line))
    if (record === undefined) throw new Error(problem)
    return record
  })
}

/** allow, or the reason. */
export async function judged(store: PolicyStore, { principal, server, message }: MadeCall): Promise<string> {
  const judge = createJudge({ snapshot: snapshotOf(store), principal, now: () => testTime })
  const { decision } = await judge(hypotheticalRequest(serverOf(store, server), { body: message }))
  return decision.failure?.reason ?? decision.outcome
}

function snapshotOf(store: PolicyStore) {
  if (store.current === undefined) {
    const { findings } = store.load()
    if (store.current === undefined) throw new Error(JSON.stringify(findings))
  }
  return store.current
}

function serverOf(store: PolicyStore, name: string) {
  const server = snapshotOf(store).servers.byName(name)
  if (server === undefined) throw new Error(`no Server ${name}`)
  return server
}

/** A record as somebody else may have written it. */
export function withFields(record: DecisionRecord, fields: object): DecisionRecord {
  const { arguments: args, ...rest } = record
  const { record: read, problem } = readRecord(Buffer.from(JSON.stringify({ ...rest, ...fields })))
  if (read === undefined) throw new Error(problem)
  return args === undefined || 'arguments' in fields ? read : { ...read, arguments: args }
}

export function jsonObject(text: string) {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('no object')
  return parsed.value
}
