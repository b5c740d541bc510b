import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { itemPath } from './parse-rbac.js'
import { type RbacObject, rbacKey } from './rbac-objects.js'

export interface LoadedRbac {
  readonly document: SourceDocument
  /** As parseRbac returned them. */
  readonly objects: readonly RbacObject[]
}

/** A warning for each binding whose role is not among all that is loaded: it gives nothing. */
export function danglingRoleRefs(loaded: readonly LoadedRbac[]): readonly Finding[] {
  const roles = new Set<string>()
  for (const object of loaded.flatMap(({ objects }) => objects)) {
    if (object.kind === 'Role') roles.add(rbacKey(object.kind, object.namespace, object.name))
    if (object.kind === 'ClusterRole') roles.add(rbacKey(object.kind, '', object.name))
  }
  return loaded.flatMap(({ document, objects }) =>
    objects.flatMap((object, index) => {
      if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') return []
      const { kind, name } = object.roleRef
      const namespace = object.kind === 'RoleBinding' && kind === 'Role' ? object.namespace : ''
      if (roles.has(rbacKey(kind, namespace, name))) return []
      const where = namespace === '' ? '' : ` in the namespace ${namespace}`
      const path = [...itemPath(document, index), 'roleRef', 'name']
      return [document.finding('warning', path, `there is no ${kind} of this name${where}: the binding gives nothing`)]
    }),
  )
}
