import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import type { Published } from './published.js'

/** A definition as it would come over the wire. */
export function definitionOf(value: Readonly<Record<string, unknown>>): JsonObject {
  const parsed = parseStrictJson(Buffer.from(JSON.stringify(value)))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('not an object')
  return parsed.value
}

type Definition = Readonly<Record<string, unknown>> & { readonly name: string }

export function publishedOf(tools: readonly Definition[], prompts: readonly Definition[] = []): Published {
  const entries = (all: readonly Definition[]) => all.map(one => ({ name: one.name, definition: definitionOf(one) }))
  return { server: 'a server', version: '1', era: 'modern', tools: entries(tools), prompts: entries(prompts) }
}
