import { quoted } from '../../decision/quoted.js'
import { policyApiVersion } from '../../policy/document-schema.js'
import { compareNames } from '../../rbac/compare-names.js'
import type { ArgumentRanges, RangedArgument } from './argument-ranges.js'
import type { SeenServer } from './observations.js'
import { count, type DocumentNames, type SuggestedDocument } from './suggested-document.js'

export interface SuggestedGuardrails {
  readonly documents: readonly SuggestedDocument[]
  /** Tools of which the arguments of some calls are recorded, of others not. */
  readonly partly: readonly string[]
}

/**
 * For each tool of which the arguments of all calls are recorded, a Guardrail in Audit that keeps arguments to what was
 * seen. Only Audit: what was not seen yet is not wrong for that.
 */
export function suggestGuardrails(server: SeenServer, names: DocumentNames): SuggestedGuardrails {
  const documents: SuggestedDocument[] = []
  const partly: string[] = []
  for (const [tool, ranges] of [...server.tools].sort(([a], [b]) => compareNames(a, b))) {
    if (ranges.unknown === ranges.calls || ranges.all().length === 0) continue
    if (ranges.unknown > 0) partly.push(tool)
    else documents.push(toDocument(server.name, tool, ranges, names))
  }
  return { documents, partly }
}

interface Validation {
  readonly expression: string
  readonly message: string
  readonly reason: string
  readonly hint: string
}

const reason = 'NotSeenBefore'
const hint = 'Use values as in earlier calls, or ask the platform team for an exception.'

function toDocument(server: string, tool: string, ranges: ArgumentRanges, documents: DocumentNames): SuggestedDocument {
  const all = ranges.all()
  const limited = all.flatMap(argument => {
    const expression = limitOf(argument)
    return expression === undefined ? [] : [{ argument, expression }]
  })
  const validations: Validation[] = limited.map(({ argument, expression }) => ({
    expression,
    message: `${quoted(argument.name)} has a value that was not seen before`,
    ...{ reason, hint },
  }))
  if (ranges.complete)
    validations.unshift({
      expression: `args.all(name, name in ${listOf(all.map(({ name }) => name))})`,
      message: 'there is an argument that was not seen before',
      ...{ reason, hint },
    })
  const open = all.flatMap(({ name, range }) =>
    range.kind === 'open' ? [`${quoted(name)} is not limited: ${range.why}.`] : [],
  )
  const name = documents.give(['Guardrail'], '', server, tool)
  const offset = ranges.complete ? 1 : 0
  return {
    ...{ kind: 'Guardrail', server, name, namespace: '' },
    value: {
      ...{ apiVersion: policyApiVersion, kind: 'Guardrail', metadata: { name } },
      spec: {
        match: { servers: [server], tools: [tool] },
        validations: validations.length > 0 ? validations : [nothingLimited],
        mode: 'Audit',
      },
    },
    comments: [
      `What arguments were in ${count(ranges.calls, 'call')}. Widen it to what is meant, then take mode out to enforce it.`,
      ...open,
      ...(ranges.complete ? [] : ['There were more arguments than are told here.']),
    ],
    notes: limited.map(({ argument }, index) => ({
      path: ['spec', 'validations', index + offset, 'expression'],
      text: `in ${count(argument.calls, 'call')}`,
    })),
  }
}

const nothingLimited = { expression: 'true', message: 'nothing is limited', reason, hint }

function limitOf({ name, always, range }: RangedArgument): string | undefined {
  const value = `args[${text(name)}]`
  const rule = ruleOf(value, range)
  if (rule === undefined) return undefined
  const there = `${text(name)} in args`
  return always ? `${there} && ${rule}` : `!(${there}) || ${rule}`
}

function ruleOf(value: string, range: RangedArgument['range']): string | undefined {
  switch (range.kind) {
    case 'numbers':
      return `(${value} >= ${number(range.min)} && ${value} <= ${number(range.max)})`
    case 'values':
      return `${value} in ${listOf(range.values)}`
    case 'elements':
      return range.values.length === 0 ? `${value}.size() == 0` : `${value}.all(item, item in ${listOf(range.values)})`
    case 'open':
      return undefined
  }
}

function listOf(values: readonly (string | boolean)[]): string {
  return `[${values.map(value => (typeof value === 'string' ? text(value) : String(value))).join(', ')}]`
}

/** A literal of CEL, whose escapes are those of JSON and more. */
function text(value: string): string {
  return JSON.stringify(value)
}

function number(value: number | bigint): string {
  if (typeof value === 'bigint') return String(value)
  const shown = String(value)
  // Else it would be an integer, of which there are fewer.
  return /^-?\d+$/.test(shown) ? `${shown}.0` : shown
}
