import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import { claimsEnvironment, compileAt } from './expressions.js'
import { issuerUrlProblem } from './issuer-url.js'
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
}

/** What AuthenticationConfiguration cannot say, compiled. */
export interface IdentityDocument {
  readonly document: SourceDocument
  readonly issuers: ReadonlyMap<string, IssuerKeys>
  readonly clients: ReadonlyMap<string, ClientKind>
  readonly agent: CelProgram | undefined
  readonly tenant: CelProgram | undefined
  readonly workloads: readonly WorkloadMapping[]
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
        }),
      )
      .optional(),
    clients: z.record(text, z.enum(['attested', 'direct'])).optional(),
    agent: text.optional(),
    tenant: text.optional(),
    roleMapper: z.unknown().optional(),
    roleMappings: z.unknown().optional(),
    workloads: z
      .array(z.strictObject({ spiffe: text, serviceAccount: text }))
      .min(1)
      .max(64)
      .optional(),
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

  for (const field of ['roleMapper', 'roleMappings'] as const)
    if (spec[field] !== undefined)
      report(
        [field],
        'is not offered yet',
        'map roles to groups with claimMappings.groups.expression of AuthenticationConfiguration',
      )
  const issuers = new Map<string, IssuerKeys>()
  const insecureLoopback = options.insecureLoopbackIssuers === true
  for (const [url, { alias, jwksFile, jwksUri }] of Object.entries(spec.issuers ?? {})) {
    if (jwksFile !== undefined && jwksUri !== undefined)
      report(['issuers', url], 'has both jwksFile and jwksUri', 'keep one of them')
    const problem = jwksUri === undefined ? undefined : issuerUrlProblem(jwksUri, { insecureLoopback })
    if (problem !== undefined) report(['issuers', url, 'jwksUri'], problem)
    issuers.set(url, {
      alias,
      jwksUri,
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
  const broken = findings.some(({ severity }) => severity === 'error')
  return { value: broken ? undefined : { document, issuers, clients, agent, tenant, workloads }, findings }
}
