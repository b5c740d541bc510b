import { bearerToken } from '../identity/bearer-token.js'
import { needsTrustedGateway, type Server } from '../policy/server.js'
import { isJsonArray } from '../protocol/json-value.js'
import { impersonate } from '../upstream/impersonation.js'
import type { Exchanged, TokenExchanger } from '../upstream/token-exchanger.js'
import { type TokenSigner, untellable } from '../upstream/token-signer.js'
import type { Failure, HeaderValue } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import type { JudgedTrial, Trial } from './trial.js'

/** What makes the credentials that servers get. */
export interface Upstream {
  /** undefined without keys. */
  readonly signer: TokenSigner | undefined
  /** By the name in `tokenExchange` of the Config. */
  readonly exchangers: ReadonlyMap<string, TokenExchanger>
}

/** withheld: whoever asks is shown the decision only, as by `explain`, and no credential is made. */
export type UpstreamSource = Upstream | 'withheld'

export type UpstreamHeaders =
  | { readonly ok: true; readonly headers: readonly HeaderValue[] }
  | { readonly ok: false; readonly failure: Failure }

/** Authority is handed only to a gateway that is known: whoever else asks would get it for itself. */
export function refuseUntrusted(
  { request }: Trial,
  { upstream, name }: Server,
  source: UpstreamSource,
): Failure | undefined {
  if (request.listener.trust !== 'none' || source === 'withheld' || !needsTrustedGateway(upstream)) return undefined
  return failure(
    'identity.gateway_untrusted',
    `the server "${name}" gets credentials from mcp-authz, which hands them only to a gateway that it knows; this one came over a listener that does not trust its peer`,
  )
}

/**
 * Whether the caller can be told to the server behind as its Server document says: asked with the other questions of
 * authorization, so that nothing is made for a call that cannot pass. undefined when it can.
 */
export function checkUpstreamIdentity(trial: JudgedTrial): Failure | undefined {
  const { principal, server } = trial
  const { authorization, identity, audience, impersonation } = server.upstream
  if (identity === 'impersonation') {
    const told = impersonate(principal, impersonation, maxGroups(trial))
    if (!told.ok) return untold(told.message)
  }
  if (authorization === 'mint') {
    const problem = untellable(principal)
    if (problem !== undefined) return untold(problem)
  }
  if (authorization !== 'passthrough' && authorization !== 'exchange') return undefined
  if (principal.onBehalfOf !== undefined)
    return untold('the access token speaks for the software that acts, not for the person that it acts for')
  if (authorization === 'exchange' || principal.kind === 'anonymous') return undefined
  const aud = principal.claims.get('aud')
  if (aud === audience || (isJsonArray(aud) && aud.includes(audience))) return undefined
  return failure('authorization.upstream_audience', 'the access token is not meant for the server behind as well', {
    hints: ['Get an access token that names the server behind as a second audience, or ask the operator for one.'],
  })
}

/** An answer to ext_authz sets one value of a name; one to ext_proc as many as its limit of 64 headers leaves room for. */
function maxGroups({ request }: JudgedTrial): number {
  return request.listener.door === 'ext-proc' ? 32 : 1
}

function untold(message: string): Failure {
  return failure('authorization.upstream_identity', `${message}, so the call cannot be made for this caller`)
}

const nothing: UpstreamHeaders = { ok: true, headers: [] }

/**
 * Who asks and with what credential, as the server behind wants it. Only for a call that has passed every stage. At once,
 * unless a token has to be exchanged.
 */
export function upstreamHeaders(trial: JudgedTrial, source: UpstreamSource): Eventually<UpstreamHeaders> {
  const { authorization, identity, contextToken } = trial.server.upstream
  if (authorization === 'strip' && identity !== 'impersonation' && !contextToken) return nothing
  return andThen(authorizationHeader(trial, source), made => {
    if (!made.ok) return made
    const headers = [...made.headers]
    if (identity === 'impersonation') {
      const told = impersonate(trial.principal, trial.server.upstream.impersonation, maxGroups(trial))
      if (!told.ok) return { ok: false, failure: untold(told.message) }
      headers.push(...told.headers)
    }
    if (!contextToken || source === 'withheld') return { ok: true, headers }
    const token = source.signer?.contextToken(contextOf(trial))
    if (token === undefined) return { ok: false, failure: unsigned() }
    headers.push({ name: 'x-mcp-authz-context', value: token })
    return { ok: true, headers }
  })
}

function authorizationHeader(trial: JudgedTrial, source: UpstreamSource): Eventually<UpstreamHeaders> {
  const { server, principal, request } = trial
  const { authorization, audience, exchange } = server.upstream
  // Explanations are read and kept by people: no token belongs there.
  if (source === 'withheld') return nothing
  switch (authorization) {
    case 'strip':
      return nothing
    case 'passthrough': {
      const bearer = bearerToken(request.headers)
      // Set although it is there: so it arrives once, and as it was read.
      return bearer.ok ? bearerHeader(bearer.token, bearer.scheme) : nothing
    }
    case 'mint': {
      const token = source.signer?.accessToken(principal, audience)
      return token === undefined ? { ok: false, failure: unsigned() } : bearerHeader(token)
    }
    case 'exchange': {
      const bearer = bearerToken(request.headers)
      const exchanger = exchange && source.exchangers.get(exchange.with)
      if (!bearer.ok || exchange === undefined || exchanger === undefined)
        return { ok: false, failure: unexchanged('dependency.token_exchange') }
      const asked = {
        token: bearer.token,
        expiresAt: principal.expiresAt,
        server: server.name,
        parameters: exchange,
        deadline: request.deadline,
      }
      return andThen(exchanger.exchange(asked), exchanged =>
        exchanged.ok ? bearerHeader(exchanged.token) : { ok: false, failure: unexchanged(exchanged.reason) },
      )
    }
  }
}

function bearerHeader(token: string, scheme = 'Bearer'): UpstreamHeaders {
  return { ok: true, headers: [{ name: 'authorization', value: `${scheme} ${token}` }] }
}

function contextOf(trial: JudgedTrial) {
  const { server, principal, request, id, sent = trial.call, tool } = trial
  const toolOf =
    sent.target.kind === 'tool'
      ? sent === trial.call
        ? tool
        : sent.target.name.slice(server.toolPrefix.length)
      : undefined
  return {
    audience: server.upstream.audience,
    decisionId: id,
    server: server.name,
    principal,
    call: sent,
    tool: toolOf,
    body: request.body.state === 'complete' ? request.body.bytes : undefined,
  }
}

function unsigned(): Failure {
  return failure('dependency.signing', 'no credential for the server behind could be signed; try again')
}

const exchangeMessages: Readonly<Record<Extract<Exchanged, { ok: false }>['reason'], string>> = {
  'authorization.exchange_refused':
    'the identity provider does not give a token for the server behind in exchange for the access token of this caller',
  'dependency.token_exchange': 'the identity provider could not be asked for a token for the server behind; try again',
  'dependency.timeout': 'the identity provider did not give a token for the server behind in time; try again',
  'dependency.overloaded': 'too many tokens for servers are being asked for at once; try again',
}

function unexchanged(reason: Extract<Exchanged, { ok: false }>['reason']): Failure {
  return failure(reason, exchangeMessages[reason])
}
