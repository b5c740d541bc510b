import type { DecisionRecord, ReadRecord } from '../../telemetry/read-records.js'
import { judgeRecord } from './judge-record.js'
import { compareOutcomes, describeOutcome, type Outcome, outcomeOf } from './outcome.js'
import type { PolicySet } from './policy-set.js'
import { ReplayTally } from './replay-tally.js'

export interface ReplayOptions {
  readonly candidate: PolicySet
  /** What is compared with. Default: what the records say. */
  readonly baseline?: PolicySet | undefined
  /** Called now and then with the number of records so far. */
  onProgress?(records: number): void
  /** Ends the replay with what was replayed until then. */
  readonly signal?: AbortSignal
}

export interface Replay {
  readonly tally: ReplayTally
  /** Records of decisions about calls. */
  readonly records: number
  /** Lines about something else: results, documents of ours, the log itself. */
  readonly passedOver: number
  /** Records of other policies than the baseline: those are judged anew by it, and prove nothing of its rules. */
  readonly otherRevisions: number
  /** Lines that are no records: how many, and the first of them. */
  readonly unreadable: number
  readonly problems: readonly { readonly line: number; readonly problem: string }[]
  readonly from: string | undefined
  readonly to: string | undefined
}

const mostProblems = 20
/** Records between reports of progress. */
const reportEvery = 10_000

/** Judges every recorded call again and compares. One record at a time, in bounded memory. */
export async function replayLog(lines: AsyncIterable<ReadRecord>, options: ReplayOptions): Promise<Replay> {
  const { baseline, onProgress, signal } = options
  const tally = new ReplayTally()
  const problems: { line: number; problem: string }[] = []
  let [records, passedOver, otherRevisions, unreadable] = [0, 0, 0, 0]
  let from: string | undefined
  let to: string | undefined
  for await (const { line, record, problem } of lines) {
    if (signal?.aborted === true) break
    if (problem !== undefined) {
      unreadable++
      if (problems.length < mostProblems) problems.push({ line, problem })
      continue
    }
    if (record === undefined || record.decision === 'respond') {
      passedOver++
      continue
    }
    records++
    if (records % reportEvery === 0) onProgress?.(records)
    if (from === undefined || record.timestamp < from) from = record.timestamp
    if (to === undefined || record.timestamp > to) to = record.timestamp
    if (baseline !== undefined && record.policy_revision !== baseline.snapshot.revision) otherRevisions++
    await replayRecord(record, options, tally)
  }
  return { tally, records, passedOver, otherRevisions, unreadable, problems, from, to }
}

async function replayRecord(
  record: DecisionRecord,
  { candidate, baseline }: ReplayOptions,
  tally: ReplayTally,
): Promise<void> {
  const { server = '', decision_id } = record
  const what = whatOf(record)
  const before = baseline === undefined ? outcomeOf(record) : await judgeRecord(record, baseline, undefined)
  const after = 'why' in before ? before : await judgeRecord(record, candidate, baseline)
  if ('why' in after) {
    const told = 'why' in before ? '' : describeOutcome(before)
    tally.add({ result: 'notReplayable', server, what, who: '', before: told, after: after.why }, decision_id)
    return
  }
  if ('why' in before) return
  const result = compareOutcomes(before, after)
  if (result === 'same') tally.same()
  else tally.add({ result, server, what, who: whoOf(record), ...described(before, after) }, decision_id)
}

function described(before: Outcome, after: Outcome) {
  return { before: describeOutcome(before), after: describeOutcome(after) }
}

function whatOf({ mcp, http }: DecisionRecord): string {
  if (mcp === undefined) return http?.method ?? ''
  return mcp.target === undefined ? mcp.method : mcp.target.name
}

function whoOf({ subject, agent }: DecisionRecord): string {
  if (subject === undefined) return ''
  const name = subject.kind === 'anonymous' ? 'anonymous' : subject.user
  return agent === undefined ? name : `${name} through ${agent.issuer}:${agent.id}`
}
