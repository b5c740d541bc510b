import * as z from 'zod'
import type { Activation } from '../cel/environment.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import { valueAt } from '../documents/value-at.js'
import type { Compilation } from './compilation.js'
import type { DecisionBudget } from './decision-budget.js'
import { documentSchema } from './document-schema.js'
import { ExpressionCompiler, evaluateConditions, expressionsSchema, withNeeds, withVariables } from './expressions.js'
import {
  compileValidations,
  conditionViolation,
  judgeValidations,
  spentViolation,
  type Violation,
  validationsSchema,
} from './guardrail-validations.js'
import { compileMatch, type Match, matchSchema } from './match.js'
import { compilePatterns, patternsSchema, type ResultPattern } from './result-guardrail-patterns.js'

/** As large as the largest answer that any door reads. */
const largestResult = 16 * 1024 * 1024

const schema = z
  .strictObject({
    on: z.literal('response'),
    match: matchSchema.optional(),
    ...expressionsSchema,
    maxBytes: z.number().int().min(1).max(largestResult).optional(),
    patterns: patternsSchema.optional(),
    validations: validationsSchema.optional(),
    denial: z
      .unknown()
      .refine(value => value === undefined, 'has no meaning for results, whose form is that of the result; remove it')
      .optional(),
    mode: z.enum(['Enforce', 'Audit', 'Warn']).default('Enforce'),
  })
  .superRefine(({ maxBytes, patterns, validations }, issues) => {
    if (maxBytes !== undefined || patterns !== undefined || validations !== undefined) return
    const message = 'says nothing of results; write at least one of maxBytes, patterns, validations'
    issues.addIssue({ code: 'custom', path: [], message })
  })

/** Whether a Guardrail is about results, or was meant to be. */
export function isAboutResults({ value }: SourceDocument): boolean {
  return valueAt(value, ['spec', 'on']) === 'response'
}

/** `kind: Guardrail` with `on: response`: takes away from what comes back, and nothing else. */
export interface ResultGuardrail {
  readonly name: string
  readonly match: Match
  readonly mode: 'Enforce' | 'Audit' | 'Warn'
  /** Of a result or an error as JSON. */
  readonly maxBytes: number | undefined
  /** In the order in which they are applied. */
  readonly patterns: readonly ResultPattern[]
  /**
   * Whether its match conditions hold; those that fail are reported where there is a result, and hold where there is none.
   * Beside maxBytes and patterns, which are judged apart: what validations say of the result; errors are violations.
   */
  judge(answer: JudgedAnswer): ResultJudgement
}

export interface JudgedAnswer {
  readonly activation: Activation
  readonly budget: DecisionBudget
  /** Without one, there is an error or a message of the server's own, which no validation is about. */
  readonly hasResult: boolean
}

export interface ResultJudgement {
  /** False: it is not about this answer. */
  readonly applies: boolean
  readonly violations: readonly Violation[]
}

export interface ResultGuardrailOptions {
  /** Whether a listener of this configuration can keep it; undefined: nobody knows the configuration. */
  readonly guardsResults?: boolean | undefined
}

export function compileResultGuardrail(
  document: SourceDocument,
  { guardsResults }: ResultGuardrailOptions = {},
): Compilation<ResultGuardrail> {
  const parsed = validate(document, documentSchema('Guardrail', schema))
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { spec } = parsed.value
  const { name } = document
  const compiler = new ExpressionCompiler(document, 'response')
  const variables = withNeeds(compiler.named('variables', spec))
  const conditions = compiler.named('matchConditions', spec)
  const validations = compileValidations(compiler, name, spec.validations ?? [])
  const patterns = compilePatterns(compiler, name, spec.patterns ?? [])
  if (guardsResults === false) reportUnkept(compiler, spec.mode)
  const { findings } = compiler
  if (findings.some(finding => finding.severity === 'error')) return { value: undefined, findings }

  const judge = ({ activation, budget, hasResult }: JudgedAnswer): ResultJudgement => {
    const condition = conditions.length === 0 ? 'true' : evaluateConditions(conditions, activation, budget)
    if (condition === 'false') return { applies: false, violations: [] }
    if (budget.spent) return { applies: true, violations: [spentViolation(name, budget)] }
    if (!hasResult) return { applies: true, violations: [] }
    if (condition !== 'true') return { applies: true, violations: [conditionViolation(name)] }
    const { violations } = judgeValidations(name, validations, withVariables(activation, variables, budget), budget)
    return { applies: true, violations }
  }
  return {
    value: {
      name,
      match: compileMatch(spec.match ?? {}),
      mode: spec.mode,
      maxBytes: spec.maxBytes,
      patterns,
      judge(answer) {
        const before = answer.budget.left
        const judgement = judge(answer)
        answer.budget.note(`Guardrail/${name}`, before)
        return judgement
      },
    },
    findings,
  }
}

/** Fail closed: what nobody can keep must not look as if it were kept. */
function reportUnkept(compiler: ExpressionCompiler, mode: ResultGuardrail['mode']): void {
  const message =
    'no listener of this configuration sees answers, so this Guardrail about results would be kept by nobody'
  const hint =
    'add a listener with door: ext-proc or ext-mcp (docs/response-door.md), or write mode: Audit until there is one'
  compiler.report(mode === 'Enforce' ? 'error' : 'warning', ['spec', 'on'], message, hint)
}
