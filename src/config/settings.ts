import * as z from 'zod'
import type { PathSegment } from '../documents/source-document.js'

/** How the text of a variable or flag becomes a value. */
export type SettingType = 'text' | 'number' | 'boolean' | 'texts' | 'numberOrText'

export interface Setting {
  /** Inside `spec`. */
  readonly path: readonly PathSegment[]
  readonly type: SettingType
}

export const environmentPrefix = 'MCP_AUTHZ_'

/** A list index in a variable or flag is at most this. */
const maxIndex = 99

/**
 * The setting that an environment variable names, by one rule: `MCP_AUTHZ_` and the path in upper case, words and
 * levels joined by `_`, list items by number. `spec.listeners[0].maxInFlight` is `MCP_AUTHZ_LISTENERS_0_MAX_IN_FLIGHT`.
 * undefined when nothing has that name.
 */
export function settingOfVariable(name: string, schema: z.core.$ZodType): Setting | undefined {
  if (!name.startsWith(environmentPrefix)) return undefined
  return find(unwrap(schema), name.slice(environmentPrefix.length).split('_'), [])
}

/** The setting that a dotted path names, e.g. `listeners[0].port` or `listeners.0.port`; undefined when nothing has it. */
export function settingOfPath(path: string, schema: z.core.$ZodType): Setting | undefined {
  let current = unwrap(schema)
  const segments: PathSegment[] = []
  for (const word of path.replaceAll(/\[(\d{1,3})\]/g, '.$1').split('.')) {
    const step = child(current, word)
    if (step === undefined) return undefined
    segments.push(step.segment)
    current = step.schema
  }
  const type = settingType(current)
  return type === undefined ? undefined : { path: segments, type }
}

/** The variables of every setting, with 0 for list items and `NAME` for names of the user's own. For help and hints. */
export function variableNames(schema: z.core.$ZodType): readonly string[] {
  const names: string[] = []
  const walk = (node: z.core.$ZodType, prefix: string) => {
    if (settingType(node) !== undefined) names.push(prefix)
    else if (node instanceof z.ZodObject) {
      for (const [key, inner] of Object.entries(node.shape)) walk(unwrap(inner), `${prefix}_${words(key).join('_')}`)
    } else if (node instanceof z.ZodArray) walk(unwrap(node.element), `${prefix}_0`)
    else if (node instanceof z.ZodRecord) walk(unwrap(node.valueType), `${prefix}_NAME`)
  }
  walk(unwrap(schema), environmentPrefix.slice(0, -1))
  return names
}

function find(node: z.core.$ZodType, rest: readonly string[], path: readonly PathSegment[]): Setting | undefined {
  const type = settingType(node)
  if (type !== undefined) return rest.length === 0 ? { path, type } : undefined
  if (node instanceof z.ZodObject) {
    for (const key of Object.keys(node.shape)) {
      const wanted = words(key)
      if (!wanted.every((word, i) => rest[i] === word)) continue
      const inner = child(node, key)
      const found = inner && find(inner.schema, rest.slice(wanted.length), [...path, key])
      if (found !== undefined) return found
    }
    return undefined
  }
  const [word, ...others] = rest
  const step = word === undefined ? undefined : child(node, word.toLowerCase())
  return step && find(step.schema, others, [...path, step.segment])
}

function child(node: z.core.$ZodType, word: string): { schema: z.core.$ZodType; segment: PathSegment } | undefined {
  if (node instanceof z.ZodObject) {
    const inner: z.core.$ZodType | undefined = Object.hasOwn(node.shape, word) ? node.shape[word] : undefined
    return inner && { schema: unwrap(inner), segment: word }
  }
  if (node instanceof z.ZodArray && /^\d{1,2}$/.test(word) && Number(word) <= maxIndex) {
    return { schema: unwrap(node.element), segment: Number(word) }
  }
  if (node instanceof z.ZodRecord && word !== '' && word !== '__proto__') {
    return { schema: unwrap(node.valueType), segment: word }
  }
  return undefined
}

function settingType(node: z.core.$ZodType): SettingType | undefined {
  if (node instanceof z.ZodString || node instanceof z.ZodEnum) return 'text'
  if (node instanceof z.ZodNumber) return 'number'
  if (node instanceof z.ZodBoolean) return 'boolean'
  if (node instanceof z.ZodUnion) return 'numberOrText'
  return node instanceof z.ZodArray && settingType(unwrap(node.element)) === 'text' ? 'texts' : undefined
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let node = schema
  while (node instanceof z.ZodOptional || node instanceof z.ZodDefault || node instanceof z.ZodPrefault) {
    node = node.unwrap()
  }
  return node
}

/** `allowedSANs` is ALLOWED, SANS; `clientCA` is CLIENT, CA. */
function words(key: string): readonly string[] {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .split('_')
}
