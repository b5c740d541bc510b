import type {
  Activation,
  CelProgram,
  CostBudget,
  CostRange,
  Evaluated,
  EvaluatedValue,
  Member,
  PartiallyEvaluated,
  UnknownPattern,
} from './environment.js'
import { suspended } from './evaluate/frame.js'
import type { Program } from './evaluate/program.js'
import { Inputs, union } from './inputs.js'
import { positionAt } from './syntax/position-at.js'
import { toOutput } from './values/to-output.js'
import { typeOf } from './values/type-of.js'
import { Failure, type Value } from './values/value.js'

export type ResultType = 'bool' | 'string' | 'dyn'

/** What is known of a program before it runs. */
export type ProgramFacts = Pick<CelProgram, 'variables' | 'members' | 'cost' | 'ordinaryCost'>

/** What `compile` gives: the program of the evaluator, with inputs and outputs of the outside. */
export class CompiledProgram implements CelProgram {
  readonly source: string
  readonly variables: ReadonlySet<string>
  readonly members: readonly Member[]
  readonly cost: CostRange
  readonly ordinaryCost: number
  readonly #program: Program
  readonly #result: ResultType
  readonly #budget: number

  constructor(source: string, facts: ProgramFacts, program: Program, result: ResultType, budget: number) {
    this.source = source
    this.variables = facts.variables
    this.members = facts.members
    this.cost = facts.cost
    this.ordinaryCost = facts.ordinaryCost
    this.#program = program
    this.#result = result
    this.#budget = budget
  }

  evaluate(activation: Activation, budget?: CostBudget): Evaluated {
    const evaluated = this.evaluateValue(activation, budget)
    if (!evaluated.ok) return evaluated
    // What most rules come to is the same in every form.
    if (typeof evaluated.value === 'boolean') return evaluated.value ? isTrue : isFalse
    const value = toOutput(evaluated.value)
    if (value instanceof Failure) return { ok: false, error: value.message }
    return { ok: true, value }
  }

  evaluateValue(activation: Activation, budget?: CostBudget): EvaluatedValue {
    try {
      const inputs = new Inputs(activation)
      const evaluated = this.#program.evaluate(name => inputs.read(name), this.#units(budget))
      if (budget !== undefined) budget.left -= evaluated.cost
      // Nothing more can be wrong with what most rules come to.
      if (
        evaluated.ok &&
        inputs.waiting === undefined &&
        typeof evaluated.value === 'boolean' &&
        this.#result !== 'string'
      )
        return evaluated.value ? isTrue : isFalse
      const waiting = union(inputs.waiting, evaluated.ok ? undefined : evaluated.waiting)
      if (waiting !== undefined) return { ok: false, error: suspended.message, suspended: waiting }
      if (!evaluated.ok) return { ok: false, error: this.#tell(evaluated.error, evaluated.at) }
      const wrong = this.#wrongType(evaluated.value)
      return wrong === undefined ? { ok: true, value: evaluated.value } : { ok: false, error: wrong }
    } catch {
      return broken
    }
  }

  evaluatePartial(
    activation: Activation,
    unknowns: readonly UnknownPattern[],
    budget?: CostBudget,
  ): PartiallyEvaluated {
    try {
      const inputs = new Inputs(activation)
      const evaluated = this.#program.evaluatePartial(name => inputs.read(name), unknowns, this.#units(budget))
      if (budget !== undefined) budget.left -= evaluated.cost
      const waiting = union(inputs.waiting, evaluated.kind === 'suspended' ? evaluated.requests : undefined)
      if (waiting !== undefined || evaluated.kind === 'suspended') return { kind: 'suspended', requests: waiting ?? [] }
      if (evaluated.kind === 'unknown') {
        const { paths, neverTrue, neverFalse } = evaluated
        return { kind: 'unknown', paths, neverTrue, neverFalse }
      }
      if (evaluated.kind === 'error') return { kind: 'error', error: this.#tell(evaluated.error, evaluated.at) }
      const wrong = this.#wrongType(evaluated.value)
      if (wrong !== undefined) return { kind: 'error', error: wrong }
      const value = toOutput(evaluated.value)
      return value instanceof Failure ? { kind: 'error', error: value.message } : { kind: 'value', value }
    } catch {
      return { kind: 'error', error: broken.error }
    }
  }

  #units(budget: CostBudget | undefined): number {
    return budget === undefined ? this.#budget : Math.max(0, Math.min(this.#budget, budget.left))
  }

  #wrongType(value: Value): string | undefined {
    if (this.#result === 'dyn' || typeof value === (this.#result === 'bool' ? 'boolean' : 'string')) return undefined
    return `the result is ${typeOf(value)}, wanted is ${this.#result}`
  }

  #tell({ message }: Failure, at: number | undefined): string {
    if (at === undefined) return message
    const { line, column } = positionAt(this.source, at)
    return `${message} (at ${line}:${column})`
  }
}

const isTrue = { ok: true, value: true } as const
const isFalse = { ok: true, value: false } as const

/** Contract: never throw. Whatever broke, the caller sees an error and denies; its message may hold data. */
const broken = { ok: false, error: 'the expression could not be evaluated' } as const
