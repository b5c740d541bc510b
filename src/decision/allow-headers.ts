import type { Principal } from '../identity/principal.js'
import type { Enriched } from '../policy/enrichment.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import { detachedString } from '../protocol/detached-string.js'
import { exceedsHeaderBudget } from '../protocol/header-budget.js'
import { dashedName } from '../protocol/security-headers.js'
import type { Answer, HeaderValue } from './decision.js'
import { safeText } from './safe-text.js'
import type { JudgedTrial, Trial } from './trial.js'

/**
 * Headers by which a request could claim an authority that we did not give it; removed from every allowed request,
 * whether or not the gateway showed them to us.
 */
export const authorityHeaders: readonly string[] = [
  // Credentials beside the token: kubernetes-mcp-server takes the first, a proof without its token proves nothing.
  'kubernetes-authorization',
  'proxy-authorization',
  'dpop',
  // The Kubernetes API server: impersonation, and the front proxy.
  'impersonate-user',
  'impersonate-group',
  'impersonate-uid',
  'x-remote-user',
  'x-remote-group',
  'x-remote-groups',
  'x-remote-uid',
  // What authenticating proxies tell the server behind them.
  'remote-user',
  'remote-groups',
  'x-forwarded-user',
  'x-forwarded-group',
  'x-forwarded-groups',
  'x-forwarded-email',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'x-forwarded-client-cert',
  'x-auth-request-user',
  'x-auth-request-groups',
  'x-auth-request-email',
  'x-auth-request-access-token',
  'x-user-id',
  'x-agent-name',
  'x-on-behalf-of',
  // MCP aggregators talk to themselves in these.
  'x-mcp-authorized',
  'x-mcp-virtualserver',
  'x-mcp-servername',
  'x-mcp-toolname',
  'x-mcp-method',
  'router-key',
  'mcp-init-host',
  // Frameworks that follow them would serve another path than the one that was judged.
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
  'x-forwarded-uri',
  'x-forwarded-path',
  'x-forwarded-prefix',
]

/** Families of such names that have no end: what begins so is removed wherever it is seen. */
const familyPrefixes = [
  // Kubernetes.
  'impersonate-',
  'x-remote-',
  // Authenticating proxies and gateways.
  'x-auth-request-',
  'x-webauth-',
  'x-vouch-',
  'x-authentik-',
  'x-pomerium-',
  'x-authenticated-',
  'x-consumer-',
  'x-credential-',
  // Clouds and their edges.
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-serverless-authorization',
  'x-amzn-oidc-',
  'x-amzn-mtls-',
  'x-ms-client-principal',
  'x-ms-token-',
  'cf-access-',
  'tailscale-user-',
  // Certificates of clients, as what ends TLS tells of them (RFC 9440 and before).
  'client-cert',
  'x-client-cert',
  'ssl-client-',
  'x-ssl-client-',
  'x-forwarded-tls-client-cert',
]
const authorityFamilies = new RegExp(`^(?:${familyPrefixes.join('|')})`)

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
 * The answer that lets a request pass: who asks, in headers of ours, with the credentials that the server is to get, and
 * nothing left of what the client may have written under those names, in whatever spelling.
 */
export function allowAnswer(
  trial: JudgedTrial,
  enriched: readonly Enriched[],
  credentials: readonly HeaderValue[] = [],
): Answer {
  const passage = trial.call.era === 'legacy' ? 'legacy' : 'modern'
  const identity = trial.server.upstream.identity === 'headers' ? identityHeaders(trial.principal) : noHeaders
  const own = [decisionId(trial), revisionOf(trial.snapshot), ...identity]
  if (credentials.length === 0 && enriched.every(({ headers }) => headers.length === 0))
    return answer(trial, own, passage, identity)
  const set = new Map(own.map(header => [header.name, header]))
  const more: HeaderValue[] = []
  for (const credential of credentials) {
    if (set.has(credential.name)) more.push(credential)
    else set.set(credential.name, credential)
  }
  for (const { headers } of enriched) {
    for (const { name, value } of headers) if (!set.has(name) && maySet(trial, name)) set.set(name, { name, value })
  }
  return answer(trial, [...set.values(), ...more], passage)
}

/**
 * A request that is let through because its Server is in Audit: the caller's own credentials go on as they came, and
 * only what would pass for ours is cleaned. One whose headers fill the gateway's limits gets none of ours beside them,
 * and loses only what it has of them: a gateway that has to change it would refuse it.
 */
export function auditAnswer(trial: Trial): Answer {
  const { headers } = trial.request
  if (!exceedsHeaderBudget(trial.request)) return answer(trial, [decisionId(trial)], 'audit', idAlone)
  const cleaned = answer(trial, noHeaders, 'audit', noHeaders)
  return { ...cleaned, removeHeaders: cleaned.removeHeaders.filter(name => headers.has(name)) }
}

/** A CORS preflight carries no identity and gets none. */
export function preflightAnswer(trial: Trial): Answer {
  return trial.server?.mode === 'Audit' ? auditAnswer(trial) : answer(trial, [decisionId(trial)], 'modern', idAlone)
}

const noHeaders: readonly HeaderValue[] = []
/** Names the set of an answer that says the id of the decision and nothing else. */
const idAlone = {}

function decisionId({ id }: Trial): HeaderValue {
  return { name: 'x-mcp-authz-decision-id', value: id }
}

const revisions = new WeakMap<PolicySnapshot, HeaderValue>()

function revisionOf(snapshot: PolicySnapshot): HeaderValue {
  const known = revisions.get(snapshot)
  if (known !== undefined) return known
  const header: HeaderValue = { name: 'x-mcp-authz-policy-revision', value: snapshot.revision }
  revisions.set(snapshot, header)
  return header
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

type Allow = Answer & { readonly kind: 'allow' }
type Passage = 'modern' | 'legacy' | 'audit'

/** What leaves every request, whatever the client wrote. */
interface Cleaning {
  readonly names: readonly string[]
  readonly always: ReadonlySet<string>
  /** Whether the families of authority leave too, and everything that begins with `mcp-param-`. */
  readonly families: boolean
  readonly parameters: boolean
  /** What is left to remove, by the names that are set. Frozen: doors check and encode each of these lists once. */
  readonly remaining: Map<string, readonly string[]>
  /** The same lists by what stands for a set of names of ours. */
  readonly remainingBeside: WeakMap<object, readonly string[]>
}

/** Which names are set depends on the kind of principal and on Enrichments, so that there are few combinations. */
const maxRemaining = 64

const cleanings = new WeakMap<readonly string[], Map<Passage, Cleaning>>()

/** Made once per Server and snapshot, to which the list belongs. */
function cleaningFor(
  enrichmentHeaders: readonly string[],
  personHeaders: readonly string[],
  passage: Passage,
): Cleaning {
  const known = cleanings.get(enrichmentHeaders) ?? new Map<Passage, Cleaning>()
  const found = known.get(passage)
  if (found !== undefined) return found
  const always = new Set([...ownHeaders, ...enrichmentHeaders])
  if (passage !== 'audit') for (const name of ['authorization', ...authorityHeaders, ...personHeaders]) always.add(name)
  if (passage === 'legacy') for (const name of routingHeaders) always.add(name)
  const cleaning: Cleaning = {
    names: [...always],
    always,
    families: passage !== 'audit',
    parameters: passage === 'legacy',
    remaining: new Map(),
    remainingBeside: new WeakMap(),
  }
  cleanings.set(enrichmentHeaders, known.set(passage, cleaning))
  return cleaning
}

function remainingOf(cleaning: Cleaning, set: readonly HeaderValue[], ours: object | undefined): readonly string[] {
  const known = ours && cleaning.remainingBeside.get(ours)
  if (known !== undefined) return known
  const found = remainingBy(cleaning, new Set(set.map(({ name }) => name)))
  if (ours !== undefined) cleaning.remainingBeside.set(ours, found)
  return found
}

function remainingBy({ names, remaining }: Cleaning, set: ReadonlySet<string>): readonly string[] {
  const key = [...set].join()
  const known = remaining.get(key)
  if (known !== undefined) return known
  const list = Object.freeze(names.filter(name => !set.has(name)))
  if (remaining.size >= maxRemaining) remaining.clear()
  remaining.set(key, list)
  return list
}

/**
 * @param ours where only headers of ours are set: an object that always comes with the same names
 */
function answer(trial: Trial, set: readonly HeaderValue[], passage: Passage, ours?: object): Allow {
  const { authenticator, headersOf } = trial.snapshot
  const cleaning = cleaningFor(headersOf(trial.server?.name ?? ''), authenticator.onBehalfOfHeaders ?? [], passage)
  const remaining = remainingOf(cleaning, set, ours)
  const seen = seenOf(trial, cleaning)
  // What an Enrichment or a credential sets may look like a name that leaves.
  const more = ours !== undefined ? seen : seen.filter(name => set.every(header => header.name !== name))
  return {
    kind: 'allow',
    setHeaders: set,
    removeHeaders: more.length === 0 ? remaining : [...remaining, ...more],
    responseHeaders: responseHeaders(trial, trial.warnings),
  }
}

/** What the request has that leaves beside the names that always do. */
function seenOf({ request }: Trial, { always, families, parameters }: Cleaning): readonly string[] {
  let seen: string[] | undefined
  for (const name of request.headers.names()) {
    if (harmlessNames.has(name) || always.has(name)) continue
    const canonical = dashedName(name)
    if (
      canonical.startsWith('x-mcp-authz-') ||
      (families && authorityFamilies.test(canonical)) ||
      (parameters && canonical.startsWith('mcp-param-')) ||
      (canonical !== name && always.has(canonical))
    ) {
      seen ??= []
      seen.push(name)
    } else if (canonical === name) rememberHarmless(name)
  }
  return seen ?? noNames
}

const noNames: readonly string[] = []

/** Names that leave for no Server unless a list names them: requests have the same ones again and again. */
const harmlessNames = new Set<string>()
const maxHarmless = 1024
const longestHarmless = 64

function rememberHarmless(name: string): void {
  // Whoever makes names up is not to fill the memory with them.
  if (name.length > longestHarmless || name.startsWith('mcp-param-') || authorityFamilies.test(name)) return
  if (harmlessNames.size >= maxHarmless) harmlessNames.clear()
  harmlessNames.add(detachedString(name))
}

/** What the client gets beside the answer of the server to an allowed request. */
export function responseHeaders({ id, server }: Trial, warnings: readonly string[]): readonly HeaderValue[] {
  // Where denials hide, an allowed answer must not be what tells that there are others.
  const decision = server?.denial === 'hide' ? noHeaders : [{ name: 'x-mcp-authz-decision-id', value: id }]
  return warnings.length === 0 ? decision : [...decision, ...warningHeader(warnings)]
}

const maxWarningLength = 512

/** What Guardrails in Warn have to say goes to the caller beside the server's answer. */
function warningHeader(warnings: readonly string[]): readonly HeaderValue[] {
  if (warnings.length === 0) return []
  const value = safeText(warnings.join('; '))
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, maxWarningLength)
    .trim()
  return value === '' ? [] : [{ name: 'x-mcp-authz-warning', value }]
}
