import { goQuote } from './go-quote.js'
import type { ClusterRoleBinding, RoleBinding, Subject } from './rbac-objects.js'

/** A binding in the API server's words: `RoleBinding "b/ns" of Role "r" to ServiceAccount "name/ns"`. */
export function describeBinding(binding: RoleBinding | ClusterRoleBinding, subject: Subject): string {
  const namespace = binding.kind === 'RoleBinding' ? binding.namespace : ''
  const name = binding.kind === 'RoleBinding' ? `${binding.name}/${namespace}` : binding.name
  const role = `${binding.roleRef.kind} ${goQuote(binding.roleRef.name)}`
  return `${binding.kind} ${goQuote(name)} of ${role} to ${describeSubject(subject, namespace)}`
}

function describeSubject(subject: Subject, bindingNamespace: string): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} ${goQuote(subject.name)}`
  const namespace = subject.namespace === '' ? bindingNamespace : subject.namespace
  return `${subject.kind} ${goQuote(`${subject.name}/${namespace}`)}`
}
