import { andThen, type Eventually } from './eventually.js'
import { inTurns } from './in-turns.js'
import { toolBudgetOf, withinBudget } from './tool-budget.js'
import type { JudgedTrial } from './trial.js'
import { createVisibility } from './visibility.js'

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
  const judged = inTurns(names, name => visibility.judge({ kind: 'tool', name }))
  return andThen(judged, shown => {
    const visible = names.filter((_, index) => shown[index]?.shown === true)
    const budget = toolBudgetOf(server, principal)
    trial.allowedTools = budget === undefined ? visible : withinBudget(budget, visible, server.toolPrefix)
    return undefined
  })
}
