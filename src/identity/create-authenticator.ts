import type { InboundRequest } from '../protocol/inbound-request.js'
import { algorithms } from './algorithms.js'
import { anonymousPrincipal } from './anonymous-principal.js'
import type { AcceptedAudience, Authenticated, AuthenticateOptions, Authenticator, ProofUse } from './authenticator.js'
import { bearerToken } from './bearer-token.js'
import { checkTokenUse } from './check-token-use.js'
import type { DpopNonce } from './dpop/dpop-nonce.js'
import { DpopVerifier } from './dpop/dpop-verifier.js'
import { andThen, type Eventually } from './eventually.js'
import { gatewayClaims } from './gateway-claims.js'
import type { ConfiguredIssuer, IdentityConfiguration } from './identity-configuration.js'
import type { IdentityEvent } from './identity-event.js'
import { inTime } from './in-time.js'
import { checkKeyProof, type Presented } from './key-proof.js'
import type { KeyRing } from './key-ring.js'
import type { ClusterConnections } from './load-keys.js'
import { loadNonceKey } from './load-nonce-key.js'
import { numericDate } from './numeric-date.js'
import { OnBehalfOf } from './on-behalf-of.js'
import { PrincipalMapper } from './principal-mapper.js'
import { inRouteTenant } from './route-tenant.js'
import { TokenReviewer } from './token-reviewer.js'
import {
  type Failed,
  type KeySets,
  notBeforeLeeway,
  type TokenVerifier,
  type Verification,
  type VerifiedToken,
} from './token-verifier.js'

export interface AuthenticatorOptions {
  readonly configuration: IdentityConfiguration
  /** Shared by the configurations of one process, so that a reload keeps the keys. */
  readonly keyRing: KeyRing
  /** Shared likewise, so that a reload keeps the verified tokens. */
  readonly verifier: TokenVerifier
  /** Shared likewise, so that a reload does not let used proofs in again. Default: one of its own. */
  readonly dpop?: DpopVerifier
  /** The clusters that can be asked whom their tokens speak for. */
  readonly clusters?: ClusterConnections
  readonly onEvent?: (event: IdentityEvent) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * The authenticator of one configuration. `start` before use, `stop` after: it holds its issuers' key sets in between.
 * To replace one without a gap, start the new one before the old one stops.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  return new ConfiguredAuthenticator(options)
}

/** Milliseconds. */
const nonceRetry = 5000

const late: Failed = {
  ok: false,
  reason: 'dependency.timeout',
  message: 'The access token could not be checked in time; try again.',
}
const notShown: Failed = {
  ok: false,
  reason: 'identity.issuer_unknown',
  message:
    'The cluster must see tokens of its ServiceAccounts itself (tokenReview), which the gateway keeps here; use a server with identity: token.',
}

class ConfiguredAuthenticator implements Authenticator {
  readonly issuers: Authenticator['issuers']
  readonly onBehalfOfHeaders: readonly string[]
  readonly needsTrust: readonly string[]
  readonly dpopAlgorithms: readonly string[]
  readonly #options: AuthenticatorOptions
  readonly #mapper: PrincipalMapper
  readonly #dpop: DpopVerifier
  readonly #onBehalfOf: OnBehalfOf
  /** By the URL of the issuer. */
  readonly #reviewers: ReadonlyMap<string, TokenReviewer>
  #nonce: DpopNonce | undefined
  #nonceProblem: string | undefined
  #nonceTimer: NodeJS.Timeout | undefined
  #keySets: KeySets | undefined

  constructor(options: AuthenticatorOptions) {
    this.#options = options
    this.#mapper = new PrincipalMapper(options.configuration)
    this.#dpop = options.dpop ?? new DpopVerifier(options)
    this.#onBehalfOf = new OnBehalfOf(options.configuration, this.#mapper)
    this.#reviewers = reviewersOf(options)
    const { onBehalfOf, proofs } = options.configuration
    this.onBehalfOfHeaders = [...new Set(onBehalfOf.map(({ header }) => header))]
    this.dpopAlgorithms = proofs.dpop === undefined ? [] : algorithms
    this.needsTrust = [
      ...(onBehalfOf.length > 0 ? ['Identity.spec.onBehalfOf'] : []),
      ...(proofs.mtls ? ['Identity.spec.proofs.mtls'] : []),
    ]
    this.issuers = [...options.configuration.issuers.values()].map(({ configuration, alias, login }) => ({
      url: configuration.url,
      alias,
      audiences: configuration.audiences,
      login,
    }))
  }

  get ready(): boolean {
    return this.pending.length === 0
  }

  get pending(): readonly string[] {
    const keySets = this.#keySets
    if (keySets === undefined) return ['identity: not started']
    if (keySets.size === 0) return ['identity: no issuer is configured']
    const issuers = [...keySets.values()]
      .filter(({ loaded }) => !loaded)
      .map(({ issuer, failure }) => `issuer ${issuer}: no keys yet${failure === undefined ? '' : ` (${failure})`}`)
    return this.#nonceProblem === undefined ? issuers : [...issuers, `DPoP nonces: ${this.#nonceProblem}`]
  }

  async start(): Promise<void> {
    if (this.#keySets !== undefined) return
    const { configuration, keyRing } = this.#options
    this.#keySets = new Map([...configuration.issuers].map(([url, { keys }]) => [url, keyRing.hold(keys)]))
    this.#loadNonce()
    await Promise.all([...this.#keySets.values()].map(keySet => keySet.start()))
  }

  /** Tries again while the file is not there: Secrets can be mounted late. */
  #loadNonce(): void {
    const path = this.#options.configuration.proofs.dpop?.nonceKeyFile
    if (path === undefined) return
    const loaded = loadNonceKey(path)
    this.#nonce = loaded.ok ? loaded.nonce : undefined
    this.#nonceProblem = loaded.ok ? undefined : loaded.message
    if (loaded.ok) return
    this.#nonceTimer = setTimeout(() => this.#loadNonce(), nonceRetry)
    this.#nonceTimer.unref()
  }

  stop(): void {
    if (this.#keySets === undefined) return
    this.#keySets = undefined
    clearTimeout(this.#nonceTimer)
    for (const { keys } of this.#options.configuration.issuers.values()) this.#options.keyRing.release(keys)
  }

  authenticate(
    request: InboundRequest,
    accepted: AcceptedAudience,
    { proof = 'use' }: AuthenticateOptions = {},
  ): Eventually<Authenticated> {
    // Taken once: a request that waits while this configuration is replaced is still answered by it.
    const keySets = this.#keySets
    const verify = (token: string) => this.#verify(token, request, keySets)
    const presenter =
      accepted.identity === 'gatewayMetadata'
        ? this.#fromGateway(request, accepted, proof)
        : this.#fromToken(request, accepted, proof, verify)
    return andThen(presenter, settled => {
      const named = settled.ok ? this.#onBehalfOf.apply(settled, request, verify) : settled
      return andThen(named, answer => inRouteTenant(answer, request))
    })
  }

  #fromToken(
    request: InboundRequest,
    accepted: AcceptedAudience,
    proof: ProofUse,
    verify: (token: string) => Eventually<Verification>,
  ): Eventually<Authenticated> {
    if (accepted.anonymous === 'Allow' && !request.headers.has('authorization'))
      return { ok: true, principal: anonymousPrincipal(request.peer.principal) }
    const bearer = bearerToken(request.headers)
    if (!bearer.ok) return bearer
    const token = { text: bearer.token, scheme: bearer.scheme }
    return andThen(verify(bearer.token), verification =>
      verification.ok ? this.#principal(verification.token, { request, accepted, token, proof }) : verification,
    )
  }

  /** Synchronous when the token is known. */
  #verify(token: string, request: InboundRequest, keySets: KeySets | undefined): Eventually<Verification> {
    if (keySets === undefined)
      return {
        ok: false,
        reason: 'dependency.keys_unavailable',
        message: 'The service is not ready to check access tokens; try again.',
      }
    const verification = this.#options.verifier.verify(token, keySets)
    if (!(verification instanceof Promise)) return verification
    return inTime<Verification>(verification, request.deadline, this.#options.now, late)
  }

  /** The part that runs on every request, cached token or not: the answer depends on the server and on configuration. */
  #principal(token: VerifiedToken, presented: Presented): Eventually<Authenticated> {
    const { accepted } = presented
    const { configuration } = this.#options
    const issuer = configuration.issuers.get(token.issuer)
    if (issuer === undefined)
      return {
        ok: false,
        reason: 'identity.issuer_unknown',
        message: 'The access token comes from an issuer that is not configured here.',
      }
    // Of a cluster's tokens, Servers alone say for whom they are good.
    const expected = issuer.review === undefined ? issuer.configuration.audiences : accepted.audiences
    const use = checkTokenUse(token.claims, token.typ, accepted.audiences, expected)
    if (!use.ok) return use
    const means = { rules: configuration.proofs, dpop: this.#dpop, nonce: this.#nonce }
    return andThen(checkKeyProof(presented, { token, binding: use.binding }, means), proof =>
      proof.ok ? this.#mapped(token, issuer, presented) : proof,
    )
  }

  /** Synchronous when nobody has to be asked. */
  #mapped(token: VerifiedToken, issuer: ConfiguredIssuer, presented: Presented): Eventually<Authenticated> {
    const { request, accepted, token: shown } = presented
    const { claims, expiresAt } = token
    const workload = request.peer.principal
    if (issuer.review === undefined) return this.#mapper.map(claims, issuer, expiresAt, workload)
    const reviewer = this.#reviewers.get(token.issuer)
    if (shown === undefined || reviewer === undefined) return notShown
    const review = reviewer.review(shown.text, token, accepted.audiences)
    const reviewed = review instanceof Promise ? inTime(review, request.deadline, this.#options.now, late) : review
    return andThen(reviewed, answer =>
      answer.ok ? this.#mapper.map(claims, issuer, expiresAt, workload, answer.user) : answer,
    )
  }

  #fromGateway(request: InboundRequest, accepted: AcceptedAudience, proof: ProofUse): Eventually<Authenticated> {
    const found = gatewayClaims(request)
    if (!found.ok) {
      const anonymous =
        found.reason === 'identity.token_missing' &&
        accepted.anonymous === 'Allow' &&
        !request.headers.has('authorization')
      return anonymous ? { ok: true, principal: anonymousPrincipal(request.peer.principal) } : found
    }
    const { claims, typ } = found
    const [expiresAt, notBefore] = [
      numericDate(claims.get('exp')),
      claims.has('nbf') ? numericDate(claims.get('nbf')) : 0,
    ]
    const issuer = claims.get('iss')
    if (expiresAt === undefined || notBefore === undefined || typeof issuer !== 'string')
      return {
        ok: false,
        reason: 'identity.claims',
        message: 'The access token has no valid exp or iss claim, or an invalid nbf claim.',
      }
    const now = this.#options.now()
    if (now >= expiresAt)
      return { ok: false, reason: 'identity.expired', message: 'The access token has expired; get a new one.' }
    if (now + notBeforeLeeway < notBefore)
      return {
        ok: false,
        reason: 'identity.not_yet_valid',
        message: 'The access token is not valid yet; check the clocks.',
      }
    return this.#principal(
      { issuer, claims, typ, expiresAt, notBefore },
      { request, accepted, token: undefined, proof },
    )
  }
}

function reviewersOf(options: AuthenticatorOptions): ReadonlyMap<string, TokenReviewer> {
  const { configuration, clusters, now, onEvent } = options
  const reviewers = new Map<string, TokenReviewer>()
  for (const [issuer, { review: rule }] of configuration.issuers)
    if (rule !== undefined)
      reviewers.set(
        issuer,
        new TokenReviewer({ issuer, rule, now, api: clusters?.get(rule.cluster), ...(onEvent && { onEvent }) }),
      )
  return reviewers
}
