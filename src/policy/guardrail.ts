import * as z from 'zod'
import type { Activation, AttributePath } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import type { DecisionBudget } from './decision-budget.js'
import { documentSchema } from './document-schema.js'
import {
  asText,
  ExpressionCompiler,
  evaluateConditions,
  expressionsSchema,
  type NamedProgram,
  type VariableProgram,
  withNeeds,
  withVariables,
} from './expressions.js'
import {
  compileValidations,
  conditionViolation,
  type Judgement,
  judgeValidations,
  kept,
  maxMessageLength,
  spentViolation,
  type Validation,
  type Violation,
  validationsSchema,
} from './guardrail-validations.js'
import { compileMatch, type Match, matchSchema } from './match.js'
import { type Foresight, foresee, foreseeConditions, withForeseenVariables } from './partial-expressions.js'
import { type DenialMode, denialModes } from './server.js'

export type { Judgement, Violation } from './guardrail-validations.js'

/** What Guardrails about results have beside validations. */
const aboutResults = z
  .unknown()
  .refine(value => value === undefined, 'is about results: write on: response, or judge the call with validations')
  .optional()

const schema = z.strictObject({
  on: z.enum(['request', 'response']).default('request'),
  match: matchSchema.optional(),
  ...expressionsSchema,
  validations: validationsSchema,
  patterns: aboutResults,
  maxBytes: aboutResults,
  denial: z.enum(denialModes).optional(),
  mode: z.enum(['Enforce', 'Audit', 'Warn']).default('Enforce'),
})

/** `kind: Guardrail` about calls: takes away, and nothing else. */
export interface Guardrail {
  readonly name: string
  /** Its name in records: `Guardrail/name`. */
  readonly policy: string
  readonly match: Match
  readonly mode: 'Enforce' | 'Audit' | 'Warn'
  readonly denial: DenialMode | undefined
  /** Names that its expressions look for in the arguments, at any depth. */
  readonly members: ReadonlySet<string>
  /** Variables that its expressions read. */
  readonly reads: ReadonlySet<string>
  /**
   * The violations of one call; none when it keeps every rule or the conditions do not hold. Errors are violations. When the
   * budget is spent, what is left to judge is one violation, and not evaluated. Changes nothing but the budget, so that it can
   * be evaluated again when more is known.
   */
  evaluate(activation: Activation, budget: DecisionBudget): Judgement
  /** Of a call of which not all is known yet: one violation that is certain, else what it hangs on. */
  foresee(foresight: Foresight): ForeseenJudgement
}

export interface ForeseenJudgement {
  readonly violation: Violation | undefined
  /** Not all of it, perhaps. Empty when every rule is certain to be kept, and when one is certain not to be. */
  readonly on: readonly AttributePath[]
}

export function compileGuardrail(document: SourceDocument): Compilation<Guardrail> {
  const parsed = validate(document, documentSchema('Guardrail', schema))
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { spec } = parsed.value
  const compiler = new ExpressionCompiler(document)
  const variables = withNeeds(compiler.named('variables', spec))
  const conditions = compiler.named('matchConditions', spec)
  const validations = compileValidations(compiler, document.name, spec.validations)
  const findings: readonly Finding[] = compiler.findings
  if (findings.some(finding => finding.severity === 'error')) return { value: undefined, findings }
  const policy = `Guardrail/${document.name}`
  return {
    value: {
      name: document.name,
      policy,
      match: compileMatch(spec.match ?? {}),
      mode: spec.mode,
      denial: spec.denial,
      members: compiler.members,
      reads: compiler.reads,
      evaluate(activation, budget) {
        const before = budget.left
        const judgement = evaluateGuardrail(document.name, variables, conditions, validations, activation, budget)
        budget.note(policy, before)
        return judgement
      },
      foresee: foresight => foreseeGuardrail(document.name, variables, conditions, validations, foresight),
    },
    findings,
  }
}

function evaluateGuardrail(
  name: string,
  variables: readonly VariableProgram[],
  conditions: readonly NamedProgram[],
  validations: readonly Validation[],
  outer: Activation,
  budget: DecisionBudget,
): Judgement {
  const condition = conditions.length === 0 ? 'true' : evaluateConditions(conditions, outer, budget)
  if (condition === 'false') return kept
  if (typeof condition === 'object') return { ...kept, unanswered: condition.unanswered }
  if (budget.spent) return { ...kept, violations: [spentViolation(name, budget)] }
  if (condition === 'error') return { ...kept, violations: [conditionViolation(name)] }
  return judgeValidations(name, validations, withVariables(outer, variables, budget), budget)
}

function foreseeGuardrail(
  name: string,
  variables: readonly VariableProgram[],
  conditions: readonly NamedProgram[],
  validations: readonly Validation[],
  outer: Foresight,
): ForeseenJudgement {
  const condition = foreseeConditions(conditions, outer)
  if (condition.kind === 'false') return nothingForeseen
  if (condition.kind === 'error') return { violation: conditionViolation(name), on: [] }
  // While it is open whether the rules count, nothing that they say is certain.
  if (condition.kind === 'open' && !condition.neverFalse) return { violation: undefined, on: condition.on }
  const foresight = withForeseenVariables(outer, variables)
  const on: AttributePath[] = condition.kind === 'open' ? [...condition.on] : []
  for (const { program, messageProgram, message, policyReason, hint } of validations) {
    const foreseen = foresee(program, foresight)
    if (foreseen.kind === 'open' && foreseen.neverTrue)
      return { violation: { reason: 'guardrail.violated', message, policyReason, hint }, on: [] }
    if (foreseen.kind === 'open') on.push(...foreseen.on)
    else if (foreseen.kind === 'error') {
      const why = `the guardrail ${name} could not be judged: ${foreseen.error}`
      return { violation: { reason: 'guardrail.error', message: why, policyReason, hint }, on: [] }
    } else if (foreseen.value !== true) {
      const told = messageProgram && foresee(messageProgram, foresight)
      const text = told?.kind === 'value' ? asText(told.value) : undefined
      const said = text === undefined || text === '' ? message : text.slice(0, maxMessageLength)
      return { violation: { reason: 'guardrail.violated', message: said, policyReason, hint }, on: [] }
    }
  }
  return { violation: undefined, on }
}

const nothingForeseen: ForeseenJudgement = { violation: undefined, on: [] }
