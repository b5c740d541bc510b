import { hash } from 'node:crypto'
import { type CryptoKey, flattenedVerify } from 'jose'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { ProofUse } from '../authenticator.js'
import { BoundedCache } from '../bounded-cache.js'
import type { IdentityReason, KeysReason } from '../reasons.js'
import type { DpopNonce } from './dpop-nonce.js'
import { normalizedUrl } from './normalized-url.js'
import { importProofKey } from './proof-key.js'
import { type Proof, readProof } from './read-proof.js'
import { ReplayMemory } from './replay-memory.js'

/** What `Identity.spec.proofs.dpop` says. */
export interface DpopRules {
  /** Milliseconds that the issue time of a proof may be away from now, either way. */
  readonly leeway: number
  /** undefined where proofs need no nonce. */
  readonly nonce: DpopNonce | undefined
}

/** What a proof must be made for. */
export interface Proven {
  readonly request: Pick<InboundRequest, 'method' | 'headers'>
  readonly token: string
  /** Thumbprint that the token is bound to. */
  readonly jkt: string
  /** Whose token it is. Keys cost nothing: what one caller may use up is counted by this. */
  readonly owner: string
  /** URLs at which clients reach the server. */
  readonly urls: readonly string[]
}

export type ProofChecked =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly reason: IdentityReason | KeysReason
      readonly message: string
      /** For the header `DPoP-Nonce` of the answer. */
      readonly nonce?: string
    }

export interface DpopVerifierOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Used proofs that are remembered, about 100 bytes each; default 200,000: with the widest leeway 650 a second. */
  readonly maxProofs?: number
  /** Signatures being checked; default 500, an eighth for one owner. Beyond that, proofs are answered with dependency.timeout. */
  readonly maxPending?: number
}

const busy: ProofChecked = {
  ok: false,
  reason: 'dependency.timeout',
  message: 'Too many DPoP proofs are being checked at once; try again.',
}
const invalid = (message: string): ProofChecked => ({ ok: false, reason: 'identity.proof_invalid', message })
const replayed: ProofChecked = {
  ok: false,
  reason: 'identity.proof_replayed',
  message: 'The DPoP proof was used before; make a new one for each request, with a jti of its own.',
}

/**
 * Checks DPoP proofs (RFC 9449, section 4.3) and remembers those that were used. Outlives configurations, so that a reload
 * does not let used proofs in again. Every proof is new, so every one costs a signature check, off this thread.
 */
export class DpopVerifier {
  readonly #now: () => number
  readonly #used: ReplayMemory
  readonly #maxPending: number
  readonly #keys = new BoundedCache<Promise<CryptoKey>>(1000)
  /** Digests of proofs that were shown and are still to be used: their signatures need no second check. */
  readonly #signed = new BoundedCache<true>(1000)
  /** By owner. */
  readonly #pendingOf = new Map<string, number>()
  #pending = 0

  constructor({ now, maxProofs = 200_000, maxPending = 500 }: DpopVerifierOptions) {
    this.#now = now
    this.#used = new ReplayMemory(maxProofs)
    this.#maxPending = maxPending
  }

  /** How much is remembered and under way, for metrics and tests. */
  get size(): { readonly used: number; readonly pending: number } {
    return { used: this.#used.size, pending: this.#pending }
  }

  /**
   * Never throws and never rejects. What needs no signature is checked before one is. Default: the proof is used up.
   * Synchronous for a proof that was shown just before.
   */
  check(proven: Proven, rules: DpopRules, use: ProofUse = 'use'): ProofChecked | Promise<ProofChecked> {
    const read = readProof(proven.request.headers)
    if (!read.ok)
      return {
        ok: false,
        reason: read.missing ? 'identity.proof_missing' : 'identity.proof_invalid',
        message: read.message,
      }
    const { proof } = read
    const problem = this.#problem(proof, proven, rules)
    if (problem !== undefined) return problem
    const { owner } = proven
    if (this.#signed.get(digestOf(proof)) === true) return this.#settle(proof, owner, use)
    const own = this.#pendingOf.get(owner) ?? 0
    if (this.#pending >= this.#maxPending || own >= this.#maxPending / 8) return busy
    this.#pending++
    this.#pendingOf.set(owner, own + 1)
    return this.#verify(proof, owner, use).finally(() => {
      this.#pending--
      const left = (this.#pendingOf.get(owner) ?? 1) - 1
      if (left === 0) this.#pendingOf.delete(owner)
      else this.#pendingOf.set(owner, left)
    })
  }

  #problem(proof: Proof, { request, token, jkt, urls }: Proven, rules: DpopRules): ProofChecked | undefined {
    if (proof.key.thumbprint !== jkt)
      return invalid('The DPoP proof is signed by another key than the one that the access token is bound to.')
    if (proof.htm !== request.method) return invalid('The DPoP proof is made for another HTTP method (htm).')
    const htu = normalizedUrl(proof.htu)
    if (htu === undefined || !urls.some(url => normalizedUrl(url) === htu))
      return invalid('The DPoP proof is made for another URL (htu); use the URL of the server without query.')
    if (proof.ath !== hash('sha256', token, 'base64url'))
      return invalid('The DPoP proof is made for another access token (ath).')
    const now = this.#now()
    // Whoever has no nonce yet is told one, whatever its clock says: with a nonce the time is ours.
    if (rules.nonce !== undefined && (proof.nonce === undefined || !rules.nonce.accepts(proof.nonce, now)))
      return {
        ok: false,
        reason: 'identity.proof_nonce',
        message: 'The DPoP proof needs the nonce of this answer (DPoP-Nonce); make a new proof with it.',
        nonce: rules.nonce.current(now),
      }
    const old = now - proof.issuedAt > rules.leeway || (proof.expiresAt !== undefined && now >= proof.expiresAt)
    const early =
      proof.issuedAt - now > rules.leeway || (proof.notBefore !== undefined && proof.notBefore - now > rules.leeway)
    if (old || early)
      return invalid(
        `The DPoP proof is ${old ? 'too old' : 'made in the future'} (iat); make a new one for each request and check the clock.`,
      )
    return this.#used.has(jkt, proof.jti, proof.issuedAt) ? replayed : undefined
  }

  async #verify(proof: Proof, owner: string, use: ProofUse): Promise<ProofChecked> {
    const { protectedHeader, payload, signature, algorithm } = proof
    try {
      await flattenedVerify({ protected: protectedHeader, payload, signature }, await this.#imported(proof), {
        algorithms: [algorithm],
      })
    } catch {
      return invalid('The signature of the DPoP proof is wrong.')
    }
    if (use === 'shown') this.#signed.set(digestOf(proof), true)
    return this.#settle(proof, owner, use)
  }

  /** Of a proof whose signature is good. It may have been used while that was checked. */
  #settle(proof: Proof, owner: string, use: ProofUse): ProofChecked {
    const { thumbprint } = proof.key
    const { jti, issuedAt } = proof
    if (use === 'shown') return this.#used.has(thumbprint, jti, issuedAt) ? replayed : { ok: true }
    this.#signed.delete(digestOf(proof))
    switch (this.#used.remember({ owner, thumbprint, jti, issuedAt }, this.#now())) {
      case 'new':
        return { ok: true }
      case 'replayed':
        return replayed
      case 'full':
        return busy
    }
  }

  /** A client signs all of its proofs with one key. */
  #imported({ key, algorithm }: Proof): Promise<CryptoKey> {
    const id = `${algorithm} ${key.thumbprint}`
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    const imported = importProofKey(key, algorithm)
    this.#keys.set(id, imported)
    return imported
  }
}

/** Of the very bytes that were checked. */
function digestOf({ protectedHeader, payload, signature }: Proof): string {
  return hash('sha256', `${protectedHeader}.${payload}.${signature}`, 'base64url')
}
