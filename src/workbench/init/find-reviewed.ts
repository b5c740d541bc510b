import type { ToolCatalog } from '../../rbac/tool-catalog.js'
import { betterByRbac } from './sort-tools.js'
import type { Offer, ReviewedCatalog } from './start-input.js'

/** Tools that a catalogue has, of all tools of a server, from where on it is about that server. */
const sharedTools = 0.75

/** The first catalogue that is about this server, and what it has against each of the tools. */
export function findReviewed(tools: readonly Offer[], catalogs: Iterable<ToolCatalog>): ReviewedCatalog | undefined {
  if (tools.length === 0) return undefined
  for (const catalog of catalogs) {
    const known = tools.filter(({ name }) => catalog.tools.has(name)).length
    if (known < sharedTools * tools.length) continue
    const objections = tools.flatMap(({ name }): readonly (readonly [string, string])[] => {
      const why = objection(catalog, name)
      return why === undefined ? [] : [[name, why]]
    })
    return { name: catalog.name, objections: new Map(objections) }
  }
  return undefined
}

function objection({ name: catalog, tools }: ToolCatalog, name: string): string | undefined {
  const tool = tools.get(name)
  if (tool === undefined) return `not in the reviewed catalogue ${catalog}`
  if (tool.refuse !== undefined) return `refused by the catalogue ${catalog}: ${tool.refuse}`
  if (tool.access !== 'read') return `${tool.access} in the reviewed catalogue ${catalog}`
  return tool.noOperations ? undefined : betterByRbac
}
