import type { Algorithm } from './algorithms.js'
import type { IdentityEvent } from './identity-event.js'
import type { LoadedKeys } from './load-keys.js'
import type { VerificationKey } from './verification-keys.js'

export interface KeySetTimings {
  /** Milliseconds between background refreshes; each is up to a tenth longer. Default 10 minutes, files 10 seconds. */
  readonly refresh: number
  /**
   * Milliseconds for which a load that a token caused counts: `burst` such loads may come at once, and on average one per
   * cool-down. Background refreshes do not count. Default 30 seconds, files 1 second.
   */
  readonly coolDown: number
  /** Milliseconds for which keys count that could not be confirmed. Default 24 hours. */
  readonly maxAge: number
  /** Milliseconds to the first repetition of a failed load; doubles up to `coolDown`. Default 1 second. */
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

export interface KeySetState {
  readonly issuer: string
  readonly keys: number
  /** When they were last loaded, in milliseconds since the epoch; undefined for never. */
  readonly confirmedAt: number | undefined
  /** Since the set is there. */
  readonly loads: { readonly ok: number; readonly failed: number }
}

/**
 * Loads that tokens may cause before the cool-down binds: enough for an issuer that changes its keys at once, without
 * publishing them before, and again soon after; next to nothing for strangers who would have us ask it again and again.
 */
const burst = 2

/**
 * The keys of one issuer. Keeps the last good set when a load fails, for at most `maxAge`. Loads are single-flight. A
 * token whose key is missing can cause a load, but not more than a few per cool-down, whatever strangers send.
 */
export class KeySet {
  readonly issuer: string
  readonly #options: KeySetOptions
  #keys: readonly VerificationKey[] = []
  #fingerprints: ReadonlySet<string> = new Set()
  #confirmedAt: number | undefined
  /** Loads that tokens may cause now, and when that was counted. */
  #allowance: number = burst
  #countedAt: number | undefined
  #failure: string | undefined
  #failures = 0
  #loading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #running = false
  #staleReported = false
  readonly #loads = { ok: 0, failed: 0 }

  constructor(options: KeySetOptions) {
    this.issuer = options.issuer
    this.#options = options
  }

  /** Whether a set was ever loaded. */
  get loaded(): boolean {
    return this.#confirmedAt !== undefined
  }

  /** For metrics. */
  get state(): KeySetState {
    return { issuer: this.issuer, keys: this.#keys.length, confirmedAt: this.#confirmedAt, loads: { ...this.#loads } }
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

  /** Keys that may have signed: those with the id, of which there should be one; without an id any, as in the API server. */
  find(kid: string | undefined, algorithm: Algorithm): readonly VerificationKey[] {
    return this.#keys.filter(key => key.algorithms.includes(algorithm) && (kid === undefined || key.kid === kid))
  }

  /**
   * Loads again because a key is missing, unless tokens have caused enough loads lately. Resolves to whether the answer
   * can be relied on: false when the last load failed, so that a key may exist that we could not see.
   */
  async lookAgain(): Promise<boolean> {
    if (this.#loading !== undefined || this.#mayLoad()) await this.refresh()
    return this.#failure === undefined
  }

  #mayLoad(): boolean {
    const { now, timings } = this.#options
    const at = now()
    const regained = (at - (this.#countedAt ?? at)) / timings.coolDown
    this.#allowance = Math.min(burst, this.#allowance + Math.max(0, regained))
    this.#countedAt = at
    if (this.#allowance < 1) return false
    this.#allowance--
    return true
  }

  /** Loads once; callers that come while a load runs share it. Never rejects. */
  refresh(): Promise<void> {
    this.#loading ??= this.#refresh().finally(() => {
      this.#loading = undefined
      // Whoever asked for it: the next one is due so long after this one, or sooner if it failed.
      this.#schedule()
    })
    return this.#loading
  }

  /** First load, then refreshes in the background until `stop`. Resolves after the first attempt. */
  async start(): Promise<void> {
    if (this.#running) return this.#loading
    this.#running = true
    await this.refresh()
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
        : Math.min(timings.retry * 2 ** Math.min(this.#failures - 1, 20), timings.coolDown, timings.refresh)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.refresh(), delay)
    this.#timer.unref()
  }

  async #refresh(): Promise<void> {
    const { load, now, onEvent } = this.#options
    const loaded = await load().catch(() => ({ ok: false, message: 'an internal error' }) as const)
    if (!loaded.ok) {
      this.#failures++
      this.#loads.failed++
      this.#failure = loaded.message
      onEvent({ kind: 'keys_failed', issuer: this.issuer, message: loaded.message, failures: this.#failures })
      return
    }
    this.#failures = 0
    this.#loads.ok++
    this.#failure = undefined
    this.#staleReported = false
    this.#confirmedAt = now()
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
