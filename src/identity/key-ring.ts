import type { Fetcher } from './fetch-bytes.js'
import type { KeySource } from './identity-configuration.js'
import type { IdentityEvent } from './identity-event.js'
import { KeySet, type KeySetState, type KeySetTimings } from './key-set.js'
import { type ClusterConnections, loadKeys } from './load-keys.js'

export interface KeyRingOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Default: undici with a total time-out of 5 s and 1 MiB. */
  readonly fetcher?: Fetcher
  /** The clusters that can be asked for their keys. */
  readonly clusters?: ClusterConnections
  readonly onEvent?: (event: IdentityEvent) => void
  readonly timings?: Partial<KeySetTimings>
}

const remote: KeySetTimings = { refresh: 600_000, coolDown: 30_000, maxAge: 86_400_000, retry: 1000 }
const local: KeySetTimings = { ...remote, refresh: 10_000, coolDown: 1000 }

/** The HTTP client is large, and there are services whose keys stand in files. */
const fetchLate: Fetcher = async request => {
  const { createFetcher } = await import('./fetch-bytes.js')
  return createFetcher()(request)
}

/**
 * Key sets that outlive a configuration: a new configuration with the same issuer takes the loaded set over, one that
 * says anything else about the issuer's keys gets a set of its own. A set lives as long as somebody holds it.
 */
export class KeyRing {
  readonly #options: KeyRingOptions
  readonly #sets = new Map<string, { readonly set: KeySet; holders: number }>()

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  /** Takes hold of a set; the caller starts it, and releases it when done. */
  hold(source: KeySource): KeySet {
    const known = this.#sets.get(source.revision)
    if (known !== undefined) {
      known.holders++
      return known.set
    }
    const { now, onEvent = () => undefined, timings, fetcher = fetchLate, clusters } = this.#options
    const set = new KeySet({
      issuer: source.issuer,
      load: () => loadKeys(source, fetcher, clusters),
      now,
      timings: { ...(source.from.kind === 'file' ? local : remote), ...timings },
      onEvent,
    })
    this.#sets.set(source.revision, { set, holders: 1 })
    return set
  }

  release(source: KeySource): void {
    const known = this.#sets.get(source.revision)
    if (known === undefined || --known.holders > 0) return
    known.set.stop()
    this.#sets.delete(source.revision)
  }

  /** One for each issuer: where its keys are just being moved, the newer set. */
  get states(): readonly KeySetState[] {
    const states = [...this.#sets.values()].map(({ set }) => set.state)
    return [...new Map(states.map(state => [state.issuer, state])).values()]
  }

  /** Sets that somebody holds. */
  get size(): number {
    return this.#sets.size
  }
}
