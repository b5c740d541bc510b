/** What is remembered, and about how many bytes it takes. */
export interface Weighed {
  readonly bytes: number
}

/** How much is noted before what was not asked for meanwhile is forgotten. */
export interface RecentLimits {
  readonly keyBytes: number
  readonly answerBytes: number
}

/**
 * Remembers answers by server and key, up to about twice its limits. When so much was noted, what was not asked for since the
 * last time is forgotten: names that a caller makes up cannot push out those that are in use.
 */
export class RecentAnswers<V extends Weighed> {
  readonly #limits: RecentLimits
  #young = new Generation<V>()
  #old = new Generation<V>()

  constructor(limits: RecentLimits) {
    this.#limits = limits
  }

  get(server: string, key: string): V | undefined {
    const known = this.#young.get(server, key)
    if (known !== undefined) return known
    const before = this.#old.get(server, key)
    if (before !== undefined) this.set(server, key, before)
    return before
  }

  set(server: string, key: string, value: V): void {
    const { keyBytes, answerBytes } = this.#young
    if (keyBytes >= this.#limits.keyBytes || answerBytes >= this.#limits.answerBytes) {
      this.#old = this.#young
      this.#young = new Generation()
    }
    this.#young.set(server, key, value)
  }
}

class Generation<V extends Weighed> {
  keyBytes = 0
  answerBytes = 0
  readonly #byServer = new Map<string, Map<string, V>>()
  /** The same answer to several keys takes its place once. */
  readonly #weighed = new Set<V>()

  get(server: string, key: string): V | undefined {
    return this.#byServer.get(server)?.get(key)
  }

  set(server: string, key: string, value: V): void {
    this.keyBytes += overhead + 2 * key.length
    if (!this.#weighed.has(value)) {
      this.#weighed.add(value)
      this.answerBytes += value.bytes
    }
    const ofServer = this.#byServer.get(server)
    if (ofServer === undefined) this.#byServer.set(server, new Map([[key, value]]))
    else ofServer.set(key, value)
  }
}

/** Of a key: its place in a map, and what a text has beside its letters. */
const overhead = 96
