import { macroCosts } from '../cost/macro-costs.js'
import type { ComprehensionMacro } from '../syntax/ast.js'
import { isList, typeOf } from '../values/type-of.js'
import { Failure, type MapKey, type Value } from '../values/value.js'
import { type Code, type Frame, place, spent } from './frame.js'
import { lazily, Outside, settle } from './outside.js'

export interface Loop {
  readonly macro: ComprehensionMacro
  /** The slot of the first loop variable. */
  readonly slot: number
  readonly two: boolean
  readonly filter: Code | undefined
  readonly body: Code | undefined
  readonly at: number
}

/** Looks at an element, whose variables are set; true to stop. `state` is what the macro has so far. */
export type Visit<S> = (frame: Frame, state: S) => boolean

/** Sets the variables to one element after the other. A Failure if there is nothing to go through or to spend. */
export function iterate<S>(
  range: Value | Outside,
  frame: Frame,
  loop: Loop,
  visit: Visit<S>,
  state: S,
): Failure | undefined {
  if (!frame.charge(macroCosts[loop.macro].once)) return spent
  if (range instanceof Outside) {
    const { json } = range
    if (Array.isArray(json)) return eachItem(json, lazily, frame, loop, visit, state)
    if (json instanceof Map) return eachEntry(json, lazily, frame, loop, visit, state)
    const value = settle(json)
    return value instanceof Failure ? value : eachOf(value, frame, loop, visit, state)
  }
  return eachOf(range, frame, loop, visit, state)
}

function eachOf<S>(range: Value, frame: Frame, loop: Loop, visit: Visit<S>, state: S): Failure | undefined {
  if (isList(range)) return eachItem(range, itself, frame, loop, visit, state)
  return range instanceof Map ? eachEntry(range, itself, frame, loop, visit, state) : noRange(range, loop)
}

const itself = (value: Value): Value => value

function noRange(range: Value, { macro, at }: Loop): Failure {
  return place(new Failure(`no such overload: ${macro}() needs a list or a map, not ${typeOf(range)}`), at)
}

function eachItem<T, S>(
  list: readonly T[],
  local: (item: T) => Value | Outside,
  frame: Frame,
  { macro, slot, two }: Loop,
  visit: Visit<S>,
  state: S,
): Failure | undefined {
  const { each } = macroCosts[macro]
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    if (item === undefined) break
    if (!frame.charge(each)) return spent
    if (two) frame.locals[slot] = BigInt(i)
    frame.locals[two ? slot + 1 : slot] = local(item)
    if (visit(frame, state)) break
  }
  return frame.left < 0 ? spent : undefined
}

function eachEntry<T, S>(
  map: ReadonlyMap<MapKey, T>,
  local: (item: T) => Value | Outside,
  frame: Frame,
  { macro, slot, two }: Loop,
  visit: Visit<S>,
  state: S,
): Failure | undefined {
  const { each } = macroCosts[macro]
  for (const key of map.keys()) {
    if (!frame.charge(each)) return spent
    frame.locals[slot] = key
    const item = two ? map.get(key) : undefined
    if (item !== undefined) frame.locals[slot + 1] = local(item)
    if (visit(frame, state)) break
  }
  return frame.left < 0 ? spent : undefined
}
