import type { Server } from '../../policy/server.js'
import type { PossibleOperation } from '../../rbac/possible-calls.js'
import type { CatalogTool } from '../../rbac/tool-catalog.js'
import type { ObservedCall, ObservedOperation } from './observed-call.js'

export interface Completed {
  readonly operations: readonly ObservedOperation[]
  /** False: the log does not say what else the call does. */
  readonly complete: boolean
}

/**
 * All operations of a call. After a refusal nothing more is asked, so that a record of a Server in Audit may hold only the
 * first of them: the others are what the catalogue says of the arguments, or of any arguments that come to the same.
 */
export function completeOperations(call: ObservedCall, server: Server | undefined): Completed {
  const { operations, unfinished } = call
  if (!unfinished) return { operations, complete: true }
  const asks = server === undefined ? operations.length > 0 : server.require.includes('operations')
  if (!asks) return { operations, complete: true }
  const tool = server && entryOf(call, server)
  if (server === undefined || tool === undefined) return { operations, complete: false }
  const { args, changed } = call.arguments
  if (args !== undefined && changed.size === 0) {
    const resolved = tool.resolve(args, server.kubernetes)
    if (resolved.ok && resolved.cluster === server.kubernetes.cluster)
      return { operations: forEachRole(resolved.operations, server), complete: true }
  }
  const rest = onlyPossible(call, tool, server)
  return rest === undefined ? { operations, complete: false } : { operations: rest, complete: true }
}

function entryOf({ targets }: ObservedCall, server: Server): CatalogTool | undefined {
  const [target, ...others] = targets
  if (target === undefined || others.length > 0) return undefined
  if (target.kind === 'tool') return server.catalog?.tools.get(target.name)
  return target.kind === 'prompt' ? server.catalog?.prompts.get(target.name) : undefined
}

function forEachRole(operations: readonly Omit<ObservedOperation, 'role'>[], server: Server): ObservedOperation[] {
  return server.principals.flatMap(role =>
    operations.map(({ verb, group, resource, subresource, namespace, name }) => ({
      ...{ role, verb, group, resource, subresource, namespace, name },
    })),
  )
}

/** What the tool does in the one way that begins as recorded; undefined if there are several, or part of it is not known. */
function onlyPossible(call: ObservedCall, tool: CatalogTool, server: Server): ObservedOperation[] | undefined {
  const ways = tool.possible(server.kubernetes)
  const elsewhere = tool.clusterArgument !== undefined && server.kubernetes.contexts.size > 0
  if (ways === 'anything' || elsewhere) return undefined
  const [first] = server.principals
  const asked = call.operations.filter(({ role }) => role === first)
  const found = new Map<string, ObservedOperation[]>()
  for (const way of ways) {
    const filled = fill(way.operations, asked)
    if (filled === 'elsewhere') continue
    if (filled === undefined) return undefined
    found.set(JSON.stringify(filled), forEachRole(filled, server))
  }
  const [only, ...others] = found.values()
  return others.length === 0 ? only : undefined
}

type Attributes = Omit<ObservedOperation, 'role'>

/** elsewhere: it does not begin as asked. undefined: a part that is not known stays so. */
function fill(way: readonly PossibleOperation[], asked: readonly Attributes[]): Attributes[] | 'elsewhere' | undefined {
  const namespaces = new Map<string, string>()
  const names = new Set(asked.map(({ name }) => name))
  for (const [index, one] of asked.entries()) {
    const possible = way[index]
    if (possible === undefined || !fits(one, possible)) return 'elsewhere'
    if (typeof possible.namespace === 'object') namespaces.set(possible.namespace.any, one.namespace)
  }
  const filled: Attributes[] = []
  for (const [index, { verb, group, resource, subresource, namespace, name }] of way.entries()) {
    const known = asked[index]
    if (known !== undefined) {
      filled.push(known)
      continue
    }
    const where = typeof namespace === 'string' ? namespace : namespaces.get(namespace.any)
    // Kinds that an argument names are one kind.
    const kind = way[0]?.group === undefined || way[0].resource === undefined ? asked[0] : undefined
    const of = group === undefined || resource === undefined ? kind : { group, resource }
    if (where === undefined || of === undefined) return undefined
    const called = name ?? (names.size === 1 ? [...names][0] : '')
    filled.push({ verb, group: of.group, resource: of.resource, subresource, namespace: where, name: called ?? '' })
  }
  return filled
}

function fits(asked: Attributes, possible: PossibleOperation): boolean {
  const { verb, group, resource, subresource, namespace, name } = possible
  return (
    asked.verb === verb &&
    asked.subresource === subresource &&
    (group === undefined || group === asked.group) &&
    (resource === undefined || resource === asked.resource) &&
    (typeof namespace !== 'string' || namespace === asked.namespace) &&
    (name === undefined || name === asked.name)
  )
}
