import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { plainScalar } from './plain-scalar.js'

/** Words of names, images and quantities: no white space, no quotes, no sign that means something to YAML or JSON. */
const word = /^[A-Za-z0-9](?:[-A-Za-z0-9_.:/@+]*[A-Za-z0-9])?$/
const longestWord = 512

/**
 * The first of the arguments that could become more than a word in a text that the server makes of it. kubernetes-mcp-server
 * fills arguments into a manifest: a line feed in one begins a new field or a new object there, in any namespace, and `on`
 * or `0` as a namespace is a boolean or a number, which means none.
 */
export function notPlainArgument(names: readonly string[], args: JsonObject): string | undefined {
  return names.find(name => !isPlain(args.get(name)))
}

/** The argument may be missing or empty, and may hold lists and objects of words. It is as deep as its parser allowed. */
function isPlain(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value === '' || isWord(value)
  if (isJsonArray(value)) return value.every(isPlain)
  if (isJsonObject(value)) return [...value].every(([key, item]) => isWord(key) && isPlain(item))
  return true
}

function isWord(text: string): boolean {
  if (text.length > longestWord || !word.test(text)) return false
  const plain = plainScalar(text)
  return plain.ok && typeof plain.value === 'string'
}
