import type { ChallengeInput } from '../identity/challenge.js'
import { dpopChallenge } from '../identity/dpop/dpop-challenge.js'
import { protectedResourceMetadataPath } from '../identity/protected-resource-metadata.js'
import type { Server } from '../policy/server.js'
import type { Failure } from './decision.js'
import { safeText } from './safe-text.js'
import type { Trial } from './trial.js'

/** Longest `error_description`, in UTF-16 units: the body says it in full. */
const maxDescription = 200

/**
 * How a denial with this HTTP status invites to log in, if it does (MCP authorization; RFC 6750, section 3.1): 401 for no
 * token or a bad one, 403 `insufficient_scope` where nothing but scopes is missing. A denial for any other reason has no
 * challenge, because clients would send people through logins that change nothing.
 */
export function challengesOf(trial: Trial, failure: Failure, status: number): readonly ChallengeInput[] {
  const { server } = trial
  if (server === undefined) return []
  if (failure.reason === 'authorization.scope') {
    return trial.missingScopes === undefined ? [] : [scopeChallenge(trial, server, trial.missingScopes)]
  }
  if (status !== 401) return []
  const bearer = tokenChallenge(trial, failure, server)
  const dpop = dpopChallenge(failure.reason)
  return dpop === undefined ? [bearer] : [bearer, { ...bearer, ...dpop }]
}

/**
 * Names every scope that Grants of the Server ask for, as its metadata does: what the caller will do is not known yet, and
 * a client that logs in anew asks for nothing that is not named here.
 */
function tokenChallenge({ snapshot }: Trial, failure: Failure, server: Server): ChallengeInput {
  return {
    ...(failure.reason !== 'identity.token_missing' && {
      error: 'invalid_token' as const,
      description: safeText(failure.message, maxDescription),
    }),
    scope: snapshot.scopes.get(server.name) ?? [],
    resourceMetadata: metadataUrl(server),
  }
}

/** A caller without a token is asked for one that has the scopes, not for more of what it has. */
function scopeChallenge({ principal }: Trial, server: Server, scope: readonly string[]): ChallengeInput {
  return {
    ...(principal?.kind !== 'anonymous' && { error: 'insufficient_scope' as const }),
    scope,
    resourceMetadata: metadataUrl(server),
  }
}

/** Where the metadata of a Server stands: at the origin that its clients use. */
function metadataUrl({ origin, path }: Server): string {
  return `${origin}${protectedResourceMetadataPath(path)}`
}
