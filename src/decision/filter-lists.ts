import { setImmediate as nextTurn } from 'node:timers/promises'
import { filterList } from '../protocol/mcp/filter-list.js'
import { type ListItem, type ListKind, readLists } from '../protocol/mcp/read-lists.js'
import type { Rewritten } from '../protocol/mcp/read-server-messages.js'
import { type ResponseFailure, responseFailure } from '../protocol/mcp/response-failure.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import type { ListedKind, Viewer } from './hypothetical-call.js'
import { pageWithinBudget, toolBudgetOf } from './tool-budget.js'
import { createVisibility, type Shown, type Visibility } from './visibility.js'

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
  const read = readLists(message, { maxItems })
  if (!read.ok) return read
  const items = read.results.flatMap(one => one.lists.flatMap(list => list.items))
  const paged = read.results.some(one => one.nextCursor !== undefined)
  const visibility = createVisibility(viewer)
  return andThen(judgeInSlices(visibility, items, viewer), shown => {
    if (shown === 'late') return responseFailure('response.too_many_members', 0)
    const visible = items.filter((_, index) => shown[index]?.shown === true)
    return andThen(withinToolBudget(viewer, visibility, visible, paged), kept =>
      filterList(message, item => kept.has(item.start), { cacheScope: 'private' }),
    )
  })
}

/** Items of one message: reading and rewriting more takes longer than one turn of the event loop may. */
const maxItems = 20_000
const sliceItems = 128
/** Milliseconds after which others get their turn. */
const sliceMs = 10

/** In the order of the items; now if everything is known and there is little of it. `late`: the deadline has passed. */
function judgeInSlices(
  visibility: Visibility,
  items: readonly ListItem[],
  { deadline, now = Date.now() }: Viewer,
): Eventually<readonly Shown[] | 'late'> {
  const listed = items.map(({ list, name }) => ({ kind: kinds[list], name }))
  if (listed.length <= sliceItems) return visibility.judgeAll(listed)
  return (async () => {
    const begun = performance.now()
    const until = deadline === undefined ? Number.POSITIVE_INFINITY : begun + Math.max(0, deadline - now)
    const shown: Shown[] = []
    let turn = begun
    for (let at = 0; at < listed.length; at += sliceItems) {
      const judged = visibility.judgeAll(listed.slice(at, at + sliceItems))
      shown.push(...(judged instanceof Promise ? await judged : judged))
      if (performance.now() - turn < sliceMs) continue
      await nextTurn()
      turn = performance.now()
      if (turn > until) return 'late'
    }
    return shown
  })()
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
