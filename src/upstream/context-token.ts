import type { Principal } from '../identity/principal.js'
import type { Call } from '../protocol/call.js'
import { argumentsDigest, bodyDigest } from './digests.js'
import { actClaim, maxGroupsLength, toldGroups } from './principal-claims.js'

/** `typ` of a transaction token (draft-ietf-oauth-transaction-tokens); nothing that takes access tokens takes it. */
export const contextTokenType = 'txntoken+jwt'

export interface ContextTokenSubject {
  readonly issuer: string
  readonly audience: string
  readonly decisionId: string
  readonly server: string
  readonly principal: Principal
  /** The call as the server gets it. */
  readonly call: Call
  /** The called tool as the server itself names it; undefined when no tool is called. */
  readonly tool: string | undefined
  /** Bytes of the body; undefined when there is none. */
  readonly body: Uint8Array | undefined
}

/**
 * The claims of a context token as JSON: one call, of one principal, to one server, for a few seconds. Written by hand
 * because each request has its own. Times in seconds since the epoch.
 */
export function contextTokenClaims(subject: ContextTokenSubject, issuedAt: number, expiresAt: number): string {
  const { issuer, audience, decisionId, server, principal, call, tool, body } = subject
  let claims = `{"iss":${text(issuer)},"aud":${text(audience)},"iat":${issuedAt},"exp":${expiresAt},"txn":${text(decisionId)}`
  claims += principalClaims(principal)
  claims += `,"server":${text(server)},"method":${text(call.method)}`
  const { target } = call
  if (tool !== undefined) claims += `,"tool":${text(tool)}`
  else if (target.kind !== 'none') claims += `,"${target.kind}":${text(target.name)}`
  if (hasArguments(call)) claims += `,"args_digest":"${argumentsDigest(call.arguments)}"`
  if (body !== undefined) claims += `,"body_digest":"${bodyDigest(body)}"`
  return `${claims}}`
}

function hasArguments({ arguments: args, method, kind }: Call): boolean {
  return args !== undefined || (kind === 'request' && (method === 'tools/call' || method === 'prompts/get'))
}

const described = new WeakMap<Principal, string>()

/** The same for every request with the same token, whose principal is one object as long as it is remembered. */
function principalClaims(principal: Principal): string {
  const known = described.get(principal)
  if (known !== undefined) return known
  const claims = describe(principal)
  described.set(principal, claims)
  return claims
}

function describe(principal: Principal): string {
  const { kind, user, issuer, tenant, agent, actors, chainId } = principal
  const groups = toldGroups(principal)
  const list = JSON.stringify(groups)
  const fits = list.length <= maxGroupsLength
  let claims = `,"sub":${text(user.username)},"user":{"kind":"${kind}","name":${text(user.username)}`
  if (user.uid !== '') claims += `,"uid":${text(user.uid)}`
  if (issuer !== '') claims += `,"issuer":${text(issuer)}`
  // A list cut short would look like the whole one.
  claims += fits ? `,"groups":${list}}` : `,"groups_omitted":${groups.length}}`
  if (tenant !== undefined && tenant !== '') claims += `,"tenant":${text(tenant)}`
  if (agent.id !== '')
    claims += `,"agent":{"id":${text(agent.id)},"issuer":${text(agent.issuer)},"assurance":"${agent.assurance}"}`
  const act = actClaim(actors)
  if (act !== undefined) claims += `,"act":${JSON.stringify(act)},"chain_id":${text(chainId)}`
  return claims
}

function text(value: string): string {
  return JSON.stringify(value)
}
