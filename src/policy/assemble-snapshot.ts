import { createHash } from 'node:crypto'
import { append } from '../documents/append.js'
import type { Finding } from '../documents/finding.js'
import { limitFindings } from '../documents/finding-list.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { AuthenticationConfiguration } from '../identity/authentication-configuration.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Compilation } from '../identity/compilation.js'
import type { IdentityDocument } from '../identity/identity-document.js'
import type { Authorizer } from '../rbac/authorizer.js'
import { danglingRoleRefs } from '../rbac/dangling-role-refs.js'
import { buildEmbeddedAuthorizer } from '../rbac/embedded-authorizer.js'
import type { KindResolver } from '../rbac/kind-resolver.js'
import type { RbacObject } from '../rbac/rbac-objects.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import { atOnce, forEachSliced, type Sliced } from '../sliced.js'
import { type BrokenDocument, closedBy } from './broken-document.js'
import type { UpstreamCapabilities } from './check-upstream.js'
import type { CompiledDocument } from './compile-document.js'
import { type CrossCheckInput, crossCheck } from './cross-check.js'
import type { Enrichment } from './enrichment.js'
import type { Grant } from './grant.js'
import { headerRoom, ownPrefix } from './header-names.js'
import { MatchedServers } from './matched-servers.js'
import { type Rule, RuleIndex } from './rule-index.js'
import type { Server } from './server.js'
import type { ServerDraft } from './server-document.js'
import { createServerTable, type ServerAddress } from './server-table.js'
import type { PolicySnapshot, ServerVersion } from './snapshot.js'

/** One document in force. */
export interface LoadedDocument {
  readonly key: string
  readonly document: SourceDocument
  readonly digest: string
  readonly source: string
  /** That of its source. */
  readonly trust: number
  readonly compiled: CompiledDocument
  readonly warnings: readonly Finding[]
}

export interface AssembleContext {
  /** Names of the clusters whose authorizer is the RBAC objects of the sources (`authorizer: files`). */
  readonly clusters: readonly string[]
  /** Those of the other clusters, by name: they ask an API server. */
  readonly authorizers?: ReadonlyMap<string, Authorizer>
  /** What the clusters serve, by their names, where an API server can be asked. */
  readonly kinds?: ReadonlyMap<string, KindResolver>
  /** What the configuration can do for servers; left out, what they ask for is not compared with it. */
  readonly upstream?: UpstreamCapabilities
  /** The authenticator of these documents; the one in force before where they contradict each other. */
  authenticator(
    configurations: readonly AuthenticationConfiguration[],
    identity: IdentityDocument | undefined,
  ): Compilation<Authenticator>
}

export interface AssembleInput {
  readonly loaded: readonly LoadedDocument[]
  /** Documents that are not in force as they stand. */
  readonly broken: readonly BrokenDocument[]
  /** Files that could not be read, and never were read whole. */
  readonly unreadable: readonly string[]
}

export interface Assembled {
  readonly snapshot: Omit<PolicySnapshot, 'findings'>
  readonly findings: readonly Finding[]
  readonly brokenKeys: readonly string[]
}

/** Puts compiled documents together into one consistent set. Pure but for the authenticator it is given. */
export function assembleSnapshot(
  input: AssembleInput,
  context: AssembleContext,
  previous: PolicySnapshot | undefined,
): Assembled {
  return atOnce(assembleInSlices(input, context, previous))
}

/**
 * {@link assembleSnapshot} in slices, for policies that are many and change while requests are decided. The authenticator is asked
 * for in the last slice: that of the snapshot before may be of no use from then on.
 */
export function* assembleInSlices(
  { loaded, broken, unreadable }: AssembleInput,
  context: AssembleContext,
  previous: PolicySnapshot | undefined,
): Sliced<Assembled> {
  const findings: Finding[] = []
  const brokenKeys: string[] = []
  const closed = closedBy(broken, unreadable)
  const closedAddresses: ServerAddress[] = [...closed.addresses]
  const of = <Kind extends CompiledDocument['kind']>(kind: Kind) =>
    loaded.flatMap(one => (isKind(one.compiled, kind) ? [{ ...one, compiled: one.compiled }] : []))

  const rbac: RbacObject[] = of('Rbac').flatMap(one => one.compiled.objects)
  const withObjects = of('Rbac').map(({ document, compiled }) => ({ document, objects: compiled.objects }))
  append(limitFindings(danglingRoleRefs(withObjects)), findings)
  yield
  const authorizers = new Map<string, Authorizer>(context.authorizers)
  if (context.clusters.length > 0) {
    const embedded = yield* buildEmbeddedAuthorizer(rbac)
    for (const name of context.clusters) authorizers.set(name, embedded)
  } else for (const { document } of of('Rbac')) findings.push(unusedRbac(document))
  const catalogs = new Map(of('ToolCatalog').map(({ compiled }) => [compiled.catalog.name, compiled.catalog]))
  const catalogDigests = new Map(of('ToolCatalog').map(({ compiled, digest }) => [compiled.catalog.name, digest]))

  const servers: Server[] = []
  const versions = new Map<string, ServerVersion>()
  yield* forEachSliced(of('Server'), ({ key, digest, compiled }) => {
    const { draft } = compiled
    const resolved = draft.resolve({ catalogs, authorizers, kinds: context.kinds, upstream: context.upstream })
    append(limitFindings(resolved.findings), findings)
    const before = previous?.versions.get(draft.name)
    const server = resolved.value ?? upToDate(previous?.servers.byName(draft.name), catalogs, authorizers)
    if (server !== undefined) {
      servers.push(server)
      const catalog = server.catalog?.name ?? ''
      const catalogDigest = catalogDigests.get(catalog) ?? before?.catalog ?? ''
      versions.set(draft.name, {
        document: resolved.value === undefined ? (before?.document ?? digest) : digest,
        catalog: catalog === '' ? '' : catalogDigest,
      })
    }
    if (resolved.value !== undefined) return
    brokenKeys.push(key)
    closedAddresses.push(...addressesOf(draft))
  })

  const [identity] = of('Identity')
  const rules: CrossCheckInput = {
    servers,
    serverDocuments: of('Server').map(({ document, compiled }) => ({ document, value: compiled.draft })),
    grants: of('Grant').map(({ document, compiled }) => ({ document, value: compiled.grant })),
    guardrails: of('Guardrail').map(({ document, compiled }) => ({ document, value: compiled.guardrail })),
    resultGuardrails: of('ResultGuardrail').map(({ document, compiled }) => ({
      document,
      value: compiled.guardrail,
    })),
    enrichments: of('Enrichment').map(({ document, compiled }) => ({ document, value: compiled.enrichment })),
    authentication: of('AuthenticationConfiguration').map(({ document, compiled }) => ({
      document,
      value: compiled.configuration,
    })),
    identity: identity && { document: identity.document, value: identity.compiled.identity },
    fileClusters: new Set(context.clusters),
  }
  yield
  const checked = yield* crossCheck(rules)
  append(checked.findings, findings)
  const usable = servers.filter(server => !checked.excludedServers.has(server.name))
  for (const { name, host, path, sse } of servers)
    if (checked.excludedServers.has(name)) closedAddresses.push(...addressesOf({ host, path, messages: sse?.messages }))
  const enrichments = rules.enrichments.flatMap(({ value }) =>
    checked.excludedEnrichments.has(value.name) ? [] : [value],
  )
  brokenKeys.push(
    ...of('Enrichment').flatMap(one => (checked.excludedEnrichments.has(one.document.name) ? [one.key] : [])),
  )

  const names = usable.map(server => server.name)
  const indexed = function* <R extends Rule>(some: readonly R[]): Sliced<RuleIndex<R>> {
    yield
    return new RuleIndex(some, names)
  }
  const grants = rules.grants.map(one => one.value)
  const indexes = {
    grants: yield* indexed(grants),
    guardrails: yield* indexed(rules.guardrails.map(one => one.value)),
    resultGuardrails: yield* indexed(rules.resultGuardrails.map(one => one.value)),
    enrichments: yield* indexed(enrichments),
    broken: yield* indexed(closed.rules),
  }
  const scopes = yield* scopesOf(grants, usable)
  const table = createServerTable(usable, { addresses: closedAddresses, unknownAddress: closed.unknownAddress })
  const revision = yield* revisionOf(loaded, versions, [
    ...closed.rules.map(rule => rule.name),
    ...closedAddresses.map(({ host, path }) => `${host}\0${path}`),
  ])
  const headersOf = headerLists(
    enrichments,
    rules.enrichments.map(one => one.value),
    usable,
  )
  yield

  const authenticated = context.authenticator(
    rules.authentication.map(one => one.value),
    rules.identity?.value,
  )
  append(limitFindings(authenticated.findings), findings)
  const authenticator = authenticated.value ?? noAuthenticator
  return {
    snapshot: {
      revision,
      servers: table,
      versions,
      authenticator,
      ...indexes,
      headersOf,
      scopes,
      documents: loaded.length,
    },
    findings,
    brokenKeys,
  }
}

function unusedRbac(document: SourceDocument): Finding {
  const message = 'has no effect: every cluster asks its API server, and none has authorizer: files'
  return document.finding('warning', ['kind'], message, { hint: 'apply it to the cluster, and remove it here' })
}

/** By the names of the Servers. Nobody should log in for a scope that no call to the Server needs. */
function* scopesOf(grants: readonly Grant[], usable: readonly Server[]): Sliced<PolicySnapshot['scopes']> {
  const servers = new MatchedServers(usable)
  const found = new Map(usable.map(server => [server.name, new Set<string>()]))
  yield* forEachSliced(grants, ({ match, scopes }) => {
    if (scopes.length === 0) return
    for (const { name, require } of servers.of(match))
      if (require.includes('grants')) for (const scope of scopes) found.get(name)?.add(scope)
  })
  return new Map([...found].map(([name, scopes]) => [name, [...scopes].sort()]))
}

/** A server of the transport HTTP+SSE stands at two paths. */
function addressesOf({ host, path, messages }: Pick<ServerDraft, 'host' | 'path' | 'messages'>): ServerAddress[] {
  return [path, ...(messages === undefined ? [] : [messages])].map(one => ({ host, path: one }))
}

/** Documents that contradict each other from the start admit nobody. */
const noAuthenticator: Authenticator = {
  issuers: [],
  ready: false,
  pending: ['identity: the documents contradict each other'],
  start: () => Promise.resolve(),
  stop: () => undefined,
  authenticate: () => ({
    ok: false,
    reason: 'dependency.keys_unavailable',
    message: 'the identity configuration is broken, so nobody can be identified',
  }),
}

function isKind<Kind extends CompiledDocument['kind']>(
  compiled: CompiledDocument,
  kind: Kind,
): compiled is Extract<CompiledDocument, { kind: Kind }> {
  return compiled.kind === kind
}

/**
 * A Server that stays in force although its document does not resolve asks the RBAC objects and the catalogue of now:
 * what was taken away since must not live on in it.
 */
function upToDate(
  server: Server | undefined,
  catalogs: ReadonlyMap<string, ToolCatalog>,
  authorizers: ReadonlyMap<string, Authorizer>,
): Server | undefined {
  const authorizer = server && authorizers.get(server.kubernetes.cluster)
  if (server === undefined || authorizer === undefined) return undefined
  const catalog = server.catalog && (catalogs.get(server.catalog.name) ?? server.catalog)
  return { ...server, catalog, authorizer, authorizers }
}

/** Names of Enrichments that are left out count too, as far as there is room: what clients write under them is not ours. */
function headerLists(
  used: readonly Enrichment[],
  all: readonly Enrichment[],
  servers: readonly Server[],
): PolicySnapshot['headersOf'] {
  const own = new Set([...used, ...all].flatMap(one => one.headerNames.filter(name => name.startsWith(ownPrefix))))
  const common = [...own].slice(0, headerRoom.names).sort()
  const lists = new Map<string, readonly string[]>()
  for (const { name, upstreamHeaders } of servers)
    if (upstreamHeaders.length > 0) lists.set(name, [...new Set([...common, ...upstreamHeaders])].sort())
  return server => lists.get(server) ?? common
}

function* revisionOf(
  loaded: readonly LoadedDocument[],
  versions: ReadonlyMap<string, ServerVersion>,
  closed: readonly string[],
): Sliced<string> {
  const hash = createHash('sha256')
  // A document without a name has its place in its key; the same set gives the same revision wherever it is mounted.
  const identityOf = ({ key, document }: LoadedDocument) => (document.name === '' ? document.kind : key)
  const lines = loaded.map(one => `${identityOf(one)}\0${one.digest}`)
  yield
  lines.sort()
  yield* forEachSliced(lines, line => hash.update(`${line}\n`))
  for (const line of [...versions].map(([name, { document, catalog }]) => `${name}\0${document}\0${catalog}`).sort())
    hash.update(`version\0${line}\n`)
  for (const line of closed.map(one => `broken\0${one}`).sort()) hash.update(`${line}\n`)
  return hash.digest('hex').slice(0, 16)
}
