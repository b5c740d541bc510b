import * as z from 'zod'
import type { Activation, CelProgram, CostBudget } from '../cel/environment.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import { documentSchema } from './document-schema.js'
import {
  asText,
  ExpressionCompiler,
  evaluateConditions,
  expressionsSchema,
  withNeeds,
  withVariables,
} from './expressions.js'
import { headerName, headerNameProblem } from './header-names.js'
import { compileMatch, type Match, matchSchema } from './match.js'

const schema = z.strictObject({
  match: matchSchema.optional(),
  ...expressionsSchema,
  requestHeaders: z
    .array(z.strictObject({ name: headerName, valueExpression: z.string().min(1) }))
    .min(1)
    .max(8)
    .optional(),
  resultContext: z
    .array(z.strictObject({ expression: z.string().min(1) }))
    .min(1)
    .max(8)
    .optional(),
  record: z
    .array(
      z.strictObject({ key: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/), valueExpression: z.string().min(1) }),
    )
    .min(1)
    .max(16)
    .optional(),
})

export interface Enriched {
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly record: readonly { readonly key: string; readonly value: string }[]
  /** Texts for the model beside the result of the call. */
  readonly resultContext: readonly string[]
}

/** `kind: Enrichment`: adds headers, record entries and texts to calls that were allowed. */
export interface Enrichment {
  readonly name: string
  readonly match: Match
  readonly headerNames: readonly string[]
  readonly hasResultContext: boolean
  /** Names that its expressions look for in the arguments, at any depth. */
  readonly members: ReadonlySet<string>
  /** A value that fails, or is not a usable string, is left out. */
  evaluate(activation: Activation, budget: CostBudget): Enriched
}

const maxValueLength = 1024

/** @param seesAnswers a listener of this configuration adds texts to results. Default false: what waits for it is reported. */
export function compileEnrichment(
  document: SourceDocument,
  { seesAnswers = false }: { readonly seesAnswers?: boolean } = {},
): Compilation<Enrichment> {
  const parsed = validate(document, documentSchema('Enrichment', schema))
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { spec } = parsed.value
  const compiler = new ExpressionCompiler(document)
  const variables = withNeeds(compiler.named('variables', spec))
  const conditions = compiler.named('matchConditions', spec)
  const headers: { name: string; program: CelProgram }[] = []
  for (const [index, { name, valueExpression }] of (spec.requestHeaders ?? []).entries()) {
    const path = ['spec', 'requestHeaders', index]
    const problem = headerNameProblem(name)
    if (problem !== undefined) compiler.report('error', [...path, 'name'], problem.message, problem.hint)
    const program = compiler.compile([...path, 'valueExpression'], valueExpression, 'string')
    if (program) headers.push({ name, program })
  }
  const record: { key: string; program: CelProgram }[] = []
  for (const [index, { key, valueExpression }] of (spec.record ?? []).entries()) {
    const program = compiler.compile(['spec', 'record', index, 'valueExpression'], valueExpression, 'string')
    if (program) record.push({ key, program })
  }
  const resultContext: CelProgram[] = []
  for (const [index, { expression }] of (spec.resultContext ?? []).entries()) {
    const program = compiler.compile(['spec', 'resultContext', index, 'expression'], expression, 'string')
    if (program) resultContext.push(program)
  }
  if (spec.resultContext && !seesAnswers) {
    compiler.report(
      'warning',
      ['spec', 'resultContext'],
      'resultContext waits for a response door: no listener of this configuration sees answers, so nothing is added to results',
    )
  }
  if (compiler.findings.some(finding => finding.severity === 'error'))
    return { value: undefined, findings: compiler.findings }
  return {
    value: {
      name: document.name,
      match: compileMatch(spec.match ?? {}),
      headerNames: headers.map(header => header.name),
      hasResultContext: spec.resultContext !== undefined,
      members: compiler.members,
      evaluate(outer, budget) {
        if (conditions.length > 0 && evaluateConditions(conditions, outer, budget) !== 'true')
          return { headers: [], record: [], resultContext: [] }
        const activation = withVariables(outer, variables, budget)
        return {
          headers: headers.flatMap(({ name, program }) => {
            const value = textOf(program, activation, budget)
            return value !== undefined && usableHeaderValue.test(value) ? [{ name, value }] : []
          }),
          record: record.flatMap(({ key, program }) => {
            const value = textOf(program, activation, budget)
            return value === undefined ? [] : [{ key, value }]
          }),
          resultContext: seesAnswers ? resultContext.flatMap(program => textOf(program, activation, budget) ?? []) : [],
        }
      },
    },
    findings: compiler.findings,
  }
}

/** Visible ASCII with inner blanks: a gateway skips anything else silently, and the client's copy would survive. */
const usableHeaderValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

function textOf(program: CelProgram, activation: Activation, budget: CostBudget): string | undefined {
  if (budget.spent) return undefined
  const evaluated = program.evaluate(activation, budget)
  const text = evaluated.ok ? asText(evaluated.value) : undefined
  return text !== undefined && text !== '' && text.length <= maxValueLength ? text : undefined
}
