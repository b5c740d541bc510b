import { isJsonArray, isJsonObject, type JsonValue } from '../../protocol/json-value.js'

/**
 * A JSON value as text that the strict parser reads back to the very same value: integers stay integers, numbers with a
 * fraction or an exponent stay such, the order of keys stays.
 */
export function writeJson(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return writeDouble(value)
  if (isJsonArray(value)) return `[${value.map(writeJson).join(',')}]`
  if (isJsonObject(value)) {
    const members = [...value].map(([key, member]) => `${JSON.stringify(key)}:${writeJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}

function writeDouble(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}
