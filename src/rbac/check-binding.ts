import { didYouMean } from '../documents/did-you-mean.js'
import { isDnsSubdomain, isNamespaceName, isRbacName } from './kubernetes-names.js'
import { type Path, type Report, some } from './rbac-report.js'
import { type BindingSpec, rbacApiGroup, type SubjectSpec } from './rbac-schema.js'

const subjectKinds = ['User', 'Group', 'ServiceAccount']
const serviceAccountHint = 'lower-case letters, digits, "-" and ".", at most 253'

/** The API server's validation of roleRef and subjects (pkg/apis/rbac/validation, ValidateRoleBinding). */
export function checkBinding(spec: BindingSpec, report: Report): void {
  if (spec.roleRef === undefined || spec.roleRef === null)
    report('error', ['roleRef'], 'is required: the role that is bound', 'kind and name')
  else checkRoleRef(spec.kind, spec.roleRef, report)
  if (!some(spec.subjects)) report('warning', ['subjects'], 'binds the role to nobody', 'add subjects')
  for (const [index, subject] of (spec.subjects ?? []).entries())
    checkSubject(spec.kind, subject, ['subjects', index], report)
}

function checkRoleRef(
  binding: BindingSpec['kind'],
  roleRef: NonNullable<BindingSpec['roleRef']>,
  report: Report,
): void {
  const { apiGroup, kind, name } = roleRef
  const kinds = binding === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (!isAmong(apiGroup, ['', rbacApiGroup]))
    report('error', ['roleRef', 'apiGroup'], `must be ${rbacApiGroup}`, 'or leave it out')
  if (!kinds.includes(kind ?? '')) report('error', ['roleRef', 'kind'], ...oneOf(kinds, kind))
  if ((name ?? '') === '') report('error', ['roleRef', 'name'], 'is required: the name of a role')
  else if (!isRbacName(name ?? ''))
    report('error', ['roleRef', 'name'], 'not a name', 'no "/", no "%", not "." or ".."')
}

function checkSubject(binding: BindingSpec['kind'], subject: SubjectSpec, path: Path, report: Report): void {
  const { kind, apiGroup, name, namespace } = subject ?? {}
  if ((name ?? '') === '') report('error', [...path, 'name'], 'is required: whom the role is bound to')
  switch (kind) {
    case 'User':
    case 'Group':
      if (!isAmong(apiGroup, ['', rbacApiGroup]))
        report('error', [...path, 'apiGroup'], `must be ${rbacApiGroup}`, 'or leave it out')
      if ((namespace ?? '') !== '') report('warning', [...path, 'namespace'], `has no effect on a ${kind}`, 'remove it')
      return
    case 'ServiceAccount':
      if ((name ?? '') !== '' && !isDnsSubdomain(name ?? ''))
        report('error', [...path, 'name'], 'not the name of a ServiceAccount', serviceAccountHint)
      if ((apiGroup ?? '') !== '')
        report('error', [...path, 'apiGroup'], 'a ServiceAccount has no group', 'leave it out')
      if ((namespace ?? '') === '') {
        const message = 'a ServiceAccount in a ClusterRoleBinding needs its namespace'
        if (binding === 'ClusterRoleBinding') report('error', [...path, 'namespace'], message)
      } else if (!isNamespaceName(namespace ?? ''))
        report('warning', [...path, 'namespace'], 'there can be no namespace of this name: matches nobody')
      return
    default:
      report('error', [...path, 'kind'], ...oneOf(subjectKinds, kind))
  }
}

function isAmong(text: string | null | undefined, allowed: readonly string[]): boolean {
  return allowed.includes(text ?? '')
}

function oneOf(allowed: readonly string[], found: string | null | undefined): [message: string, hint?: string] {
  const message = `must be ${allowed.join(' or ')}`
  const meant = didYouMean(found ?? '', allowed)
  return meant === undefined ? [message] : [message, `did you mean ${meant}?`]
}
