import { createHash } from 'node:crypto'
import type { CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment } from '../documents/source-document.js'
import type { AuthenticationConfiguration } from './authentication-configuration.js'
import type { Compilation } from './compilation.js'
import { claimsEnvironment } from './expressions.js'
import {
  type ClientKind,
  defaultAgentExpression,
  type IdentityDocument,
  type IssuerKeys,
  type ProofRules,
} from './identity-document.js'
import type { IssuerConfiguration } from './issuer-configuration.js'
import { discoveryUrlOf } from './issuer-url.js'
import type { OnBehalfOfRule } from './on-behalf-of-rule.js'
import type { RoleMapper } from './role-mapper.js'
import type { TokenReviewRule } from './token-reviewer.js'
import type { WorkloadMapping } from './workload-mapping.js'

/** Where an issuer's keys come from. Two issuers' key sets are the same one only if all of this is the same. */
export interface KeySource {
  readonly issuer: string
  readonly from:
    | { readonly kind: 'discovery'; readonly url: string }
    | { readonly kind: 'jwksUri'; readonly url: string }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'cluster'; readonly cluster: string }
  readonly certificateAuthority: string | undefined
  /** Digest of all of the above. */
  readonly revision: string
}

export interface ConfiguredIssuer {
  readonly configuration: IssuerConfiguration
  readonly alias: string
  readonly login: boolean
  readonly keys: KeySource
  /** Where it is there, the API server says who a token speaks for, and `configuration` would admit nobody. */
  readonly review: TokenReviewRule | undefined
}

/** All that says who callers are: every AuthenticationConfiguration and at most one Identity, put together. */
export interface IdentityConfiguration {
  readonly issuers: ReadonlyMap<string, ConfiguredIssuer>
  /** By {@link clientKey}. */
  readonly clients: ReadonlyMap<string, ClientKind>
  readonly agent: CelProgram
  readonly tenant: CelProgram | undefined
  readonly roleMapper: RoleMapper | undefined
  readonly workloads: readonly WorkloadMapping[]
  readonly proofs: ProofRules
  readonly onBehalfOf: readonly OnBehalfOfRule[]
}

/**
 * Puts the documents together. Errors: an issuer configured twice, two issuers with one alias (an agent of one would be
 * taken for an agent of the other). The default alias is the host of the issuer's URL. A warning for an issuer that
 * only Identity names. `clusters` are the names of those with an API server that can be asked; left out, they are not
 * compared.
 */
export function combineIdentity(
  configurations: readonly AuthenticationConfiguration[],
  identity: IdentityDocument | undefined,
  clusters?: { has(name: string): boolean },
): Compilation<IdentityConfiguration> {
  const findings: Finding[] = []
  const issuers = new Map<string, ConfiguredIssuer>()
  const aliases = new Set<string>()
  for (const { document, issuers: listed } of configurations)
    for (const [index, configuration] of listed.entries()) {
      const { url } = configuration
      const said = identity?.issuers.get(url)
      const alias = said?.alias ?? defaultAlias(url)
      const path = ['jwt', index, 'issuer', 'url']
      if (issuers.has(url))
        findings.push(document.finding('error', path, 'another AuthenticationConfiguration has this issuer too'))
      else if (aliases.has(alias))
        findings.push(
          document.finding('error', path, `another issuer has the alias "${alias}" too`, {
            hint: `give each an alias of its own in Identity.spec.issuers["${url}"].alias`,
          }),
        )
      aliases.add(alias)
      const keys = keySource(configuration, said)
      issuers.set(url, { configuration, alias, login: said?.login ?? true, keys, review: undefined })
    }
  reportSharedNames(configurations, findings)
  if (identity !== undefined) addReviewed(identity, { issuers, aliases }, findings)
  if (identity !== undefined && clusters !== undefined) reportUnknownClusters(identity, clusters, findings)
  for (const url of identity?.issuers.keys() ?? [])
    if (!issuers.has(url))
      findings.push(
        ...(identity === undefined
          ? []
          : [
              identity.document.finding(
                'warning',
                ['spec', 'issuers', url],
                'no AuthenticationConfiguration has this issuer',
                {
                  hint: 'the URL must equal jwt[].issuer.url character by character',
                },
              ),
            ]),
      )
  if (findings.some(({ severity }) => severity === 'error')) return { value: undefined, findings }
  const reviewed = new Set([...issuers.values()].filter(({ review }) => review !== undefined).map(({ alias }) => alias))
  const clients = clientsOf(identity, { aliases, reviewed }, findings)
  const { tenant, roleMapper, workloads = [], onBehalfOf = [] } = identity ?? {}
  const proofs = identity?.proofs ?? { dpop: undefined, mtls: false }
  const agent = identity?.agent ?? defaultAgent()
  return { value: { issuers, clients, agent, tenant, roleMapper, workloads, proofs, onBehalfOf }, findings }
}

/**
 * The issuers whose tokens an API server reviews. Errors: one that an AuthenticationConfiguration has too (which of the two
 * says who it is?), an alias of another, and two clusters whose ServiceAccounts would have the same names.
 */
function addReviewed(
  { document, issuers: listed }: IdentityDocument,
  { issuers, aliases }: { readonly issuers: Map<string, ConfiguredIssuer>; readonly aliases: Set<string> },
  findings: Finding[],
): void {
  const clusterOf = new Map<string, string>()
  for (const [url, said] of listed) {
    const { tokenReview: review, alias = defaultAlias(url) } = said
    if (review === undefined) continue
    const report = (field: readonly PathSegment[], message: string, hint: string) =>
      findings.push(document.finding('error', ['spec', 'issuers', url, ...field], message, { hint }))
    if (issuers.has(url))
      report(['tokenReview'], 'an AuthenticationConfiguration has this issuer too', 'keep one of them')
    else if (aliases.has(alias))
      report([], `another issuer has the alias "${alias}" too`, 'give each an alias of its own')
    const other = clusterOf.get(review.prefix) ?? review.cluster
    if (other !== review.cluster) {
      const hint = 'give one of them a prefix, such as "east:"'
      report(['tokenReview', 'prefix'], `ServiceAccounts of the cluster "${other}" would have the same names`, hint)
    }
    clusterOf.set(review.prefix, review.cluster)
    aliases.add(alias)
    const configuration = admitsNobody(url)
    issuers.set(url, { configuration, alias, login: false, keys: keySource(configuration, said), review })
  }
}

/** What nobody may fall back on: no audience is good, and `sub` of a ServiceAccount is a reserved name. */
function admitsNobody(url: string): IssuerConfiguration {
  return {
    url,
    discoveryUrl: undefined,
    certificateAuthority: undefined,
    audiences: [],
    username: { kind: 'claim', claim: 'sub', prefix: '' },
    groups: undefined,
    uid: undefined,
    extra: [],
    claimRules: [],
    userRules: [],
  }
}

function reportUnknownClusters(
  { document, issuers }: IdentityDocument,
  clusters: { has(name: string): boolean },
  findings: Finding[],
): void {
  for (const [url, { jwksCluster, tokenReview }] of issuers) {
    const review = tokenReview?.cluster
    const hint = 'Config.spec.clusters names them; give it a connection (inCluster, or kubeconfig)'
    const unknown = (name: string | undefined) => name !== undefined && !clusters.has(name)
    const message = (name: string | undefined) => `there is no cluster "${name}" whose API server can be asked`
    if (unknown(review))
      findings.push(
        document.finding('error', ['spec', 'issuers', url, 'tokenReview', 'cluster'], message(review), { hint }),
      )
    if (unknown(jwksCluster) && jwksCluster !== review)
      findings.push(document.finding('error', ['spec', 'issuers', url, 'jwksCluster'], message(jwksCluster), { hint }))
  }
}

/** Two issuers that put the same before the names in their tokens: whoever chooses names at one can be anybody of the other. */
function reportSharedNames(configurations: readonly AuthenticationConfiguration[], findings: Finding[]): void {
  for (const field of ['username', 'groups'] as const) {
    const users = new Map<string, string>()
    for (const { document, issuers } of configurations)
      for (const [index, { url, [field]: source }] of issuers.entries()) {
        if (source?.kind !== 'claim') continue
        const other = users.get(source.prefix)
        users.set(source.prefix, other ?? url)
        if (other === undefined || other === url) continue
        const what = field === 'username' ? 'users' : 'groups'
        findings.push(
          document.finding(
            'warning',
            ['jwt', index, 'claimMappings', field, 'prefix'],
            `is the same as that of ${other}, so ${what} of one name are the same ${what} here, whichever issuer says it`,
            { hint: 'give each issuer a prefix of its own, unless both know the same people' },
          ),
        )
      }
  }
}

/** The name of a client among those of all issuers. An alias has no ":", so that no two clients share one. */
export function clientKey(alias: string, id: string): string {
  return `${alias}:${id}`
}

/**
 * A client is written as `<alias>:<id>`. Without an alias it is one of every issuer: fine with one issuer, a warning with
 * several, because the same id may belong to somebody else there. The tokens of a cluster that reviews them name no clients.
 */
function clientsOf(
  identity: IdentityDocument | undefined,
  { aliases, reviewed }: { readonly aliases: ReadonlySet<string>; readonly reviewed: ReadonlySet<string> },
  findings: Finding[],
): ReadonlyMap<string, ClientKind> {
  const clients = new Map<string, ClientKind>()
  if (identity === undefined) return clients
  const written = [...identity.clients]
  const isQualified = ([name]: (typeof written)[number]) => aliases.has(name.slice(0, Math.max(0, name.indexOf(':'))))
  for (const [name, kind] of written.filter(client => !isQualified(client))) {
    const everywhere = [...aliases].filter(alias => !reviewed.has(alias))
    for (const alias of everywhere) clients.set(clientKey(alias, name), kind)
    if (everywhere.length > 1)
      findings.push(
        identity.document.finding('warning', ['spec', 'clients', name], 'is meant for the clients of every issuer', {
          hint: `write the issuer's alias before it, such as "${everywhere[0]}:${name}"`,
        }),
      )
  }
  // What is said of the client of one issuer wins.
  for (const [name, kind] of written.filter(isQualified)) clients.set(name, kind)
  for (const [index, { agents = [] }] of identity.onBehalfOf.entries())
    for (const agent of agents)
      if (!aliases.has(agent.slice(0, agent.indexOf(':'))))
        findings.push(
          identity.document.finding(
            'warning',
            ['spec', 'onBehalfOf', index, 'agents'],
            `names an agent of an issuer that is not configured: ${agent}`,
            { hint: `the part before ":" is the alias of an issuer: ${[...aliases].join(', ')}` },
          ),
        )
  return clients
}

function defaultAgent(): CelProgram {
  const compiled = claimsEnvironment.compile(defaultAgentExpression, 'string')
  if (!compiled.ok) throw new Error(`the default agent expression does not compile: ${compiled.error.message}`)
  return compiled.program
}

/** Without ":" and "/", because an agent is named `agent:<alias>:<id>`. */
function defaultAlias(url: string): string {
  return new URL(url).host.replace(/[[\]]/g, '').replaceAll(':', '-')
}

function keySource(
  configuration: Pick<IssuerConfiguration, 'url' | 'discoveryUrl' | 'certificateAuthority'>,
  said: Pick<IssuerKeys, 'jwksUri' | 'jwksFile' | 'jwksCluster'> | undefined,
): KeySource {
  const { url: issuer, discoveryUrl = discoveryUrlOf(issuer), certificateAuthority } = configuration
  const from: KeySource['from'] =
    said?.jwksFile !== undefined
      ? { kind: 'file', path: said.jwksFile }
      : said?.jwksUri !== undefined
        ? { kind: 'jwksUri', url: said.jwksUri }
        : said?.jwksCluster !== undefined
          ? { kind: 'cluster', cluster: said.jwksCluster }
          : { kind: 'discovery', url: discoveryUrl }
  const revision = createHash('sha256')
    .update(JSON.stringify([issuer, from, certificateAuthority ?? null]))
    .digest('base64url')
  return { issuer, from, certificateAuthority, revision }
}
