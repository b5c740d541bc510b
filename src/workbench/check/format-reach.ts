import { visibleText } from '../../documents/visible-text.js'
import type { PolicyReach, ServerReach } from './policy-reach.js'

/** Names in one cell; the others are counted. `-o json` has them all. */
const mostNames = 4

/** What each policy matches and costs, as a table for a terminal. */
export function formatReach(policies: readonly PolicyReach[], servers: readonly ServerReach[]): readonly string[] {
  const rows = policies.map(policy => [
    policy.policy,
    policy.mode,
    names(policy.servers, 'no Server'),
    targetsOf(policy),
    names([...policy.subjects, ...policy.agents], 'anybody'),
    `${units(policy.cost.min)}-${units(policy.cost.max)}`,
    `${policy.cost.budgetPercent} %`,
  ])
  const head = ['POLICY', 'MODE', 'SERVERS', 'MATCHES', 'CALLERS', 'COST', 'BUDGET']
  const lines = table([head, ...rows.map(row => row.map(cell => visibleText(cell)))])
  for (const { server, mode, require, tools, callableByNobody } of servers) {
    lines.push('', `Server/${server}: ${mode}, requires ${require.join(' and ')}, ${tools} tools in its catalogue`)
    if (callableByNobody !== undefined && callableByNobody.length > 0)
      lines.push(`  no binding allows anybody what these do: ${visibleText(callableByNobody.join(', '))}`)
  }
  return lines
}

function targetsOf({ everything, tools, prompts, resources, methods }: PolicyReach): string {
  if (everything) return tools === undefined ? 'everything' : `everything: ${tools.length} tools, prompts, resources`
  const parts = [
    tools === undefined ? 'any tool' : names(tools, ''),
    prompts.length === 0 ? '' : `prompts ${names(prompts, '')}`,
    resources.length === 0 ? '' : `resources ${names(resources, '')}`,
    methods.length === 0 ? '' : `methods ${names(methods, '')}`,
  ]
  return parts.filter(part => part !== '').join('; ') || 'nothing'
}

function names(all: readonly string[], none: string): string {
  if (all.length === 0) return none
  const more = all.length - mostNames
  return `${all.slice(0, mostNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function units(value: number): string {
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(value)
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
