import { mebi, type SoakReport } from './run-soak.js'

export function printSoakReport(report: SoakReport): string {
  const { answers, disturbances, heap, rss, heapBytes, failures } = report
  const line = ({ slope, error }: SoakReport['heap']) => `${mebi(slope)} MiB per minute (standard error ${mebi(error)})`
  return [
    `${answers.envoy} answers through Envoy, ${answers.direct} without; ${report.refused} refused for overload, ${report.late} denied because they took too long, ${report.excused} denied for a disturbance`,
    `${report.slow} direct answers after more than a second; mcp-authz waited ${(report.coreWait * 100).toFixed(0)} % of its time for a core`,
    `${report.disconnects} clients went away, ${report.streams} streams of events`,
    `disturbed: ${Object.entries(disturbances)
      .map(([what, { count, longestMs }]) => `${what} ${count} times, for ${(longestMs / 1000).toFixed(1)} s at most`)
      .join(', ')}`,
    `capacity ${report.capacity.toFixed(0)}/s, asked ${report.perSecond.toFixed(0)}/s`,
    `memory in use: ${line(heap)}, from ${mebi(heapBytes.first)} to ${mebi(heapBytes.last)} MiB; resident: ${line(rss)}`,
    ...(failures.length === 0 ? ['all is well'] : failures.map(failure => `WRONG: ${failure}`)),
  ].join('\n')
}
