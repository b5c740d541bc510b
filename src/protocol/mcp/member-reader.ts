import type { Sliced } from '../../sliced.js'
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
    const failed = this.#readSome(outline, { key: object + 1, end, most: Number.POSITIVE_INFINITY }, values)
    return failed ?? { ok: true, values }
  }

  /** The same, some of it at a time where the object has many members. */
  *inSlices(outline: JsonOutline, object: JsonNode): Sliced<MembersResult> {
    const values = new Map<string, JsonNode>()
    const span = { key: object + 1, end: outline.next(object), most: stride }
    while (span.key < span.end) {
      const failed = this.#readSome(outline, span, values)
      if (failed !== undefined) return failed
      if (span.key < span.end) yield
    }
    return { ok: true, values }
  }

  /** The next members; `key` is then where to go on. */
  #readSome(
    outline: JsonOutline,
    span: { key: JsonNode; readonly end: JsonNode; readonly most: number },
    values: Map<string, JsonNode>,
  ): ResponseFailure | undefined {
    let { key } = span
    for (let read = 0; key < span.end && read < span.most; key = outline.next(key + 1), read++) {
      const name = outline.string(key)
      const kind = this.#kindOf(name)
      if (kind === 'foreign') continue
      if (kind !== 'known') return responseFailure(kind, outline.start(key))
      if (values.has(name)) return responseFailure('response.duplicate_key', outline.start(key))
      values.set(name, key + 1)
    }
    span.key = key
    return undefined
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
/** Members between two places where the work may be put aside. */
const stride = 4096

function kindOf(name: string, keys: FoldedKeys): KeyKind {
  if (keys.has(name)) return 'known'
  if (name === '__proto__' || hasControl(name)) return 'response.forbidden_key'
  return keys.mistakable(name) ? 'response.folded_key' : 'foreign'
}
