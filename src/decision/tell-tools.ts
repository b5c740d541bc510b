import { allOf, andThen, type Eventually } from './eventually.js'
import { toolBudgetOf, withinBudget } from './tool-budget.js'
import type { JudgedTrial } from './trial.js'
import { createVisibility, type Shown, type Visibility } from './visibility.js'

/**
 * The context extension by which a route says that rules of the gateway go by `allowed_tools` in our metadata: then the
 * gateway filters lists by itself, and no response has to be shown to us.
 */
export const allowedToolsExtension = 'mcp-allowed-tools'

/** The gateway's own lists are shorter, and its metadata has an end. */
const mostTools = 4096

/**
 * Notes which tools the gateway may list or call for a request that is allowed: of a call, the one that it names; of
 * tools/list, those of the catalogue that are visible to the caller. Tools that only patterns of Grants give cannot be
 * enumerated: without a catalogue nothing is noted of a list, and the rule then shows none. Names are those that clients
 * use.
 */
export function tellTools(trial: JudgedTrial): Eventually<undefined> {
  if (trial.request.context.extensions.get(allowedToolsExtension) !== 'true') return undefined
  const { call, sent = call, server, principal, snapshot, request } = trial
  if (call.method !== 'tools/list') {
    trial.allowedTools = sent.target.kind === 'tool' ? [sent.target.name] : []
    return undefined
  }
  if (server.catalog === undefined) return undefined
  const { authority, path, deadline } = request
  const names = [...server.catalog.tools.keys()].slice(0, mostTools).map(tool => server.toolPrefix + tool)
  const visibility = createVisibility({ snapshot, server, principal, authority, path, deadline, now: trial.startedAt })
  return andThen(judgeInTurns(visibility, names, []), shown => {
    const visible = names.filter((_, index) => shown[index]?.shown === true)
    const budget = toolBudgetOf(server, principal)
    trial.allowedTools = budget === undefined ? visible : withinBudget(budget, visible, server.toolPrefix)
    return undefined
  })
}

/** Milliseconds for which the other requests of the process are kept waiting at most, while a list is judged. */
const turnMs = 10

/** Now if it takes no longer than a turn. */
function judgeInTurns(
  visibility: Visibility,
  names: readonly string[],
  judged: Eventually<Shown>[],
): Eventually<readonly Shown[]> {
  const turn = performance.now()
  for (const name of names.slice(judged.length)) {
    if (performance.now() - turn >= turnMs) return nextTurn().then(() => judgeInTurns(visibility, names, judged))
    judged.push(visibility.judge({ kind: 'tool', name }))
  }
  return allOf(judged)
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
