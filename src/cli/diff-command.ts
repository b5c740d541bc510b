import { createReadStream, statSync } from 'node:fs'
import { visibleText } from '../documents/visible-text.js'
import { type ReadRecord, readRecords } from '../telemetry/read-records.js'
import { canICommand, quoted } from '../workbench/diff/diff-example.js'
import type { DiffGroup } from '../workbench/diff/diff-groups.js'
import { diffPolicies, type PolicyDiff } from '../workbench/diff/diff-policies.js'
import { policySet } from '../workbench/replay/policy-set.js'
import { type Replay, replayLog } from '../workbench/replay/replay-log.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { loadPolicySet } from './load-policy-set.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz diff OLD NEW [--log FILE]... [--fail-on weakened|changed|none] [OPTIONS]

Says which calls two sets of policies judge differently: weakened (OLD denies, NEW allows), tightened (the reverse), changed
(denied for another reason, or allowed with other notes or headers). The calls are made up of what both sets mention: users,
groups, agents, scopes, claims; tools and their arguments, around every value that an expression compares with. For each
difference there is the smallest call found, as a command to try. With --log, the calls of a decision log are judged as well.
A search finds what it meets: that it found nothing is no proof. Nothing is sent, and no API server is asked.

  OLD, NEW              directories of policies
  --log FILE            a decision log (NDJSON) written under OLD, "-" for stdin; may be repeated
  --calls N             judge at most so many made-up calls; default 50000
  --seconds S           search at most so long; default 20
  --seed N              the same seed makes the same calls; default 1
  --fail-on WHAT        exit with 2 for: weakened (default), changed (any difference) or none
  --top N               how many groups of each kind to print; default 20
  -c, --config FILE     a Config document that both are loaded under (default: $MCP_AUTHZ_CONFIG, else built-in defaults)
  --set PATH=VALUE      one setting of the Config; may be repeated
  -o, --output FORMAT   text (default) or json

Exit codes: 0 nothing that --fail-on names, 2 something, 3 the policies do not compile, 1 anything else.

Examples:
  mcp-authz diff policies candidate
  mcp-authz diff policies candidate --log decisions.ndjson --fail-on changed
  mcp-authz diff policies candidate --calls 2000 -o json`

const flags = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true },
  log: { type: 'string', multiple: true },
  calls: { type: 'string', default: '50000' },
  seconds: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  'fail-on': { type: 'string', default: 'weakened' },
  top: { type: 'string', default: '20' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const
type Flags = ReturnType<typeof parseFlags<typeof flags>>['values']

export const diffCommand: Command = {
  name: 'diff',
  summary: 'say which calls two sets of policies judge differently',
  help,
  run: diff,
}

async function diff(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const { output, config, set, log = [] } = values
  if (output !== 'text' && output !== 'json') throw new UsageError('--output is text or json')
  const failOn = values['fail-on']
  if (failOn !== 'weakened' && failOn !== 'changed' && failOn !== 'none')
    throw new UsageError('--fail-on is weakened, changed or none')
  const numbers = numbersOf(values)
  const [oldPath, newPath, ...more] = positionals
  if (oldPath === undefined || newPath === undefined || more.length > 0)
    throw new UsageError('name two directories: diff OLD NEW')
  for (const path of [oldPath, newPath])
    if (statSync(path, { throwIfNoEntry: false }) === undefined) throw new UsageError(`there is no ${path}`)
  const old = await loadPolicySet({ config, set, policies: [oldPath] }, io)
  const candidate = await loadPolicySet({ config, set, policies: [newPath] }, io)
  if (old === undefined || candidate === undefined) return 3
  const replayed =
    log.length === 0
      ? undefined
      : await replayLog(readAll(log), {
          candidate: policySet(candidate.snapshot, candidate.own),
          baseline: policySet(old.snapshot, old.own),
          signal: io.signal,
        })
  if (io.signal.aborted) throw new Error('interrupted while reading the log')
  const found = await diffPolicies({
    ...{ old, candidate, calls: numbers.calls, timeMs: numbers.seconds * 1000, seed: numbers.seed, signal: io.signal },
    onProgress: progressTo(io),
  })
  // What the candidate holds is somebody else's, and is neither to rule a terminal nor to command a build.
  const told: Told = { found, replayed, top: numbers.top, policies: [oldPath, newPath], config: config }
  io.out(
    output === 'json'
      ? asJson(told, [old.snapshot.revision, candidate.snapshot.revision])
      : asLines(told)
          .map(line => visibleText(line))
          .join('\n'),
  )
  const count = (result: 'weakened' | 'tightened' | 'changed') =>
    found.totals[result] + (replayed?.tally.totals[result] ?? 0)
  const any = count('weakened') + count('tightened') + count('changed')
  return { none: 0, weakened: count('weakened'), changed: any }[failOn] > 0 ? 2 : 0
}

function numbersOf({ calls, seconds, seed, top }: Flags) {
  const read = (flag: string, text: string, most: number) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) > most) throw new UsageError(`--${flag} is a number up to ${most}`)
    return Number(text)
  }
  return {
    calls: read('calls', calls, 10_000_000),
    seconds: read('seconds', seconds, 86_400),
    seed: read('seed', seed, 999_999_999),
    top: read('top', top, 9999),
  }
}

async function* readAll(files: readonly string[]): AsyncGenerator<ReadRecord, void, undefined> {
  for (const file of files) yield* readRecords(file === '-' ? process.stdin : createReadStream(file))
}

/** Milliseconds between reports. */
const progressMs = 2000

function progressTo(io: CommandIo): (calls: number, of: number, differences: number) => void {
  let last = performance.now()
  return (calls, of, differences) => {
    const now = performance.now()
    if (now - last < progressMs) return
    last = now
    io.err(`${calls} of ${of} calls judged, ${differences} of them differently`)
  }
}

interface Told {
  readonly found: PolicyDiff
  readonly replayed: Replay | undefined
  readonly top: number
  readonly policies: readonly [old: string, candidate: string]
  readonly config: string | undefined
}

const results = ['weakened', 'tightened', 'changed'] as const
const titles = {
  weakened: 'Weakened: denied by the old policies, allowed by the new ones',
  tightened: 'Tightened: allowed by the old policies, denied by the new ones',
  changed: 'Changed: the same answer, but for another reason or with something else beside it',
} as const

function asLines(told: Told): readonly string[] {
  const { found, replayed, top, policies, config } = told
  const lines = documentLines(found)
  for (const result of results) {
    const groups = found.groups.filter(group => group.result === result)
    if (groups.length === 0) continue
    lines.push('', titles[result])
    for (const group of groups.slice(0, top)) lines.push(...groupLines(group, policies[1], config))
    if (groups.length > top) lines.push(`  and ${groups.length - top} more kinds of calls; --top prints more`)
  }
  if (replayed !== undefined) lines.push(...logLines(replayed, top))
  lines.push('', ...summaryLines(found))
  return lines
}

function documentLines({ documents }: PolicyDiff): string[] {
  const { added, removed, changed, renamed } = documents
  const lines = [
    ...added.map(name => `  added    ${name}`),
    ...removed.map(name => `  removed  ${name}`),
    ...changed.map(name => `  changed  ${name}`),
    ...renamed.map(({ from, to }) => `  renamed  ${from} -> ${to}`),
  ]
  return lines.length === 0 ? ['No document says anything else.'] : ['Documents', ...lines]
}

function groupLines(group: DiffGroup, policies: string, config: string | undefined): readonly string[] {
  const { server, what, who, before, after, policies: by, example } = group
  const lines = [`  ${server}/${what}  ${who}`, `    ${before} -> ${after}`]
  if (by.length > 0 && !by.every(name => before.includes(name) || after.includes(name)))
    lines.push(`    by ${by.join(', ')}`)
  const command = canICommand(example)
  const flags = `--policies ${quoted(policies)}${config === undefined ? '' : ` --config ${quoted(config)}`}`
  lines.push(command === undefined ? `    e.g. ${JSON.stringify(example)}` : `    ${command} ${flags}`)
  return lines
}

function logLines({ tally, records, unreadable, problems }: Replay, top: number): readonly string[] {
  const { same, weakened, tightened, changed, notReplayable } = tally.totals
  const lines = [
    '',
    `In the log: ${weakened} weakened, ${tightened} tightened, ${changed} changed, ${same} the same, ${notReplayable} not replayable, of ${records} records`,
  ]
  for (const result of results)
    for (const { count, server, what, who, before, after, examples } of tally.largest(result, top))
      lines.push(
        `  ${count} ${result}  ${server}/${what}  ${who}`,
        `    ${before} -> ${after}`,
        `    e.g. ${examples[0] ?? ''}`,
      )
  if (unreadable > 0) lines.push(`  ${unreadable} lines could not be read, the first: line ${problems[0]?.line ?? 0}`)
  return lines
}

function summaryLines({ totals, judged, targets, ended, shrunk, notCompared }: PolicyDiff): readonly string[] {
  const lines: string[] = []
  if (ended === 'nothing') lines.push('nothing changed that could be about a call, so none was judged')
  else {
    const { weakened, tightened, changed, same } = totals
    lines.push(
      `${judged} made-up calls of ${targets} tools and the like: ${weakened} weakened, ${tightened} tightened, ${changed} changed, ${same} the same`,
    )
    if (ended === 'calls') lines.push('the search ended at --calls; more may be found with more')
    if (ended === 'time') lines.push('the search ended at --seconds; more may be found with more')
    if (!shrunk) lines.push('not every example is as small as can be; with more --seconds it would be')
  }
  for (const what of notCompared) lines.push(`not compared: ${what}`)
  return lines
}

/** Version of the report's form. */
const reportVersion = 'mcp-authz.dev/diff/v1'

function asJson({ found, replayed, top, policies }: Told, [old, candidate]: readonly [string, string]): string {
  const groups = results.flatMap(result => found.groups.filter(group => group.result === result).slice(0, top))
  const report = {
    version: reportVersion,
    old: { directory: policies[0], policyRevision: old },
    new: { directory: policies[1], policyRevision: candidate },
    ...found,
    groups: groups.map(group => ({ ...group, command: canICommand(group.example) })),
    groupsNotShown: found.groups.length - groups.length,
    ...(replayed !== undefined && {
      log: {
        ...{ records: replayed.records, passedOver: replayed.passedOver, unreadable: replayed.unreadable },
        ...{ problems: replayed.problems, from: replayed.from, to: replayed.to, totals: replayed.tally.totals },
        groups: [...results, 'notReplayable' as const].flatMap(result => replayed.tally.largest(result, top)),
      },
    }),
  }
  return JSON.stringify(report, undefined, 2)
}
