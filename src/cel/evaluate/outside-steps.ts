import type { JsonInput } from '../values/from-json.js'
import { JsonView } from '../values/json-view.js'
import { type CelMap, Failure, OptionalValue, type Result, type Value } from '../values/value.js'
import type { Code, Frame, Step } from './frame.js'
import { type LazyStep, lazyFormOf } from './lazy-form.js'
import { Outside } from './outside.js'
import { converted, valueFrom } from './read-attribute.js'
import { listIndex, none } from './select.js'

type Operator = (a: Value, b: Value, frame: Frame) => Result

/** `size()` of a list or a map from outside; `general` is for all else. */
export function sizeStep(general: Step): LazyStep {
  return (given, frame) => {
    if (!(given instanceof Outside)) return general(given, frame)
    const { json } = given
    if (Array.isArray(json) || json instanceof Map) {
      frame.left--
      return BigInt(Array.isArray(json) ? json.length : json.size)
    }
    const value = converted(given)
    return value instanceof Failure ? value : general(value, frame)
  }
}

/** `key in map` where the map comes from outside; `general` has the operator for all else. */
export function inOutside(right: Code, general: Operator): Step | undefined {
  const read = lazyFormOf(right)
  if (read === undefined) return undefined
  return (value, frame) => {
    const given = read(frame)
    if (given instanceof Outside && given.json instanceof Map) {
      frame.left--
      return typeof value === 'string' && given.json.has(value)
    }
    const list = given instanceof Outside ? converted(given) : given
    return list instanceof Failure ? list : general(value, list, frame)
  }
}

/** `a[i]` and `a[?i]` of a list or a map from outside, of which one entry is looked at; `general` has the operator. */
export function indexOutside(index: Code, optional: boolean, general: Operator): LazyStep {
  return (given, frame) => {
    const key = index(frame)
    if (key instanceof Failure) return key
    if (!(given instanceof Outside)) return general(given, key, frame)
    const found = entryAt(given.json, key)
    if (found !== undefined) return taken(found, optional, frame)
    // An empty one has it no more than this one.
    const rest = emptyOf(given)
    return rest instanceof Failure ? rest : general(rest, key, frame)
  }
}

/** `a.?b` of a map from outside; `general` is for all else. */
export function optionalFieldOutside(field: string, general: Step): LazyStep {
  return (given, frame) => {
    if (!(given instanceof Outside)) return general(given, frame)
    const found = entryAt(given.json, field)
    if (found !== undefined) return taken(found, true, frame)
    if (given.json instanceof Map) {
      frame.left--
      return none
    }
    const value = converted(given)
    return value instanceof Failure ? value : general(value, frame)
  }
}

function taken(found: JsonInput, optional: boolean, frame: Frame): Result {
  frame.left--
  const value = valueFrom(found)
  return optional && !(value instanceof Failure) ? new OptionalValue(value) : value
}

function entryAt(json: Outside['json'], key: Value): JsonInput | undefined {
  if (json instanceof Map || json instanceof JsonView) return typeof key === 'string' ? json.get(key) : undefined
  if (!Array.isArray(json)) return undefined
  const list: readonly JsonInput[] = json
  const at = listIndex(key)
  return at === undefined ? undefined : list[at]
}

const noEntries: CelMap = new Map()

function emptyOf(given: Outside): Result {
  if (given.json instanceof Map || given.json instanceof JsonView) return noEntries
  return Array.isArray(given.json) ? [] : converted(given)
}
