import { describe, expect, it } from 'vitest'
import { type CelProgram, type Compiled, CostBudget } from '../../src/cel/environment.js'
import { loadCorpus } from './corpus.js'
import { type Engine, ours } from './engine.js'
import { type TrackName, trackNames } from './fuzz-case.js'
import { printReport } from './print-report.js'
import { runFuzz } from './run-fuzz.js'

const corpus = loadCorpus()

describe('a short run', () => {
  it.each([1, 2])('with seed %i finds nothing', { timeout: 120_000 }, seed => {
    const report = runFuzz({ seed, corpus, engine: ours, more: round => round < 10 })
    expect(report.found === undefined ? '' : printReport(report)).toBe('')
    expect(Object.keys(report.outcomes).sort()).toEqual([...trackNames].sort())
    // What is refused at once tries nothing.
    expect(report.outcomes.parser?.parsed).toBeGreaterThan(50)
    expect(report.outcomes.formatter?.formatted).toBeGreaterThan(50)
    expect(report.outcomes.checker?.compiled).toBeGreaterThan(50)
    for (const outcome of ['value (partly value)', 'value (partly unknown)', 'error (partly error)']) {
      expect(report.outcomes.evaluator?.[outcome], outcome).toBeGreaterThan(10)
    }
  })

  it('has expressions of all kinds to begin with', () => {
    expect(corpus.length).toBeGreaterThan(3000)
    expect(corpus).toContain('isQuantity("1.5")')
  })
})

/** An engine whose programs are wrong in one way. */
function withPrograms(change: (program: CelProgram) => Partial<CelProgram>): Engine {
  const compile = (source: string, result?: 'bool' | 'string' | 'dyn'): Compiled => {
    const compiled = ours.compile(source, result)
    if (!compiled.ok) return compiled
    const { program } = compiled
    const { source: text, variables, members, cost, ordinaryCost } = program
    const right: CelProgram = {
      source: text,
      variables,
      members,
      cost,
      ordinaryCost,
      evaluate: (activation, budget) => program.evaluate(activation, budget),
      evaluateValue: (activation, budget) => program.evaluateValue(activation, budget),
      evaluatePartial: (activation, unknowns, budget) => program.evaluatePartial(activation, unknowns, budget),
    }
    return { ok: true, program: { ...right, ...change(program) } }
  }
  return { ...ours, compile }
}

const busy = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

let calls = 0

const faults: readonly (readonly [name: string, track: TrackName, engine: Engine, problem: RegExp])[] = [
  [
    'an exception',
    'parser',
    {
      ...ours,
      parse: (source, options) => {
        if (source.includes('((((')) throw new RangeError('planted')
        return ours.parse(source, options)
      },
    },
    /planted/,
  ],
  [
    'a place outside of the source',
    'lexer',
    {
      ...ours,
      parse: source => {
        const parsed = ours.parse(source)
        return parsed.ok ? parsed : { ok: false, errors: parsed.errors.map(error => ({ ...error, at: error.at + 1 })) }
      },
    },
    /an issue at/,
  ],
  [
    'a slow parser',
    'parser',
    {
      ...ours,
      parse: (source, options) => {
        if (source.length > 2000) busy(300)
        return ours.parse(source, options)
      },
    },
    /took 3\d\d ms/,
  ],
  [
    'a formatter that forgets parentheses',
    'formatter',
    { ...ours, format: (expr, options) => ours.format(expr, options).replace(/\(([^()]*)\) \*/, '$1 *') },
    /another tree|does not parse/,
  ],
  [
    'a formatter that is never content',
    'formatter',
    { ...ours, format: (expr, options) => `${ours.format(expr, options)}${' '.repeat(calls++ % 7)}` },
    /another form|changed what/,
  ],
  [
    'a checker that refuses at random',
    'checker',
    {
      ...ours,
      compile: (source, result) => {
        const refused = { message: 'no', line: 1, column: 1, hint: undefined }
        return calls++ % 5 === 0 ? { ok: false, error: refused } : ours.compile(source, result)
      },
    },
    /second time/,
  ],
  [
    'an exception that was caught',
    'evaluator',
    withPrograms(() => ({ evaluate: () => ({ ok: false, error: 'the expression could not be evaluated' }) })),
    /threw inside/,
  ],
  [
    'an answer that changes',
    'evaluator',
    withPrograms(() => ({ evaluate: () => ({ ok: true, value: BigInt(calls++) }) })),
    /second time/,
  ],
  [
    'a budget that is not held',
    'evaluator',
    withPrograms(program => ({ evaluate: activation => program.evaluate(activation) })),
    /with nothing unknown it cost/,
  ],
  [
    'a tight budget that is overdrawn',
    'evaluator',
    withPrograms(program => ({
      evaluate: (activation, budget) => {
        const all = new CostBudget(1_000_000)
        const result = program.evaluate(activation, all)
        if (budget !== undefined) budget.left -= Math.min(budget.left, 1_000_000 - all.left)
        return result
      },
    })),
    /though it takes/,
  ],
  [
    'a cost beyond the budget',
    'evaluator',
    withPrograms(program => ({
      evaluate: (activation, budget) => {
        const result = program.evaluate(activation, budget)
        if (budget !== undefined) budget.left -= 200_000
        return result
      },
    })),
    /cost \d+ of a budget/,
  ],
  [
    'an answer though something is unknown',
    'evaluator',
    withPrograms(program => ({
      evaluatePartial: (activation, _, budget) => program.evaluatePartial(activation, [], budget),
    })),
    /completed/,
  ],
  [
    'an unknown that nobody asked for',
    'evaluator',
    withPrograms(program => ({
      evaluatePartial: (activation, unknowns, budget) =>
        unknowns.length === 0
          ? program.evaluatePartial(activation, unknowns, budget)
          : { kind: 'unknown', paths: [['nobody']], neverTrue: false, neverFalse: false },
    })),
    /does not read/,
  ],
]

describe('planted faults', () => {
  it.each(faults)('%s is found', { timeout: 120_000 }, (_, only, engine, problem) => {
    const { found } = runFuzz({ seed: 1, corpus, engine, only, more: round => round < 10, patienceMs: 500 })
    expect(found?.problem).toMatch(problem)
  })

  it('comes as a small test that can be repeated', () => {
    const fault = faults[0]
    if (fault === undefined) throw new Error('no fault')
    const [, only, engine] = fault
    const report = runFuzz({ seed: 1, corpus, engine, only, more: round => round < 10 })
    expect(report.found?.smallest.source).toBe('((((')
    const text = printReport(report)
    expect(text).toContain('source: "((((",')
    const { found } = runFuzz({
      seed: 1,
      corpus,
      engine,
      only,
      first: report.found?.round ?? -1,
      more: round => round === report.found?.round,
    })
    expect(found).toEqual(report.found)
  })
})
