import type { JsonArray, JsonObject, JsonValue } from '../protocol/json-value.js'

/**
 * Claims as the API server's expressions see them: a claim whose name is no CEL identifier can also be read by its escaped
 * name, `claims.foo__dot__bar` for `foo.bar` (apiserver pkg/cel/escaping.go). An escaped name never means a claim that is
 * spelled like it, so that nobody can pass one off as another.
 */
export function unescapedClaims(claims: JsonObject): JsonObject {
  return new UnescapedObject([...claims].map(([name, value]) => [name, unescaped(value)]))
}

function unescaped(value: JsonValue): JsonValue {
  if (value instanceof Map) return unescapedClaims(value)
  return isArray(value) ? value.map(unescaped) : value
}

function isArray(value: JsonValue): value is JsonArray {
  return Array.isArray(value)
}

class UnescapedObject extends Map<string, JsonValue> {
  override get(name: string): JsonValue | undefined {
    return super.get(unescapeName(name) ?? name)
  }

  override has(name: string): boolean {
    return super.has(unescapeName(name) ?? name)
  }
}

const symbols: ReadonlyMap<string, string> = new Map([
  ['underscores', '__'],
  ['dot', '.'],
  ['dash', '-'],
  ['slash', '/'],
])
/** Words that CEL keeps for itself, `__in__` for `in`; only ever the whole name. */
const reserved: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

/** The name that an escaped one stands for; undefined for a name without escapes, or with any that is none. */
export function unescapeName(name: string): string | undefined {
  if (!name.includes('__')) return undefined
  let wrong = false
  const result = name.replace(/__([^_]+)__/g, (written, word: string) => {
    if (reserved.has(word) && written === name) return word
    const symbol = symbols.get(word)
    if (symbol === undefined) wrong = true
    return symbol ?? written
  })
  return wrong || result === name ? undefined : result
}
