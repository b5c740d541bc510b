import { createReadStream } from 'node:fs'
import { formatFinding } from '../documents/format-finding.js'
import { visibleText } from '../documents/visible-text.js'
import { type ReadRecord, readRecords } from '../telemetry/read-records.js'
import { type PolicySet, policySet } from '../workbench/replay/policy-set.js'
import { type Replay, replayLog } from '../workbench/replay/replay-log.js'
import { type ReplayGroup, type ReplayTally, replayResults } from '../workbench/replay/replay-tally.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, loadPolicies } from './load-policies.js'
import { parseFlags } from './parse-flags.js'
import { policyDocuments } from './policy-documents.js'

const help = `Usage: mcp-authz replay LOG... --policies DIR... [--against DIR...] [--fail-on weakened|changed|none] [OPTIONS]

Judges the calls of a decision log again by other policies, and says what would come out in another way: weakened (denied
then, allowed now), tightened (allowed then, denied now), changed (denied for another reason, or noted in another way by
rules in Audit). What the log does not hold is never guessed: where the answer hangs on it, the call is not replayable, and
the report says on what. Nothing is sent, and no API server is asked.

  LOG                   a decision log (NDJSON), "-" for stdin; several are read one after the other
${configHelp}
  --against DIR         the policies to compare with; may be repeated. Default: what the log says. Give the policies that the
                        log was written under: then what a record proves of rules that did not change counts, and most calls
                        can be replayed although their arguments and claims are not recorded
  --fail-on WHAT        exit with 2 for: weakened (default), changed (any difference) or none
  --top N               how many groups of each kind to print; default 20
  -o, --output FORMAT   text (default) or json

Exit codes: 0 nothing that --fail-on names, 2 something, 3 the policies do not compile, 1 anything else.

Examples:
  mcp-authz replay decisions.ndjson --policies candidate --against policies
  kubectl logs deploy/mcp-authz | mcp-authz replay - --policies candidate -o json`

const flags = {
  ...configFlags,
  against: { type: 'string', multiple: true },
  'fail-on': { type: 'string', default: 'weakened' },
  top: { type: 'string', default: '20' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const
type Flags = ReturnType<typeof parseFlags<typeof flags>>['values']

export const replayCommand: Command = {
  name: 'replay',
  summary: 'judge the calls of a decision log again by other policies',
  help,
  run: replay,
}

async function replay(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const { output, against } = values
  if (output !== 'text' && output !== 'json') throw new UsageError('--output is text or json')
  const failOn = values['fail-on']
  if (failOn !== 'weakened' && failOn !== 'changed' && failOn !== 'none')
    throw new UsageError('--fail-on is weakened, changed or none')
  if (!/^\d{1,4}$/.test(values.top)) throw new UsageError('--top is a number up to 9999')
  if (positionals.length === 0) throw new UsageError('say which decision log, "-" for stdin')
  const candidate = await loadSet(values, io)
  const baseline = against === undefined ? undefined : await loadSet({ ...values, policies: against }, io)
  if (candidate === undefined || (against !== undefined && baseline === undefined)) return 3
  const replayed = await replayLog(readAll(positionals), {
    candidate,
    baseline,
    signal: io.signal,
    onProgress: progressTo(io),
  })
  if (io.signal.aborted) throw new Error(`stopped after ${replayed.records} records`)
  const top = Number(values.top)
  io.out(output === 'json' ? asJson(replayed, candidate, baseline, top) : asText(replayed, candidate, baseline, top))
  const { weakened, tightened, changed } = replayed.tally.totals
  const found = { none: 0, weakened, changed: weakened + tightened + changed }[failOn]
  return found > 0 ? 2 : 0
}

async function loadSet(values: Flags, io: CommandIo): Promise<PolicySet | undefined> {
  const loaded = await loadPolicies(values, io)
  await loaded.stop()
  const snapshot = loaded.store.current
  for (const finding of loaded.report.findings)
    if (snapshot === undefined || finding.severity === 'error') io.err(formatFinding(finding))
  return snapshot && policySet(snapshot, policyDocuments(loaded.config))
}

async function* readAll(files: readonly string[]): AsyncGenerator<ReadRecord, void, undefined> {
  for (const file of files) yield* readRecords(file === '-' ? process.stdin : createReadStream(file))
}

/** Milliseconds between reports. */
const progressMs = 2000

function progressTo(io: CommandIo): (records: number) => void {
  let last = performance.now()
  return records => {
    const now = performance.now()
    if (now - last < progressMs) return
    last = now
    io.err(`${records} records replayed`)
  }
}

const titles: Readonly<Record<ReplayGroup['result'], string>> = {
  weakened: 'Weakened: denied then, allowed now',
  tightened: 'Tightened: allowed then, denied now',
  changed: 'Changed: the same answer for another reason',
  notReplayable: 'Not replayable',
}
const order = ['weakened', 'tightened', 'changed', 'notReplayable'] as const

function asText(replayed: Replay, candidate: PolicySet, baseline: PolicySet | undefined, top: number): string {
  const { tally, records, passedOver, otherRevisions, unreadable, problems } = replayed
  const lines: string[] = []
  for (const { line, problem } of problems) lines.push(`line ${line}: ${problem}`)
  for (const result of order) if (tally.totals[result] > 0) lines.push(...section(tally, result, top), '')
  const span = replayed.from === undefined ? '' : ` from ${replayed.from} to ${replayed.to}`
  const totals = replayResults.map(result => `${tally.totals[result]} ${words[result]}`).join(', ')
  lines.push(`${records} records${span}: ${totals}`)
  if (passedOver > 0) lines.push(`${passedOver} lines about something else passed over`)
  if (unreadable > 0) lines.push(`${unreadable} lines could not be read`)
  const before = baseline === undefined ? 'the log' : `policy revision ${baseline.snapshot.revision}`
  lines.push(`policy revision ${candidate.snapshot.revision}, compared with ${before}`)
  if (otherRevisions > 0)
    lines.push(
      `${otherRevisions} records are of other policies than those of --against, so that more is not replayable`,
    )
  else if (baseline === undefined && tally.totals.notReplayable > 0)
    lines.push('more can be replayed with --against, the policies that the log was written under')
  // Names of tools are what callers wrote.
  return lines.map(line => visibleText(line)).join('\n')
}

const words: Readonly<Record<(typeof replayResults)[number], string>> = {
  same: 'same',
  tightened: 'tightened',
  weakened: 'weakened',
  changed: 'changed',
  notReplayable: 'not replayable',
}

function section(tally: ReplayTally, result: ReplayGroup['result'], top: number): readonly string[] {
  const groups = tally.largest(result, top)
  const width = Math.max(0, ...groups.map(({ count }) => String(count).length))
  const lines = groups.flatMap(({ count, server, what, who, before, after, examples }) => {
    const where = `${server === '' ? '' : `${server}/`}${what}${who === '' ? '' : `  ${who}`}`
    const now = result === 'notReplayable' ? `? ${after}` : after
    const how = before === '' ? now : `${before} -> ${now}`
    return [
      `  ${String(count).padStart(width)}  ${where}`,
      `  ${' '.repeat(width)}    ${how}`,
      `  ${' '.repeat(width)}    e.g. ${examples[0] ?? ''}`,
    ]
  })
  const rest = tally.totals[result] - groups.reduce((sum, { count }) => sum + count, 0)
  return [titles[result], ...lines, ...(rest > 0 ? [`  ${rest} more in other groups`] : [])]
}

/** Version of the report's form. */
const reportVersion = 'mcp-authz.dev/replay/v1'

function asJson(replayed: Replay, candidate: PolicySet, baseline: PolicySet | undefined, top: number): string {
  const { tally, ...rest } = replayed
  const groups = order.flatMap(result => tally.largest(result, top))
  const report = {
    version: reportVersion,
    candidate: { policyRevision: candidate.snapshot.revision },
    baseline: baseline === undefined ? { log: true } : { policyRevision: baseline.snapshot.revision },
    ...rest,
    totals: tally.totals,
    groups,
    notShown: Object.fromEntries(
      order.map(result => [
        result,
        tally.totals[result] - tally.largest(result, top).reduce((sum, { count }) => sum + count, 0),
      ]),
    ),
  }
  return JSON.stringify(report, undefined, 2)
}
