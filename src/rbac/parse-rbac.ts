import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import { checkRbac } from './check-rbac.js'
import {
  type LabelRequirement,
  type LabelSelector,
  labelOperators,
  type PolicyRule,
  type RbacObject,
  type RoleRef,
  type Subject,
} from './rbac-objects.js'
import {
  type BindingSpec,
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

/** Only what checkRbac found nothing wrong with; text that is not there is "". */
function toObject(spec: RbacSpec): RbacObject {
  const name = spec.metadata?.name ?? ''
  const namespace = spec.metadata?.namespace ?? ''
  switch (spec.kind) {
    case 'Role':
      return { kind: spec.kind, name, namespace, rules: toRules(spec.rules) }
    case 'ClusterRole':
      return {
        kind: spec.kind,
        name,
        labels: toMap(spec.metadata?.labels),
        rules: toRules(spec.rules),
        aggregation: spec.aggregationRule?.clusterRoleSelectors?.map(toSelector),
      }
    case 'RoleBinding':
      return { kind: spec.kind, name, namespace, ...toBinding(spec) }
    case 'ClusterRoleBinding':
      return { kind: spec.kind, name, ...toBinding(spec) }
  }
}

function toRules(rules: readonly RuleSpec[] | null | undefined): readonly PolicyRule[] {
  return (rules ?? []).map(rule => ({
    verbs: toTexts(rule?.verbs),
    apiGroups: toTexts(rule?.apiGroups),
    resources: toTexts(rule?.resources),
    resourceNames: toTexts(rule?.resourceNames),
    nonResourceURLs: toTexts(rule?.nonResourceURLs),
  }))
}

function toSelector(selector: SelectorSpec): LabelSelector {
  return {
    matchLabels: toMap(selector?.matchLabels),
    matchExpressions: (selector?.matchExpressions ?? []).map(requirement => ({
      key: requirement?.key ?? '',
      operator: toOperator(requirement?.operator),
      values: toTexts(requirement?.values),
    })),
  }
}

function toOperator(text: string | null | undefined): LabelRequirement['operator'] {
  const known = labelOperators.find(operator => operator === text)
  if (known === undefined) throw new Error('a selector was not checked')
  return known
}

function toBinding({ roleRef, subjects }: BindingSpec): { readonly roleRef: RoleRef; readonly subjects: Subject[] } {
  return {
    roleRef: { kind: roleRef?.kind ?? '', name: roleRef?.name ?? '' },
    subjects: (subjects ?? []).map(toSubject),
  }
}

function toSubject(subject: SubjectSpec): Subject {
  const kind = subject?.kind ?? ''
  return { kind, name: subject?.name ?? '', namespace: kind === 'ServiceAccount' ? (subject?.namespace ?? '') : '' }
}

function toTexts(list: readonly (string | null)[] | null | undefined): readonly string[] {
  return (list ?? []).map(text => text ?? '')
}

function toMap(record: Readonly<Record<string, string | null>> | null | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(record ?? {}).map(([key, value]) => [key, value ?? '']))
}
