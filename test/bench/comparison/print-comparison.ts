import { table } from '../print-report.js'
import { type Comparison, callsPerSecond, checksPerSecond, decisionsBeforeMemory } from './run-comparison.js'
import type { StableRatio } from './stable-ratio.js'

/** The report for people. */
export function printComparison(comparison: Comparison): string {
  const { cpu, guardrails, latency, envoy, memory, starts, withoutGo, pinned } = comparison
  const sections: (readonly string[])[] = []
  if (withoutGo !== undefined) sections.push([`NOT MEASURED beside a server on Go: ${withoutGo}`])
  if (cpu !== undefined)
    sections.push([
      `Processor time per decision, as fast as it goes (${pinned ? 'one core per server' : 'not pinned to cores'}; all threads); beside ${cpu[0]?.name}`,
      ...table([
        ['server', 'µs', 'per s', 'load %', ...ratioHeader],
        ...cpu.map(one => [
          one.name,
          one.micros.toFixed(1),
          one.perSecond.toFixed(0),
          percent(one.generatorBusy),
          ...ratioCells(one.ratio),
        ]),
      ]),
    ])
  if (guardrails !== undefined)
    sections.push([
      'The same by Guardrails; beside those of the first line',
      ...table([
        ['Guardrails', 'µs', ...ratioHeader],
        ...guardrails.map(one => [one.name, one.micros.toFixed(1), ...ratioCells(one.ratio)]),
      ]),
    ])
  if (latency !== undefined)
    sections.push([
      `Latency at ${checksPerSecond}/s, at random times, counted from when a request was due; p99 beside ${latency[0]?.name}`,
      ...table([
        ['server', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs', 'late p99.9', ...ratioHeader],
        ...latency.map(one => [
          one.name,
          one.p50Ms.toFixed(3),
          one.p99Ms.toFixed(2),
          one.p999Ms.toFixed(2),
          one.cpuMicros.toFixed(0),
          one.lateP999Ms.toFixed(2),
          ...ratioCells(one.p99Ratio),
        ]),
      ]),
    ])
  if (envoy !== undefined)
    sections.push([
      `Behind Envoy (${pinned ? 'with the server on one core' : 'not pinned to cores'}); a call that asks nobody takes ${envoy.openMs.toFixed(2)} ms; beside ${envoy.servers[0]?.name}`,
      ...table([
        ['server', 'calls/s', ...ratioHeader, `added at ${callsPerSecond}/s, ms`, 'p99 ms', ...ratioHeader],
        ...envoy.servers.map(one => [
          one.name,
          one.throughput.toFixed(0),
          ...ratioCells(one.throughputRatio),
          one.addedMs.toFixed(3),
          one.p99Ms.toFixed(2),
          ...ratioCells(one.addedRatio),
        ]),
      ]),
    ])
  if (memory !== undefined)
    sections.push([
      `Resident memory after ${decisionsBeforeMemory} decisions, as fast as they go, MiB`,
      ...table([
        ['server', 'idle', 'after', 'peak'],
        ...memory.map(one => [one.name, one.idleMb.toFixed(0), one.afterMb.toFixed(0), one.peakMb.toFixed(0)]),
      ]),
    ])
  if (starts !== undefined)
    sections.push([
      `From the start of the process, and the first check on a new connection once ready; beside ${starts[0]?.name}`,
      ...table([
        ['server', 'ready ms', 'decision ms', ...ratioHeader, 'first check ms', ...ratioHeader],
        ...starts.map(one => [
          one.name,
          one.readyMs.toFixed(0),
          one.firstDecisionMs.toFixed(0),
          ...ratioCells(one.firstDecisionRatio),
          one.firstCheckMs.toFixed(1),
          ...ratioCells(one.firstCheckRatio),
        ]),
      ]),
    ])
  return sections.map(lines => lines.join('\n')).join('\n\n')
}

const ratioHeader = ['ratio', '95 % between']

function ratioCells({ ratio, low, high }: StableRatio): readonly [string, string] {
  return [ratio.toFixed(2), `${low.toFixed(2)} – ${high.toFixed(2)}`]
}

function percent(share: number): string {
  return (share * 100).toFixed(0)
}
