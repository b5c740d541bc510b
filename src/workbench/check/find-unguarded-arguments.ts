import { valueAt } from '../../documents/value-at.js'
import type { CatalogTool } from '../../rbac/tool-catalog.js'
import { type CheckedSet, type CheckFinding, found, isAboutCalls, listed, modeOf, rulesOf } from './checked-set.js'
import { callsTo, matchedTools } from './foreseen-calls.js'
import { conditionsOf, expressionAt, validationOf, validationsOf } from './foreseen-rule.js'

/** A validation that fails where an argument is left out, and what would guard it. */
export interface UnguardedArgument extends CheckFinding {
  /** The expression with a guard: calls without the argument are let through by it then. */
  readonly guarded: string
  readonly expression: string
}

/** Validations that fail for calls without an argument that the schema of the tool does not require: each such call is denied. */
export function findUnguardedArguments(set: CheckedSet): readonly UnguardedArgument[] {
  const optional = optionalArguments(set)
  return rulesOf(set, 'Guardrail').flatMap(rule => {
    const { document, servers } = rule
    if (!isAboutCalls(document) || modeOf(document) !== 'Enforce') return []
    const conditions = conditionsOf(document)
    return validationsOf(document).flatMap(index => {
      const validation = validationOf(document, index)
      const expression = expressionAt(document, index) ?? ''
      const failing = new Map<string, string[]>()
      for (const server of servers)
        for (const tool of matchedTools(rule, server) ?? []) {
          const calls = callsTo(server, tool)
          if (validation === undefined || validation.foresee(calls) !== 'open') continue
          for (const name of optional(server.catalog?.name ?? '', tool)) {
            if (validation.foresee(calls, name) !== 'failed') continue
            if (conditions !== undefined && conditions.foresee(calls, name) !== 'violated') continue
            failing.set(name, [...(failing.get(name) ?? []), tool.name])
          }
        }
      return [...failing].map(([name, tools]) => {
        const path = ['spec', 'validations', index, 'expression']
        const message = `fails for calls of ${listed([...new Set(tools)])} without "${name}", which need not have it, and denies them`
        const guarded = `!has(args.${name}) || (${expression})`
        const hint = `if they may be allowed, write ${guarded}; if not, has(args.${name}) && (${expression})`
        return { ...found(document, 'needs-has-guard', path, message, hint), guarded, expression }
      })
    })
  })
}

/** What catalogues repeat of the schemas of tools: arguments that are listed, and not required. */
function optionalArguments({ documents }: CheckedSet): (catalog: string, tool: CatalogTool) => readonly string[] {
  const catalogs = new Map(
    documents.filter(({ kind }) => kind === 'ToolCatalog').map(({ name, value }) => [name, value] as const),
  )
  return (catalog, { name, arguments: taken }) => {
    const schema = valueAt(catalogs.get(catalog), ['spec', 'tools', name, 'inputSchema'])
    if (schema === undefined || taken === undefined) return []
    const required = valueAt(schema, ['required'])
    const needed = new Set<unknown>(Array.isArray(required) ? required : [])
    const properties = valueAt(schema, ['properties'])
    if (typeof properties !== 'object' || properties === null) return []
    return Object.keys(properties).filter(one => taken.has(one) && !needed.has(one) && /^[A-Za-z_]\w*$/.test(one))
  }
}
