/**
 * A JSON text as we read it. Integers without fraction or exponent are `bigint` (CEL int), every other number is a
 * finite `number` (CEL double). Objects are maps, so that no key can reach a prototype.
 */
export type JsonValue = null | boolean | string | bigint | number | JsonArray | JsonObject
export type JsonArray = readonly JsonValue[]
export type JsonObject = ReadonlyMap<string, JsonValue>

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map
}

export function isJsonArray(value: JsonValue | undefined): value is JsonArray {
  return Array.isArray(value)
}
