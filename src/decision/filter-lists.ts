import { filterList } from '../protocol/mcp/filter-list.js'
import { type ListItem, type ListKind, readLists } from '../protocol/mcp/read-lists.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import type { ResponseFailure } from '../protocol/mcp/response-failure.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import type { ListedKind, Viewer } from './hypothetical-call.js'
import { pageWithinBudget, toolBudgetOf } from './tool-budget.js'
import { createVisibility, type Visibility } from './visibility.js'

export const listMethods: ReadonlySet<string> = new Set([
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'],
])

const kinds: Readonly<Record<ListKind, ListedKind>> = {
  tools: 'tool',
  prompts: 'prompt',
  resources: 'resource',
  resourceTemplates: 'resourceTemplate',
}

/**
 * The lists in the results of one message or batch, without what their reader may not use, and within the tool budget of
 * the agent. What holds no list comes back as the very same array. With a failure nothing may be passed on.
 */
export function filterLists(message: Uint8Array, viewer: Viewer): Eventually<Rewritten | ResponseFailure> {
  const read = readLists(message)
  if (!read.ok) return read
  const items = read.results.flatMap(one => one.lists.flatMap(list => list.items))
  const paged = read.results.some(one => one.nextCursor !== undefined)
  const visibility = createVisibility(viewer)
  const judged = visibility.judgeAll(items.map(({ list, name }) => ({ kind: kinds[list], name })))
  return andThen(judged, shown => {
    const visible = items.filter((_, index) => shown[index]?.shown === true)
    return andThen(withinToolBudget(viewer, visibility, visible, paged), kept =>
      filterList(message, item => kept.has(item.start), { cacheScope: 'private' }),
    )
  })
}

/** Where the items stand that are kept. */
function withinToolBudget(
  { server, principal }: Viewer,
  visibility: Visibility,
  visible: readonly ListItem[],
  paged: boolean,
): Eventually<ReadonlySet<number>> {
  const budget = toolBudgetOf(server, principal)
  const all = new Set(visible.map(({ start }) => start))
  if (budget === undefined) return all
  const tools = visible.filter(({ list }) => list === 'tools').map(({ name }) => name)
  return andThen(pageWithinBudget({ server, budget, visibility, tools, paged }), names => {
    const kept = new Set(names)
    return new Set(visible.filter(({ list, name }) => list !== 'tools' || kept.has(name)).map(({ start }) => start))
  })
}

export function unreadableList(): Failure {
  return failure('internal.error', 'the list of the server cannot be read in one way only, so it is not passed on')
}
