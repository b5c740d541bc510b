import { isDeepStrictEqual } from 'node:util'
import { type CelProgram, CostBudget, type Evaluated, type PartiallyEvaluated } from '../../src/cel/environment.js'
import { limits } from '../../src/cel/limits.js'
import type { Engine } from './engine.js'
import type { FuzzCase, Inputs, Judged } from './fuzz-case.js'
import { complete } from './inputs.js'
import { evaluateMs, fastestMs, loadMs, overshoot, unitMs } from './time-bounds.js'

/** Loading: a program or an error with a place; the same each time; within its time. */
export function judgeChecker(source: string, engine: Engine): Judged {
  const compiled = engine.compile(source)
  const outcome = compiled.ok ? 'compiled' : 'refused'
  const took = fastestMs(loadMs, () => engine.compile(source))
  if (took > loadMs) return { outcome, problem: `took ${took.toFixed(0)} ms` }
  const again = engine.compile(source)
  if (compiled.ok !== again.ok) return { outcome, problem: 'another answer the second time' }
  if (!compiled.ok) {
    if (!again.ok && !isDeepStrictEqual(compiled.error, again.error))
      return { outcome, problem: 'another error the second time' }
    const { message, line = 1, column = 1 } = compiled.error
    const lines = source.split('\n')
    const inside = line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? '').length + 1
    if (message === '' || !inside) return { outcome, problem: `an error at ${line}:${column}: ${message}` }
    return { outcome }
  }
  for (const { name, of } of compiled.program.members) {
    if (typeof name !== 'string' || of.some(part => typeof part !== 'string'))
      return { outcome, problem: 'a member without a name' }
  }
  const asBool = engine.compile(source, 'bool')
  const asText = engine.compile(source, 'string')
  if (!asBool.ok && asBool.error.message === '') return { outcome, problem: 'refused without a reason' }
  return asBool.ok && asText.ok ? { outcome: 'compiled, of any type' } : { outcome }
}

/** What the environment says when something inside it threw. */
const threw = 'the expression could not be evaluated'
const overBudget = /costs more than its budget/

/** Evaluation: no exception, in time, within the budget, the same each time, and in agreement with what is left unknown. */
export function judgeEvaluator(one: FuzzCase, engine: Engine): Judged {
  const compiled = engine.compile(one.source)
  if (!compiled.ok) return { outcome: 'refused' }
  const { program } = compiled
  const first = run(program, one.inputs, limits.budget)
  const partial = program.evaluatePartial(activation(one.inputs), one.unknowns)
  const outcome = `${first.result.ok ? 'value' : 'error'} (partly ${partial.kind})`
  const problem =
    runProblem(program, one.inputs, limits.budget, first) ??
    tightProblem(program, one, first) ??
    partialProblem(program, one, first)
  return problem === undefined ? { outcome } : { outcome, problem }
}

interface Run {
  readonly result: Evaluated
  readonly cost: number
}

const activation = (inputs: Inputs) => {
  const values = new Map(Object.entries(inputs))
  return (name: string) => values.get(name)
}

function run(program: CelProgram, inputs: Inputs, units: number): Run {
  const budget = new CostBudget(units)
  const result = program.evaluate(activation(inputs), budget)
  return { result, cost: units - budget.left }
}

function runProblem(program: CelProgram, inputs: Inputs, units: number, first: Run): string | undefined {
  const { result, cost } = first
  if (!result.ok && result.error === threw) return 'threw inside'
  if (cost < 0) return `cost ${cost}`
  if (cost > units + overshoot) return `cost ${cost} of a budget of ${units}`
  if (cost > units && result.ok) return `has a value, though it cost ${cost} of a budget of ${units}`
  const again = run(program, inputs, units)
  if (!isDeepStrictEqual(again, first)) return `another answer the second time: ${shown(first)} and ${shown(again)}`
  const allowed = evaluateMs + Math.min(cost, units) * unitMs
  const took = fastestMs(allowed, () => run(program, inputs, units))
  return took > allowed ? `took ${took.toFixed(0)} ms for ${cost} units` : undefined
}

/** With few units: whatever the input, little is done; what fits has the same answer, what does not has none. */
function tightProblem(program: CelProgram, { inputs, budget }: FuzzCase, full: Run): string | undefined {
  const tight = run(program, inputs, budget)
  const problem = runProblem(program, inputs, budget, tight)
  if (problem !== undefined) return `with ${budget} units: ${problem}`
  if (full.cost <= budget) {
    return isDeepStrictEqual(tight, full)
      ? undefined
      : `with ${budget} units: ${shown(tight)}, with all: ${shown(full)}`
  }
  const refused = !tight.result.ok && overBudget.test(tight.result.error)
  return refused ? undefined : `with ${budget} units: ${shown(tight)}, though it takes ${full.cost}`
}

function partialProblem(program: CelProgram, one: FuzzCase, { result: full, cost }: Run): string | undefined {
  const { inputs, unknowns, completions } = one
  const units = new CostBudget(limits.budget)
  const known = program.evaluatePartial(activation(inputs), [], units)
  if (limits.budget - units.left !== cost)
    return `with nothing unknown it cost ${limits.budget - units.left}, else ${cost}`
  if (!sameOutcome(known, full)) return `with nothing unknown: ${shown(known)}, evaluated: ${shown(full)}`
  const budget = new CostBudget(limits.budget)
  const partial = program.evaluatePartial(activation(inputs), unknowns, budget)
  if (partial.kind === 'error' && partial.error === threw) return 'threw inside, with unknowns'
  if (budget.left < -overshoot) return `partly evaluated, overdrew the budget by ${-budget.left}`
  const again = program.evaluatePartial(activation(inputs), unknowns)
  if (!isDeepStrictEqual(again, partial))
    return `another partial answer the second time: ${shown(partial)}, ${shown(again)}`
  const allowed = evaluateMs + (limits.budget - budget.left) * unitMs
  const took = fastestMs(allowed, () => program.evaluatePartial(activation(inputs), unknowns))
  if (took > allowed) return `partly evaluated, took ${took.toFixed(0)} ms`
  if (partial.kind === 'unknown') return pathsProblem(partial.paths, program)
  if (partial.kind === 'suspended') return 'suspended without an authorizer'
  for (const completion of [inputs, ...completions.map(other => complete(inputs, unknowns, other))]) {
    const result = program.evaluate(activation(completion))
    if (!agrees(partial, result)) return `partly evaluated: ${shown(partial)}, completed: ${shown(result)}`
  }
  return undefined
}

function pathsProblem(paths: readonly (readonly unknown[])[], program: CelProgram): string | undefined {
  if (paths.length === 0) return 'unknown, but of nothing'
  const foreign = paths.find(([name]) => typeof name !== 'string' || !program.variables.has(name))
  return foreign && `unknown of ${shown(foreign)}, which the expression does not read`
}

function sameOutcome(partial: PartiallyEvaluated, full: Evaluated): boolean {
  if (full.ok) return partial.kind === 'value' && isDeepStrictEqual(partial.value, full.value)
  return partial.kind === 'error' && partial.error === full.error
}

/** Which error it is may depend on what was unknown, and so does what an evaluation costs. */
function agrees(partial: PartiallyEvaluated, full: Evaluated): boolean {
  if (!full.ok && overBudget.test(full.error)) return true
  if (partial.kind === 'error') return overBudget.test(partial.error) || !full.ok
  return full.ok && partial.kind === 'value' && isDeepStrictEqual(partial.value, full.value)
}

export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? `${part}n` : part instanceof Map ? { map: [...part] } : part,
  )
  return (text ?? 'undefined').slice(0, 400)
}
