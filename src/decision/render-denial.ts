import { challenge } from '../identity/challenge.js'
import { protectedResourceMetadataPath } from '../identity/protected-resource-metadata.js'
import type { Server } from '../policy/server.js'
import type { Answer, Failure, HeaderValue } from './decision.js'
import { type Denial, type DenialShape, messageOf, readDenial } from './denial-message.js'
import { safeText } from './safe-text.js'
import type { Trial } from './trial.js'
import { unknownNameAnswer } from './unknown-name.js'

export type { DenialShape } from './denial-message.js'

/** Renders a denial as what the caller's client can read: the form is the table's, the words are the failure's. */
export function renderDenial(trial: Trial, failure: Failure, shape: DenialShape): Answer {
  const denial = readDenial(trial, failure, shape)
  const { form } = denial
  if (form.body === 'hidden') return unknownNameAnswer(trial, form.status)
  return {
    kind: 'respond',
    status: form.status,
    headers: [
      { name: 'content-type', value: 'application/json' },
      { name: 'cache-control', value: 'no-store' },
      { name: 'x-mcp-authz-decision-id', value: trial.id },
      ...extraHeaders(denial),
    ],
    body: messageOf(denial),
  }
}

function extraHeaders({ trial, failure, form }: Denial): readonly HeaderValue[] {
  if (form.status === 503) return [{ name: 'retry-after', value: '1' }]
  const { server } = trial
  if (server === undefined) return []
  if (failure.reason === 'authorization.scope') return [scopeChallenge(trial, server)]
  return form.status === 401 ? [tokenChallenge(failure, server)] : []
}

function tokenChallenge(failure: Failure, server: Server): HeaderValue {
  const value = challenge({
    ...(failure.reason !== 'identity.token_missing' && {
      error: 'invalid_token' as const,
      description: safeText(failure.message),
    }),
    resourceMetadata: metadataUrl(server),
  })
  return { name: 'www-authenticate', value }
}

/** A caller without a token is asked for one that has the scopes, not for more of what it has. */
function scopeChallenge({ principal, missingScopes }: Trial, server: Server): HeaderValue {
  const value = challenge({
    ...(principal?.kind !== 'anonymous' && { error: 'insufficient_scope' as const }),
    scope: missingScopes ?? [],
    resourceMetadata: metadataUrl(server),
  })
  return { name: 'www-authenticate', value }
}

/** Where the metadata of a Server stands: at the origin that its clients use. */
function metadataUrl({ origin, path }: Server): string {
  return `${origin}${protectedResourceMetadataPath(path)}`
}
