import { createHash } from 'node:crypto'
import type { CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { AuthenticationConfiguration } from './authentication-configuration.js'
import type { Compilation } from './compilation.js'
import { claimsEnvironment } from './expressions.js'
import { type ClientKind, defaultAgentExpression, type IdentityDocument, type ProofRules } from './identity-document.js'
import type { IssuerConfiguration } from './issuer-configuration.js'
import { discoveryUrlOf } from './issuer-url.js'
import type { OnBehalfOfRule } from './on-behalf-of-rule.js'
import type { RoleMapper } from './role-mapper.js'
import type { WorkloadMapping } from './workload-mapping.js'

/** Where an issuer's keys come from. Two issuers' key sets are the same one only if all of this is the same. */
export interface KeySource {
  readonly issuer: string
  readonly from:
    | { readonly kind: 'discovery'; readonly url: string }
    | { readonly kind: 'jwksUri'; readonly url: string }
    | { readonly kind: 'file'; readonly path: string }
  readonly certificateAuthority: string | undefined
  /** Digest of all of the above. */
  readonly revision: string
}

export interface ConfiguredIssuer {
  readonly configuration: IssuerConfiguration
  readonly alias: string
  readonly keys: KeySource
}

/** All that says who callers are: every AuthenticationConfiguration and at most one Identity, put together. */
export interface IdentityConfiguration {
  readonly issuers: ReadonlyMap<string, ConfiguredIssuer>
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
 * only Identity names.
 */
export function combineIdentity(
  configurations: readonly AuthenticationConfiguration[],
  identity: IdentityDocument | undefined,
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
      issuers.set(url, { configuration, alias, keys: keySource(configuration, said) })
    }
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
  const {
    clients = new Map<string, ClientKind>(),
    tenant,
    roleMapper,
    workloads = [],
    onBehalfOf = [],
  } = identity ?? {}
  const proofs = identity?.proofs ?? { dpop: undefined, mtls: false }
  const agent = identity?.agent ?? defaultAgent()
  return { value: { issuers, clients, agent, tenant, roleMapper, workloads, proofs, onBehalfOf }, findings }
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
  configuration: IssuerConfiguration,
  said: { jwksUri: string | undefined; jwksFile: string | undefined } | undefined,
): KeySource {
  const { url: issuer, discoveryUrl = discoveryUrlOf(issuer), certificateAuthority } = configuration
  const from: KeySource['from'] =
    said?.jwksFile !== undefined
      ? { kind: 'file', path: said.jwksFile }
      : said?.jwksUri !== undefined
        ? { kind: 'jwksUri', url: said.jwksUri }
        : { kind: 'discovery', url: discoveryUrl }
  const revision = createHash('sha256')
    .update(JSON.stringify([issuer, from, certificateAuthority ?? null]))
    .digest('base64url')
  return { issuer, from, certificateAuthority, revision }
}
