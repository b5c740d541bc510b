import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'

/** An object of the API server in the form in which it is kept. */
export interface KeptObject {
  /** `namespace/name`, or `name`. */
  readonly key: string
  readonly resourceVersion: string
  readonly object: JsonObject
  /** About as many as its JSON text has. */
  readonly bytes: number
}

/**
 * Copies an object for keeping: without `metadata.managedFields` (often half of it, and of no use here), and sharing no
 * memory with the answer that it came in, of which it would otherwise keep all. undefined for what has no name or version.
 * @param known what is kept already, by key: given back where it holds the same, so that its identity says so
 */
export function keepObject(
  value: JsonValue | undefined,
  known: (key: string) => KeptObject | undefined = () => undefined,
): KeptObject | undefined {
  const metadata = isJsonObject(value) ? value.get('metadata') : undefined
  if (!isJsonObject(value) || !isJsonObject(metadata)) return undefined
  const name = metadata.get('name')
  const namespace = metadata.get('namespace') ?? ''
  const version = metadata.get('resourceVersion')
  if (typeof name !== 'string' || name === '' || typeof namespace !== 'string') return undefined
  if (typeof version !== 'string' || version === '') return undefined
  const key = namespace === '' ? name : `${namespace}/${name}`
  const before = known(key)
  // By what they hold: after an etcd was restored, one version can mean two things.
  if (before !== undefined && sameObject(before.object, value)) return before
  const size = { bytes: 0 }
  const object = new Map<string, JsonValue>()
  for (const [field, held] of value)
    object.set(
      detach(field, size),
      field === 'metadata' ? copy(withoutManagedFields(metadata), size) : copy(held, size),
    )
  return { key: detach(key, size), resourceVersion: detach(version, size), object, bytes: size.bytes }
}

function sameObject(kept: JsonObject, value: JsonObject): boolean {
  return sameMembers(kept, value, (field, a, b) =>
    field === 'metadata' && isJsonObject(a) && isJsonObject(b)
      ? sameMembers(a, b.has(managedFields) ? withoutManagedFields(b) : b, (_, c, d) => sameJson(c, d))
      : sameJson(a, b),
  )
}

/** Whatever the order of members. */
function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true
  if (isJsonArray(a))
    return isJsonArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  return isJsonObject(a) && isJsonObject(b) && sameMembers(a, b, (_, c, d) => sameJson(c, d))
}

function sameMembers(
  a: JsonObject,
  b: JsonObject,
  same: (field: string, a: JsonValue, b: JsonValue | undefined) => boolean,
): boolean {
  if (a.size !== b.size) return false
  for (const [field, held] of a) if (!same(field, held, b.get(field))) return false
  return true
}

const managedFields = 'managedFields'

function withoutManagedFields(metadata: JsonObject): JsonObject {
  const kept = new Map(metadata)
  kept.delete(managedFields)
  return kept
}

interface Size {
  bytes: number
}

/** The parser has bounded the depth. */
function copy(value: JsonValue, size: Size): JsonValue {
  size.bytes += 4
  if (typeof value === 'string') return detach(value, size)
  if (isJsonArray(value)) return value.map(item => copy(item, size))
  if (!isJsonObject(value)) return value
  const object = new Map<string, JsonValue>()
  for (const [key, held] of value) object.set(detach(key, size), copy(held, size))
  return object
}

// Shorter pieces of a text are copied by V8 itself (SlicedString::kMinLength).
const shortestSlice = 13

function detach(text: string, size: Size): string {
  if (text.length < shortestSlice) {
    size.bytes += text.length
    return text
  }
  const bytes = Buffer.from(text, 'utf8')
  size.bytes += bytes.length
  return bytes.toString('utf8')
}
