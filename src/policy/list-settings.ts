import { compileGlob, compileGlobs } from './glob.js'
import type { ListSettings, ToolBudget } from './server.js'
import type { ServerSpec } from './server-schema.js'

/** How lists are answered; budgets of agents that are named come before that of all others. */
export function listSettings({ lists }: ServerSpec): ListSettings {
  const { missingScopes, toolBudget } = lists
  const budgets: ToolBudget[] = (toolBudget?.agents ?? []).map(({ names, maxTools, priority }) => ({
    agent: compileGlobs(names),
    maxTools,
    priority: (priority ?? toolBudget?.priority ?? []).map(compileGlob),
  }))
  if (toolBudget?.maxTools !== undefined) {
    const { maxTools, priority = [] } = toolBudget
    budgets.push({ agent: () => true, maxTools, priority: priority.map(compileGlob) })
  }
  return { missingScopes, toolBudgets: budgets }
}
