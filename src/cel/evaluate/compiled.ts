import type { Value } from '../values/value.js'
import type { Code } from './frame.js'

const constants = new WeakMap<Code, { readonly value: Value }>()

/** Code that is known to give a value always; it costs nothing (cel-go, runtime cost of constants). */
export function constantCode(value: Value): Code {
  const code = () => value
  constants.set(code, { value })
  return code
}

/** The value that a code always gives, in a box because the value may be null. */
export function constantOf(code: Code): { readonly value: Value } | undefined {
  return constants.get(code)
}
