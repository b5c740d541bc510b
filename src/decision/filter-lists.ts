import { removeItems } from '../protocol/mcp/filter-list.js'
import { type ListItem, type ListKind, listsInSlices, type ReadLists } from '../protocol/mcp/read-lists.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import { lateResponse, type ResponseFailure } from '../protocol/mcp/response-failure.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import type { ListedKind, Viewer } from './hypothetical-call.js'
import { inTurns, workInTurns } from './in-turns.js'
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
  const { deadline, now = Date.now() } = viewer
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - now)
  const until = performance.now() + left
  return andThen(workInTurns(listsInSlices(message, { maxItems }), until), read => {
    if (read === 'late') return lateResponse
    return read.ok ? filterRead(message, read, viewer, until) : read
  })
}

/** Items. */
const shortList = 128

function filterRead(
  message: Uint8Array,
  read: ReadLists,
  viewer: Viewer,
  until: number,
): Eventually<Rewritten | ResponseFailure> {
  const items = read.results.flatMap(one => one.lists.flatMap(list => list.items))
  const paged = viewer.paged === true || read.results.some(one => one.nextCursor !== undefined)
  const visibility = createVisibility(viewer)
  const judge = ({ list, name }: ListItem) => visibility.judge({ kind: kinds[list], name })
  // A short list is soon done, however busy everything is.
  return andThen(items.length <= shortList ? inTurns(items, judge) : inTurns(items, judge, until), shown => {
    if (shown === 'late') return lateResponse
    const visible = items.filter((_, index) => shown[index]?.shown === true)
    return andThen(withinToolBudget(viewer, visibility, visible, paged), kept =>
      removeItems(message, read, item => kept.has(item.start), { cacheScope: 'private' }),
    )
  })
}

/** Items of one message: reading and rewriting more takes longer than one turn of the event loop may. */
const maxItems = 20_000

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
