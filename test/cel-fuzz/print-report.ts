import type { CelJson } from '../../src/cel/environment.js'
import type { Found, FuzzReport } from './run-fuzz.js'

export function printReport({ seed, rounds, iterations, outcomes, found }: FuzzReport): string {
  return [
    `seed ${seed}, ${rounds} rounds, ${iterations} iterations`,
    ...Object.entries(outcomes).map(([track, counts]) => `${track}: ${countsText(counts)}`),
    found === undefined ? 'nothing found' : foundText(found, seed),
  ].join('\n')
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${outcome} ${count}`)
    .join(', ')
}

/** As a test that can be put beside the code. */
function foundText({ track, round, problem, smallest }: Found, seed: number): string {
  const { source, inputs, unknowns, completions, budget } = smallest
  const values = (of: object) =>
    `{ ${Object.entries(of)
      .map(([name, value]) => `${name}: ${code(value)}`)
      .join(', ')} }`
  return [
    '',
    `FOUND by ${track}: ${problem}`,
    `again: npm run fuzz:cel -- --seed ${seed} --only ${track} --round ${round}`,
    '',
    `it('holds for what the fuzzer found', () => {`,
    `  const judged = judge('${track}', {`,
    `    source: ${code(source)},`,
    `    inputs: ${values(inputs)},`,
    `    unknowns: ${code(unknowns)},`,
    `    completions: [${completions.map(values).join(', ')}],`,
    `    budget: ${budget},`,
    '  })',
    '  expect(judged.problem).toBeUndefined()',
    '})',
  ].join('\n')
}

function code(value: CelJson | undefined | readonly unknown[]): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Date) return `new Date(${value.getTime()})`
  if (value instanceof Map) return `new Map(${code([...value])})`
  if (Array.isArray(value)) {
    const shown = value.slice(0, 20).map(code).join(', ')
    return value.length > 20 ? `[${shown} /* and ${value.length - 20} more */]` : `[${shown}]`
  }
  if (typeof value === 'string' && value.length > 200) return longText(value)
  return JSON.stringify(value) ?? 'undefined'
}

/** What repeats is written as such. */
function longText(text: string): string {
  for (let period = 1; period <= 20; period++) {
    const piece = text.slice(0, period)
    const times = Math.ceil(text.length / period)
    if (piece.repeat(times).startsWith(text))
      return `${JSON.stringify(piece)}.repeat(${times}).slice(0, ${text.length})`
  }
  return JSON.stringify(text)
}
