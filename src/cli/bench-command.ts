import { availableParallelism, cpus } from 'node:os'
import { visibleText } from '../documents/visible-text.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { type BenchCall, callsOfTests, madeUpCalls } from '../workbench/bench/bench-call.js'
import { type BenchReport, benchPolicies, type Cost } from '../workbench/bench/bench-policies.js'
import { asksClusters, withPermissions } from '../workbench/diff/permissions.js'
import { findTests } from '../workbench/policy-tests/find-test-files.js'
import { type Command, type CommandIo, type ExitCode, UsageError } from './command.js'
import { configFlags, configHelp, readConfig } from './load-policies.js'
import { type LoadedPolicySet, loadPolicySet } from './load-policy-set.js'
import { parseFlags } from './parse-flags.js'

const help = `Usage: mcp-authz bench [--calls FILE] [--seconds S] [-o text|json]

Measures what decisions cost under some policies: in this process, on one core, with everything warm and no gateway. For each
tool, how many decisions a second, how long one takes, and how many times as much as where everything is allowed and no rule
looks at it (the floor); where the time goes by stage; and which Guardrails are the costliest. Absolute figures are of this
machine at this moment; compare ratios. Who asks counts as known, as with a token that was seen before.

${configHelp}
  --calls FILE          a file of policy tests (*_test.yaml) whose calls are decided. Default: the tests beside the policies;
                        where there are none, one call of every tool that somebody may call
  --seconds S           how long to measure; default 5
  --top N               how many tools and Guardrails to print; default 20
  -o, --output FORMAT   text (default) or json

Exit codes: 0 measured, 3 the policies do not compile, 1 anything else.

Examples:
  mcp-authz bench --policies policies/demo
  mcp-authz bench --policies policies/demo --calls policies/demo/demo_test.yaml --seconds 2 -o json`

const flags = {
  ...configFlags,
  calls: { type: 'string' },
  seconds: { type: 'string', default: '5' },
  top: { type: 'string', default: '20' },
  output: { type: 'string', short: 'o', default: 'text' },
} as const

export const benchCommand: Command = {
  name: 'bench',
  summary: 'measure what decisions cost under some policies',
  help,
  run: bench,
}

/** Where the calls are from. */
type CallSource = 'tests' | 'made up'

async function bench(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const { values, positionals } = parseFlags(args, flags)
  const { output } = values
  if (output !== 'text' && output !== 'json') throw new UsageError('--output is text or json')
  if (positionals.length > 0) throw new UsageError('takes no arguments; name policies with --policies')
  const seconds = Number(values.seconds)
  if (!/^\d{1,4}(?:\.\d)?$/.test(values.seconds) || seconds <= 0)
    throw new UsageError('--seconds is a number above 0, up to 9999')
  if (!/^\d{1,4}$/.test(values.top)) throw new UsageError('--top is a number up to 9999')
  const set = await loadPolicySet(values, io)
  if (set === undefined) return 3
  const inFiles = set.own.some(({ kind }) => rbacKinds.has(kind))
  const given = !inFiles || asksClusters(set.snapshot)
  const snapshot = withPermissions(set.snapshot, inFiles)
  const directories = readConfig(values, { ...io, err: () => undefined }).sources.flatMap(source =>
    source.from === 'directory' ? [source.directory] : [],
  )
  const { calls, from } = await callsFor(values.calls, directories, snapshot, set)
  if (calls.length === 0) throw new Error('nobody may call anything under these policies; name calls with --calls')
  const report = await benchPolicies({
    ...{ snapshot, calls, ms: seconds * 1000, signal: io.signal },
    onProgress: progressTo(io),
  })
  const told = { report, from, given, top: Number(values.top) }
  io.out(output === 'json' ? asJson(told, set.snapshot.revision) : asText(told))
  return 0
}

const rbacKinds: ReadonlySet<string> = new Set(['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'List'])

async function callsFor(
  file: string | undefined,
  directories: readonly string[],
  snapshot: PolicySnapshot,
  { documents }: LoadedPolicySet,
): Promise<{ readonly calls: readonly BenchCall[]; readonly from: CallSource }> {
  // A source may be one file, which holds no tests.
  const places = file === undefined ? directories.filter(path => !/\.ya?ml$/.test(path)) : [file]
  const { tests, findings } = findTests(places)
  const [wrong] = findings.filter(({ severity }) => severity === 'error')
  if (file !== undefined && wrong !== undefined)
    throw new Error(`${wrong.location.file}:${wrong.location.line}: ${wrong.message}`)
  const calls = callsOfTests(tests, snapshot)
  if (calls.length > 0) return { calls, from: 'tests' }
  if (file !== undefined) throw new Error(`${file} holds no call of a principal to a Server of these policies`)
  return { calls: await madeUpCalls(snapshot, documents), from: 'made up' }
}

/** Milliseconds between reports. */
const progressMs = 2000

function progressTo(io: CommandIo): (done: number, of: number) => void {
  let last = performance.now()
  return (done, of) => {
    const now = performance.now()
    if (now - last < progressMs) return
    last = now
    io.err(`${done} of ${of} tools measured`)
  }
}

interface Told {
  readonly report: BenchReport
  readonly from: CallSource
  readonly given: boolean
  readonly top: number
}

function asText({ report, from, given, top }: Told): string {
  const { calls, all, stages, guardrails } = report
  const names = calls.slice(0, top).map(({ server, what }) => visibleText(`${server}/${what}`))
  const width = Math.max(24, ...names.map(name => name.length))
  const row = (name: string, { perSecond, p50Micros, p99Micros, floorRatio }: Cost) =>
    `${name.padEnd(width)}  ${String(Math.round(perSecond)).padStart(11)}  ${micros(p50Micros)}  ${micros(p99Micros)}  ${floorRatio.toFixed(1).padStart(7)}`
  const lines = [
    `${'the costliest first'.padEnd(width)}  decisions/s    p50 µs    p99 µs  × floor`,
    ...calls.slice(0, top).map((cost, index) => row(names[index] ?? '', cost)),
    ...(calls.length > top ? [`and ${calls.length - top} more; --top prints more`] : []),
    row('all', all),
    '',
    `time by stage: ${Object.entries(stages)
      .map(([stage, share]) => `${stage === 'rest' ? 'answer and record' : stage} ${percent(share)}`)
      .join(', ')}`,
  ]
  if (guardrails.length > 0) {
    lines.push('', `${'Guardrails'.padEnd(width)}      µs each   CEL units  of the time`)
    for (const { name, micros: each, units, share } of guardrails.slice(0, top))
      lines.push(
        `${name.padEnd(width)}  ${each.toFixed(2).padStart(11)}  ${units.toFixed(0).padStart(10)}  ${percent(share).padStart(11)}`,
      )
  }
  const { node, processor } = machine()
  lines.push(
    '',
    `${calls.length} kinds of calls (${from === 'tests' ? 'of policy tests' : 'made up'}), ${all.decisions} decisions, on one core of ${processor}, Node.js ${node}`,
    'Absolute figures are of this machine at this moment; a gateway and its connection come on top.',
  )
  if (given) lines.push('Permissions of clusters count as given: no API server was asked.')
  return lines.join('\n')
}

function micros(value: number): string {
  return value.toFixed(1).padStart(8)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function machine() {
  return { node: process.version, processor: cpus()[0]?.model ?? 'an unknown processor', cores: availableParallelism() }
}

/** Version of the report's form. */
const reportVersion = 'mcp-authz.dev/bench/v1'

function asJson({ report, from, given, top }: Told, policyRevision: string): string {
  const { calls, guardrails, ...rest } = report
  const told = {
    ...{ version: reportVersion, policyRevision, machine: machine(), callsFrom: from, permissionsGiven: given },
    ...{ ...rest, calls: calls.slice(0, top), guardrails: guardrails.slice(0, top) },
  }
  return JSON.stringify(told, undefined, 2)
}
