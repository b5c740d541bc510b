import { hash } from 'node:crypto'

/** Milliseconds for which a proof can be accepted after its issue time: the largest value of `leewaySeconds`. */
export const maxLeeway = 5 * 60 * 1000

/** Milliseconds of issue times that share one set, which is forgotten as a whole. */
const span = 15_000

interface Span {
  readonly proofs: Set<string>
  /** How many of them are of one owner. */
  readonly byOwner: Map<string, number>
}

export interface UsedProof {
  /** Whose token came with it. */
  readonly owner: string
  readonly thumbprint: string
  readonly jti: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
}

export type Remembered = 'new' | 'replayed' | 'full'

/**
 * Remembers the proofs that were used, for as long as their issue time is accepted (RFC 9449, section 11.1). Bounded: when
 * it is full nothing new is taken, since forgetting one would let it in again; and one owner may have an eighth of it, with
 * however many keys, so that nobody can fill it alone. Memory of one process: another replica does not know what was used here.
 */
export class ReplayMemory {
  readonly #limit: number
  readonly #spans = new Map<number, Span>()
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  /** Whether a proof was used. Changes nothing. */
  has(thumbprint: string, jti: string, issuedAt: number): boolean {
    return this.#spans.get(Math.floor(issuedAt / span))?.proofs.has(digestOf(thumbprint, jti)) === true
  }

  /** Takes note of a proof whose signature is good; `now` in milliseconds since the epoch. */
  remember({ owner, thumbprint, jti, issuedAt }: UsedProof, now: number): Remembered {
    this.#forget(now)
    const index = Math.floor(issuedAt / span)
    const { proofs, byOwner } = this.#spans.get(index) ?? {
      proofs: new Set<string>(),
      byOwner: new Map<string, number>(),
    }
    const digest = digestOf(thumbprint, jti)
    if (proofs.has(digest)) return 'replayed'
    if (this.#size >= this.#limit || this.#of(owner) >= this.#limit / 8) return 'full'
    this.#spans.set(index, {
      proofs: proofs.add(digest),
      byOwner: byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1),
    })
    this.#size++
    return 'new'
  }

  #of(owner: string): number {
    let sum = 0
    for (const { byOwner } of this.#spans.values()) sum += byOwner.get(owner) ?? 0
    return sum
  }

  /** A span goes when the last moment of it is out of the window. */
  #forget(now: number): void {
    for (const [index, { proofs }] of this.#spans) {
      if ((index + 1) * span + maxLeeway >= now) continue
      this.#spans.delete(index)
      this.#size -= proofs.size
    }
  }
}

/** By key and id, not by the text of the proof: an ECDSA signature can be changed into another good one. 128 bits of it. */
function digestOf(thumbprint: string, jti: string): string {
  return hash('sha256', `${thumbprint}\n${jti}`, 'base64url').slice(0, 22)
}
