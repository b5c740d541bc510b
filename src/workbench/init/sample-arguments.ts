import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'

const plainText = /^[\x20-\x7e]{1,64}$/
const maxArguments = 16

/** Something to call a tool with in a test: a plausible value for each argument that its schema requires, as far as we know one. */
export function sampleArguments(definition: JsonObject): Readonly<Record<string, unknown>> {
  const schema = definition.get('inputSchema')
  const required = isJsonObject(schema) ? schema.get('required') : undefined
  const found: [string, unknown][] = []
  for (const name of isJsonArray(required) ? required.slice(0, maxArguments) : []) {
    if (typeof name !== 'string' || !plainText.test(name) || name === '__proto__') continue
    const value = sampleOf(propertyOf(definition, name))
    if (value !== undefined) found.push([name, value])
  }
  return Object.fromEntries(found)
}

/** The name of an argument that takes any text. */
export function textArgument(definition: JsonObject): string | undefined {
  const schema = definition.get('inputSchema')
  const properties = isJsonObject(schema) ? schema.get('properties') : undefined
  for (const [name, property] of isJsonObject(properties) ? properties : []) {
    if (!plainText.test(name) || name === '__proto__' || !isJsonObject(property)) continue
    const isBounded = ['enum', 'const', 'maxLength', 'pattern', 'format', 'x-mcp-header'].some(key => property.has(key))
    if (property.get('type') === 'string' && !isBounded) return name
  }
  return undefined
}

function propertyOf(definition: JsonObject, name: string): JsonObject | undefined {
  const schema = definition.get('inputSchema')
  const properties = isJsonObject(schema) ? schema.get('properties') : undefined
  const property = isJsonObject(properties) ? properties.get(name) : undefined
  return isJsonObject(property) ? property : undefined
}

function sampleOf(property: JsonObject | undefined): unknown {
  // What a header mirrors would have to stand there as well.
  if (property === undefined || property.has('x-mcp-header')) return undefined
  const values = property.get('enum')
  if (isJsonArray(values)) return sampleValue(values[0])
  switch (property.get('type')) {
    case 'string':
      return 'example'
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return false
    case 'array':
      return []
    case 'object':
      return {}
    default:
      return undefined
  }
}

function sampleValue(value: JsonValue | undefined): unknown {
  if (typeof value === 'string') return plainText.test(value) ? value : undefined
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}
