import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import { itemPath, parseRbac } from '../../rbac/parse-rbac.js'
import { compileRule } from '../../rbac/policy-rule.js'
import type { PolicyRule, RbacObject } from '../../rbac/rbac-objects.js'
import { type CheckedSet, type CheckFinding, found } from './checked-set.js'
import { possibleOperations } from './possible-operations.js'

/** Roles in files, bound to somebody, that give what no tool of any catalogue can do, or give virtual resources that nobody asks for. */
export function findUnusedRules(set: CheckedSet): readonly CheckFinding[] {
  const tools = possibleOperations(set)
  if (tools.length === 0 || tools.some(({ ways }) => ways === 'anything')) return []
  const operations = tools.flatMap(({ ways }) => (ways === 'anything' ? [] : ways.flatMap(way => way.operations)))
  const expressions = asksInExpressions(set)
  const virtual = set.snapshot.servers.all.some(
    ({ require, connect }) => require.includes('tools') || connect === 'required',
  )
  return rolesIn(set.documents).flatMap(({ document, path, object }) =>
    object.rules.flatMap((rule, index) => {
      if (rule.nonResourceURLs.length > 0 || expressions) return []
      if (rule.apiGroups.includes('mcp-authz.dev')) {
        if (virtual) return []
        const message = 'is about virtual resources, which no Server asks for'
        const hint = 'add tools to require of the Server, or delete the rule'
        return [found(document, 'unused-rule', [...path, 'rules', index], message, hint)]
      }
      const compiled = compileRule(rule)
      // In a cluster a name may be of any namespace; what a Role is bound to is another matter.
      if (operations.some(operation => compiled.mayAllow({ ...operation, namespace: undefined }))) return []
      const message = `no tool of a catalogue can ${ruleText(rule)}, so nobody needs it here`
      const hint = 'compare verbs, groups and resources with the catalogue, or delete the rule'
      return [found(document, 'unused-rule', [...path, 'rules', index], message, hint)]
    }),
  )
}

/** The `authorizer` of expressions may ask about anything. */
function asksInExpressions({ documents }: CheckedSet): boolean {
  return documents.some(
    ({ kind, value }) =>
      (kind === 'Grant' || kind === 'Guardrail') &&
      JSON.stringify(valueAt(value, ['spec']) ?? {}).includes('authorizer'),
  )
}

interface WrittenRole {
  readonly document: SourceDocument
  readonly path: readonly PathSegment[]
  readonly object: Extract<RbacObject, { kind: 'Role' | 'ClusterRole' }>
}

function rolesIn(documents: readonly SourceDocument[]): readonly WrittenRole[] {
  const objects = documents
    .filter(({ apiVersion, kind }) => apiVersion === 'rbac.authorization.k8s.io/v1' || kind === 'List')
    .flatMap(document =>
      (parseRbac(document).value ?? []).map((object, item) => ({ document, path: itemPath(document, item), object })),
    )
  const bound = new Set(
    objects.flatMap(({ object }) =>
      'roleRef' in object
        ? [nameOf(object.roleRef.kind, 'namespace' in object ? object.namespace : '', object.roleRef.name)]
        : [],
    ),
  )
  return objects.flatMap(({ document, path, object }) => {
    if (object.kind !== 'Role' && object.kind !== 'ClusterRole') return []
    // What is bound to nobody, or selected by others, may be there for something else.
    const namespace = object.kind === 'Role' ? object.namespace : ''
    return bound.has(nameOf(object.kind, namespace, object.name)) ? [{ document, path, object }] : []
  })
}

function nameOf(kind: string, namespace: string, name: string): string {
  return `${kind}\0${kind === 'Role' ? namespace : ''}\0${name}`
}

function ruleText({ verbs, resources }: PolicyRule): string {
  return `${verbs.join(', ')} ${resources.join(', ')}`
}
