import type { CallContext } from './library.js'

/** `context.chargeOnce`, or a plain charge where there is none. */
export function chargeOnce(context: CallContext, what: string, units: number): boolean {
  return context.chargeOnce === undefined ? context.charge(units) : context.chargeOnce(what, units)
}
