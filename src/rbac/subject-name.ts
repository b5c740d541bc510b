import type { Subject } from './rbac-objects.js'

/** The name under which a subject is looked up: what a user is called, or a group that the user is in. */
export type SubjectName = { readonly in: 'users' | 'groups'; readonly name: string }

/**
 * Whom a subject of a binding means (pkg/registry/rbac/validation/rule.go, appliesToUser); undefined for nobody.
 * `apiGroup`, uid and extra are not looked at, and `*` is an ordinary name.
 * @param bindingNamespace the RoleBinding's namespace, "" for a ClusterRoleBinding
 */
export function subjectName(subject: Subject, bindingNamespace: string): SubjectName | undefined {
  switch (subject.kind) {
    case 'User':
      return { in: 'users', name: subject.name }
    case 'Group':
      return { in: 'groups', name: subject.name }
    case 'ServiceAccount': {
      const namespace = subject.namespace === '' ? bindingNamespace : subject.namespace
      return namespace === '' ? undefined : { in: 'users', name: `system:serviceaccount:${namespace}:${subject.name}` }
    }
    default:
      return undefined
  }
}
