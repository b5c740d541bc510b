import type { Counts, SuiteReport } from './run-suite.js'

/** A table of the files, why cases were excluded, and what failed. */
export function printSuite({ counts, excluded, failed }: SuiteReport): string {
  const reasons = new Map<string, number>()
  for (const { reason } of excluded) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const anyway = excluded.filter(({ rightAnyway }) => rightAnyway).length
  return [
    row('file', 'passed', 'failed', 'excluded'),
    ...Object.entries(counts.files).map(([file, numbers]) => countsRow(file, numbers)),
    countsRow('all', counts),
    '',
    'Excluded, because the case',
    ...[...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${String(count).padStart(6)}  ${reason}`),
    `Of these, ${anyway} have the right answer all the same.`,
    ...failed.map(
      ({ file, section, name, expr, reason }) => `\nFAILED ${file}/${section}/${name}: ${expr}\n  ${reason}`,
    ),
  ].join('\n')
}

function countsRow(name: string, { passed, failed, excluded }: Counts): string {
  return row(name, String(passed), String(failed), String(excluded))
}

function row(name: string, ...numbers: readonly string[]): string {
  return name.padEnd(18) + numbers.map(number => number.padStart(10)).join('')
}
