import { createHmac, timingSafeEqual } from 'node:crypto'

/** Milliseconds for which one nonce is handed out; it is taken for as long again. */
const period = 5 * 60 * 1000

/** Bytes of a key: as many as the hash has. */
export const minNonceKey = 32

/**
 * Nonces that every replica with the same key hands out and takes alike, without remembering any (RFC 9449, section 8).
 * They bind a proof to a time of ours: one that was made long before cannot be used.
 */
export class DpopNonce {
  readonly #key: Uint8Array

  /** @param key at least {@link minNonceKey} bytes, secret, the same on every replica */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** @param now milliseconds since the epoch */
  current(now: number): string {
    return this.#of(Math.floor(now / period))
  }

  /** Whether it is the current one or the one before. */
  accepts(nonce: string, now: number): boolean {
    const index = Math.floor(now / period)
    return equal(nonce, this.#of(index)) || equal(nonce, this.#of(index - 1))
  }

  #of(index: number): string {
    return createHmac('sha256', this.#key).update(`mcp-authz dpop nonce ${index}`).digest('base64url')
  }
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
