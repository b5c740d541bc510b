import type { AttributePath, UnknownPattern } from './evaluate/frame.js'
import type { JsonInput } from './values/from-json.js'
import type { Output } from './values/to-output.js'
import type { Value } from './values/value.js'

/**
 * The type of a variable, as CEL writes it: `bool`, `list(string)`, `map(string, dyn)`, `google.protobuf.Timestamp`,
 * `kubernetes.authorization.Authorizer`. `list` and `map` alone hold anything. `dyn` is checked at run time.
 */
export type CelType = string

/** A value of CEL itself, on its way from one expression to another; what JSON cannot say (a quantity) stays what it is. */
export class CelValue {
  readonly value: Value

  constructor(value: Value) {
    this.value = value
  }
}

/** JSON values; integers are bigint, objects maps. Dates are timestamps. */
export type CelJson = JsonInput

/** Values as they go into an evaluation: JSON values, dates as timestamps, and what another expression gave. */
export type CelInput = CelJson | CelValue

/** Values as they come out: integers are bigint, times RFC 3339, durations text (`90s`), maps are Map, lists are arrays. */
export type CelOutput = Output

export interface CelError {
  readonly message: string
  /** Position in the expression from 1, where known. */
  readonly line: number | undefined
  readonly column: number | undefined
  readonly hint: string | undefined
}

export type Evaluated =
  | { readonly ok: true; readonly value: CelOutput }
  | { readonly ok: false; readonly error: string }

export type EvaluatedValue =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: string }

/** What part of the input left open. */
export type PartiallyEvaluated =
  | { readonly kind: 'value'; readonly value: CelOutput }
  | { readonly kind: 'error'; readonly error: string }
  /** The answer depends on these; once they are known, others may turn out to be needed. */
  | { readonly kind: 'unknown'; readonly paths: readonly AttributePath[] }

/** What several evaluations may cost together, in Kubernetes cost units: many costly rules over one input add up. */
export class CostBudget {
  left: number

  constructor(units: number) {
    this.left = units
  }
}

/** Where the variables of one evaluation come from; asked at most once per name and evaluation. undefined = absent (an error when read). */
export type Activation = (name: string) => CelInput | undefined

/** A member that an expression asks for. */
export interface Member {
  readonly name: string
  /** A variable and the names behind it whose member it is (`*` is any); empty where that cannot be told. */
  readonly of: readonly string[]
}

/** A compiled expression. Pure and synchronous; never throws. */
export interface CelProgram {
  readonly source: string
  /** Variables that the expression reads. */
  readonly variables: ReadonlySet<string>
  /** Members that the expression asks for by name, at any depth. */
  readonly members: readonly Member[]
  /** At most `limits.budget` units, and no more than `budget` has left, which it is taken from. */
  evaluate(activation: Activation, budget?: CostBudget): Evaluated
  /** The same, for another expression to go on with. */
  evaluateValue(activation: Activation, budget?: CostBudget): EvaluatedValue
  /** With a part of the input unknown: the answer if it is the same whatever that turns out to be. */
  evaluatePartial(activation: Activation, unknowns: readonly UnknownPattern[], budget?: CostBudget): PartiallyEvaluated
}

export type Compiled =
  | { readonly ok: true; readonly program: CelProgram }
  | { readonly ok: false; readonly error: CelError }

/**
 * Compiles expressions over a closed set of variables. An undeclared name, a result of the wrong type where it can be
 * known, a regular expression that RE2 refuses, or a source above the limits does not compile.
 */
export interface CelEnvironment {
  readonly variables: ReadonlyMap<string, CelType>
  compile(source: string, result?: 'bool' | 'string' | 'dyn'): Compiled
}

export type { AttributePath, UnknownPattern }
