import type { Operation } from '../../../src/rbac/operation.js'
import type { SeenOperation } from './recording-api-server.js'

/** `verb group/resource[/subresource]` */
export function kindOf({
  verb,
  group,
  resource,
  subresource,
}: Pick<Operation, 'verb' | 'group' | 'resource' | 'subresource'>): string {
  return `${verb} ${group}/${resource}${subresource && `/${subresource}`}`
}

/** Whether who may do `ours` may do what the server did: all namespaces include each, no name includes all. */
export function covers(ours: Operation, seen: SeenOperation): boolean {
  return (
    kindOf(ours) === kindOf(seen) &&
    (ours.namespace === seen.namespace || (ours.namespace === '' && !ours.clusterScoped)) &&
    (ours.name === seen.name || ours.name === '')
  )
}

export function describeSeen(one: SeenOperation): string {
  return `${kindOf(one)} ${one.namespace || '-'} ${one.name || '-'}`
}
