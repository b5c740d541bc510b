import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import { checkRbac } from './check-rbac.js'
import type { LabelSelector, PolicyRule, RbacObject, Subject } from './rbac-objects.js'
import {
  clusterRoleBindingSchema,
  clusterRoleSchema,
  type RbacSpec,
  type RuleSpec,
  rbacListSchema,
  roleBindingSchema,
  roleSchema,
  type SelectorSpec,
  type SubjectSpec,
} from './rbac-schema.js'

export interface ParsedRbac {
  /** undefined with at least one error among the findings; of a List all objects or none. */
  readonly value: readonly RbacObject[] | undefined
  readonly findings: readonly Finding[]
}

const schemas = {
  Role: roleSchema,
  ClusterRole: clusterRoleSchema,
  RoleBinding: roleBindingSchema,
  ClusterRoleBinding: clusterRoleBindingSchema,
} as const

/**
 * Reads Role, ClusterRole, RoleBinding and ClusterRoleBinding of rbac.authorization.k8s.io/v1, and a v1 List of them,
 * with the validation of the API server (pkg/apis/rbac/validation) and strict about unknown fields. What an API server
 * takes, but what cannot do what its author meant, is a warning.
 */
export function parseRbac(document: SourceDocument): ParsedRbac {
  const found = specsOf(document)
  if (!found.ok) return { value: undefined, findings: found.findings }
  const findings = found.specs.flatMap((spec, index) => checkRbac(document, itemPath(document, index), spec))
  const failed = findings.some(({ severity }) => severity === 'error')
  return { value: failed ? undefined : found.specs.map(toObject), findings }
}

/** Where the object of an index stands in its document. */
export function itemPath(document: SourceDocument, index: number): readonly PathSegment[] {
  return document.kind === 'List' ? ['items', index] : []
}

type Specs =
  | { readonly ok: true; readonly specs: readonly RbacSpec[] }
  | { readonly ok: false; readonly findings: readonly Finding[] }

function specsOf(document: SourceDocument): Specs {
  switch (document.kind) {
    case 'List': {
      const list = validate(document, rbacListSchema)
      return list.ok ? { ok: true, specs: list.value.items } : list
    }
    case 'Role':
    case 'ClusterRole':
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const one = validate<RbacSpec>(document, schemas[document.kind])
      return one.ok ? { ok: true, specs: [one.value] } : one
    }
    default: {
      const message = 'not an RBAC object'
      const hint = 'write Role, ClusterRole, RoleBinding, ClusterRoleBinding, or a v1 List of them'
      return { ok: false, findings: [document.finding('error', ['kind'], message, { hint })] }
    }
  }
}

function toObject(spec: RbacSpec): RbacObject {
  const { name } = spec.metadata
  switch (spec.kind) {
    case 'Role':
      return { kind: spec.kind, name, namespace: spec.metadata.namespace, rules: toRules(spec.rules) }
    case 'ClusterRole':
      return {
        kind: spec.kind,
        name,
        labels: new Map(Object.entries(spec.metadata.labels ?? {})),
        rules: toRules(spec.rules),
        aggregation: spec.aggregationRule?.clusterRoleSelectors.map(toSelector),
      }
    case 'RoleBinding': {
      const { namespace } = spec.metadata
      return { kind: spec.kind, name, namespace, roleRef: spec.roleRef, subjects: (spec.subjects ?? []).map(toSubject) }
    }
    case 'ClusterRoleBinding':
      return { kind: spec.kind, name, roleRef: spec.roleRef, subjects: (spec.subjects ?? []).map(toSubject) }
  }
}

function toRules(rules: readonly RuleSpec[] | null | undefined): readonly PolicyRule[] {
  return (rules ?? []).map(rule => ({
    verbs: rule.verbs,
    apiGroups: rule.apiGroups ?? [],
    resources: rule.resources ?? [],
    resourceNames: rule.resourceNames ?? [],
    nonResourceURLs: rule.nonResourceURLs ?? [],
  }))
}

function toSelector({ matchLabels, matchExpressions }: SelectorSpec): LabelSelector {
  return {
    matchLabels: new Map(Object.entries(matchLabels ?? {})),
    matchExpressions: (matchExpressions ?? []).map(({ key, operator, values }) => ({
      key,
      operator,
      values: values ?? [],
    })),
  }
}

function toSubject(subject: SubjectSpec): Subject {
  const namespace = subject.kind === 'ServiceAccount' ? (subject.namespace ?? '') : ''
  return { kind: subject.kind, name: subject.name, namespace }
}
