import { macroCosts } from '../cost/macro-costs.js'
import { mapKey } from '../values/map-key.js'
import { Failure, type MapKey, type Result, type Value } from '../values/value.js'
import { type Code, type Frame, merge, place, spent } from './frame.js'
import { iterate, type Loop, type Visit } from './iterate.js'
import type { LazyStep } from './lazy-form.js'
import { noBool, weaker } from './logic.js'
import type { Outside } from './outside.js'
import { converted, readLocal } from './read-attribute.js'

const badKey = new Failure('unsupported key type: keys are string, int, uint or bool')
const twice = new Failure('a key comes into the map twice')
const noEntries = new Failure('no such overload: transformMapEntry() needs a map for each element')

/** A macro (cel-spec langdef.md "Macros", cel-go ext README). */
export function comprehension(loop: Loop): LazyStep {
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

interface Sought {
  decided: boolean
  failure: Failure | undefined
}

function quantifier(loop: Loop, decisive: boolean): LazyStep {
  const { body, at } = loop
  const visit: Visit<Sought> = (frame, state) => {
    const value = body?.(frame)
    if (value === !decisive || value === undefined) return false
    if (value === decisive) state.decided = true
    else {
      const found = value instanceof Failure ? value : noBool(value, at)
      state.failure = state.failure === undefined ? found : weaker(state.failure, found)
    }
    return state.decided
  }
  return (range, frame) => {
    const state: Sought = { decided: false, failure: undefined }
    const stopped = iterate(range, frame, loop, visit, state)
    return stopped ?? (state.decided ? decisive : (state.failure ?? !decisive))
  }
}

interface Counted {
  count: number
  failure: Failure | undefined
}

/** Every error counts, also after the second that fits. */
function exactlyOne(loop: Loop): LazyStep {
  const { body, at } = loop
  const visit: Visit<Counted> = (frame, state) => {
    const value = body?.(frame)
    if (value === false || value === undefined) return false
    if (value !== true) return fail(state, value instanceof Failure ? value : noBool(value, at), frame)
    state.count++
    frame.left -= macroCosts.exists_one.taken
    return false
  }
  return (range, frame) => {
    const state: Counted = { count: 0, failure: undefined }
    return iterate(range, frame, loop, visit, state) ?? state.failure ?? state.count === 1
  }
}

/** Notes a failure; true, which stops the loop, unless what is unknown might still turn out to be an error. */
function fail(state: { failure: Failure | undefined }, found: Failure, frame: Frame): boolean {
  state.failure = merge(found, state.failure)
  return frame.unknowns === undefined
}

/** Whether an element passes; undefined is no filter. */
function passes(filter: Code | undefined, frame: Frame, at: number): boolean | Failure {
  if (filter === undefined) return true
  const value = filter(frame)
  return typeof value === 'boolean' || value instanceof Failure ? value : noBool(value, at)
}

interface MadeList {
  readonly list: Value[]
  failure: Failure | undefined
}

function transformList(loop: Loop): LazyStep {
  const { filter, body, at, macro, slot } = loop
  // Reading the element is part of its price.
  const taken = macroCosts[macro].taken - (body === undefined ? 1 : 0)
  const element = readLocal(slot, [], converted)
  const visit: Visit<MadeList> = (frame, state) => {
    const wanted = passes(filter, frame, at)
    if (wanted === false) return false
    if (wanted instanceof Failure) return fail(state, wanted, frame)
    frame.left -= taken
    const value = body === undefined ? element(frame) : body(frame)
    if (value instanceof Failure) return fail(state, value, frame)
    state.list.push(value)
    return false
  }
  return (range, frame) => {
    const state: MadeList = { list: [], failure: undefined }
    return iterate(range, frame, loop, visit, state) ?? state.failure ?? state.list
  }
}

interface MadeMap {
  readonly map: Map<MapKey, Value>
  failure: Failure | undefined
}

function transformMap(loop: Loop): LazyStep {
  const { filter, body, at, macro, slot } = loop
  const { taken } = macroCosts[macro]
  const visit: Visit<MadeMap> = (frame, state) => {
    const wanted = passes(filter, frame, at)
    if (wanted === false) return false
    if (wanted instanceof Failure) return fail(state, wanted, frame)
    frame.left -= taken
    const value = body?.(frame)
    if (value === undefined) return false
    if (value instanceof Failure) return fail(state, value, frame)
    const added =
      macro === 'transformMap' ? addEntry(state.map, frame.locals[slot], value) : addEntries(state.map, value, frame)
    return added === undefined ? false : fail(state, place(added, at), frame)
  }
  return (range, frame) => {
    const state: MadeMap = { map: new Map(), failure: undefined }
    return iterate(range, frame, loop, visit, state) ?? state.failure ?? state.map
  }
}

function addEntry(map: Map<MapKey, Value>, given: Result | Outside | undefined, value: Value): Failure | undefined {
  // Keys of maps and indexes are never lazy.
  const key = given === undefined || typeof given === 'object' ? undefined : mapKey(given)
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
