import { createHash } from 'node:crypto'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { AuthenticationConfiguration } from '../identity/authentication-configuration.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Compilation } from '../identity/compilation.js'
import type { IdentityDocument } from '../identity/identity-document.js'
import type { Authorizer } from '../rbac/authorizer.js'
import { danglingRoleRefs } from '../rbac/dangling-role-refs.js'
import { createEmbeddedAuthorizer } from '../rbac/embedded-authorizer.js'
import type { RbacObject } from '../rbac/rbac-objects.js'
import type { CompiledDocument } from './compile-document.js'
import { type CrossCheckInput, crossCheck } from './cross-check.js'
import { compileMatch, matchSchema } from './match.js'
import { RuleIndex } from './rule-index.js'
import type { Server } from './server.js'
import { createServerTable } from './server-table.js'
import type { BrokenRule, PolicySnapshot } from './snapshot.js'

/** One document in force. */
export interface LoadedDocument {
  readonly key: string
  readonly document: SourceDocument
  readonly digest: string
  readonly source: string
  readonly compiled: CompiledDocument
  readonly warnings: readonly Finding[]
}

export interface AssembleContext {
  /** Names of the clusters whose authorizer is the RBAC objects of the sources (`authorizer: files`). */
  readonly clusters: readonly string[]
  /** The authenticator of these documents; the one in force before where they contradict each other. */
  authenticator(
    configurations: readonly AuthenticationConfiguration[],
    identity: IdentityDocument | undefined,
  ): Compilation<Authenticator>
}

export interface AssembleInput {
  readonly loaded: readonly LoadedDocument[]
  /** Documents that do not compile and never did. */
  readonly broken: readonly SourceDocument[]
  /** Files that could not be read at all and never could. */
  readonly unreadable: readonly string[]
}

export interface Assembled {
  readonly snapshot: Omit<PolicySnapshot, 'findings'>
  readonly findings: readonly Finding[]
  readonly brokenKeys: readonly string[]
}

/** Puts compiled documents together into one consistent set. Pure but for the authenticator it is given. */
export function assembleSnapshot(
  { loaded, broken, unreadable }: AssembleInput,
  context: AssembleContext,
  previous: PolicySnapshot | undefined,
): Assembled {
  const findings: Finding[] = []
  const brokenKeys: string[] = []
  const brokenRules: BrokenRule[] = [...broken.map(brokenRule), ...unreadable.map(governsAll)]
  const of = <Kind extends CompiledDocument['kind']>(kind: Kind) =>
    loaded.flatMap(one => (isKind(one.compiled, kind) ? [{ ...one, compiled: one.compiled }] : []))

  const rbac: RbacObject[] = of('Rbac').flatMap(one => one.compiled.objects)
  findings.push(
    ...danglingRoleRefs(of('Rbac').map(({ document, compiled }) => ({ document, objects: compiled.objects }))),
  )
  const authorizer: Authorizer = createEmbeddedAuthorizer(rbac)
  const authorizers = new Map(context.clusters.map(name => [name, authorizer]))
  const catalogs = new Map(of('ToolCatalog').map(({ compiled }) => [compiled.catalog.name, compiled.catalog]))

  const servers: Server[] = []
  for (const one of of('Server')) {
    const resolved = one.compiled.draft.resolve({ catalogs, authorizers })
    findings.push(...resolved.findings)
    const server = resolved.value ?? previous?.servers.byName(one.compiled.draft.name)
    if (server !== undefined) servers.push(server)
    if (resolved.value === undefined) {
      brokenKeys.push(one.key)
      if (server === undefined) brokenRules.push(brokenRule(one.document))
    }
  }

  const rules: CrossCheckInput = {
    servers,
    serverDocuments: of('Server').map(({ document, compiled }) => ({ document, value: compiled.draft })),
    grants: of('Grant').map(({ document, compiled }) => ({ document, value: compiled.grant })),
    guardrails: of('Guardrail').map(({ document, compiled }) => ({ document, value: compiled.guardrail })),
    enrichments: of('Enrichment').map(({ document, compiled }) => ({ document, value: compiled.enrichment })),
  }
  const checked = crossCheck(rules)
  findings.push(...checked.findings)
  const usable = servers.filter(server => !checked.excludedServers.has(server.name))
  const enrichments = rules.enrichments.map(one => one.value)

  const authenticated = context.authenticator(
    of('AuthenticationConfiguration').map(({ compiled }) => compiled.configuration),
    of('Identity')[0]?.compiled.identity,
  )
  findings.push(...authenticated.findings)

  const names = usable.map(server => server.name)
  const headers = new Set([
    ...enrichments.flatMap(one => one.headerNames),
    ...usable.flatMap(one => one.upstreamHeaders),
  ])
  const grants = rules.grants.map(one => one.value)
  const scopes = new Map(
    usable.map(server => [
      server.name,
      [...new Set(grants.filter(grant => grant.match.server(server.name)).flatMap(grant => grant.scopes))].sort(),
    ]),
  )
  return {
    snapshot: {
      revision: revisionOf(loaded, brokenRules),
      servers: createServerTable(usable),
      authenticator: authenticated.value ?? noAuthenticator,
      grants: new RuleIndex(grants, names),
      guardrails: new RuleIndex(
        rules.guardrails.map(one => one.value),
        names,
      ),
      enrichments: new RuleIndex(enrichments, names),
      broken: new RuleIndex(brokenRules, names),
      enrichmentHeaders: [...headers].sort(),
      scopes,
      documents: loaded.length,
    },
    findings,
    brokenKeys,
  }
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
 * What a document that does not compile could restrict: for a Guardrail the calls of its own match where that can be
 * read, for an Identity all. Every other kind only gives: without a Server, a catalogue, a Grant, a role or an issuer
 * there is less, never more.
 */
function brokenRule(document: SourceDocument): BrokenRule {
  const name = `${document.kind}/${document.name}`
  switch (document.kind) {
    case 'Guardrail':
      return { name, match: readMatch(document) ?? everything }
    case 'Identity':
      return { name, match: everything }
    default:
      return { name, match: nothing }
  }
}

function governsAll(file: string): BrokenRule {
  return { name: file, match: everything }
}

const everything = compileMatch({ methods: ['*'] })
const nothing = compileMatch({ servers: ['\0'] })

function readMatch(document: SourceDocument) {
  const { value } = document
  if (typeof value !== 'object' || value === null || !('spec' in value)) return undefined
  const { spec } = value
  if (typeof spec !== 'object' || spec === null) return undefined
  if (!('match' in spec)) return undefined
  const parsed = matchSchema.safeParse(spec.match)
  return parsed.success ? compileMatch(parsed.data) : undefined
}

function revisionOf(loaded: readonly LoadedDocument[], broken: readonly BrokenRule[]): string {
  const hash = createHash('sha256')
  for (const line of loaded.map(one => `${one.key}\0${one.digest}`).sort()) hash.update(`${line}\n`)
  for (const line of broken.map(one => `broken\0${one.name}`).sort()) hash.update(`${line}\n`)
  return hash.digest('hex').slice(0, 16)
}
