import type { Budget, Result, Value } from './values.js'

/** A function of its arguments, the target first. undefined = these types are not ours; the library may know them. */
export type Builtin = (args: readonly Value[], budget: Budget) => Result | undefined
