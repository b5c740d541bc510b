import type { GatheredDocument } from './gather-documents.js'

/**
 * Milliseconds for which a document that is in force stays so although another parcel of its source gives it with other
 * words: whoever replaces a ConfigMap by one of another name adds the new one first.
 */
export const handOverMs = 60_000

/** Remembers since when documents contradict each other, and lets the one in force stay for a while. */
export class HandOvers {
  readonly #since = new Map<string, number>()
  #open = new Set<string>()
  #met = new Set<string>()

  /** The candidate in force while the time has not run out; undefined afterwards, or when none of them is in force. */
  settle(
    key: string,
    candidates: readonly GatheredDocument[],
    isInForce: (candidate: GatheredDocument) => boolean,
  ): GatheredDocument | undefined {
    const since = this.#since.get(key) ?? performance.now()
    this.#since.set(key, since)
    this.#met.add(key)
    const inForce = candidates.find(isInForce)
    if (inForce === undefined || performance.now() - since >= handOverMs) return undefined
    this.#open.add(key)
    return inForce
  }

  /** To be called before the documents are gathered. */
  begin(): void {
    this.#open = new Set()
    this.#met = new Set()
  }

  /** To be called when they are gathered: what is settled by itself may begin anew. */
  end(): void {
    for (const key of this.#since.keys()) if (!this.#met.has(key)) this.#since.delete(key)
  }

  /** Whether the time of one has run out since the documents were gathered. */
  get due(): boolean {
    const now = performance.now()
    return [...this.#open].some(key => now - (this.#since.get(key) ?? 0) >= handOverMs)
  }
}
