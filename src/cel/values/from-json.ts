import { JsonView } from './json-view.js'
import { isInt } from './numbers.js'
import { Failure, type MapKey, Timestamp, type Value } from './value.js'

/** JSON as a strict reader gives it (integers are bigint, objects are maps), views of objects, and dates. */
export type JsonInput =
  | null
  | boolean
  | string
  | bigint
  | number
  | Date
  | readonly JsonInput[]
  | ReadonlyMap<string, JsonInput>
  | JsonView

const tooDeep = new Failure('a value is nested too deeply')
const invalidDate = new Failure('a date is invalid')
const maxDepth = 200

/**
 * A value from outside. What holds no date, no view and no integer beyond int64 is returned itself, not a copy; such an integer
 * becomes the nearest double, as cel-go reads JSON. A Failure for an invalid date and for more than 200 levels.
 */
export function fromJson(input: JsonInput): Value | Failure {
  if (isDeeper(input, maxDepth)) return tooDeep
  return isValue(input) ? input : convert(input)
}

/** Whether lists and maps stand inside one another more levels than that. */
function isDeeper(input: JsonInput, levels: number): boolean {
  if (typeof input !== 'object' || input === null || input instanceof Date) return false
  const items = input instanceof JsonView ? input.whole() : input
  for (const item of items.values()) {
    if (typeof item !== 'object' || item === null || item instanceof Date) continue
    if (levels === 0 || isDeeper(item, levels - 1)) return true
  }
  return false
}

function isValue(input: JsonInput): input is Exclude<JsonInput, Date | JsonView> & Value {
  if (typeof input === 'bigint') return BigInt.asIntN(64, input) === input
  if (typeof input !== 'object' || input === null) return true
  if (input instanceof Date || input instanceof JsonView) return false
  for (const item of input.values()) {
    if ((typeof item === 'object' || typeof item === 'bigint') && !isValue(item)) return false
  }
  return true
}

function convert(input: JsonInput): Value | Failure {
  if (typeof input === 'bigint') return isInt(input) ? input : Number(input)
  if (typeof input !== 'object' || input === null) return input
  if (input instanceof Date) {
    const time = input.getTime()
    return Number.isNaN(time) ? invalidDate : new Timestamp(BigInt(time) * 1_000_000n)
  }
  if (input instanceof JsonView) return convert(input.whole())
  if (input instanceof Map) {
    const map = new Map<MapKey, Value>()
    for (const [key, item] of input) {
      const value = convert(item)
      if (value instanceof Failure) return value
      map.set(key, value)
    }
    return map
  }
  const list: Value[] = []
  for (const item of input.values()) {
    const value = convert(item)
    if (value instanceof Failure) return value
    list.push(value)
  }
  return list
}
