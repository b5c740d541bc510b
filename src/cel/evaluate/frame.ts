import { type AuthorizationRequest, authorizationKey } from '../library/authorization.js'
import type { CallContext } from '../library/library.js'
import { Failure, type Result, type Value } from '../values/value.js'
import type { Fields } from './fields.js'
import type { Outside } from './outside.js'

/** Where the variables of one evaluation come from; asked at most once per name. undefined = no value. */
export type Activation = (name: string) => Value | Outside | Fields | undefined

/** The step from a value to a part of it: a field, a key, an index. */
export type PathStep = string | bigint | boolean

/** A variable and the way into it: `['args', 'labels', 'app']`. */
export type AttributePath = readonly [string, ...PathStep[]]

/** What is not known yet: a variable and a way into it, where `*` is any step. What is below it is unknown as well. */
export type UnknownPattern = readonly [string, ...PathStep[]]

/**
 * An answer that depends on what is not known: a Failure on the inside, so that it goes the ways of one. Of one attribute,
 * or of two others: joining is quick, and `pathsOf` collects what was joined.
 */
export class Unknown extends Failure {
  readonly of: AttributePath | readonly [Unknown, Unknown]
  constructor(of: AttributePath | readonly [Unknown, Unknown]) {
    super('the value is not known yet')
    this.of = of
  }
}

/** A failure that has been given its place in the source. */
export class PlacedFailure extends Failure {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** What everything answers when the budget is spent. `||` and `&&` do not absorb it, and `evaluate` looks at the budget. */
export const spent = new Failure('the evaluation costs more than its budget allows')

/** Answers that one evaluation can wait for at once, whatever asking costs. */
export const mostRequests = 16

/** The outcome of an evaluation that waits for answers. */
export const suspended = new Failure('the evaluation waits for answers of the authorizer')

/** How many variables, and how many names of macros and binds, an expression has, and what was made ready for it. */
export interface Slots {
  readonly variables: number
  readonly locals: number
  /** What was made at load for it (`CallContext.chargeOnce`). */
  readonly prepared: ReadonlySet<string>
}

/** Without slots nothing is ever written. */
const noSlots: undefined[] = []

/** State of one evaluation. */
export class Frame implements CallContext {
  /** Units left; negative once the budget is spent, and it stays so. */
  left: number
  readonly activation: Activation
  /** Variables as read so far, by slot. */
  readonly variables: (Result | Outside | Fields | undefined)[]
  /** What macros and binds declare, by depth. */
  readonly locals: (Result | Outside | undefined)[]
  readonly unknowns: ReadonlyMap<string, readonly UnknownPattern[]> | undefined
  /** What must be answered before the outcome counts, each once, by key. */
  waiting: Map<string, AuthorizationRequest> | undefined = undefined
  readonly #prepared: ReadonlySet<string>
  #paid: Set<string> | undefined = undefined

  constructor(
    activation: Activation,
    budget: number,
    unknowns: ReadonlyMap<string, readonly UnknownPattern[]> | undefined,
    slots: Slots,
  ) {
    this.activation = activation
    this.left = budget
    this.variables = slots.variables === 0 ? noSlots : new Array(slots.variables)
    this.locals = slots.locals === 0 ? noSlots : new Array(slots.locals)
    this.unknowns = unknowns
    this.#prepared = slots.prepared
  }

  /** A charge below zero takes nothing: no library can fill the budget up. */
  charge(units: number): boolean {
    if (units > 0) this.left -= units
    return this.left >= 0
  }

  chargeOnce(what: string, units: number): boolean {
    if (this.#prepared.has(what) || this.#paid?.has(what)) return this.left >= 0
    this.#paid ??= new Set()
    this.#paid.add(what)
    return this.charge(units)
  }

  /** Beyond the most, what is not noted is asked for in the next round. */
  suspend(request: AuthorizationRequest): void {
    this.waiting ??= new Map()
    if (this.waiting.size < mostRequests) this.waiting.set(authorizationKey(request), request)
  }
}

/** A compiled expression. */
export type Code = (frame: Frame) => Result

/** A compiled operation on a value that is there already: the next link of a chain. */
export type Step = (value: Value, frame: Frame) => Result

/** A failure with its place; the first place is kept. */
export function place(failure: Failure, at: number, name?: string): Failure {
  if (failure === spent || failure instanceof Unknown || failure instanceof PlacedFailure) return failure
  // Some messages begin with the name of their function.
  const named = name === undefined || failure.message.startsWith(name)
  return new PlacedFailure(named ? failure.message : `${name}: ${failure.message}`, at)
}

/**
 * What a strict operation answers when some of its operands failed: an error, which no knowledge can mend, before what is
 * unknown; unknowns are joined.
 */
export function merge(a: Failure, b: Failure | undefined): Failure {
  if (b === undefined || !(a instanceof Unknown)) return a
  return b instanceof Unknown ? joinUnknowns(a, b) : b
}

export function joinUnknowns(a: Unknown, b: Unknown): Unknown {
  return a === b ? a : new Unknown([a, b])
}

const mostPaths = 1000

/** All paths of an unknown, each once; beyond 1000 they are shortened to their variables. */
export function pathsOf(unknown: Unknown): readonly AttributePath[] {
  const seen = new Set<Unknown>([unknown])
  const paths = new Map<string, AttributePath>()
  for (const { of } of seen) {
    if (isJoined(of)) for (const part of of) seen.add(part)
    else paths.set(pathText(of), of)
  }
  if (paths.size <= mostPaths) return [...paths.values()]
  return [...new Set([...paths.values()].map(path => path[0]))].map(name => [name])
}

function isJoined(of: Unknown['of']): of is readonly [Unknown, Unknown] {
  return of[0] instanceof Unknown
}

function pathText(path: AttributePath): string {
  return path.map(step => `${typeof step}${String(step).length}:${String(step)}`).join('.')
}
