import type { Result, Value } from '../values/value.js'
import type { AuthorizationRequest } from './authorization.js'

/** What a function may use while it runs. */
export interface CallContext {
  /**
   * Takes units from the budget of the evaluation: one for each element looked at, one for each ten characters or bytes
   * copied or compared (as Kubernetes counts). False when nothing is left; the function then returns any Failure at once.
   * Charge before the work.
   */
  charge(units: number): boolean
  /**
   * Takes units for what is made once and kept, when this evaluation first needs it: whether an earlier one has left it in a
   * cache must not decide what an evaluation costs. What was made at load is free. Absent where that does not matter.
   */
  chargeOnce?(what: string, units: number): boolean
  /**
   * Says that an answer from outside is not there yet. Whatever the function returns then, and whatever becomes of it, the
   * evaluation ends suspended: no operator can absorb that. Absent where nothing can wait.
   */
  suspend?(request: AuthorizationRequest): void
}

/** An implementation: the target of a method comes first. Never throws; a type that the signature excludes never comes. */
export interface Implementation {
  (args: readonly Value[], context: CallContext): Result
  /** The same with two arguments, where there is a way to it that needs no list. */
  readonly two?: (first: Value, second: Value, context: CallContext) => Result
}

/**
 * One overload, in the notation of the field: `string.charAt(int) -> string` is a method, `size(list(<A>)) -> int` a
 * function, `<A>` a type parameter. Types: null_type bool int uint double string bytes dyn list(…) map(…, …)
 * optional_type(…) type google.protobuf.Timestamp google.protobuf.Duration, and names of opaque types.
 */
export interface FunctionOverload {
  /** Unique in an environment, as cel-go names it where it has one: `string_char_at_int`. */
  readonly id: string
  readonly signature: string
  readonly call: Implementation
}

export interface Library {
  readonly name: string
  readonly functions: readonly FunctionOverload[]
  /** Names of the opaque types that it brings; each is also a type value (`type(x) == net.IP`). */
  readonly types?: readonly string[]
}
