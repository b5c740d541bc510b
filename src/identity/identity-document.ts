import { dirname, resolve } from 'node:path'
import * as z from 'zod'
import type { CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import { compileOnBehalfOf, onBehalfOfSchema } from './compile-on-behalf-of.js'
import { maxLeeway } from './dpop/replay-memory.js'
import { claimsEnvironment, compileAt } from './expressions.js'
import { issuerUrlProblem } from './issuer-url.js'
import type { OnBehalfOfRule } from './on-behalf-of-rule.js'
import { compileRoleMapper, type RoleMapper } from './role-mapper.js'
import type { TokenReviewRule } from './token-reviewer.js'
import { compileWorkload, type WorkloadMapping } from './workload-mapping.js'

/** An actor of RFC 8693 first, then the client in the words of OpenID Connect and of RFC 9068. */
export const defaultAgentExpression =
  "has(claims.act) ? claims.act.sub : has(claims.azp) ? claims.azp : has(claims.client_id) ? claims.client_id : ''"

/** attested: the issuer authenticates this client, so its name counts. direct: a person's hands, not an agent. */
export type ClientKind = 'attested' | 'direct'

export interface IssuerKeys {
  readonly alias: string | undefined
  readonly jwksUri: string | undefined
  /** Absolute path. */
  readonly jwksFile: string | undefined
  /** Name of the cluster whose API server has the keys. */
  readonly jwksCluster: string | undefined
  /** Its users are those that the API server of a cluster says, and no AuthenticationConfiguration has it. */
  readonly tokenReview: TokenReviewRule | undefined
  /** Whether the metadata of Servers names it as a place to log in at. */
  readonly login: boolean
}

/** How tokens that are bound to a key may be proven. Without it they are refused. */
export interface ProofRules {
  /** RFC 9449. `leeway` in milliseconds; `nonceKeyFile` is an absolute path, undefined where no nonce is asked for. */
  readonly dpop: { readonly leeway: number; readonly nonceKeyFile: string | undefined } | undefined
  /** RFC 8705: by the certificate of the client, as a trusted gateway saw it. */
  readonly mtls: boolean
}

/** What AuthenticationConfiguration cannot say, compiled. */
export interface IdentityDocument {
  readonly document: SourceDocument
  readonly issuers: ReadonlyMap<string, IssuerKeys>
  readonly clients: ReadonlyMap<string, ClientKind>
  readonly agent: CelProgram | undefined
  readonly tenant: CelProgram | undefined
  readonly roleMapper: RoleMapper | undefined
  readonly workloads: readonly WorkloadMapping[]
  readonly proofs: ProofRules
  readonly onBehalfOf: readonly OnBehalfOfRule[]
}

const text = z.string().min(1)

const schema = z.strictObject({
  apiVersion: z.literal('mcp-authz.dev/v1alpha1'),
  kind: z.literal('Identity'),
  metadata: z.strictObject({
    name: text.max(253),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.strictObject({
    issuers: z
      .record(
        text,
        z.strictObject({
          alias: z
            .string()
            .regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, 'an alias is lower-case letters, digits, "-" and "."')
            .optional(),
          jwksFile: text.optional(),
          jwksUri: text.optional(),
          jwksCluster: text.max(63).optional(),
          tokenReview: z
            .strictObject({
              cluster: text.max(63),
              cacheSeconds: z.number().int().min(1).max(60).default(10),
              prefix: z
                .string()
                .max(64)
                .regex(
                  /^[a-z0-9][-a-z0-9.]*:$/,
                  'a prefix is lower-case letters, digits, "-" and ".", and ends with ":"',
                )
                .optional(),
            })
            .optional(),
          login: z.boolean().optional(),
        }),
      )
      .optional(),
    clients: z.record(text, z.enum(['attested', 'direct'])).optional(),
    agent: text.optional(),
    tenant: text.optional(),
    roleMapper: text.optional(),
    roleMappings: z.record(text, z.union([text, z.array(text).min(1).max(64)])).optional(),
    workloads: z
      .array(z.strictObject({ spiffe: text, serviceAccount: text }))
      .min(1)
      .max(64)
      .optional(),
    proofs: z
      .strictObject({
        dpop: z
          .strictObject({
            leewaySeconds: z
              .number()
              .int()
              .min(1)
              .max(maxLeeway / 1000)
              .default(300),
            nonceKeyFile: text.optional(),
          })
          .optional(),
        mtls: z.strictObject({}).optional(),
      })
      .optional(),
    onBehalfOf: onBehalfOfSchema.optional(),
  }),
})

/** Reads a document of kind Identity. Relative `jwksFile` paths count from the document's folder. */
export function readIdentityDocument(
  document: SourceDocument,
  options: { readonly insecureLoopbackIssuers?: boolean } = {},
): Compilation<IdentityDocument> {
  const validated = validate(document, schema)
  if (!validated.ok) return { value: undefined, findings: validated.findings }
  const { spec } = validated.value
  const findings: Finding[] = []
  const report = (path: readonly PathSegment[], message: string, hint?: string) =>
    findings.push(document.finding('error', ['spec', ...path], message, hint === undefined ? {} : { hint }))

  const issuers = new Map<string, IssuerKeys>()
  const insecureLoopback = options.insecureLoopbackIssuers === true
  for (const [url, { alias, jwksFile, jwksUri, ...said }] of Object.entries(spec.issuers ?? {})) {
    const tokenReview = compileTokenReview(said, (field, ...rest) => report(['issuers', url, ...field], ...rest))
    const jwksCluster =
      said.jwksCluster ?? (jwksFile === undefined && jwksUri === undefined ? tokenReview?.cluster : undefined)
    const { login = tokenReview === undefined } = said
    const sources = Object.entries({ jwksFile, jwksUri, jwksCluster }).filter(([, value]) => value !== undefined)
    if (sources.length > 1)
      report(['issuers', url], `has both ${sources.map(([name]) => name).join(' and ')}`, 'keep one of them')
    const unusable = tokenReview === undefined ? undefined : issuerUrlProblem(url, { insecureLoopback })
    if (unusable !== undefined) report(['issuers', url], unusable)
    const problem = jwksUri === undefined ? undefined : issuerUrlProblem(jwksUri, { insecureLoopback })
    if (problem !== undefined) report(['issuers', url, 'jwksUri'], problem)
    issuers.set(url, {
      alias,
      jwksUri,
      login,
      jwksCluster,
      tokenReview,
      jwksFile: jwksFile === undefined ? undefined : resolve(dirname(document.file), jwksFile),
    })
  }
  const compile = (field: 'agent' | 'tenant', result: 'string' | 'dyn') => {
    const source = spec[field]
    return source === undefined
      ? undefined
      : compileAt(document, findings, claimsEnvironment, ['spec', field], source, result)
  }
  const agent = compile('agent', 'string')
  // Not `string`: a claim of another type must deny, and not look like one that is absent.
  const tenant = compile('tenant', 'dyn')
  const workloads = (spec.workloads ?? []).flatMap(({ spiffe, serviceAccount }, index) => {
    const compiled = compileWorkload(spiffe, serviceAccount)
    if (compiled.ok) return [compiled.mapping]
    report(['workloads', index, compiled.field], compiled.message)
    return []
  })
  const clients = new Map(Object.entries(spec.clients ?? {}))
  const roleMapper = compileRoleMapper(document, findings, spec.roleMapper, spec.roleMappings)
  const onBehalfOf = (spec.onBehalfOf ?? []).flatMap((written, index) => {
    const rule = compileOnBehalfOf(written, (path, ...rest) => report(['onBehalfOf', index, ...path], ...rest))
    return rule === undefined ? [] : [rule]
  })
  const { dpop, mtls } = spec.proofs ?? {}
  const beside = (path: string | undefined) => (path === undefined ? undefined : resolve(dirname(document.file), path))
  const proofs: ProofRules = {
    dpop: dpop && { leeway: dpop.leewaySeconds * 1000, nonceKeyFile: beside(dpop.nonceKeyFile) },
    mtls: mtls !== undefined,
  }
  const broken = findings.some(({ severity }) => severity === 'error')
  if (broken) return { value: undefined, findings }
  const value = { document, issuers, clients, agent, tenant, roleMapper, workloads, proofs, onBehalfOf }
  return { value, findings }
}

type Report = (field: readonly PathSegment[], message: string, hint?: string) => void

function compileTokenReview(
  { tokenReview, login }: NonNullable<z.output<typeof schema>['spec']['issuers']>[string],
  report: Report,
): TokenReviewRule | undefined {
  if (tokenReview === undefined) return undefined
  const { cluster, cacheSeconds, prefix = '' } = tokenReview
  if (login === true)
    report(['login'], 'nobody can log in where tokens are those of a cluster', 'leave it out; it is false here')
  if (prefix === 'system:' || prefix === 'agent:')
    report(['tokenReview', 'prefix'], 'is reserved', 'name the cluster, such as "east:"')
  return { cluster, prefix, keep: cacheSeconds * 1000 }
}
