import type { Principal } from '../identity/principal.js'
import type { Server, ToolBudget } from '../policy/server.js'
import { andThen, type Eventually } from './eventually.js'
import { inTurns } from './in-turns.js'
import type { Visibility } from './visibility.js'

/** The budget of the agent that acts; undefined for a person's own hands, and where the Server sets none. */
export function toolBudgetOf({ lists }: Server, { agent }: Principal): ToolBudget | undefined {
  if (agent.id === '') return undefined
  const name = `${agent.issuer}:${agent.id}`
  return lists.toolBudgets.find(budget => budget.agent(name))
}

/**
 * The first tools by priority, then by name: the same of the same tools, in whatever order they come. What is kept stays in
 * the order of the list. Not a matter of permission: a tool beyond the budget can still be called.
 *
 * @param tools names as the list has them, each once
 * @param prefix the Server's toolPrefix, which patterns leave out
 */
export function withinBudget(budget: ToolBudget, tools: readonly string[], prefix = ''): readonly string[] {
  if (tools.length <= budget.maxTools) return tools
  const ranked = tools.map(tool => ({ tool, rank: rankOf(budget, tool, prefix) }))
  ranked.sort((a, b) => a.rank - b.rank || (a.tool < b.tool ? -1 : a.tool > b.tool ? 1 : 0))
  const kept = new Set(ranked.slice(0, budget.maxTools).map(({ tool }) => tool))
  return tools.filter(tool => kept.has(tool))
}

export interface BudgetedPage {
  readonly server: Server
  readonly budget: ToolBudget
  readonly visibility: Visibility
  /** Names of the tools of this answer that are shown. */
  readonly tools: readonly string[]
  /** Whether this is one page of several: the request had a cursor, or the answer has one. */
  readonly paged: boolean
}

/**
 * Which tools of one answer are within the budget. A list that comes whole is counted. Of a list that comes in pages only one
 * page is known, and nothing is kept from one request to the next: with a catalogue, the tools of the catalogue that the caller
 * is shown are counted instead, so that all pages agree (tools that the server does not have then count too); without one,
 * what the priority names is kept, however much that is, and everything where there is no priority.
 */
export function pageWithinBudget({
  server,
  budget,
  visibility,
  tools,
  paged,
}: BudgetedPage): Eventually<readonly string[]> {
  const { catalog, toolPrefix } = server
  if (!paged) return withinBudget(budget, tools, toolPrefix)
  if (catalog === undefined) {
    if (budget.priority.length === 0) return tools
    return tools.filter(tool => rankOf(budget, tool, toolPrefix) < budget.priority.length)
  }
  const all = [...catalog.tools.keys()].map(tool => toolPrefix + tool)
  const judged = inTurns(all, name => visibility.judge({ kind: 'tool', name }))
  return andThen(judged, shown => {
    const visible = all.filter((_, index) => shown[index]?.shown === true)
    const kept = new Set(withinBudget(budget, visible, toolPrefix))
    return tools.filter(tool => kept.has(tool))
  })
}

function rankOf({ priority }: ToolBudget, tool: string, prefix: string): number {
  const name = tool.startsWith(prefix) ? tool.slice(prefix.length) : tool
  const rank = priority.findIndex(matches => matches(name))
  return rank < 0 ? priority.length : rank
}
