import { aggregateErrors } from './aggregate-errors.js'
import type { BindingIndex, Bound } from './binding-index.js'
import { describeBinding } from './describe-binding.js'
import type { CompiledRule } from './policy-rule.js'
import type { Subject } from './rbac-objects.js'
import { type SubjectName, subjectName } from './subject-name.js'

/** A subject that RBAC allows something, and the binding that gives it. */
export interface AllowedSubject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount'
  readonly name: string
  /** Of a ServiceAccount; else "". */
  readonly namespace: string
  /** Under which name a request carries it. */
  readonly as: SubjectName
  /** The first binding that gives it, in the API server's words. */
  readonly by: string
}

export interface WhoCan {
  /** Each subject once, in the order of the bindings that allow: those of the cluster first. */
  readonly subjects: readonly AllowedSubject[]
  /** False where there are more than the limit. */
  readonly complete: boolean
  /** What is wrong with bindings that could have given it, such as missing roles; "" for nothing. */
  readonly error: string
}

/**
 * Which subjects may do something in a namespace ("" for cluster scope): whoever is one of them, or in one of the groups,
 * is allowed, and nobody else. Looks at every binding of the scope: a question of people, not of requests.
 */
export function whoCan(
  index: BindingIndex,
  namespace: string,
  limit: number,
  allows: (rule: CompiledRule) => boolean,
): WhoCan {
  const local = namespace === '' ? undefined : index.namespaces.get(namespace)
  const found = new Map<string, AllowedSubject>()
  const errors: string[] = []
  // Thousands of bindings may share a role.
  const known = new Map<readonly CompiledRule[], boolean>()
  const allowsOnce = (rules: readonly CompiledRule[]): boolean => {
    const answer = known.get(rules) ?? rules.some(allows)
    known.set(rules, answer)
    return answer
  }
  for (const bound of [...index.cluster.bindings, ...(local?.bindings ?? [])]) {
    if (!bound.rules.ok) errors.push(bound.rules.error)
    else if (allowsOnce(bound.rules.rules)) {
      for (const subject of bound.binding.subjects) {
        const allowed = allowedSubject(bound, subject)
        if (allowed === undefined) continue
        const key = `${allowed.as.in}\0${allowed.as.name}`
        if (found.has(key)) continue
        if (found.size >= limit)
          return { subjects: [...found.values()], complete: false, error: aggregateErrors(errors) }
        found.set(key, allowed)
      }
    }
  }
  return { subjects: [...found.values()], complete: true, error: aggregateErrors(errors) }
}

function allowedSubject({ binding, namespace }: Bound, subject: Subject): AllowedSubject | undefined {
  const as = subjectName(subject, namespace)
  if (as === undefined) return undefined
  const by = describeBinding(binding, subject)
  const { kind, name } = subject
  if (kind === 'User' || kind === 'Group') return { kind, name, namespace: '', as, by }
  const home = subject.namespace === '' ? namespace : subject.namespace
  return { kind: 'ServiceAccount', name, namespace: home, as, by }
}
