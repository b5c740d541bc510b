import type { Server } from '../../policy/server.js'
import type { PossibleCall } from '../../rbac/possible-calls.js'
import type { CatalogTool } from '../../rbac/tool-catalog.js'
import type { CheckedSet } from './checked-set.js'

export interface ToolOperations {
  readonly server: Server
  readonly tool: CatalogTool
  /** The ways to call it; 'anything' where there are too many. */
  readonly ways: readonly PossibleCall[] | 'anything'
}

/** What tools and prompts of Servers amount to in clusters whose permissions stand in files, where RBAC on that is required. */
export function possibleOperations({ snapshot, fileClusters }: CheckedSet): readonly ToolOperations[] {
  return snapshot.servers.all.flatMap(server => {
    const clusters = [server.kubernetes.cluster, ...server.kubernetes.contexts.values()]
    if (!server.require.includes('operations') || !clusters.some(name => fileClusters.has(name))) return []
    const { tools, prompts } = server.catalog ?? { tools: new Map(), prompts: new Map() }
    return [...tools.values(), ...prompts.values()].flatMap((tool: CatalogTool) =>
      tool.refuse !== undefined || tool.noOperations ? [] : [{ server, tool, ways: tool.possible(server.kubernetes) }],
    )
  })
}
