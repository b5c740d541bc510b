import type { PolicySnapshot } from '../policy/snapshot.js'
import type { CatalogTool, ServerKubernetes } from '../rbac/tool-catalog.js'
import { inSlices, type Sliced } from '../sliced.js'

/**
 * Works out ahead what the tools of all catalogues may amount to, which the first list of a Server would have to wait for
 * otherwise (some 50 ms for the catalogue of kubernetes-mcp-server): in slices, between requests. To be told of every
 * snapshot that comes into force; what is the same as before costs next to nothing.
 *
 * @param delayMs before it begins; 0: now
 * @returns what ends it, for when another snapshot has come, or the service stops
 */
export function foreseeCalls(snapshot: PolicySnapshot, delayMs: number): () => void {
  const begin = () => inSlices(exploreAll(snapshot), () => undefined)
  if (delayMs === 0) return begin()
  let stop = () => clearTimeout(timer)
  const timer = setTimeout(() => {
    stop = begin()
  }, delayMs).unref()
  return () => stop()
}

function* exploreAll({ servers }: PolicySnapshot): Sliced<void> {
  for (const { catalog, kubernetes, require } of servers.all) {
    if (catalog === undefined) continue
    const tools = require.includes('operations') ? catalog.tools.values() : []
    // Of prompts with an entry the operations are asked about where virtual resources are, too.
    const prompts = require.length === 1 && require[0] === 'grants' ? [] : catalog.prompts.values()
    for (const tool of [...tools, ...prompts]) yield* explore(tool, kubernetes)
  }
}

function* explore(tool: CatalogTool, kubernetes: ServerKubernetes): Sliced<void> {
  try {
    yield* tool.explore(kubernetes)
    yield
  } catch {
    // A bug of ours must not end the process: the list comes upon it as well, and hides the tool.
  }
}
