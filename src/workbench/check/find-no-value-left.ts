import { contradict, type Demand } from '../../cel/lint/constraints.js'
import { valueAt } from '../../documents/value-at.js'
import { type ArgumentDemand, argumentDemands } from './argument-demands.js'
import {
  type CheckedSet,
  type CheckFinding,
  found,
  isAboutCalls,
  modeOf,
  rulesOf,
  type WrittenRule,
} from './checked-set.js'
import { coversCallers } from './cover-match.js'
import { isAboutTools, matchedTools } from './foreseen-calls.js'
import { expressionAt, validationsOf } from './foreseen-rule.js'

interface Demanding extends ArgumentDemand {
  readonly rule: WrittenRule
  readonly index: number
}

/** Two validations of Guardrails in Enforce about one argument of one tool that no value meets: every call with it is denied. */
export function findNoValueLeft(set: CheckedSet): readonly CheckFinding[] {
  const demands = rulesOf(set, 'Guardrail').flatMap(rule => demandsOf(rule))
  const byPath = new Map<string, Demanding[]>()
  for (const one of demands) byPath.set(one.path, [...(byPath.get(one.path) ?? []), one])
  return [...byPath].flatMap(([path, all]) =>
    all.flatMap((one, at) => {
      const other = all.slice(0, at).find(earlier => excludes(earlier, one))
      if (other === undefined) return []
      const where =
        other.rule === one.rule ? `validations[${other.index}]` : `the Guardrail ${other.rule.document.name}`
      const message = `wants ${path} to be ${wanted(one.demand)}, and ${where} wants ${wanted(other.demand)}: no value is both, so every call with one is denied`
      const hint = 'leave a value, or let them match different tools or callers'
      return [
        found(one.rule.document, 'no-value-left', ['spec', 'validations', one.index, 'expression'], message, hint),
      ]
    }),
  )
}

function demandsOf(rule: WrittenRule): readonly Demanding[] {
  const { document } = rule
  if (modeOf(document) !== 'Enforce' || !isAboutCalls(document)) return []
  // Conditions may tell the calls of one from those of the other.
  if (valueAt(document.value, ['spec', 'matchConditions']) !== undefined) return []
  return validationsOf(document).flatMap(index =>
    argumentDemands(expressionAt(document, index) ?? '').map(one => ({ ...one, rule, index })),
  )
}

function excludes(one: Demanding, other: Demanding): boolean {
  if (one.rule === other.rule && one.index === other.index) return false
  if (!contradict([one.demand, other.demand])) return false
  if (one.rule === other.rule) return true
  const [a, b] = [one.rule.match, other.rule.match]
  return (coversCallers(a, b) || coversCallers(b, a)) && meetAtTool(one.rule, other.rule)
}

/** Whether some call of a tool is a matter of both. */
function meetAtTool(one: WrittenRule, other: WrittenRule): boolean {
  return one.servers.some(server => {
    if (!other.servers.includes(server)) return false
    const [tools, others] = [matchedTools(one, server), matchedTools(other, server)]
    if (tools !== undefined && others !== undefined) return tools.some(tool => others.includes(tool))
    // Of a Server without a catalogue nothing is known but that rules about everything are about the same.
    return isAboutEverything(one) && isAboutEverything(other)
  })
}

function isAboutEverything(rule: WrittenRule): boolean {
  const { methods, prompts, resources } = rule.match
  return !isAboutTools(rule) && [methods, prompts, resources].every(one => one === undefined)
}

function wanted(demand: Demand): string {
  if ('values' in demand) {
    const values = demand.values.map(literal => ('value' in literal ? String(literal.value) : 'null')).join(' or ')
    return demand.kind === 'one of' ? values : `other than ${values}`
  }
  if (demand.kind === 'at least') return `${demand.open ? 'more than' : 'at least'} ${demand.limit}`
  return `${demand.open ? 'less than' : 'at most'} ${demand.limit}`
}
