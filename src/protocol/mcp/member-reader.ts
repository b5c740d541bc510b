import { hasControl } from '../characters.js'
import type { FoldedKeys } from '../fold-key.js'
import type { JsonNode, JsonOutline } from '../json-outline.js'
import { type ResponseFailure, responseFailure } from './response-failure.js'

export type MembersResult =
  | {
      readonly ok: true
      /** The values of the known keys. */
      readonly values: ReadonlyMap<string, JsonNode>
    }
  | ResponseFailure

type KeyKind = 'known' | 'foreign' | 'response.folded_key' | 'response.forbidden_key'

/**
 * Reads the members of objects by keys that matter. Clients must not be able to see another value than we: so a known key
 * may not come twice, nor in another spelling of case (CVE-2026-27896), and no key may be `__proto__`, which becomes the
 * prototype where a client copies the object, or hold a control character (GHSA-q382-vc8q-7jhj). What else is in the object
 * does not matter, and may come twice.
 */
export class MemberReader {
  readonly #keys: FoldedKeys
  /** The keys of a list's items are mostly the same. */
  readonly #kinds = new Map<string, KeyKind>()

  constructor(keys: FoldedKeys) {
    this.#keys = keys
  }

  read(outline: JsonOutline, object: JsonNode): MembersResult {
    const values = new Map<string, JsonNode>()
    const end = outline.next(object)
    for (let key = object + 1; key < end; key = outline.next(key + 1)) {
      const name = outline.string(key)
      const kind = this.#kindOf(name)
      if (kind === 'foreign') continue
      if (kind !== 'known') return responseFailure(kind, outline.start(key))
      if (values.has(name)) return responseFailure('response.duplicate_key', outline.start(key))
      values.set(name, key + 1)
    }
    return { ok: true, values }
  }

  #kindOf(name: string): KeyKind {
    const cached = this.#kinds.get(name)
    if (cached !== undefined) return cached
    const kind = kindOf(name, this.#keys)
    if (this.#kinds.size < maxKinds) this.#kinds.set(name, kind)
    return kind
  }
}

const maxKinds = 256

function kindOf(name: string, keys: FoldedKeys): KeyKind {
  if (keys.has(name)) return 'known'
  if (name === '__proto__' || hasControl(name)) return 'response.forbidden_key'
  return keys.mistakable(name) ? 'response.folded_key' : 'foreign'
}
