import { formatDuration } from './duration.js'
import { Message, nameInField, wrongPatchField } from './message.js'
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
 * values of libraries (other than messages), for more than 200 levels, for more than 100,000 parts, and for an object that
 * is not called after the field that it stands in, by itself or in lists and maps (apiserver pkg/cel/mutation/dynamic).
 */
export function toOutput(value: Value): Output | Failure {
  return convert(value, 0, { parts: maxParts }, undefined)
}

/** How much more may come. */
interface Left {
  parts: number
}

/** `name` is what an object here must be called, if it matters. */
function convert(value: Value, depth: number, left: Left, name: string | undefined): Output | Failure {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (depth > maxDepth) return tooDeep
  if (Array.isArray(value)) return convertList(value, depth + 1, left, name)
  if (value instanceof Map) return convertMap(value, depth + 1, left, () => name)
  if (value instanceof Uint) return value.value
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof Duration) return formatDuration(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof OptionalValue) {
    return value.value === undefined ? null : convert(value.value, depth + 1, left, name)
  }
  if (!(value instanceof Message)) return noForm
  if (name !== undefined && name !== value.type) return misnamed(name, value.type)
  const wrong = wrongPatchField(value)
  if (wrong !== undefined) return new Failure(`the field '${wrong}' of a JSONPatch must be a string`)
  return convertMap(value.fields, depth + 1, left, field => nameInField(value, field))
}

/** Names of types and fields are of the expression, not of its input. */
function misnamed(name: string, type: string): Failure {
  return new Failure(`the object in this field must be called '${name}', not '${type}'`)
}

function convertList(
  list: readonly Value[],
  depth: number,
  left: Left,
  name: string | undefined,
): readonly Output[] | Failure {
  left.parts -= list.length
  if (left.parts < 0) return tooMuch
  const converted: Output[] = []
  for (const item of list) {
    const output = convert(item, depth, left, name)
    if (output instanceof Failure) return output
    converted.push(output)
  }
  return converted
}

function convertMap<K>(
  map: ReadonlyMap<K, Value>,
  depth: number,
  left: Left,
  nameOf: (key: string) => string | undefined,
): ReadonlyMap<string, Output> | Failure {
  left.parts -= map.size
  if (left.parts < 0) return tooMuch
  const converted = new Map<string, Output>()
  for (const [key, item] of map) {
    const text = String(key)
    const output = convert(item, depth, left, nameOf(text))
    if (output instanceof Failure) return output
    converted.set(text, output)
  }
  return converted
}
