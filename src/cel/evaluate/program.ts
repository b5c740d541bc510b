import type { AuthorizationRequest } from '../library/authorization.js'
import { Failure, type Value } from '../values/value.js'
import { patternsByName } from './attribute.js'
import {
  type Activation,
  type AttributePath,
  type Code,
  Frame,
  PlacedFailure,
  pathsOf,
  type Slots,
  spent,
  suspended,
  Unknown,
  type UnknownPattern,
} from './frame.js'
import type { Possible } from './possible-answers.js'

/** A constant that can never work: a pattern that RE2 refuses, a duration or timestamp that is none. */
export interface LoadProblem {
  readonly message: string
  readonly at: number
}

/** `cost` is what was spent, in Kubernetes cost units. `at` is an offset in the source. */
export type Evaluated =
  | { readonly ok: true; readonly value: Value; readonly cost: number }
  | {
      readonly ok: false
      readonly error: Failure
      readonly at: number | undefined
      readonly cost: number
      /** What must be answered first: then there is no outcome yet, whatever the operators made of it. */
      readonly waiting?: readonly AuthorizationRequest[]
    }

export type PartiallyEvaluated =
  | { readonly kind: 'value'; readonly value: Value; readonly cost: number }
  | { readonly kind: 'error'; readonly error: Failure; readonly at: number | undefined; readonly cost: number }
  /** The answer depends on these; once they are known, others may turn out to be needed. */
  /** `neverTrue`: whatever the unknown part is, it is false or an error; `neverFalse`: true or an error. */
  | {
      readonly kind: 'unknown'
      readonly paths: readonly AttributePath[]
      readonly neverTrue: boolean
      readonly neverFalse: boolean
      readonly cost: number
    }
  /** These must be answered first. */
  | { readonly kind: 'suspended'; readonly requests: readonly AuthorizationRequest[]; readonly cost: number }

/** A compiled expression: pure, synchronous, never throws. */
export interface Program {
  /** What an environment refuses at load. The program can run, and fails there. */
  readonly problems: readonly LoadProblem[]
  /** `budget` in Kubernetes cost units, 1,000,000 unless told (PerCallLimit). */
  evaluate(activation: Activation, budget?: number): Evaluated
  /** With part of the input unknown: the answer if it is the same whatever that turns out to be. */
  evaluatePartial(activation: Activation, unknowns: readonly UnknownPattern[], budget?: number): PartiallyEvaluated
}

/** Kubernetes' limit for one expression (apiserver, pkg/apis/cel/config.go). */
export const defaultBudget = 1_000_000

export function createProgram(code: Code, problems: readonly LoadProblem[], slots: Slots, possible: Possible): Program {
  return {
    problems,
    evaluate(activation, budget = defaultBudget) {
      const frame = new Frame(activation, budget, undefined, slots)
      const result = code(frame)
      const cost = costOf(budget, frame)
      if (frame.waiting !== undefined) {
        return { ok: false, error: suspended, at: undefined, cost, waiting: [...frame.waiting.values()] }
      }
      if (frame.left < 0) return { ok: false, error: spent, at: undefined, cost }
      return result instanceof Failure
        ? { ok: false, error: result, at: placeOf(result), cost }
        : { ok: true, value: result, cost }
    },
    evaluatePartial(activation, unknowns, budget = defaultBudget) {
      const frame = new Frame(activation, budget, unknowns.length === 0 ? undefined : patternsByName(unknowns), slots)
      const result = code(frame)
      const cost = costOf(budget, frame)
      if (frame.waiting !== undefined) return { kind: 'suspended', requests: [...frame.waiting.values()], cost }
      if (frame.left < 0) return { kind: 'error', error: spent, at: undefined, cost }
      if (result instanceof Unknown) {
        const may = possible(activation, unknowns, Math.max(0, budget - cost))
        return {
          kind: 'unknown',
          paths: pathsOf(result),
          neverTrue: !may.true,
          neverFalse: !may.false,
          cost: cost + may.cost,
        }
      }
      return result instanceof Failure
        ? { kind: 'error', error: result, at: placeOf(result), cost }
        : { kind: 'value', value: result, cost }
    },
  }
}

/** What a refused charge would have paid for was not done: a budget is missed by one unit at most. */
function costOf(budget: number, frame: Frame): number {
  return budget - Math.max(frame.left, -1)
}

function placeOf(failure: Failure): number | undefined {
  return failure instanceof PlacedFailure ? failure.at : undefined
}
