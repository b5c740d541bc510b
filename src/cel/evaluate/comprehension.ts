import type { ComprehensionMacro } from '../syntax/ast.js'
import { mapKey } from '../values/map-key.js'
import { isList, typeOf } from '../values/type-of.js'
import { Failure, type MapKey, type Result, type Value } from '../values/value.js'
import { type Code, type Frame, merge, place, type Step, spent } from './frame.js'
import { noBool, weaker } from './logic.js'

export interface Loop {
  readonly macro: ComprehensionMacro
  /** The slot of the first loop variable. */
  readonly slot: number
  readonly two: boolean
  readonly filter: Code | undefined
  readonly body: Code | undefined
  readonly at: number
}

/**
 * What cel-go charges for the expansion of a macro: once, for each iteration, and for each element that is taken into the
 * result. What the filter and the body cost comes on top.
 */
const costs: Readonly<Record<ComprehensionMacro, { once: number; each: number; taken: number }>> = {
  all: { once: 1, each: 3, taken: 0 },
  exists: { once: 1, each: 4, taken: 0 },
  exists_one: { once: 2, each: 1, taken: 1 },
  map: { once: 11, each: 1, taken: 11 },
  filter: { once: 11, each: 1, taken: 12 },
  transformList: { once: 11, each: 1, taken: 11 },
  transformMap: { once: 31, each: 1, taken: 2 },
  transformMapEntry: { once: 31, each: 1, taken: 1 },
}

const badKey = new Failure('unsupported key type: keys are string, int, uint or bool')
const twice = new Failure('a key comes into the map twice')
const noEntries = new Failure('no such overload: transformMapEntry() needs a map for each element')

/** Looks at an element, whose variables are set; true to stop. */
type Visit = (key: Value, item: Value) => boolean

/** A macro, as a step from the list or map that it goes through (cel-spec langdef.md "Macros", cel-go ext README). */
export function comprehension(loop: Loop): Step {
  switch (loop.macro) {
    case 'all':
      return quantifier(loop, false)
    case 'exists':
      return quantifier(loop, true)
    case 'exists_one':
      return exactlyOne(loop)
    case 'map':
    case 'filter':
    case 'transformList':
      return transformList(loop)
    case 'transformMap':
    case 'transformMapEntry':
      return transformMap(loop)
  }
}

/** Sets the variables to one element after the other. A Failure if there is nothing to go through or to spend. */
function iterate(range: Value, frame: Frame, loop: Loop, visit: Visit): Failure | undefined {
  const { slot, two } = loop
  const { once, each } = costs[loop.macro]
  if (!frame.charge(once)) return spent
  if (isList(range)) {
    for (let i = 0; i < range.length; i++) {
      const item = range[i]
      if (item === undefined) break
      if (!frame.charge(each)) return spent
      const key = two ? BigInt(i) : item
      frame.locals[slot] = key
      if (two) frame.locals[slot + 1] = item
      if (visit(key, item)) break
    }
    return frame.left < 0 ? spent : undefined
  }
  if (!(range instanceof Map)) {
    return place(new Failure(`no such overload: ${loop.macro}() needs a list or a map, not ${typeOf(range)}`), loop.at)
  }
  for (const [key, item] of range) {
    if (!frame.charge(each)) return spent
    frame.locals[slot] = key
    if (two) frame.locals[slot + 1] = item
    if (visit(key, item)) break
  }
  return frame.left < 0 ? spent : undefined
}

function quantifier(loop: Loop, decisive: boolean): Step {
  const { body, at } = loop
  return (range, frame) => {
    let decided = false
    let failure: Failure | undefined
    const stopped = iterate(range, frame, loop, () => {
      const value = body?.(frame)
      if (value === decisive) {
        decided = true
        return true
      }
      if (value === !decisive || value === undefined) return false
      const found = value instanceof Failure ? value : noBool(value, at)
      failure = failure === undefined ? found : weaker(failure, found)
      return false
    })
    return stopped ?? (decided ? decisive : (failure ?? !decisive))
  }
}

/** Every error counts, also after the second that fits. */
function exactlyOne(loop: Loop): Step {
  const { body, at } = loop
  return (range, frame) => {
    let count = 0
    let failure: Failure | undefined
    const stopped = iterate(range, frame, loop, () => {
      const value = body?.(frame)
      if (value === true) {
        count++
        frame.left -= costs.exists_one.taken
      } else if (value !== false && value !== undefined) {
        failure = merge(value instanceof Failure ? value : noBool(value, at), failure)
        return frame.unknowns === undefined
      }
      return false
    })
    return stopped ?? failure ?? count === 1
  }
}

/** Whether an element passes; undefined is no filter. */
function passes(filter: Code | undefined, frame: Frame, at: number): boolean | Failure {
  if (filter === undefined) return true
  const value = filter(frame)
  return typeof value === 'boolean' || value instanceof Failure ? value : noBool(value, at)
}

function transformList(loop: Loop): Step {
  const { filter, body, at, macro } = loop
  const { taken } = costs[macro]
  return (range, frame) => {
    const list: Value[] = []
    let failure: Failure | undefined
    const fail = (found: Failure) => {
      failure = merge(found, failure)
      return frame.unknowns === undefined
    }
    const stopped = iterate(range, frame, loop, (_, item) => {
      const wanted = passes(filter, frame, at)
      if (wanted === false) return false
      if (wanted instanceof Failure) return fail(wanted)
      frame.left -= taken
      const value: Result = body === undefined ? (frame.locals[loop.slot] ?? item) : body(frame)
      if (value instanceof Failure) return fail(value)
      list.push(value)
      return false
    })
    return stopped ?? failure ?? list
  }
}

function transformMap(loop: Loop): Step {
  const { filter, body, at, macro } = loop
  const { taken } = costs[macro]
  return (range, frame) => {
    const map = new Map<MapKey, Value>()
    let failure: Failure | undefined
    const fail = (found: Failure) => {
      failure = merge(found, failure)
      return frame.unknowns === undefined
    }
    const stopped = iterate(range, frame, loop, key => {
      const wanted = passes(filter, frame, at)
      if (wanted === false) return false
      if (wanted instanceof Failure) return fail(wanted)
      frame.left -= taken
      const value = body?.(frame)
      if (value === undefined) return false
      if (value instanceof Failure) return fail(value)
      const added = macro === 'transformMap' ? addEntry(map, key, value) : addEntries(map, value, frame)
      return added === undefined ? false : fail(place(added, at))
    })
    return stopped ?? failure ?? map
  }
}

function addEntry(map: Map<MapKey, Value>, keyValue: Value, value: Value): Failure | undefined {
  const key = mapKey(keyValue)
  if (key === undefined) return badKey
  if (map.has(key)) return twice
  map.set(key, value)
  return undefined
}

function addEntries(map: Map<MapKey, Value>, entries: Value, frame: Frame): Failure | undefined {
  if (!(entries instanceof Map)) return noEntries
  if (!frame.charge(entries.size)) return spent
  for (const [key, value] of entries) {
    const failure = addEntry(map, key, value)
    if (failure !== undefined) return failure
  }
  return undefined
}
