import * as z from 'zod'

export const policyApiVersion = 'mcp-authz.dev/v1alpha1'

/** The kinds of ours that a source may hold. */
export const policyKinds = ['Server', 'ToolCatalog', 'Identity', 'Grant', 'Guardrail', 'Enrichment'] as const
export type PolicyKind = (typeof policyKinds)[number]

/** Wraps the schema of a `spec` into that of a whole document, in which nothing unknown is passed over. */
export function documentSchema<Spec extends z.ZodType>(kind: PolicyKind, spec: Spec) {
  return z.strictObject({
    apiVersion: z.literal(policyApiVersion),
    kind: z.literal(kind),
    metadata: z.strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/, 'a name is lower-case letters, digits, "-" and "."'),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
    }),
    spec,
  })
}
