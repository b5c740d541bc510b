import type { Call } from '../protocol/call.js'

/** A call that names several targets, taken apart: each of them must be given, and each is judged by every policy. */
export function partsOf(call: Call): readonly Call[] {
  if (call.alsoTargets.length === 0) return [call]
  const also = call.alsoTargets.map((target): Call => ({ ...call, target, alsoTargets: [] }))
  return call.target.kind === 'none' ? also : [{ ...call, alsoTargets: [] }, ...also]
}
