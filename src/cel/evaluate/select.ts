import { lookupKey } from '../values/map-key.js'
import { Message } from '../values/message.js'
import { typeOf } from '../values/type-of.js'
import { type CelMap, Failure, OptionalValue, type Result, Uint, type Value } from '../values/value.js'
import { noSuchOverload } from './dispatch.js'
import { PlacedFailure, place, type Step } from './frame.js'

export const none = new OptionalValue(undefined)
const outOfBounds = new Failure('index out of bounds')
const noSuchKey = new Failure('no such key')
const noKey = new Failure('no such overload: lists are indexed by whole numbers')

/** `a.b`: a key of a map, a field of a message, or the same within an optional (cel-spec langdef.md "Field Selection"). */
export function selectStep(field: string, at: number): Step {
  const missing = new PlacedFailure(`no such key: ${field}`, at)
  return (value, frame) => {
    frame.left--
    if (value instanceof Map) {
      const map: CelMap = value
      const found = map.get(field)
      return found === undefined ? missing : found
    }
    return value instanceof OptionalValue
      ? optionalField(value, field, at)
      : (fieldOf(value, field, at) ?? new PlacedFailure(`no such field: ${field}`, at))
  }
}

/** `a.?b`: an optional with the value, or none. */
export function optionalSelectStep(field: string, at: number): Step {
  return (value, frame) => {
    frame.left--
    return optionalField(value, field, at)
  }
}

/** `has(a.b)`: whether it is there; an empty optional has nothing. */
export function hasStep(field: string, at: number): Step {
  return (value, frame) => {
    frame.left--
    const inner = value instanceof OptionalValue ? value.value : value
    if (inner === undefined) return false
    const found = fieldOf(inner, field, at)
    return found instanceof Failure ? found : found !== undefined
  }
}

/** undefined if there is no such field; a Failure if the value has no fields at all. */
function fieldOf(value: Value, field: string, at: number): Result | undefined {
  if (value instanceof Map) {
    const map: CelMap = value
    return map.get(field)
  }
  if (value instanceof Message) return value.fields.get(field)
  return new PlacedFailure(`no such overload: ${typeOf(value)} has no fields, so .${field} cannot be read`, at)
}

function optionalField(value: Value, field: string, at: number): Result {
  const inner = value instanceof OptionalValue ? value.value : value
  if (inner === undefined) return none
  const found = fieldOf(inner, field, at)
  if (found instanceof Failure) return found
  return found === undefined ? none : new OptionalValue(found)
}

/** `a[i]`; undefined: no such overload. Of an optional it gives an optional. */
export function indexValue(value: Value, index: Value): Result | undefined {
  if (value instanceof Map) {
    const map: CelMap = value
    const key = lookupKey(index)
    const found = key === undefined ? undefined : map.get(key)
    return found === undefined ? noSuchKey : found
  }
  if (Array.isArray(value)) {
    const list: readonly Value[] = value
    const position = listIndex(index)
    if (position === undefined) return noKey
    const found = list[position]
    return found === undefined ? outOfBounds : found
  }
  return value instanceof OptionalValue ? optionalIndex(value, index) : undefined
}

/** `a["b"]`, `a[0]`. */
export function indexStep(key: Value, at: number): Step {
  return (value, frame) => {
    frame.left--
    const found = indexValue(value, key)
    if (found === undefined) return noSuchOverload('_[_]', false, [value, key], at)
    return found instanceof Failure ? place(found, at) : found
  }
}

/** `a[?i]`: an optional with the element, or none. */
export function optionalIndex(value: Value, index: Value): Result | undefined {
  const inner = value instanceof OptionalValue ? value.value : value
  if (inner === undefined) return none
  if (!(inner instanceof Map) && !Array.isArray(inner)) return undefined
  const found = indexValue(inner, index)
  if (found === undefined || found === noKey) return found
  return found instanceof Failure ? none : new OptionalValue(found)
}

/** undefined for what can be no index of a list. */
export function listIndex(index: Value): number | undefined {
  if (typeof index === 'bigint') return Number(index)
  if (index instanceof Uint) return Number(index.value)
  return typeof index === 'number' && Number.isInteger(index) ? index : undefined
}
