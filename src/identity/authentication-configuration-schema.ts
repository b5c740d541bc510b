import * as z from 'zod'

const text = z.string().min(1)

/** A claim with its prefix, or an expression; which of the two it is, is checked after the shape. */
const prefixedClaim = z.strictObject({
  claim: z.string().optional(),
  prefix: z.string().optional(),
  expression: z.string().optional(),
})

const issuer = z.strictObject({
  url: text,
  discoveryURL: z.string().optional(),
  certificateAuthority: z.string().optional(),
  audiences: z.array(text).min(1),
  audienceMatchPolicy: z.enum(['', 'MatchAny']).optional(),
  egressSelectorType: z.string().optional(),
})

const jwtAuthenticator = z.strictObject({
  issuer,
  claimValidationRules: z
    .array(
      z.strictObject({
        claim: z.string().optional(),
        requiredValue: z.string().optional(),
        expression: z.string().optional(),
        message: z.string().optional(),
      }),
    )
    .max(64)
    .optional(),
  claimMappings: z.strictObject({
    username: prefixedClaim,
    groups: prefixedClaim.optional(),
    uid: z.strictObject({ claim: z.string().optional(), expression: z.string().optional() }).optional(),
    extra: z
      .array(z.strictObject({ key: text, valueExpression: text }))
      .max(64)
      .optional(),
  }),
  userValidationRules: z
    .array(z.strictObject({ expression: text, message: z.string().optional() }))
    .max(64)
    .optional(),
})

/**
 * The API server's file format (`apiserver.config.k8s.io/v1`, GA in Kubernetes 1.34), strictly: the API server refuses
 * unknown fields too. An empty text counts as absent where the API server takes it so. v1beta1 and v1alpha1 have the same
 * fields; whoever has such a file is told to write v1. No list has more than 64 entries, which the API server says of
 * `jwt` alone.
 */
export const authenticationConfigurationSchema = z.strictObject({
  apiVersion: z.literal('apiserver.config.k8s.io/v1'),
  kind: z.literal('AuthenticationConfiguration'),
  jwt: z.array(jwtAuthenticator).max(64).optional(),
  anonymous: z
    .strictObject({ enabled: z.boolean(), conditions: z.array(z.strictObject({ path: text })).optional() })
    .optional(),
})

export type JwtAuthenticatorSpec = z.infer<typeof jwtAuthenticator>
export type PrefixedClaimSpec = z.infer<typeof prefixedClaim>
