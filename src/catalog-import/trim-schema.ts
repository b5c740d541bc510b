import { isJsonArray, isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { compileInputSchema } from '../rbac/input-schema.js'
import { isPlainName } from './foreign-text.js'

/** Keywords whose value is a schema, a list of schemas, or a map of schemas. */
const one = new Set(['items', 'additionalProperties', 'contains', 'if', 'then', 'else', 'unevaluatedProperties'])
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Keywords that are kept as they are. */
const plain = new Set(['type', '$ref', 'x-mcp-header'])

/**
 * What a catalogue uses of a tool's schema: names at every level and the headers that mirror arguments. undefined where it
 * would say no more than the list of arguments, cannot be compiled, or has a text in it that could steer the terminal of
 * whoever reviews the draft. The schema is as deep as its parser allowed.
 */
export function trimSchema(schema: JsonValue | undefined): Readonly<Record<string, unknown>> | undefined {
  const texts: string[] = []
  const trimmed = trim(schema, texts)
  if (!isRecord(trimmed) || !texts.every(isPlainName)) return undefined
  const compiled = compileInputSchema(trimmed)
  if (!compiled.ok) return undefined
  const { shape, headers } = compiled.schema
  const nested = [...shape.members.values(), ...shape.others].some(
    ({ members, others, also }) => members.size > 0 || others.length > 0 || also.length > 0,
  )
  return nested || headers.length > 0 || shape.also.length > 0 ? trimmed : undefined
}

/** @param texts takes whatever the server chose and the result holds: names, and the values of keywords */
function trim(value: JsonValue | undefined, texts: string[]): unknown {
  if (!isJsonObject(value)) return undefined
  const kept: [string, unknown][] = []
  for (const [keyword, inner] of value) {
    if (plain.has(keyword)) {
      if (typeof inner !== 'string') continue
      texts.push(inner)
      kept.push([keyword, inner])
    } else if (one.has(keyword)) {
      if (isJsonObject(inner)) kept.push([keyword, trim(inner, texts)])
    } else if (many.has(keyword)) {
      if (isJsonArray(inner)) kept.push([keyword, inner.filter(isJsonObject).map(item => trim(item, texts))])
    } else if (named.has(keyword) && isJsonObject(inner)) {
      const schemas = [...inner].filter(([, member]) => isJsonObject(member))
      for (const [name] of schemas) texts.push(name)
      const members = schemas.map(([name, item]) => [name, trim(item, texts)])
      if (members.length > 0) kept.push([keyword, Object.fromEntries(members)])
    }
  }
  return Object.fromEntries(kept)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
