import type { Enriched } from '../policy/enrichment.js'
import type { JudgedTrial } from './authorize-call.js'
import type { Answer, HeaderValue } from './decision.js'
import type { Trial } from './trial.js'

/** Headers by which a request could claim an authority that we did not give it; removed from every allowed request. */
export const authorityHeaders: readonly string[] = [
  'kubernetes-authorization',
  'impersonate-user',
  'impersonate-group',
  'impersonate-uid',
  'x-forwarded-user',
  'x-forwarded-groups',
  'x-mcp-authorized',
  'x-mcp-virtualserver',
  'x-mcp-servername',
  'x-mcp-toolname',
  'router-key',
  'mcp-init-host',
]

/** Every header of ours; each is set or removed on every allow. */
export const ownHeaders: readonly string[] = [
  'x-mcp-authz-user',
  'x-mcp-authz-groups',
  'x-mcp-authz-groups-omitted',
  'x-mcp-authz-agent',
  'x-mcp-authz-tenant',
  'x-mcp-authz-chain',
  'x-mcp-authz-decision-id',
  'x-mcp-authz-policy-revision',
  'x-mcp-authz-context',
]

/** Only modern traffic may route by these (2026-07-28); legacy servers ignore them, but routers and logs may not. */
const routingHeaders: readonly string[] = ['mcp-method', 'mcp-name']

/** Longest group list that goes into a header; above it only the number of groups is told. */
const maxGroupsLength = 4096

/**
 * The answer that lets a request pass: who asks, in headers of ours, and nothing left of what the client may have
 * written under those names, in whatever spelling.
 */
export function allowAnswer(trial: JudgedTrial, enriched: readonly Enriched[]): Answer {
  const set = new Map<string, string>([
    ['x-mcp-authz-decision-id', trial.id],
    ['x-mcp-authz-policy-revision', trial.snapshot.revision],
  ])
  if (trial.server.identityHeaders) setIdentity(trial, set)
  for (const { headers } of enriched) {
    for (const { name, value } of headers) if (!set.has(name) && maySet(trial, name)) set.set(name, value)
  }
  const legacy = trial.call.era === 'legacy' ? routingHeaders : []
  return answer(
    trial,
    set,
    ['authorization', ...authorityHeaders, ...legacy, ...trial.snapshot.enrichmentHeaders],
    legacy.length > 0,
  )
}

/**
 * A request that is let through because its Server is in Audit: the caller's own credentials go on as they came, and
 * only what would pass for ours is cleaned.
 */
export function auditAnswer(trial: Trial): Answer {
  return answer(trial, new Map([['x-mcp-authz-decision-id', trial.id]]), trial.snapshot.enrichmentHeaders, false)
}

/** A CORS preflight carries no identity and gets none. */
export function preflightAnswer(trial: Trial): Answer {
  const set = new Map([['x-mcp-authz-decision-id', trial.id]])
  return answer(trial, set, ['authorization', ...authorityHeaders, ...trial.snapshot.enrichmentHeaders], false)
}

function maySet({ server }: JudgedTrial, name: string): boolean {
  return name.startsWith('x-mcp-authz-') || server.upstreamHeaders.includes(name)
}

function setIdentity({ principal }: JudgedTrial, set: Map<string, string>): void {
  const { user, agent, tenant, chainId } = principal
  set.set('x-mcp-authz-user', encodeName(user.username))
  const groups = user.groups.map(encodeName).join(',')
  if (groups.length > maxGroupsLength) set.set('x-mcp-authz-groups-omitted', String(user.groups.length))
  else if (groups !== '') set.set('x-mcp-authz-groups', groups)
  if (agent.id !== '')
    set.set('x-mcp-authz-agent', `${encodeName(agent.issuer)}:${encodeName(agent.id)};assurance=${agent.assurance}`)
  if (tenant !== undefined && tenant !== '') set.set('x-mcp-authz-tenant', encodeName(tenant))
  if (chainId !== '') set.set('x-mcp-authz-chain', chainId)
}

/**
 * Names as header values: visible ASCII as it is, everything else, and the characters that structure our values
 * (`%`, `,`, `;`), percent-encoded as UTF-8. Decoding is `decodeURIComponent` of each part.
 */
export function encodeName(name: string): string {
  if (/^[\x21-\x24\x26-\x2b\x2d-\x3a\x3c-\x7e]*$/.test(name)) return name
  return Array.from(Buffer.from(name, 'utf8'), byte =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x2c && byte !== 0x3b
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

function answer(
  trial: Trial,
  set: ReadonlyMap<string, string>,
  alwaysRemove: readonly string[],
  params: boolean,
): Answer {
  const remove = new Set<string>()
  for (const name of ownHeaders) if (!set.has(name)) remove.add(name)
  for (const name of alwaysRemove) if (!set.has(name)) remove.add(name)
  for (const name of trial.request.headers.names()) {
    const canonical = name.replaceAll('_', '-')
    const ours = canonical.startsWith('x-mcp-authz-')
    const authority =
      alwaysRemove.length > 0 && alwaysRemove.includes('impersonate-user') && canonical.startsWith('impersonate-')
    const parameter = params && canonical.startsWith('mcp-param-')
    const spelling = canonical !== name && (ours || alwaysRemove.includes(canonical))
    if ((ours || authority || parameter || spelling) && !set.has(name)) remove.add(name)
  }
  const setHeaders: HeaderValue[] = []
  for (const [name, value] of set) setHeaders.push({ name, value })
  return {
    kind: 'allow',
    setHeaders,
    removeHeaders: [...remove],
    responseHeaders: [{ name: 'x-mcp-authz-decision-id', value: trial.id }],
  }
}
