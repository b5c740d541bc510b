/**
 * A key as a parser sees it that ignores case: Go's encoding/json also takes ſ (U+017F) for s and K (U+212A) for k
 * (CVE-2026-27896). Upper case first maps ſ to S, lower case then maps K to k. Two keys with the same result may be one
 * key to some server. Full case mapping folds a little more than servers do (ß and ss), which errs on the safe side.
 */
export function foldKey(key: string): string {
  // Most keys are what they fold to; two conversions for each key of a message would be a good part of reading it.
  if (foldedAlready.test(key)) return key
  // Of ASCII, upper case first changes nothing.
  return camelCase.test(key) ? key.toLowerCase() : key.toUpperCase().toLowerCase()
}

const foldedAlready = /^[a-z0-9_.\-/]*$/
const camelCase = /^[A-Za-z0-9_.\-/]*$/

/** Whether two keys of an object could be one key to some server. */
export function hasFoldedTwins(object: ReadonlyMap<string, unknown>): boolean {
  let unlike: string | undefined
  for (const key of object.keys()) {
    const folded = foldKey(key)
    if (folded === key) continue
    // Mostly none or one key is not what it folds to; without a second one only that has to be looked for.
    if (unlike !== undefined) return new Set([...object.keys()].map(foldKey)).size < object.size
    unlike = folded
  }
  return unlike !== undefined && object.has(unlike)
}

/** A set of protocol keys, ready to find keys that are not in it but fold to one that is. */
export class FoldedKeys {
  readonly #exact: ReadonlySet<string>
  readonly #folded: ReadonlySet<string>

  constructor(keys: readonly string[]) {
    this.#exact = new Set(keys)
    this.#folded = new Set(keys.map(foldKey))
  }

  has(key: string): boolean {
    return this.#exact.has(key)
  }

  /** True if the key is no protocol key but could be read as one. */
  mistakable(key: string): boolean {
    return !this.#exact.has(key) && this.#folded.has(foldKey(key))
  }

  anyMistakable(keys: Iterable<string>): boolean {
    for (const key of keys) if (this.mistakable(key)) return true
    return false
  }
}
