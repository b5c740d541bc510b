import * as z from 'zod'

const Labels = z.record(z.string(), z.string())

/** As much of a Kubernetes object as the simulated cluster looks at; everything else is kept as it came. */
export const ClusterObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z
      .string()
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
    namespace: z.string().optional(),
    labels: Labels.optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
    creationTimestamp: z.string().optional(),
    ownerReferences: z.array(z.looseObject({ uid: z.string(), kind: z.string() })).optional(),
  }),
})
export type ClusterObject = z.infer<typeof ClusterObject>

/** More than this is refused: the simulation makes a real object for every replica. */
export const MAX_REPLICAS = 100

export const DeploymentSpec = z.looseObject({
  replicas: z.int().min(0).max(MAX_REPLICAS).default(1),
  template: z.looseObject({
    metadata: z.looseObject({ labels: Labels.default({}) }).default({ labels: {} }),
    spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string() })).min(1) }),
  }),
})
export type DeploymentSpec = z.infer<typeof DeploymentSpec>

/** The body of deployments/scale (autoscaling/v1). */
export const Scale = z.looseObject({ spec: z.looseObject({ replicas: z.int().min(0).max(MAX_REPLICAS) }) })

/** RFC 7396. Stands in for server-side apply and strategic merge too: lists are replaced as a whole. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, mergePatch(result.get(key), value))
  }
  return Object.fromEntries(result)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
