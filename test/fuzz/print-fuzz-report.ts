import type { FoundInput, FuzzReport } from './run-fuzz.js'

export function printFuzzReport(report: FuzzReport): string {
  const { seed, iterations, oracles, outcomes, found } = report
  return [
    `seed ${seed}, ${iterations} iterations`,
    `oracles asked: ${counts(oracles)}`,
    ...Object.entries(outcomes).map(([track, numbers]) => `${track}: ${counts(numbers)}`),
    found === undefined ? 'no disagreement' : printFound(found, report),
  ].join('\n')
}

function printFound({ iteration, oracle, detail, smallest }: FoundInput, { seed, tracks = [] }: FuzzReport): string {
  const { track, headers, bytes } = smallest
  return [
    '',
    `DISAGREEMENT of ${oracle}: ${detail}`,
    `again: npm run fuzz -- --seed ${seed} --only ${iteration}${tracks.map(name => ` --track ${name}`).join('')}`,
    `smallest input of the track ${track}:`,
    ...headers.map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
    `  text ${JSON.stringify(Buffer.from(bytes).toString('utf8'))}`,
    `  base64 ${Buffer.from(bytes).toString('base64')}`,
  ].join('\n')
}

function counts(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .sort(([, a], [, b]) => b - a)
    .map(([name, number]) => `${name} ${number}`)
    .join(', ')
}
