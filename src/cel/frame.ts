import type { Activation } from './environment.js'
import type { Budget, Result, Value } from './values.js'

/** State of one evaluation. */
export interface Frame extends Budget {
  readonly activation: Activation
  /** Declared variables as read so far, by slot. */
  readonly variables: (Result | undefined)[]
  /** Variables of the comprehensions around, by depth. */
  readonly locals: Value[]
}

export type Code = (frame: Frame) => Result
