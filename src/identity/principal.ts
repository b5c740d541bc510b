import type { JsonObject } from '../protocol/json-value.js'

/** The shape of Kubernetes' UserInfo (authentication.k8s.io/v1). */
export interface UserInfo {
  readonly username: string
  readonly uid: string
  /** Complete, `system:authenticated` or `system:unauthenticated` included, as the API server would have them. */
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

/**
 * attested: the issuer vouches for the software (a listed confidential client, an `act` claim, a machine token, mTLS).
 * claimed: the token names a client that nobody attested, e.g. a public client. none: no software is named.
 */
export type Assurance = 'attested' | 'claimed' | 'none'

/** The software that acts. Always present; `id` is "" when no software acts or none is known. */
export interface Agent {
  readonly id: string
  /** Alias of the issuer that named it; "" without id. */
  readonly issuer: string
  readonly assurance: Assurance
}

/** One link of the delegation chain (RFC 8693, section 4.1, `act`). */
export interface Actor {
  readonly subject: string
  readonly issuer: string
}

/** Who asks. Made of verified claims, and kept as long as they and the configuration are; nothing in it comes from unverified input. */
export interface Principal {
  readonly kind: 'user' | 'machine' | 'anonymous'
  readonly user: UserInfo
  /** Verified claims; empty for anonymous. */
  readonly claims: JsonObject
  /** Issuer URL of the token, "" for anonymous. */
  readonly issuer: string
  readonly issuerAlias: string
  readonly scopes: readonly string[]
  readonly agent: Agent
  /** True when software acts between the person and us (not for `direct` clients). */
  readonly throughAgent: boolean
  /** Nearest first. */
  readonly actors: readonly Actor[]
  /** Digest over issuer, subject and actors: the same for every hop that carries the same chain. "" without actors. */
  readonly chainId: string
  /** SPIFFE id (or other mTLS principal) of the gateway's client; "" without mTLS. */
  readonly workload: string
  /** undefined when unknown. */
  readonly tenant: string | undefined
  /** The agent as an RBAC subject (`agent:<alias>:<id>`); undefined without agent. */
  readonly agentUser: UserInfo | undefined
  /**
   * How the person came to be named beside the token of the software that acts: by a token of the person, or by the word
   * of a trusted workload. Absent when the token itself says who asks.
   */
  readonly onBehalfOf?: 'jwt' | 'plain'
  /** Milliseconds since the epoch; undefined for anonymous. */
  readonly expiresAt: number | undefined
}
