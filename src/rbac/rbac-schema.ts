import * as z from 'zod'

export const rbacApiGroup = 'rbac.authorization.k8s.io'
const rbacApiVersion = `${rbacApiGroup}/v1`

// What the API server decodes, with fieldValidation=Strict: names of fields and types, and null as the absence of a value
// (in a list of texts it is ""). Which values are right is another question: checkRbac answers it.
const text = z.string().nullish()
const texts = z.array(z.string().nullable()).nullish()
const textMap = z.record(z.string(), z.string().nullable()).nullish()
const integer = z.int().nullish()
const flag = z.boolean().nullish()

const ownerReference = z.strictObject({
  apiVersion: text,
  kind: text,
  name: text,
  uid: text,
  controller: flag,
  blockOwnerDeletion: flag,
})

/** metav1.ObjectMeta: exported objects carry all of it. `managedFields` is bookkeeping of the server: not looked into. */
const metadata = z
  .strictObject({
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid: text,
    resourceVersion: text,
    generation: integer,
    creationTimestamp: text,
    deletionTimestamp: text,
    deletionGracePeriodSeconds: integer,
    labels: textMap,
    annotations: textMap,
    ownerReferences: z.array(ownerReference.nullable()).nullish(),
    finalizers: texts,
    managedFields: z.array(z.looseObject({})).nullish(),
  })
  .nullish()

const rule = z.strictObject({
  verbs: texts,
  apiGroups: texts,
  resources: texts,
  resourceNames: texts,
  nonResourceURLs: texts,
})
const rules = z.array(rule.nullable()).nullish()

const requirement = z.strictObject({ key: text, operator: text, values: texts })
const selector = z.strictObject({ matchLabels: textMap, matchExpressions: z.array(requirement.nullable()).nullish() })

const subject = z.strictObject({ kind: text, apiGroup: text, name: text, namespace: text })
const subjects = z.array(subject.nullable()).nullish()
const roleRef = z.strictObject({ apiGroup: text, kind: text, name: text }).nullish()

const apiVersion = z.literal(rbacApiVersion)

export const roleSchema = z.strictObject({ apiVersion, kind: z.literal('Role'), metadata, rules })

export const clusterRoleSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ClusterRole'),
  metadata,
  rules,
  aggregationRule: z.strictObject({ clusterRoleSelectors: z.array(selector.nullable()).nullish() }).nullish(),
})

export const roleBindingSchema = z.strictObject({
  apiVersion,
  kind: z.literal('RoleBinding'),
  metadata,
  subjects,
  roleRef,
})

export const clusterRoleBindingSchema = z.strictObject({
  apiVersion,
  kind: z.literal('ClusterRoleBinding'),
  metadata,
  subjects,
  roleRef,
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
export type MetadataSpec = z.output<typeof metadata>
export type RuleSpec = z.output<typeof rule> | null
export type SelectorSpec = z.output<typeof selector> | null
export type SubjectSpec = z.output<typeof subject> | null
export type BindingSpec = Extract<RbacSpec, { kind: 'RoleBinding' | 'ClusterRoleBinding' }>
