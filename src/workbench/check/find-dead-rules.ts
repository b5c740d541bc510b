import { didYouMean } from '../../documents/did-you-mean.js'
import { compileGlob } from '../../policy/glob.js'
import {
  type CheckedSet,
  type CheckFinding,
  found,
  isAboutCalls,
  listed,
  rulesOf,
  type WrittenRule,
} from './checked-set.js'
import { callsOf, type ForeseenCalls, isAboutTools, matchedTools } from './foreseen-calls.js'
import { conditionsOf, expressionAt, validationOf, validationsOf } from './foreseen-rule.js'

/** Rules that no call can meet, and validations that are certain for all calls that they are about. */
export function findDeadRules(set: CheckedSet): readonly CheckFinding[] {
  return ['Grant', 'Guardrail', 'Enrichment'].flatMap(kind =>
    rulesOf(set, kind).flatMap(rule => {
      const unmatched = [...findUnmatched(rule), ...findUnknownPrompts(rule)]
      if (unmatched.length > 0 || !isAboutCalls(rule.document)) return unmatched
      const calls = callsOf(rule)
      if (calls.length === 0) return []
      return kind === 'Guardrail' ? findCertain(rule, calls) : findNeverHolding(rule, calls)
    }),
  )
}

/** Each field names something, and nothing is all of it. What one field alone does not match, loading says. */
function findUnmatched(rule: WrittenRule): readonly CheckFinding[] {
  const { document, match, servers } = rule
  if (servers.length === 0 || !isAboutTools(rule)) return []
  if (servers.some(server => matchedTools(rule, server)?.length !== 0)) return []
  const fields = (['methods', 'tools', 'access', 'labels'] as const).filter(field => match[field] !== undefined)
  const tools = servers.flatMap(server => matchedTools({ ...rule, match: { tools: match.tools } }, server) ?? [])
  if (tools.length === 0 || match.methods !== undefined) return []
  const message = `no tool of ${listed(servers.map(({ name }) => name))} has all of ${fields.join(', ')}, so it never matches`
  const kinds = [...new Set(tools.map(({ access }) => access))]
  const hint =
    match.tools !== undefined && match.access !== undefined
      ? `by the catalogue, access of these tools is ${kinds.join(', ')}`
      : 'compare with the catalogue, and leave out what is too much'
  return [found(document, 'never-matches', ['spec', 'match', fields[0] ?? 'tools'], message, hint)]
}

function findUnknownPrompts({ document, match, servers }: WrittenRule): readonly CheckFinding[] {
  if (match.prompts === undefined || servers.length === 0) return []
  const prompts = servers.flatMap(({ catalog }) => [...(catalog?.prompts.keys() ?? [])])
  if (servers.some(({ catalog }) => (catalog?.prompts.size ?? 0) === 0)) return []
  return match.prompts.flatMap((name, index) => {
    if (prompts.some(compileGlob(name))) return []
    const near = didYouMean(name, prompts)
    const hint = near === undefined ? `there are: ${listed(prompts)}` : `did you mean "${near}"?`
    const message = `no catalogue of the Servers that it matches has a prompt "${name}"`
    return [found(document, 'unknown-tool', ['spec', 'match', 'prompts', index], message, hint)]
  })
}

/** Of Grants and Enrichments: what fails gives and adds nothing. */
function findNeverHolding({ document }: WrittenRule, calls: readonly ForeseenCalls[]): readonly CheckFinding[] {
  const conditions = conditionsOf(document)
  if (conditions === undefined) return []
  const answers = calls.map(one => conditions.foresee(one))
  if (!answers.every(answer => answer === 'kept' || answer === 'failed')) return []
  const why = answers.includes('failed') ? 'fail, or are false' : 'are false'
  const message = `they ${why} for every call that it matches, so this ${document.kind} does nothing`
  return [found(document, 'condition-never-holds', ['spec', 'matchConditions'], message, nameHint)]
}

const nameHint = 'compare the names in it with the catalogue and the arguments of the tools, or delete it'

function findCertain({ document }: WrittenRule, all: readonly ForeseenCalls[]): readonly CheckFinding[] {
  const conditions = conditionsOf(document)
  const calls = conditions === undefined ? all : all.filter(one => conditions.foresee(one) !== 'kept')
  if (calls.length === 0) {
    const message = 'they are false for every call that it matches, so this Guardrail does nothing'
    return [found(document, 'condition-never-holds', ['spec', 'matchConditions'], message, nameHint)]
  }
  const rules = validationsOf(document).flatMap(index => {
    const rule = validationOf(document, index)
    return rule === undefined ? [] : [{ index, answers: calls.map(one => rule.foresee(one)) }]
  })
  const never = rules.find(({ answers }) => answers.every(answer => answer === 'violated'))
  return rules.flatMap(({ index, answers }) => {
    const path = ['spec', 'validations', index, 'expression']
    if (never !== undefined && never.index !== index) {
      const message = `validations[${never.index}] denies every call that the Guardrail is about, so this one decides nothing`
      const hint = 'delete one of the two, or give them documents with matches of their own'
      return [found(document, 'unreachable-validation', path, message, hint)]
    }
    if (answers.every(answer => answer === 'kept')) {
      const message = 'is true for every call that the Guardrail is about, so it never denies one'
      return [found(document, 'never-denies', path, message, nameHint)]
    }
    return findFailing(document, index, calls, answers)
  })
}

function findFailing(
  document: WrittenRule['document'],
  index: number,
  calls: readonly ForeseenCalls[],
  answers: readonly string[],
): readonly CheckFinding[] {
  const failing = calls.filter((_, at) => answers[at] === 'failed').flatMap(({ tool }) => tool?.name ?? [])
  if (failing.length === 0) return []
  const taken = new Set(calls.flatMap(({ tool }) => [...(tool?.arguments ?? [])]))
  const read = [...(expressionAt(document, index) ?? '').matchAll(/\bargs\.([A-Za-z_]\w*)/g)].map(
    ([, name]) => name ?? '',
  )
  const strange = read.find(name => !taken.has(name))
  const near = strange === undefined ? undefined : didYouMean(strange, taken)
  const which =
    failing.length === calls.filter(({ tool }) => tool !== undefined).length
      ? 'every tool that it matches'
      : listed([...new Set(failing)])
  const missing = strange === undefined ? 'an argument that it reads' : `an argument "${strange}"`
  const message = `fails for ${which}, which denies every call of it, because the tool does not have ${missing}`
  const hint =
    near === undefined ? 'match only tools that have what it reads, or ask with has() first' : `did you mean "${near}"?`
  return [found(document, 'fails-for-tools', ['spec', 'validations', index, 'expression'], message, hint)]
}
