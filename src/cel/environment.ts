import type { CostRange } from './cost/range.js'
import type { AttributePath, UnknownPattern } from './evaluate/frame.js'
import type { AuthorizationRequest } from './library/authorization.js'
import type { LintCode } from './lint/lint-codes.js'
import type { PathFacts } from './lint/lint-context.js'
import type { JsonInput } from './values/from-json.js'
import type { Output } from './values/to-output.js'
import type { Value } from './values/value.js'

export { JsonView, viewOf } from './values/json-view.js'

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

/** JSON values; integers are bigint, objects maps or views. Dates are timestamps. */
export type CelJson = JsonInput

/** Values as they go into an evaluation: JSON values, dates as timestamps, and what another expression gave. */
export type CelInput = CelJson | CelValue

/**
 * In the place of a variable's value: that it cannot be told before these are answered. Reading it suspends the evaluation.
 * For variables that are expressions themselves, and were suspended.
 */
export class CelSuspension {
  readonly requests: readonly AuthorizationRequest[]

  constructor(requests: readonly AuthorizationRequest[]) {
    this.requests = requests
  }
}

/**
 * In the place of a variable's value: an object whose fields are expressions themselves, and may have failed. Reading one that
 * failed is an error, also for `has(o.f)` and `o.?f`, as in Kubernetes: an absent field and one that could not be worked out
 * must not look the same. So is reading the whole object then.
 */
export class CelFields {
  readonly names: readonly string[]
  /** undefined: there is no such field. Asked as often as the field is read. */
  readonly read: (name: string) => EvaluatedValue | undefined

  constructor(names: readonly string[], read: (name: string) => EvaluatedValue | undefined) {
    this.names = names
    this.read = read
  }
}

/** Values as they come out: integers are bigint, times RFC 3339, durations text (`90s`), maps are Map, lists are arrays. */
export type CelOutput = Output

export interface CelError {
  readonly message: string
  /** Position in the expression from 1, where known. */
  readonly line: number | undefined
  readonly column: number | undefined
  readonly hint: string | undefined
}

export type Evaluated = { readonly ok: true; readonly value: CelOutput } | NotEvaluated

export type EvaluatedValue = { readonly ok: true; readonly value: Value } | NotEvaluated

export interface NotEvaluated {
  readonly ok: false
  readonly error: string
  /**
   * Checks of the authorizer that were pending, each once and at most 16 of an expression: there is no outcome yet, not even
   * an error. Answer them and evaluate again. Whoever does not look here takes it for an error.
   */
  readonly suspended?: readonly AuthorizationRequest[]
}

/** What part of the input left open. */
export type PartiallyEvaluated =
  | { readonly kind: 'value'; readonly value: CelOutput }
  | { readonly kind: 'error'; readonly error: string }
  /** The answer depends on these; once they are known, others may turn out to be needed. */
  | {
      readonly kind: 'unknown'
      readonly paths: readonly AttributePath[]
      readonly neverTrue: boolean
      readonly neverFalse: boolean
    }
  /** These must be answered first. A caller who does not want to ask says that the authorizer is unknown. */
  | { readonly kind: 'suspended'; readonly requests: readonly AuthorizationRequest[] }

/** What several evaluations may cost together, in Kubernetes cost units: many costly rules over one input add up. */
export class CostBudget {
  /** Below zero once something failed for want of it, and then nothing that costs anything can be evaluated. */
  left: number

  constructor(units: number) {
    this.left = units
  }

  get spent(): boolean {
    return this.left < 0
  }
}

/** Where the variables of one evaluation come from; asked at most once per name and evaluation. undefined = absent (an error when read). */
export type Activation = (name: string) => CelInput | CelFields | CelSuspension | undefined

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
  /**
   * What an evaluation may cost for inputs that fit one message of 64 KiB (`cost/estimate-cost.ts`): never more than `max`,
   * which may be more than `limits.budget` pays for; never less than `min` where nothing fails on the way.
   */
  readonly cost: CostRange
  /** The most for a large message as people send them (`ordinarySizes`): above `limits.budget`, such messages are refused. */
  readonly ordinaryCost: number
  /** At most the budget of the set of functions (`limits.ts`), and no more than `budget` has left, which it is taken from. */
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
  /**
   * What compiles and most likely does not do what its author wanted (`lint/lint-codes.ts`); nothing of what does not
   * compile. `facts` tell what is known of variables beyond their types. For authors' tools.
   */
  lint(source: string, result?: 'bool' | 'string' | 'dyn', facts?: CelFacts): readonly CelLint[]
  /**
   * The canonical form of an expression, in lines of `width` characters (default 120) where it can be broken. Comments have
   * no place in it: what has any is returned as it is, and so is what does not parse.
   */
  format(source: string, width?: number): string
}

/** By path, `*` for any element of a list: `mcp.tool.access`, `scopes.*`. */
export type CelFacts = ReadonlyMap<string, PathFacts>

export interface CelLint {
  readonly code: LintCode
  readonly message: string
  /** Position in the expression from 1. */
  readonly line: number
  readonly column: number
  readonly hint: string | undefined
}

export type { AttributePath, CostRange, LintCode, PathFacts, UnknownPattern }
