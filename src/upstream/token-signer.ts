import { randomUUID } from 'node:crypto'
import type { Principal } from '../identity/principal.js'
import { type ContextTokenSubject, contextTokenClaims, contextTokenType } from './context-token.js'
import { actClaim, maxGroupsLength, toldGroups } from './principal-claims.js'
import type { SigningKey } from './signing-key.js'

export interface TokenSignerOptions {
  /** `iss` of what we sign. */
  readonly issuer: string
  readonly keys: { readonly current: SigningKey | undefined }
  /** Seconds for which a context token is good, at most 30. */
  readonly contextTokenSeconds: number
  /** Seconds for which a minted access token is good. */
  readonly accessTokenSeconds: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** undefined: there is no key, or the token of the caller ends first. */
export interface TokenSigner {
  /** The token of one call, for `x-mcp-authz-context`. */
  contextToken(subject: Omit<ContextTokenSubject, 'issuer'>): string | undefined
  /**
   * An access token of ours for the server (RFC 9068: `typ: at+jwt`), which says who asks as the server is to see it. One
   * that is still good for half its time is given again. Never good for longer than the token of the caller.
   */
  accessToken(principal: Principal, audience: string): string | undefined
}

interface Minted {
  readonly token: string
  readonly kid: string
  /** Milliseconds since the epoch until which it is given out. */
  readonly until: number
}

/** Signs what servers get. Synchronous, holds nothing but tokens of principals that are remembered anyway. */
export function createTokenSigner(options: TokenSignerOptions): TokenSigner {
  const { issuer, keys, now } = options
  const minted = new WeakMap<Principal, Map<string, Minted>>()

  const end = (principal: Principal, issuedAt: number, seconds: number): number =>
    Math.min(issuedAt + seconds, Math.floor((principal.expiresAt ?? Number.POSITIVE_INFINITY) / 1000))

  return {
    contextToken(subject) {
      const key = keys.current
      const issuedAt = Math.floor(now() / 1000)
      const expiresAt = end(subject.principal, issuedAt, options.contextTokenSeconds)
      if (key === undefined || expiresAt <= issuedAt) return undefined
      return key.sign(contextTokenType, contextTokenClaims({ issuer, ...subject }, issuedAt, expiresAt))
    },

    accessToken(principal, audience) {
      const key = keys.current
      const at = now()
      if (key === undefined) return undefined
      const known = minted.get(principal)?.get(audience)
      if (known !== undefined && known.kid === key.kid && at < known.until) return known.token
      const issuedAt = Math.floor(at / 1000)
      const expiresAt = end(principal, issuedAt, options.accessTokenSeconds)
      if (expiresAt <= issuedAt) return undefined
      const claims = {
        iss: issuer,
        aud: audience,
        iat: issuedAt,
        exp: expiresAt,
        jti: randomUUID(),
        ...accessClaims(principal),
      }
      const token = key.sign('at+jwt', JSON.stringify(claims))
      const tokens = minted.get(principal) ?? new Map<string, Minted>()
      tokens.set(audience, { token, kid: key.kid, until: at + ((expiresAt - issuedAt) * 1000) / 2 })
      minted.set(principal, tokens)
      return token
    },
  }
}

function accessClaims(principal: Principal): object {
  const { user, agent, tenant, actors } = principal
  const act = actClaim(actors)
  return {
    sub: user.username,
    ...(agent.id !== '' && { client_id: agent.id }),
    groups: toldGroups(principal),
    ...(tenant !== undefined && tenant !== '' && { tenant }),
    ...(act !== undefined && { act }),
  }
}

/** Why a principal cannot be told in a token; undefined when it can. A list of groups is told whole or not at all. */
export function untellable(principal: Principal): string | undefined {
  return JSON.stringify(toldGroups(principal)).length > maxGroupsLength
    ? 'the caller is in more groups than a token for the server behind can hold'
    : undefined
}
