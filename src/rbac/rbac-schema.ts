import { z } from 'zod'
import { isNamespaceName, isPathSegmentName } from './kubernetes-names.js'

export const rbacApiGroup = 'rbac.authorization.k8s.io'
export const rbacApiVersion = `${rbacApiGroup}/v1`

const segment = z.string().refine(isPathSegmentName, 'a name is one path segment: no "/", no "%", not "." or ".."')
const namespace = z.string().refine(isNamespaceName, 'a namespace is lower-case letters, digits and "-", at most 63')
const texts = z.array(z.string()).nullish()
const textMap = z.record(z.string(), z.string()).nullish()
const rbacGroup = z.literal(['', rbacApiGroup]).optional()

/** Exported objects carry uid, managedFields and so on; nothing in there concerns us. */
const metadata = z.looseObject({ name: segment, labels: textMap })
const namespaced = metadata.extend({ namespace })
const clusterScoped = metadata.extend({ namespace: z.undefined('a cluster-scoped object has no namespace').optional() })

const rule = z.strictObject({
  verbs: z.array(z.string()).min(1),
  apiGroups: texts,
  resources: texts,
  resourceNames: texts,
  nonResourceURLs: texts,
})

const requirement = z.strictObject({
  key: z.string().min(1),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: texts,
})

const selector = z.strictObject({ matchLabels: textMap, matchExpressions: z.array(requirement).nullish() })

/** The API server defaults the group of users and groups, and forbids one for service accounts. */
const subject = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('User'), name: z.string().min(1), apiGroup: rbacGroup }),
  z.strictObject({ kind: z.literal('Group'), name: z.string().min(1), apiGroup: rbacGroup }),
  z.strictObject({
    kind: z.literal('ServiceAccount'),
    name: segment,
    namespace: namespace.optional(),
    apiGroup: z.literal('').optional(),
  }),
])

const roleRef = <Kind extends z.ZodType>(kind: Kind) => z.strictObject({ apiGroup: rbacGroup, kind, name: segment })

const apiVersion = z.literal(rbacApiVersion)

export const roleSchema = z.strictObject({
  apiVersion,
  kind: z.literal('Role'),
  metadata: namespaced,
  rules: z.array(rule).nullish(),
})

export const clusterRoleSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ClusterRole'),
  metadata: clusterScoped,
  rules: z.array(rule).nullish(),
  aggregationRule: z.strictObject({ clusterRoleSelectors: z.array(selector).min(1) }).nullish(),
})

export const roleBindingSchema = z.strictObject({
  apiVersion,
  kind: z.literal('RoleBinding'),
  metadata: namespaced,
  subjects: z.array(subject).nullish(),
  roleRef: roleRef(z.enum(['Role', 'ClusterRole'])),
})

export const clusterRoleBindingSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ClusterRoleBinding'),
  metadata: clusterScoped,
  subjects: z.array(subject).nullish(),
  roleRef: roleRef(z.literal('ClusterRole')),
})

const anyRbac = z.discriminatedUnion('kind', [
  roleSchema,
  clusterRoleSchema,
  roleBindingSchema,
  clusterRoleBindingSchema,
])

/** What `kubectl get -o yaml` writes for several objects. */
export const rbacListSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('List'),
  metadata: z.looseObject({}).optional(),
  items: z.array(anyRbac).min(1).max(10_000),
})

export type RbacSpec = z.output<typeof anyRbac>
export type RuleSpec = z.output<typeof rule>
export type SelectorSpec = z.output<typeof selector>
export type SubjectSpec = z.output<typeof subject>
