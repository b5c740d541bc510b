import { Failure, type Result, type Value } from '../values/value.js'
import type { Code, Frame } from './frame.js'
import type { Outside } from './outside.js'

/** Code that may give something from outside as it is, for whoever looks into it himself. */
export type LazyCode = (frame: Frame) => Result | Outside

/** An operation that can. */
export type LazyStep = (value: Value | Outside, frame: Frame) => Result

const forms = new WeakMap<Code, () => LazyCode>()

/** Says that there is another form of a code that reads from outside. */
export function noteLazyForm(code: Code, form: () => LazyCode): void {
  forms.set(code, form)
}

export function lazyFormOf(code: Code): LazyCode | undefined {
  return forms.get(code)?.()
}

/** The operation on the value of the code, which need not be converted for it. */
export function lazyCall(code: Code, step: LazyStep): Code {
  const read: LazyCode = lazyFormOf(code) ?? code
  return frame => {
    const given = read(frame)
    return given instanceof Failure ? given : step(given, frame)
  }
}
