import { formatDuration } from './duration.js'
import { Message } from './message.js'
import { formatTimestamp } from './timestamp.js'
import { Duration, Failure, OptionalValue, Timestamp, TypeValue, Uint, type Value } from './value.js'

/** Values as they go out: integers are bigint, times RFC 3339, durations text (`90s`), types their name, maps are Map. */
export type Output =
  | null
  | boolean
  | string
  | bigint
  | number
  | Uint8Array
  | readonly Output[]
  | ReadonlyMap<string, Output>

const noForm = new Failure('the value has no form outside of an expression')
const tooDeep = new Failure('a value is nested too deeply')
const tooMuch = new Failure('the value is too large to leave the expression')
const maxDepth = 200
/** Values in a value, counted each time: what is built from shared parts can be far larger than what it cost. */
const maxParts = 100_000

/**
 * A value for the outside; keys become text. An empty optional becomes null, a full one what is in it. A Failure for
 * values of libraries (other than messages), for more than 200 levels, and for more than 100,000 parts.
 */
export function toOutput(value: Value): Output | Failure {
  return convert(value, 0, { parts: maxParts })
}

/** How much more may come. */
interface Left {
  parts: number
}

function convert(value: Value, depth: number, left: Left): Output | Failure {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (depth > maxDepth) return tooDeep
  if (Array.isArray(value)) return convertList(value, depth + 1, left)
  if (value instanceof Map) return convertMap(value, depth + 1, left)
  if (value instanceof Uint) return value.value
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof OptionalValue) return value.value === undefined ? null : convert(value.value, depth + 1, left)
  return value instanceof Message ? convertMap(value.fields, depth + 1, left) : noForm
}

function convertList(list: readonly Value[], depth: number, left: Left): readonly Output[] | Failure {
  left.parts -= list.length
  if (left.parts < 0) return tooMuch
  const converted: Output[] = []
  for (const item of list) {
    const output = convert(item, depth, left)
    if (output instanceof Failure) return output
    converted.push(output)
  }
  return converted
}

function convertMap<K>(map: ReadonlyMap<K, Value>, depth: number, left: Left): ReadonlyMap<string, Output> | Failure {
  left.parts -= map.size
  if (left.parts < 0) return tooMuch
  const converted = new Map<string, Output>()
  for (const [key, item] of map) {
    const output = convert(item, depth, left)
    if (output instanceof Failure) return output
    converted.set(String(key), output)
  }
  return converted
}
