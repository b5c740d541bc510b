import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import type { RbacSpec, RuleSpec } from './rbac-schema.js'

type Path = readonly PathSegment[]
type Report = (severity: Finding['severity'], path: Path, message: string, hint?: string) => void

/** The rules of the API server's validation that a schema cannot say, and what can never matter. */
export function checkRbac(document: SourceDocument, base: Path, spec: RbacSpec): readonly Finding[] {
  const findings: Finding[] = []
  const report: Report = (severity, path, message, hint) => {
    findings.push(document.finding(severity, [...base, ...path], message, hint === undefined ? {} : { hint }))
  }
  switch (spec.kind) {
    case 'Role':
    case 'ClusterRole':
      for (const [index, rule] of (spec.rules ?? []).entries()) checkRule(spec.kind, rule, ['rules', index], report)
      if (spec.kind === 'ClusterRole') checkAggregation(spec, report)
      break
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      checkSubjects(spec, report)
      break
  }
  return findings
}

function checkRule(kind: 'Role' | 'ClusterRole', rule: RuleSpec, path: Path, report: Report): void {
  const { apiGroups, resources, resourceNames, nonResourceURLs } = rule
  if (some(nonResourceURLs)) {
    if (kind === 'Role')
      report('error', [...path, 'nonResourceURLs'], 'a Role cannot hold nonResourceURLs', 'use a ClusterRole')
    if (some(apiGroups) || some(resources) || some(resourceNames)) {
      report('error', path, 'a rule is about resources or about nonResourceURLs, not both', 'write two rules')
    }
    return
  }
  if (!some(apiGroups)) report('error', path, 'a rule needs apiGroups', 'the core group is ""')
  if (!some(resources)) report('error', path, 'a rule needs resources')
  for (const [index, resource] of (resources ?? []).entries()) {
    if (!resource.endsWith('/*')) continue
    const hint = 'name each subresource, or write "*" for everything'
    report(
      'warning',
      [...path, 'resources', index],
      'matches nothing: RBAC has no wildcard for the subresources of one resource',
      hint,
    )
  }
}

function checkAggregation(spec: Extract<RbacSpec, { kind: 'ClusterRole' }>, report: Report): void {
  const rule = spec.aggregationRule
  if (rule === null || rule === undefined) return
  if (some(spec.rules))
    report('warning', ['rules'], 'ignored: the rules of an aggregated ClusterRole come from the selected ones')
  for (const [index, { matchExpressions }] of rule.clusterRoleSelectors.entries()) {
    for (const [at, { operator, values }] of (matchExpressions ?? []).entries()) {
      const needsValues = operator === 'In' || operator === 'NotIn'
      if (needsValues === some(values)) continue
      const path = ['aggregationRule', 'clusterRoleSelectors', index, 'matchExpressions', at]
      report('error', path, needsValues ? `${operator} needs values` : `${operator} takes no values`)
    }
  }
}

function checkSubjects(spec: Extract<RbacSpec, { roleRef: unknown }>, report: Report): void {
  if (!some(spec.subjects)) report('warning', ['subjects'], 'binds the role to nobody', 'add subjects')
  for (const [index, subject] of (spec.subjects ?? []).entries()) {
    if (subject.kind !== 'ServiceAccount' || spec.kind !== 'ClusterRoleBinding' || subject.namespace !== undefined)
      continue
    report('error', ['subjects', index], 'a ServiceAccount in a ClusterRoleBinding needs its namespace')
  }
}

function some(list: readonly unknown[] | null | undefined): boolean {
  return list !== null && list !== undefined && list.length > 0
}
