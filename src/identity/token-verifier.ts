import { hash } from 'node:crypto'
import { flattenedVerify } from 'jose'
import type { JsonObject } from '../protocol/json-value.js'
import { BoundedCache } from './bounded-cache.js'
import { type DecodedToken, decodeToken } from './decode-token.js'
import type { KeySet } from './key-set.js'
import { numericDate } from './numeric-date.js'
import type { IdentityReason, KeysReason } from './reasons.js'
import { tokenBytes } from './token-bytes.js'
import type { VerificationKey } from './verification-keys.js'

/** What a signature proved. Says nothing yet about audience, kind of token or user. */
export interface VerifiedToken {
  readonly issuer: string
  readonly claims: JsonObject
  /** `typ` of the header. */
  readonly typ: string | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly notBefore: number | undefined
}

export type Failed = { readonly ok: false; readonly reason: IdentityReason | KeysReason; readonly message: string }
export type Verification = { readonly ok: true; readonly token: VerifiedToken } | Failed

export interface TokenVerifierOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Verified tokens kept; default: as many as `maxBytes` are enough for. */
  readonly maxTokens?: number
  /** Bytes of memory that they may take, by {@link tokenBytes}; default 64 MiB. */
  readonly maxBytes?: number
  /** Refused tokens kept, for `refusalTtl` each; default 1000. */
  readonly maxRefusals?: number
  /** Milliseconds; default 10 seconds. */
  readonly refusalTtl?: number
  /** Verifications under way; default 1000. Beyond that, new tokens are answered with dependency.timeout. */
  readonly maxPending?: number
  /** Bytes of memory that the claims of these may take, by {@link tokenBytes}; default 16 MiB. Strangers write them. */
  readonly maxPendingBytes?: number
  /** Requests that wait for them; default 4000. The same token may come many times, and each request holds its body. */
  readonly maxCallers?: number
}

/** A token that is not known yet. */
interface Presented {
  readonly digest: string
  readonly decoded: DecodedToken
  readonly keySet: KeySet
  readonly issuer: string
  /** What its claims take, by {@link tokenBytes}. */
  readonly bytes: number
}

type Signed = { readonly ok: true; readonly key: VerificationKey } | Failed

interface Pending {
  readonly keySet: KeySet
  readonly result: Promise<Verification>
  callers: number
}

/** What became of tokens: their answer was known, the same one was being checked already, checked, not even looked at. */
export interface TokenCounts {
  readonly known: number
  readonly joined: number
  readonly checked: number
  readonly overloaded: number
}

export interface TokenSizes {
  /** Verified ones. */
  readonly tokens: number
  /** Of memory that these take, estimated. */
  readonly bytes: number
  readonly refusals: number
  /** Being checked. */
  readonly pending: number
  /** Of memory that their claims take, estimated. */
  readonly pendingBytes: number
}

/** Key sets by issuer, as one configuration has them. */
export type KeySets = ReadonlyMap<string, KeySet>

interface Entry {
  readonly token: VerifiedToken
  /** Stands for the issuer's configuration: another one has another key set. */
  readonly keySet: KeySet
  readonly fingerprint: string
}

interface Refusal {
  readonly failed: Failed
  readonly keySet: KeySet
  readonly until: number
}

/** Clocks of issuers may be ahead of ours: as long as in the API server (go-oidc), for `nbf` only. */
export const notBeforeLeeway = 5 * 60 * 1000

const expired: Failed = {
  ok: false,
  reason: 'identity.expired',
  message: 'The access token has expired; get a new one.',
}
const notYetValid: Failed = {
  ok: false,
  reason: 'identity.not_yet_valid',
  message: 'The access token is not valid yet; check the clocks.',
}
const wrongSignature: Failed = {
  ok: false,
  reason: 'identity.signature',
  message: 'The signature of the access token is wrong.',
}
const unknownKey: Failed = {
  ok: false,
  reason: 'identity.key_unknown',
  message: 'The access token is signed with a key that its issuer does not publish.',
}
const busy: Failed = {
  ok: false,
  reason: 'dependency.timeout',
  message: 'Too many new access tokens are being checked at once; try again.',
}
const unavailable: Failed = {
  ok: false,
  reason: 'dependency.keys_unavailable',
  message: "The issuer's keys are not available, so the access token cannot be checked; try again.",
}

/**
 * Verifies tokens and remembers the result under the token's SHA-256 digest, never under the token. Outlives
 * configurations. A remembered token is forgotten at `exp`, when its key leaves the issuer's set, and when the issuer's
 * configuration changes. A token that is presented many times at once is verified once.
 */
export class TokenVerifier {
  readonly #now: () => number
  readonly #tokens: BoundedCache<Entry>
  readonly #refusals: BoundedCache<Refusal>
  readonly #pending = new Map<string, Pending>()
  readonly #maxPending: number
  readonly #maxPendingBytes: number
  #pendingBytes = 0
  readonly #maxCallers: number
  #callers = 0
  #waiting = 0
  #waitingBytes = 0
  readonly #refusalTtl: number
  readonly #counts = { known: 0, joined: 0, checked: 0, overloaded: 0 }

  constructor({
    now,
    maxTokens = Number.POSITIVE_INFINITY,
    maxBytes = 64 * 1024 * 1024,
    maxRefusals = 1000,
    refusalTtl = 10_000,
    maxPending = 1000,
    maxPendingBytes = 16 * 1024 * 1024,
    maxCallers = 4000,
  }: TokenVerifierOptions) {
    this.#now = now
    this.#tokens = new BoundedCache(maxTokens, maxBytes)
    this.#refusals = new BoundedCache(maxRefusals)
    this.#maxPending = maxPending
    this.#maxPendingBytes = maxPendingBytes
    this.#maxCallers = maxCallers
    this.#refusalTtl = refusalTtl
  }

  /** How much is remembered, for metrics and tests. */
  get size(): TokenSizes {
    const { size: tokens, weight: bytes } = this.#tokens
    const [pending, pendingBytes] = [this.#pending.size, this.#pendingBytes]
    return { tokens, bytes, refusals: this.#refusals.size, pending, pendingBytes }
  }

  /** What became of tokens of known issuers since the start. */
  get counts(): TokenCounts {
    return { ...this.#counts }
  }

  /** Synchronous when the token is known. Never throws and never rejects. */
  verify(token: string, keySets: KeySets): Verification | Promise<Verification> {
    const digest = hash('sha256', token, 'base64url')
    const entry = this.#tokens.get(digest)
    if (entry !== undefined) {
      const { keySet } = entry
      if (keySets.get(entry.token.issuer) === keySet && keySet.has(entry.fingerprint)) {
        if (!keySet.usable) return unavailable
        this.#counts.known++
        const outOfTime = this.#outOfTime(entry.token)
        if (outOfTime === expired) this.#tokens.delete(digest)
        return outOfTime ?? { ok: true, token: entry.token }
      }
      this.#tokens.delete(digest)
    }
    const decoded = decodeToken(token)
    if (!decoded.ok) return decoded
    const issuer = decoded.token.claims.get('iss')
    const keySet = typeof issuer === 'string' ? keySets.get(issuer) : undefined
    if (typeof issuer !== 'string' || keySet === undefined)
      return {
        ok: false,
        reason: 'identity.issuer_unknown',
        message: 'The access token comes from an issuer that is not configured here.',
      }
    return this.#refusal(digest, keySet) ?? this.#shared({ digest, decoded: decoded.token, keySet, issuer })
  }

  #outOfTime({ expiresAt, notBefore }: VerifiedToken): Failed | undefined {
    const now = this.#now()
    // RFC 7519, section 4.1.4: refused "on or after" exp, without leeway, as in the API server.
    if (now >= expiresAt) return expired
    return notBefore !== undefined && now + notBeforeLeeway < notBefore ? notYetValid : undefined
  }

  #refusal(digest: string, keySet: KeySet): Failed | undefined {
    const refusal = this.#refusals.get(digest)
    if (refusal === undefined) return undefined
    if (refusal.keySet === keySet && this.#now() < refusal.until) {
      this.#counts.known++
      return refusal.failed
    }
    this.#refusals.delete(digest)
    return undefined
  }

  #refuse(digest: string, keySet: KeySet, failed: Failed): Failed {
    this.#refusals.set(digest, { failed, keySet, until: this.#now() + this.#refusalTtl })
    return failed
  }

  #shared(asked: Omit<Presented, 'bytes'>): Verification | Promise<Verification> {
    const { digest, keySet, decoded } = asked
    const pending = this.#pending.get(digest)
    if (this.#callers >= this.#maxCallers) return this.#busy()
    if (pending?.keySet === keySet) {
      this.#callers++
      pending.callers++
      this.#counts.joined++
      return pending.result
    }
    const bytes = tokenBytes(decoded.claims, Buffer.byteLength(decoded.payload, 'base64url'))
    if (this.#pending.size >= this.#maxPending || this.#pendingBytes + bytes > this.#maxPendingBytes)
      return this.#busy()
    this.#counts.checked++
    this.#pendingBytes += bytes
    const result = this.#verify({ ...asked, bytes })
      .catch((): Verification => unavailable)
      .finally(() => {
        this.#callers -= started.callers
        this.#pendingBytes -= bytes
        if (this.#pending.get(digest) === started) this.#pending.delete(digest)
      })
    const started: Pending = { keySet, result, callers: 1 }
    this.#callers++
    this.#pending.set(digest, started)
    return result
  }

  #busy(): Failed {
    this.#counts.overloaded++
    return busy
  }

  async #verify(presented: Presented): Promise<Verification> {
    const { digest, decoded, keySet, issuer, bytes } = presented
    const signed = await this.#signed(presented)
    if (!signed.ok) return signed.reason === 'identity.signature' ? this.#refuse(digest, keySet, signed) : signed
    const { claims, typ } = decoded
    const expiresAt = numericDate(claims.get('exp'))
    const notBefore = claims.has('nbf') ? numericDate(claims.get('nbf')) : undefined
    if (expiresAt === undefined || (claims.has('nbf') && notBefore === undefined))
      return {
        ok: false,
        reason: 'identity.claims',
        message: 'The access token has no valid exp claim, or an invalid nbf claim.',
      }
    const token: VerifiedToken = { issuer, claims, typ, expiresAt, notBefore }
    const outOfTime = this.#outOfTime(token)
    if (outOfTime === expired) return this.#refuse(digest, keySet, expired)
    this.#tokens.set(digest, { token, keySet, fingerprint: signed.key.fingerprint }, bytes)
    return outOfTime ?? { ok: true, token }
  }

  /** The key that signed the token. Where none did, the issuer may have a new one, be it under the same id. */
  async #signed({ decoded, keySet, bytes }: Presented): Promise<Signed> {
    let candidates = keySet.usable ? keySet.find(decoded.kid, decoded.algorithm) : []
    const key = await signer(decoded, candidates)
    if (key !== undefined) return { ok: true, key }
    const missing = candidates.length === 0
    // Strangers choose key ids: those who wait for keys may not take the places of tokens whose key is known.
    const isCrowded = this.#waiting >= this.#maxPending / 2 || this.#waitingBytes + bytes > this.#maxPendingBytes / 2
    if (isCrowded) return missing ? unavailable : wrongSignature
    this.#waiting++
    this.#waitingBytes += bytes
    const reliable = await keySet.lookAgain().finally(() => {
      this.#waiting--
      this.#waitingBytes -= bytes
    })
    if (!keySet.usable) return unavailable
    const tried = new Set(candidates.map(({ fingerprint }) => fingerprint))
    candidates = keySet.find(decoded.kid, decoded.algorithm)
    const added = await signer(
      decoded,
      candidates.filter(({ fingerprint }) => !tried.has(fingerprint)),
    )
    if (added !== undefined) return { ok: true, key: added }
    if (candidates.length > 0) return wrongSignature
    return reliable ? unknownKey : unavailable
  }
}

/** Keys with one id are rare; more than this many would be a way to make us work. */
const maxCandidates = 4

async function signer(
  decoded: DecodedToken,
  candidates: readonly VerificationKey[],
): Promise<VerificationKey | undefined> {
  const { protectedHeader, payload, signature, algorithm } = decoded
  for (const key of candidates.slice(0, maxCandidates)) {
    try {
      await flattenedVerify({ protected: protectedHeader, payload, signature }, await key.importFor(algorithm), {
        algorithms: [algorithm],
      })
      return key
    } catch {
      // A wrong signature; the next candidate may fit.
    }
  }
  return undefined
}
