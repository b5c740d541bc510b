import { wwwAuthenticate } from '../identity/challenge.js'
import { challengesOf } from './challenges-of.js'
import type { Answer, Failure, HeaderValue } from './decision.js'
import { type Denial, type DenialShape, messageOf, readDenial } from './denial-message.js'
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
    headers: [asJson, notStored, { name: 'x-mcp-authz-decision-id', value: trial.id }, ...extraHeaders(denial)],
    body: messageOf(denial),
  }
}

function extraHeaders(denial: Denial): readonly HeaderValue[] {
  return [...reasonHeaders(denial), ...crossOriginHeaders(denial.trial)]
}

const asJson: HeaderValue = { name: 'content-type', value: 'application/json' }
const notStored: HeaderValue = { name: 'cache-control', value: 'no-store' }

function reasonHeaders({ trial, failure, shape, form }: Denial): readonly HeaderValue[] {
  if (form.status === 503) return [{ name: 'retry-after', value: '1' }]
  const challenges = challengesOf(trial, failure, form.status)
  const nonce = shape.dpopNonce === undefined ? [] : [{ name: 'dpop-nonce', value: shape.dpopNonce }]
  return challenges.length === 0 ? [] : [{ name: 'www-authenticate', value: wwwAuthenticate(challenges) }, ...nonce]
}

/**
 * Clients in a browser can read of a denial what these let them: without, they would not find the way to log in. Nothing
 * in it depends on cookies or on where the browser stands, so that any origin may read it. What other origins may call is
 * decided by who answers the preflight: the gateway, or the server behind it. Where the gateway has a CORS policy, its
 * headers replace these.
 */
function crossOriginHeaders({ request }: Trial): readonly HeaderValue[] {
  if (!request.headers.has('origin')) return []
  return [
    { name: 'access-control-allow-origin', value: '*' },
    {
      name: 'access-control-expose-headers',
      value: 'WWW-Authenticate, Retry-After, DPoP-Nonce, X-Mcp-Authz-Decision-Id',
    },
  ]
}
