import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { checkBinding } from './check-binding.js'
import { checkSelector } from './check-labels.js'
import { checkMetadata } from './check-metadata.js'
import { type Path, type Report, some } from './rbac-report.js'
import type { RbacSpec, RuleSpec } from './rbac-schema.js'

/**
 * The API server's validation of a decoded object (pkg/apis/rbac/validation; errors in the same cases), and as warnings
 * what it accepts but what cannot do what its author meant. Unlike a server we do not object to a second object of the
 * same name here (loading does), nor to a changed roleRef: a file has no past.
 */
export function checkRbac(document: SourceDocument, base: readonly PathSegment[], spec: RbacSpec): readonly Finding[] {
  const findings: Finding[] = []
  const report: Report = (severity, path, message, hint) => {
    findings.push(document.finding(severity, [...base, ...path], message, hint === undefined ? {} : { hint }))
  }
  checkMetadata(spec.metadata, spec.kind === 'Role' || spec.kind === 'RoleBinding', report)
  switch (spec.kind) {
    case 'Role':
    case 'ClusterRole':
      for (const [index, rule] of (spec.rules ?? []).entries()) checkRule(spec.kind, rule, ['rules', index], report)
      if (spec.kind === 'ClusterRole') checkAggregation(spec, report)
      break
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      checkBinding(spec, report)
      break
  }
  return findings
}

function checkRule(kind: 'Role' | 'ClusterRole', rule: RuleSpec, path: Path, report: Report): void {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule ?? {}
  if (!some(verbs)) report('error', [...path, 'verbs'], 'a rule needs at least one verb')
  if (some(nonResourceURLs)) {
    const at = [...path, 'nonResourceURLs']
    if (kind === 'Role') report('error', at, 'a Role cannot hold nonResourceURLs', 'use a ClusterRole')
    if (some(apiGroups) || some(resources) || some(resourceNames))
      report('error', at, 'a rule is about resources or about nonResourceURLs, not both', 'write two rules')
    return
  }
  if (!some(apiGroups)) report('error', [...path, 'apiGroups'], 'a rule needs apiGroups', 'the core group is ""')
  if (!some(resources)) report('error', [...path, 'resources'], 'a rule needs resources')
  for (const [index, resource] of (resources ?? []).entries()) {
    if (resource === null || !resource.endsWith('/*')) continue
    const message = 'matches nothing: RBAC has no wildcard for the subresources of one resource'
    const hint = 'name each subresource, or write "*" for everything'
    report('warning', [...path, 'resources', index], message, hint)
  }
}

function checkAggregation(spec: Extract<RbacSpec, { kind: 'ClusterRole' }>, report: Report): void {
  const rule = spec.aggregationRule
  if (rule === null || rule === undefined) return
  if (some(spec.rules))
    report('warning', ['rules'], 'ignored: the rules of an aggregated ClusterRole come from the selected ones')
  const path = ['aggregationRule', 'clusterRoleSelectors']
  if (!some(rule.clusterRoleSelectors)) report('error', path, 'aggregation needs at least one selector')
  for (const [index, selector] of (rule.clusterRoleSelectors ?? []).entries())
    checkSelector(selector, [...path, index], report)
}
