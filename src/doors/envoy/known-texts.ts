interface Known {
  readonly text: string
  readonly bytes: Uint8Array
}

/** A power of two. */
const buckets = 256

/**
 * Texts that come in every message, found by their bytes: to compare them costs less than to decode them, and what knows
 * them by identity (maps, comparisons) is quicker with one and the same string.
 */
export class KnownTexts {
  readonly #buckets: readonly (readonly Known[])[]

  constructor(texts: Iterable<string>) {
    const filled = Array.from({ length: buckets }, (): Known[] => [])
    for (const text of new Set(texts)) {
      const bytes = Buffer.from(text)
      if (bytes.length > 0) filled[bucketOf(bytes, 0, bytes.length)]?.push({ text, bytes })
    }
    this.#buckets = filled
  }

  /** The text that these bytes are; undefined when it is not among those that are known. `end` is behind `start`. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    const bucket = this.#buckets[bucketOf(bytes, start, end)]
    if (bucket === undefined) return undefined
    for (const known of bucket) if (same(known.bytes, bytes, start, end)) return known.text
    return undefined
  }
}

function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] ?? 0
  const middle = bytes[(start + end) >>> 1] ?? 0
  const last = bytes[end - 1] ?? 0
  return (37 * (end - start) + 7 * first + 61 * middle + 131 * last) & (buckets - 1)
}

function same(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (known.length !== length) return false
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
