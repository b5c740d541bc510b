import type { CelReport } from './cel-cost.js'
import type { ParserCost } from './parser-cost.js'
import type { BenchReport } from './run-bench.js'
import { nodeFlags } from './server-process.js'
import type { StageCost } from './stage-cost.js'
import { type StageName, stageNames } from './warm-call.js'

/** The report for people. */
export function printReport(report: BenchReport): string {
  const { scenarios, openLoop } = report
  const header = [
    'scenario',
    'req/s',
    'of floor',
    'CPU µs',
    'p50 ms',
    'p99 ms',
    'RSS MB',
    'load %',
    'requests',
    'wrong',
  ]
  const rows = scenarios.map(one => [
    one.name,
    one.throughput.toFixed(0),
    percent(one.ratioToFloor),
    one.cpuMicros.toFixed(1),
    one.p50Ms.toFixed(2),
    one.p99Ms.toFixed(2),
    one.rssMb.toFixed(0),
    (one.generatorBusy * 100).toFixed(0),
    String(one.requests),
    String(one.wrong),
  ])
  const open = openLoop.scenarios.map(one => [
    one.name,
    one.p50Ms.toFixed(2),
    one.p99Ms.toFixed(2),
    one.worstP99Ms.toFixed(2),
    String(one.wrong),
  ])
  return [
    `Node ${report.node}, servers with ${nodeFlags.join(' ')}, ${report.pinned ? 'one core each for server and load' : 'not pinned to cores'}`,
    '',
    `As fast as it goes: ${report.connections} connections with ${report.inFlightPerConnection} requests in flight each; medians of the rounds`,
    ...table([header, ...rows]),
    '',
    `${openLoop.ratePerSecond.toFixed(0)} requests/s, a third of what warm can do, at random times`,
    ...table([['scenario', 'p50 ms', 'p99 ms', 'worst round', 'wrong'], ...open]),
    `p99 of warm is ${openLoop.p99RatioToFloor.toFixed(2)} times that of floor (median of the rounds)`,
    '',
    `Other processes used ${report.othersBusyCores.toFixed(2)} cores meanwhile${report.othersBusyCores > 0.2 ? ': run it again when the machine is idle' : ''}`,
  ].join('\n')
}

/** Reading a JSON-RPC message, beside JSON.parse of the same bytes. */
export function printParserReport(costs: readonly ParserCost[]): string {
  const rows = costs.map(({ shape, bytes, ours, jsonParse, ratio }) => [
    shape,
    String(bytes),
    ours.toFixed(1),
    jsonParse.toFixed(1),
    ratio.toFixed(2),
  ])
  return [
    'Reading a message, beside JSON.parse of the same bytes in the same process; medians of the rounds',
    ...table([['body', 'bytes', 'ours µs', 'JSON.parse µs', 'ratio'], ...rows]),
  ].join('\n')
}

/** What thirty rules on each call add to a decision, whose processor time is given, with ours and with @bufbuild/cel. */
export function printCelGain({ evaluate }: CelReport, decisionMicros: number): string {
  const all = evaluate.find(({ rules, input }) => rules === 'all' && input === 'fresh')
  if (all === undefined) return ''
  const [ours, others] = [all.ours, all.ours * all.bufbuild].map(rules => decisionMicros + rules)
  return [
    `A decision with these thirty rules on top: ${(ours ?? 0).toFixed(0)} µs of processor time; with @bufbuild/cel it would be`,
    `${(others ?? 0).toFixed(0)} µs, ${((others ?? 0) / (ours ?? 1)).toFixed(1)} times as much`,
  ].join(' ')
}

/** The expression engine, beside the two others and JSON.parse. */
export function printCelReport({ evaluate, compile }: CelReport): string {
  const rows = evaluate.map(({ rules, count, input, ours, bufbuild, marcbachmann }) => [
    rules === 'all' ? 'all' : `· ${rules}`,
    String(count),
    input,
    ours.toFixed(1),
    `${bufbuild.toFixed(1)}x`,
    `${marcbachmann.toFixed(2)}x`,
  ])
  return [
    'Rules in CEL, each evaluated on its own, and how much quicker than others in the same process; medians of the rounds',
    ...table([['rules', 'count', 'input', 'ours µs', '@bufbuild/cel', '@marcbachmann/cel-js'], ...rows]),
    '',
    `Compiling a rule takes ${compile.ours.toFixed(1)} µs (${compile.cold.toFixed(0)} µs cold), ${compile.ratio.toFixed(2)} times JSON.parse of 10 KiB`,
    `(@bufbuild/cel: ${compile.bufbuild.toFixed(1)} µs, @marcbachmann/cel-js: ${compile.marcbachmann.toFixed(1)} µs)`,
  ].join('\n')
}

const stageTexts: Readonly<Record<StageName, string>> = {
  pipeline: 'pipeline: CheckRequest bytes to CheckResponse bytes, with metrics and record',
  bare: 'the same without metrics and record',
  decision: '· decision, without metrics and record',
  identity: '· identity: from the request to the principal',
  rbac: '· RBAC: the operations of the call, asked of the authorizer',
  authorization: '· RBAC and what the catalogue makes of the call',
}

/** What identity and RBAC take of the typical warm call, in this process and without sockets. */
export function printStageReport({ micros, ...share }: StageCost): string {
  const rows = stageNames.map(stage => [stageTexts[stage], micros[stage].toFixed(2)])
  return [
    'The call of the scenario "warm" in one process, without sockets: each stage on its own, in turns; medians of the rounds',
    ...table([['stage', 'µs'], ...rows]),
    `identity + RBAC: ${percent(share.ofPipeline)} of the warm pipeline (${percent(share.ofBare)} of it without metrics and record, ${percent(share.ofDecision)} of the decision alone)`,
    `with what the catalogue makes of the call: ${percent(share.withCatalogOfPipeline)} of the warm pipeline`,
  ].join('\n')
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`
}

export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  )
}
