/** Groups in which writing gives power, which the API server guards by more than the verb on the object. */
const guardedGroups: ReadonlySet<string> = new Set([
  'rbac.authorization.k8s.io',
  'admissionregistration.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
])

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch'])

/**
 * Why an object chosen by the caller may not be written whatever RBAC says; undefined if it may. A server that acts under
 * its own account escapes the API server's checks on the *user* (`bind`, `escalate`, `approve`, `sign`), which a
 * SubjectAccessReview for the verb does not repeat. Deleting has no such checks: there RBAC on the verb is all.
 */
export function escalationOf(operation: {
  readonly verb: string
  readonly group: string
  readonly subresource: string
}): string | undefined {
  if (!writes.has(operation.verb)) return undefined
  if (operation.subresource === 'token') return 'tokens are not issued through tools'
  if (!guardedGroups.has(operation.group)) return undefined
  return `objects of the group ${operation.group} are not written through tools, because they can give more power than the caller has`
}
