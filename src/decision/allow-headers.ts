import type { Principal } from '../identity/principal.js'
import type { Enriched } from '../policy/enrichment.js'
import type { JudgedTrial } from './authorize-call.js'
import type { Answer, HeaderValue } from './decision.js'
import { safeText } from './safe-text.js'
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
  if (trial.server.identityHeaders) for (const { name, value } of identityHeaders(trial.principal)) set.set(name, value)
  for (const { headers } of enriched) {
    for (const { name, value } of headers) if (!set.has(name) && maySet(trial, name)) set.set(name, value)
  }
  return answer(trial, set, trial.call.era === 'legacy' ? 'legacy' : 'modern')
}

/**
 * A request that is let through because its Server is in Audit: the caller's own credentials go on as they came, and
 * only what would pass for ours is cleaned.
 */
export function auditAnswer(trial: Trial): Answer {
  return answer(trial, new Map([['x-mcp-authz-decision-id', trial.id]]), 'audit')
}

/** A CORS preflight carries no identity and gets none. */
export function preflightAnswer(trial: Trial): Answer {
  return answer(trial, new Map([['x-mcp-authz-decision-id', trial.id]]), 'modern')
}

function maySet({ server }: JudgedTrial, name: string): boolean {
  return name.startsWith('x-mcp-authz-') || server.upstreamHeaders.includes(name)
}

const identities = new WeakMap<Principal, readonly HeaderValue[]>()

/** The same for every request with the same token, whose principal is one object as long as it is remembered. */
function identityHeaders(principal: Principal): readonly HeaderValue[] {
  const known = identities.get(principal)
  if (known !== undefined) return known
  const headers = describeIdentity(principal)
  identities.set(principal, headers)
  return headers
}

function describeIdentity({ user, agent, tenant, chainId }: Principal): readonly HeaderValue[] {
  const headers: HeaderValue[] = [{ name: 'x-mcp-authz-user', value: encodeName(user.username) }]
  const groups = user.groups.map(encodeName).join(',')
  if (groups.length > maxGroupsLength)
    headers.push({ name: 'x-mcp-authz-groups-omitted', value: String(user.groups.length) })
  else if (groups !== '') headers.push({ name: 'x-mcp-authz-groups', value: groups })
  if (agent.id !== '') {
    const value = `${encodeName(agent.issuer)}:${encodeName(agent.id)};assurance=${agent.assurance}`
    headers.push({ name: 'x-mcp-authz-agent', value })
  }
  if (tenant !== undefined && tenant !== '') headers.push({ name: 'x-mcp-authz-tenant', value: encodeName(tenant) })
  if (chainId !== '') headers.push({ name: 'x-mcp-authz-chain', value: chainId })
  return headers
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

type Passage = 'modern' | 'legacy' | 'audit'

/** What leaves every request, whatever the client wrote. */
interface Cleaning {
  readonly names: readonly string[]
  readonly always: ReadonlySet<string>
  /** Whether everything that begins with `impersonate-` or `mcp-param-` leaves too. */
  readonly impersonation: boolean
  readonly parameters: boolean
}

const cleanings = new WeakMap<readonly string[], Map<Passage, Cleaning>>()

/** Made once per Server and snapshot, to which the list belongs. */
function cleaningFor(enrichmentHeaders: readonly string[], passage: Passage): Cleaning {
  const known = cleanings.get(enrichmentHeaders) ?? new Map<Passage, Cleaning>()
  const found = known.get(passage)
  if (found !== undefined) return found
  const always = new Set([...ownHeaders, ...enrichmentHeaders])
  if (passage !== 'audit') for (const name of ['authorization', ...authorityHeaders]) always.add(name)
  if (passage === 'legacy') for (const name of routingHeaders) always.add(name)
  const cleaning: Cleaning = {
    names: [...always],
    always,
    impersonation: passage !== 'audit',
    parameters: passage === 'legacy',
  }
  cleanings.set(enrichmentHeaders, known.set(passage, cleaning))
  return cleaning
}

function answer(trial: Trial, set: ReadonlyMap<string, string>, passage: Passage): Answer {
  const { names, always, impersonation, parameters } = cleaningFor(
    trial.snapshot.headersOf(trial.server?.name ?? ''),
    passage,
  )
  const removeHeaders = names.filter(name => !set.has(name))
  for (const name of trial.request.headers.names()) {
    if (always.has(name) || set.has(name)) continue
    const canonical = name.includes('_') ? name.replaceAll('_', '-') : name
    if (
      canonical.startsWith('x-mcp-authz-') ||
      (impersonation && canonical.startsWith('impersonate-')) ||
      (parameters && canonical.startsWith('mcp-param-')) ||
      (canonical !== name && always.has(canonical))
    )
      removeHeaders.push(name)
  }
  const setHeaders: HeaderValue[] = []
  for (const [name, value] of set) setHeaders.push({ name, value })
  return {
    kind: 'allow',
    setHeaders,
    removeHeaders,
    responseHeaders: [{ name: 'x-mcp-authz-decision-id', value: trial.id }, ...warningHeader(trial)],
  }
}

const maxWarningLength = 512

/** What Guardrails in Warn have to say goes to the caller beside the server's answer. */
function warningHeader({ warnings }: Trial): readonly HeaderValue[] {
  if (warnings.length === 0) return []
  const value = safeText(warnings.join('; '))
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, maxWarningLength)
    .trim()
  return value === '' ? [] : [{ name: 'x-mcp-authz-warning', value }]
}
