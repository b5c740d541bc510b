import type { Operation, ResourceAttributes } from '../../rbac/operation.js'
import type { PossibleOperation } from '../../rbac/possible-calls.js'
import type { CatalogTool, ServerKubernetes } from '../../rbac/tool-catalog.js'

/** What is known of the operations of a call; `complete`: there are no others. */
export interface KnownOperations {
  readonly operations: readonly ResourceAttributes[]
  readonly complete: boolean
}

/**
 * What a call was said to do, if the catalogue can say the same of the tool; undefined where it says something else, or where
 * the cluster that it happens in hangs on an argument.
 */
export function knownOperations(
  known: KnownOperations,
  tool: CatalogTool,
  server: ServerKubernetes,
): KnownOperations | undefined {
  if (tool.clusterArgument !== undefined && server.contexts.size > 0) return undefined
  const { operations, complete } = known
  const ways = tool.possible(server)
  if (ways === 'anything') return known
  const fits = ways.some(
    way =>
      operations.every(operation => way.operations.some(possible => isOne(operation, possible))) &&
      (!complete || way.operations.every(possible => operations.some(operation => isOne(operation, possible)))),
  )
  return fits ? known : undefined
}

function isOne(operation: ResourceAttributes, possible: PossibleOperation): boolean {
  const { verb, group, resource, subresource, namespace, name } = possible
  return (
    operation.verb === verb &&
    operation.subresource === subresource &&
    (group === undefined || group === operation.group) &&
    (resource === undefined || resource === operation.resource) &&
    (typeof namespace !== 'string' || namespace === operation.namespace) &&
    (name === undefined || name === operation.name)
  )
}

/** What is made up of it is unknown to expressions, and no authorizer looks at it. */
export function asOperation(attributes: ResourceAttributes): Operation {
  return { ...attributes, version: '', clusterScoped: false, object: undefined }
}
