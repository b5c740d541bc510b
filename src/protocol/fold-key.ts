/**
 * A key as a parser sees it that ignores case: Go's encoding/json also takes ſ (U+017F) for s and K (U+212A) for k
 * (CVE-2026-27896). Upper case first maps ſ to S, lower case then maps K to k. Two keys with the same result may be one
 * key to some server. Full case mapping folds a little more than servers do (ß and ss), which errs on the safe side.
 */
export function foldKey(key: string): string {
  // Most keys are what they fold to; two conversions for each key of a message would be a good part of reading it.
  return foldedAlready.test(key) ? key : key.toUpperCase().toLowerCase()
}

const foldedAlready = /^[a-z0-9_.\-/]*$/

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
