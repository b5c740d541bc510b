import { hash } from 'node:crypto'
import { answerMargin } from '../identity/answer-margin.js'
import { BoundedCache } from '../identity/bounded-cache.js'
import type { ExchangeParameters, TokenAnswer, TokenEndpoint } from './token-request.js'

export interface ExchangeRequest {
  /** The caller's token, verified. */
  readonly token: string
  /** When it ends, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  /** Name of the Server. */
  readonly server: string
  readonly parameters: ExchangeParameters
  /** Milliseconds since the epoch at which the gateway stops waiting. */
  readonly deadline: number | undefined
}

export type Exchanged =
  | { readonly ok: true; readonly token: string }
  | {
      readonly ok: false
      readonly reason:
        | 'authorization.exchange_refused'
        | 'dependency.token_exchange'
        | 'dependency.timeout'
        | 'dependency.overloaded'
    }

export interface TokenExchanger {
  /** Synchronous when a token is there. Never throws and never rejects. */
  exchange(request: ExchangeRequest): Exchanged | Promise<Exchanged>
  stop(): Promise<void>
}

export interface TokenExchangerOptions {
  readonly endpoint: TokenEndpoint
  /** Exchanges at the same time; further ones are `dependency.overloaded`. Default 64. */
  readonly maxInFlight?: number
  /** Tokens that are kept. Default 4096, so at most 48 MiB. */
  readonly maxEntries?: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Once per exchange that did not succeed. Messages hold no token. */
  readonly onFailure?: (message: string) => void
}

interface Entry {
  readonly result: Exchanged
  /** Milliseconds since the epoch until which it counts. */
  readonly until: number
}

/** Milliseconds for which a failure is remembered: long enough for a burst, short enough for a try again. */
const remembered = { refused: 5000, failed: 1000 } as const
/** After so many failures in a row nobody else has to wait for one, for `remembered.failed`. */
const maxFailures = 3
/** Longest time for which a token is kept, whatever the provider says: one hour. */
const maxKept = 3_600_000

/**
 * Exchanges callers' tokens for tokens that the server behind takes, and remembers them by the digest of the caller's
 * token and all that was asked for, so that no two callers can share one. One request at a time for each; a caller waits
 * no longer than the gateway does, while the exchange goes on for its next try.
 */
export function createTokenExchanger(options: TokenExchangerOptions): TokenExchanger {
  return new CachedExchanger(options)
}

class CachedExchanger implements TokenExchanger {
  readonly #options: Required<TokenExchangerOptions>
  readonly #entries: BoundedCache<Entry>
  readonly #running = new Map<string, Promise<Exchanged>>()
  #failures = 0
  #pausedUntil = 0

  constructor(options: TokenExchangerOptions) {
    this.#options = { maxInFlight: 64, maxEntries: 4096, onFailure: () => undefined, ...options }
    this.#entries = new BoundedCache(this.#options.maxEntries)
  }

  exchange(request: ExchangeRequest): Exchanged | Promise<Exchanged> {
    const key = keyOf(request)
    const now = this.#options.now()
    const entry = this.#entries.get(key)
    if (entry !== undefined && now < entry.until) return entry.result
    const running = this.#running.get(key)
    if (running !== undefined) return this.#inTime(running, request.deadline)
    if (now < this.#pausedUntil) return { ok: false, reason: 'dependency.token_exchange' }
    if (this.#running.size >= this.#options.maxInFlight) return { ok: false, reason: 'dependency.overloaded' }
    const started = this.#exchange(key, request).finally(() => this.#running.delete(key))
    this.#running.set(key, started)
    return this.#inTime(started, request.deadline)
  }

  stop(): Promise<void> {
    return this.#options.endpoint.close()
  }

  async #exchange(key: string, { token, parameters, expiresAt }: ExchangeRequest): Promise<Exchanged> {
    const { endpoint, now, onFailure } = this.#options
    const answer = await endpoint
      .exchange(token, parameters)
      .catch((): TokenAnswer => ({ ok: false, kind: 'failed', message: 'failed inside' }))
    const at = now()
    if (answer.ok) {
      this.#failures = 0
      const end = Math.min(answer.expiresAt ?? 0, expiresAt ?? Number.POSITIVE_INFINITY)
      if (answer.expiresAt !== undefined && end <= at) {
        onFailure('answered with a token that has expired')
        return this.#remember(key, { ok: false, reason: 'dependency.token_exchange' }, at + remembered.failed)
      }
      // What is given out must still be good when the server gets around to it.
      const until = Math.min(end - Math.min(30_000, (end - at) / 4), at + maxKept)
      return this.#remember(key, { ok: true, token: answer.token }, until)
    }
    onFailure(answer.message)
    if (answer.kind === 'refused') {
      this.#failures = 0
      return this.#remember(key, { ok: false, reason: 'authorization.exchange_refused' }, at + remembered.refused)
    }
    this.#failures++
    if (this.#failures >= maxFailures) this.#pausedUntil = at + remembered.failed
    return this.#remember(key, { ok: false, reason: 'dependency.token_exchange' }, at + remembered.failed)
  }

  #remember(key: string, result: Exchanged, until: number): Exchanged {
    if (until > this.#options.now()) this.#entries.set(key, { result, until })
    else this.#entries.delete(key)
    return result
  }

  #inTime(exchanged: Promise<Exchanged>, deadline: number | undefined): Promise<Exchanged> {
    if (deadline === undefined) return exchanged
    const left = deadline - this.#options.now()
    return new Promise(resolve => {
      const late = () => resolve({ ok: false, reason: 'dependency.timeout' })
      const timer = setTimeout(late, Math.min(Math.max(0, left - answerMargin(left)), 2 ** 31 - 1))
      void exchanged.then(resolve).finally(() => clearTimeout(timer))
    })
  }
}

/** Digests, so that no token is kept as a key. Lists as JSON: no two sets of parameters look alike. */
function keyOf({ token, server, parameters }: ExchangeRequest): string {
  const { audience, audiences, resource, scopes } = parameters
  return hash('sha256', JSON.stringify([token, server, audience, audiences, resource ?? null, scopes]), 'base64')
}
