import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../protocol/json-value.js'
import { parseStrictJson } from '../../protocol/strict-json.js'
import type { Offer } from './start-input.js'

export type ToolsFile =
  | { readonly ok: true; readonly tools: readonly Offer[]; readonly prompts: readonly Offer[] }
  /** For people: what is wrong, and what to write instead. */
  | { readonly ok: false; readonly message: string }

const maxBytes = 32 * 1024 * 1024
const maxMembers = 1_000_000
const maxEntries = 2000

/** Reads what a server answered to tools/list: the result, the whole message around it, or the bare list of tools. */
export function readToolsFile(bytes: Uint8Array): ToolsFile {
  const parsed = parseStrictJson(bytes, { maxBytes, maxMembers })
  if (!parsed.ok) return { ok: false, message: `is not JSON as servers send it: ${parsed.message}` }
  const result = resultIn(parsed.value)
  if (result === undefined)
    return { ok: false, message: 'does not hold the result of tools/list, which is written like {"tools":[…]}' }
  if (typeof result.get('nextCursor') === 'string')
    return { ok: false, message: 'holds one page of several (nextCursor); join all pages, or name the server itself' }
  const tools = offersIn(result, 'tools')
  const prompts = offersIn(result, 'prompts')
  if (typeof tools === 'string') return { ok: false, message: tools }
  if (typeof prompts === 'string') return { ok: false, message: prompts }
  return { ok: true, tools, prompts }
}

function resultIn(value: JsonValue): JsonObject | undefined {
  if (isJsonArray(value)) return new Map([['tools', value]])
  if (!isJsonObject(value)) return undefined
  const inner = value.get('result')
  const result = isJsonObject(inner) ? inner : value
  return result.has('tools') || result.has('prompts') ? result : undefined
}

function offersIn(result: JsonObject, member: 'tools' | 'prompts'): readonly Offer[] | string {
  const list = result.get(member)
  if (list === undefined) return []
  if (!isJsonArray(list)) return `has ${member} that are no list`
  if (list.length > maxEntries) return `has more than ${maxEntries} ${member}`
  const offers: Offer[] = []
  const seen = new Set<string>()
  for (const [index, definition] of list.entries()) {
    const name = isJsonObject(definition) ? definition.get('name') : undefined
    if (!isJsonObject(definition) || typeof name !== 'string') return `has no name at ${member}[${index}]`
    if (seen.has(name)) return `has two ${member} of the same name, at ${member}[${index}]`
    seen.add(name)
    offers.push({ name, definition })
  }
  return offers
}
