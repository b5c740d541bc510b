import type { google } from '../../../gen/wire.js'
import type { JsonObject, JsonValue } from '../../protocol/json-value.js'

/** Levels and values of one Struct: more than any honest set of claims has. */
export const maxDepth = 32
export const maxValues = 10_000

/**
 * A protobuf Struct as JSON. Struct knows doubles only, so that a number without fraction within ±2^53 is read as an
 * integer again; larger ones may have lost digits on their way and stay doubles.
 * undefined for what JSON cannot be (NaN, infinities, a value without kind) and for more than the limits, and for a map
 * entry without a value, which the codec reads as null whatever its types say.
 */
export function structToJson(struct: google.protobuf.IStruct | null): JsonObject | undefined {
  const budget = { values: maxValues }
  return jsonObjectOf(struct, budget, 0)
}

function jsonObjectOf(
  struct: google.protobuf.IStruct | null,
  budget: { values: number },
  depth: number,
): JsonObject | undefined {
  if (struct === null) return undefined
  const object = new Map<string, JsonValue>()
  for (const [key, value] of Object.entries(struct.fields ?? {})) {
    const converted = jsonValueOf(value, budget, depth + 1)
    if (converted === undefined) return undefined
    object.set(key, converted)
  }
  return object
}

function jsonValueOf(
  value: google.protobuf.IValue | null,
  budget: { values: number },
  depth: number,
): JsonValue | undefined {
  if (value === null || depth > maxDepth || --budget.values < 0) return undefined
  if (typeof value.stringValue === 'string') return value.stringValue
  if (typeof value.numberValue === 'number') return jsonNumberOf(value.numberValue)
  if (typeof value.boolValue === 'boolean') return value.boolValue
  if (value.structValue) return jsonObjectOf(value.structValue, budget, depth)
  if (value.listValue) {
    const list: JsonValue[] = []
    for (const item of value.listValue.values ?? []) {
      const converted = jsonValueOf(item, budget, depth + 1)
      if (converted === undefined) return undefined
      list.push(converted)
    }
    return list
  }
  return value.nullValue === 0 ? null : undefined
}

/** undefined for what JSON has not: NaN and infinities. */
export function jsonNumberOf(value: number): bigint | number | undefined {
  if (!Number.isFinite(value)) return undefined
  return Number.isSafeInteger(value) ? BigInt(value) : value
}
