import type { Http2FuzzReport } from './run-http2-fuzz.js'

export function printHttp2Report(report: Http2FuzzReport, tracks: readonly string[]): string {
  const { seed, iterations, outcomes, memory, found } = report
  return [
    `seed ${seed}, ${iterations} iterations; ${memory}`,
    ...Object.entries(outcomes).map(([track, counts]) => {
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
      const each = Object.entries(counts).sort(([, a], [, b]) => b - a)
      return `${track}: ${total} (${each.map(([name, count]) => `${name} ${count}`).join(', ')})`
    }),
    ...(found === undefined
      ? ['nothing found']
      : [
          '',
          `FOUND by ${found.oracle} in ${found.track}: ${found.detail}`,
          `again: tsx test/http2/fuzz/main.ts --seed ${seed} --only ${found.iteration}${tracks.map(name => ` --track ${name}`).join('')}`,
          found.attempt,
        ]),
  ].join('\n')
}
