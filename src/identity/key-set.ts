import type { Algorithm } from './algorithms.js'
import type { IdentityEvent } from './identity-event.js'
import type { LoadedKeys } from './load-keys.js'
import type { VerificationKey } from './verification-keys.js'

export interface KeySetTimings {
  /** Milliseconds between background refreshes; each is up to a tenth longer. Default 10 minutes, files 10 seconds. */
  readonly refresh: number
  /** Milliseconds between two loads that unknown key ids may cause. Default 30 seconds, files 1 second. */
  readonly coolDown: number
  /** Milliseconds for which keys count that could not be confirmed. Default 24 hours. */
  readonly maxAge: number
  /** Milliseconds to the first repetition of a failed load; doubles up to `refresh`. Default 1 second. */
  readonly retry: number
}

export interface KeySetOptions {
  readonly issuer: string
  readonly load: () => Promise<LoadedKeys>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly timings: KeySetTimings
  readonly onEvent: (event: IdentityEvent) => void
  /** From 0 to 1; spreads the refreshes of replicas. */
  readonly random?: () => number
}

/**
 * The keys of one issuer. Keeps the last good set when a load fails, for at most `maxAge`. Loads are single-flight. A
 * token with an unknown key id can cause a load, but not more than one per cool-down, whatever strangers send.
 */
export class KeySet {
  readonly issuer: string
  readonly #options: KeySetOptions
  #keys: readonly VerificationKey[] = []
  #fingerprints: ReadonlySet<string> = new Set()
  #confirmedAt: number | undefined
  #attemptedAt: number | undefined
  #failure: string | undefined
  #failures = 0
  #loading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #running = false
  #staleReported = false

  constructor(options: KeySetOptions) {
    this.issuer = options.issuer
    this.#options = options
  }

  /** Whether a set was ever loaded. */
  get loaded(): boolean {
    return this.#confirmedAt !== undefined
  }

  /** Why the last load failed; undefined after a good one, and before the first. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Whether the keys may be used: loaded, and confirmed within `maxAge`. */
  get usable(): boolean {
    if (this.#confirmedAt === undefined) return false
    const age = this.#options.now() - this.#confirmedAt
    if (age <= this.#options.timings.maxAge) return true
    if (!this.#staleReported) {
      this.#staleReported = true
      this.#options.onEvent({ kind: 'keys_stale', issuer: this.issuer, age })
    }
    return false
  }

  /** Whether a key is still among the issuer's. */
  has(fingerprint: string): boolean {
    return this.#fingerprints.has(fingerprint)
  }

  /** Keys that may have signed. Without a key id only if there is no choice. */
  find(kid: string | undefined, algorithm: Algorithm): readonly VerificationKey[] {
    const fitting = this.#keys.filter(key => key.algorithms.includes(algorithm))
    if (kid !== undefined) return fitting.filter(key => key.kid === kid)
    return fitting.length === 1 ? fitting : []
  }

  /**
   * Loads again because a key is missing, unless that happened within the cool-down. Resolves to whether the answer
   * can be relied on: false when the last load failed, so that a key may exist that we could not see.
   */
  async lookAgain(): Promise<boolean> {
    const { now, timings } = this.#options
    const cooling = this.#attemptedAt !== undefined && now() - this.#attemptedAt < timings.coolDown
    if (this.#loading !== undefined || !cooling) await this.refresh()
    return this.#failure === undefined
  }

  /** Loads once; callers that come while a load runs share it. Never rejects. */
  refresh(): Promise<void> {
    this.#loading ??= this.#refresh().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** First load, then refreshes in the background until `stop`. Resolves after the first attempt. */
  async start(): Promise<void> {
    if (this.#running) return this.#loading
    this.#running = true
    await this.refresh()
    this.#schedule()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    if (!this.#running) return
    const { timings, random = Math.random } = this.#options
    const delay =
      this.#failures === 0
        ? timings.refresh * (1 + random() / 10)
        : Math.min(timings.retry * 2 ** Math.min(this.#failures - 1, 20), timings.refresh)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.refresh().then(() => this.#schedule()), delay)
    this.#timer.unref()
  }

  async #refresh(): Promise<void> {
    const { load, now, onEvent } = this.#options
    this.#attemptedAt = now()
    const loaded = await load().catch(() => ({ ok: false, message: 'an internal error' }) as const)
    // The cool-down counts from the end too: a slow issuer must not be asked again at once.
    this.#attemptedAt = now()
    if (!loaded.ok) {
      this.#failures++
      this.#failure = loaded.message
      onEvent({ kind: 'keys_failed', issuer: this.issuer, message: loaded.message, failures: this.#failures })
      return
    }
    this.#failures = 0
    this.#failure = undefined
    this.#staleReported = false
    this.#confirmedAt = this.#attemptedAt
    const fingerprints = new Set(loaded.keys.map(({ fingerprint }) => fingerprint))
    const changed =
      fingerprints.size !== this.#fingerprints.size ||
      [...fingerprints].some(fingerprint => !this.#fingerprints.has(fingerprint))
    if (!changed) return
    this.#keys = loaded.keys
    this.#fingerprints = fingerprints
    onEvent({ kind: 'keys_loaded', issuer: this.issuer, keys: loaded.keys.length })
  }
}
