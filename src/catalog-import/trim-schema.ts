import { isJsonArray, isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { compileInputSchema } from '../rbac/input-schema.js'

/** Keywords whose value is a schema, a list of schemas, or a map of schemas. */
const one = new Set(['items', 'additionalProperties', 'contains', 'if', 'then', 'else', 'unevaluatedProperties'])
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Keywords that are kept as they are. */
const plain = new Set(['type', '$ref', 'x-mcp-header'])

/**
 * What a catalogue uses of a tool's schema: names at every level and the headers that mirror arguments. undefined where it
 * would say no more than the list of arguments, or cannot be compiled. The schema is as deep as its parser allowed.
 */
export function trimSchema(schema: JsonValue | undefined): Readonly<Record<string, unknown>> | undefined {
  const trimmed = trim(schema)
  if (!isRecord(trimmed)) return undefined
  const compiled = compileInputSchema(trimmed)
  if (!compiled.ok) return undefined
  const { shape, headers } = compiled.schema
  const nested = [...shape.members.values(), ...shape.others].some(
    ({ members, others, also }) => members.size > 0 || others.length > 0 || also.length > 0,
  )
  return nested || headers.length > 0 || shape.also.length > 0 ? trimmed : undefined
}

function trim(value: JsonValue | undefined): unknown {
  if (!isJsonObject(value)) return undefined
  const kept: [string, unknown][] = []
  for (const [keyword, inner] of value) {
    if (plain.has(keyword)) {
      if (typeof inner === 'string') kept.push([keyword, inner])
    } else if (one.has(keyword)) {
      if (isJsonObject(inner)) kept.push([keyword, trim(inner)])
    } else if (many.has(keyword)) {
      if (isJsonArray(inner)) kept.push([keyword, inner.filter(isJsonObject).map(trim)])
    } else if (named.has(keyword) && isJsonObject(inner)) {
      const members = [...inner].filter(([, member]) => isJsonObject(member)).map(([name, item]) => [name, trim(item)])
      if (members.length > 0) kept.push([keyword, Object.fromEntries(members)])
    }
  }
  return Object.fromEntries(kept)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
