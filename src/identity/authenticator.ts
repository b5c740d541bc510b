import type { InboundRequest } from '../protocol/inbound-request.js'
import type { Principal } from './principal.js'
import type { IdentityReason, KeysReason } from './reasons.js'

/** What a Server accepts; the only place that says which audiences are good. */
export interface AcceptedAudience {
  /** Name of the Server, for messages. */
  readonly server: string
  readonly audiences: readonly string[]
  /** URLs at which clients reach the server, for proofs that are made for a URL (RFC 9449, `htu`). */
  readonly urls: readonly string[]
  /** token: we verify the bearer token. gatewayMetadata: the gateway did, and its metadata carries the claims. */
  readonly identity: 'token' | 'gatewayMetadata'
  readonly anonymous: 'Deny' | 'Allow'
}

export type Authenticated =
  | { readonly ok: true; readonly principal: Principal }
  | {
      readonly ok: false
      readonly reason: IdentityReason | KeysReason
      /** For the caller and the log; never holds the token or claim values. */
      readonly message: string
      /** Goes into the header `DPoP-Nonce` of the answer (RFC 9449, section 8). */
      readonly nonce?: string
    }

export interface KnownIssuer {
  readonly url: string
  readonly alias: string
  /** Of its tokens one of these must be an audience. */
  readonly audiences: readonly string[]
  /** Whether people and their clients can log in there; not at the issuer of a cluster's or a mesh's own tokens. */
  readonly login: boolean
}

/**
 * What becomes of a proof of possession that is good once (DPoP, RFC 9449, section 11.1).
 *
 * use: it is used up, and a second use is refused. Whoever lets a request pass says this.
 *
 * shown: everything about it is checked, also whether it was used before, but it stays unused for whoever decides about the
 * request. A proof that was shown can be shown again, so such an answer opens nothing by itself: what follows from it may
 * take effect only for a request that somebody else allows, who uses the proof up.
 */
export type ProofUse = 'use' | 'shown'

export interface AuthenticateOptions {
  /** Default: use. */
  readonly proof?: ProofUse
}

/**
 * Establishes the principal of a request. Synchronous when the token's verification is cached; a promise when a
 * signature must be checked or keys fetched. Never throws and never rejects.
 */
export interface Authenticator {
  authenticate(
    request: InboundRequest,
    accepted: AcceptedAudience,
    options?: AuthenticateOptions,
  ): Authenticated | Promise<Authenticated>
  /** For documents such as RFC 9728 metadata. */
  readonly issuers: readonly KnownIssuer[]
  /** Headers in which software names the person for whom it acts; they go no further than us. */
  readonly onBehalfOfHeaders?: readonly string[]
  /** Signatures that DPoP proofs may have, for RFC 9728 metadata; none where no proofs are taken. */
  readonly dpopAlgorithms?: readonly string[]
  /** What of the configuration counts only behind a gateway that is known, for an error at start. */
  readonly needsTrust?: readonly string[]
  /** True once every issuer's keys were loaded at least once. Never without any issuer. */
  readonly ready: boolean
  /** Why it is not ready, one line per issuer. */
  readonly pending: readonly string[]
  /** Starts prefetch and refresh of keys; resolves after the first attempt for each issuer, successful or not. */
  start(): Promise<void>
  stop(): void
}
