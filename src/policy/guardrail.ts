import { z } from 'zod'
import type { Activation, AttributePath, CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import { type DecisionBudget, decisionBudget } from './decision-budget.js'
import { documentSchema } from './document-schema.js'
import {
  asText,
  ExpressionCompiler,
  evaluateConditions,
  expressionsSchema,
  type NamedProgram,
  type Unanswered,
  type VariableProgram,
  withNeeds,
  withVariables,
} from './expressions.js'
import { compileMatch, type Match, matchSchema } from './match.js'
import { type Foresight, foresee, foreseeConditions, withForeseenVariables } from './partial-expressions.js'
import { type DenialMode, denialModes } from './server.js'

const schema = z.strictObject({
  match: matchSchema.optional(),
  ...expressionsSchema,
  validations: z
    .array(
      z.strictObject({
        expression: z.string().min(1),
        message: z.string().min(1).max(1000).optional(),
        messageExpression: z.string().min(1).optional(),
        reason: z
          .string()
          .regex(/^[A-Za-z][A-Za-z0-9]{0,62}$/, 'a reason is one CamelCase word')
          .optional(),
        hint: z.string().min(1).max(1000).optional(),
      }),
    )
    .min(1)
    .max(64),
  denial: z.enum(denialModes).optional(),
  mode: z.enum(['Enforce', 'Audit', 'Warn']).default('Enforce'),
})

export interface Violation {
  readonly reason: 'guardrail.violated' | 'guardrail.error'
  readonly message: string
  readonly policyReason: string
  readonly hint: string | undefined
}

/** What came of judging one call by a Guardrail. */
export interface Judgement {
  readonly violations: readonly Violation[]
  /**
   * What the authorizer must answer first: until then nothing is said of the rules that ask, and nothing may be taken for
   * kept.
   */
  readonly unanswered: Unanswered
  /** What messages wait for that are worked out. If it is never answered, the rule's own message stands. */
  readonly unansweredMessages: Unanswered
}

/** `kind: Guardrail`: takes away, and nothing else. */
export interface Guardrail {
  readonly name: string
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

interface Validation {
  readonly program: CelProgram
  readonly messageProgram: CelProgram | undefined
  readonly message: string
  readonly policyReason: string
  readonly hint: string | undefined
}

/** Longest message that reaches a caller; Kubernetes drops longer ones, and a model needs none. */
const maxMessageLength = 1000

export function compileGuardrail(document: SourceDocument): Compilation<Guardrail> {
  const parsed = validate(document, documentSchema('Guardrail', schema))
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { spec } = parsed.value
  const compiler = new ExpressionCompiler(document)
  const variables = withNeeds(compiler.named('variables', spec))
  const conditions = compiler.named('matchConditions', spec)
  const validations: Validation[] = []
  for (const [index, rule] of spec.validations.entries()) {
    const path = ['spec', 'validations', index]
    const program = compiler.compile([...path, 'expression'], rule.expression, 'bool')
    const messageProgram =
      rule.messageExpression === undefined
        ? undefined
        : compiler.compile([...path, 'messageExpression'], rule.messageExpression, 'string', 'quiet')
    if (program === undefined) continue
    validations.push({
      program,
      messageProgram,
      message: rule.message ?? `the guardrail ${document.name} requires: ${rule.expression}`.slice(0, maxMessageLength),
      policyReason: rule.reason ?? '',
      hint: rule.hint,
    })
  }
  const findings: readonly Finding[] = compiler.findings
  if (findings.some(finding => finding.severity === 'error')) return { value: undefined, findings }
  return {
    value: {
      name: document.name,
      match: compileMatch(spec.match ?? {}),
      mode: spec.mode,
      denial: spec.denial,
      members: compiler.members,
      reads: compiler.reads,
      evaluate(activation, budget) {
        const before = budget.left
        const judgement = evaluateGuardrail(document.name, variables, conditions, validations, activation, budget)
        budget.note(`Guardrail/${document.name}`, before)
        return judgement
      },
      foresee: foresight => foreseeGuardrail(document.name, variables, conditions, validations, foresight),
    },
    findings,
  }
}

const kept: Judgement = { violations: [], unanswered: [], unansweredMessages: [] }

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

function judgeValidations(
  name: string,
  validations: readonly Validation[],
  activation: Activation,
  budget: DecisionBudget,
): Judgement {
  let violations: Violation[] | undefined
  let unanswered: Unanswered = []
  let unansweredMessages: Unanswered = []
  for (const { program, messageProgram, message, policyReason, hint } of validations) {
    const evaluated = program.evaluate(activation, budget)
    if (!evaluated.ok && evaluated.suspended !== undefined) {
      unanswered = [...unanswered, ...evaluated.suspended]
      continue
    }
    if (budget.spent) {
      return { violations: [...(violations ?? []), spentViolation(name, budget)], unanswered, unansweredMessages }
    }
    if (evaluated.ok && evaluated.value === true) continue
    violations ??= []
    if (!evaluated.ok) {
      const why = `the guardrail ${name} could not be judged: ${evaluated.error}`
      violations.push({ reason: 'guardrail.error', message: why, policyReason, hint })
      continue
    }
    const told = messageOf(messageProgram, activation, budget)
    unansweredMessages = [...unansweredMessages, ...told.unanswered]
    violations.push({ reason: 'guardrail.violated', message: told.text ?? message, policyReason, hint })
  }
  return violations === undefined && unanswered.length === 0
    ? kept
    : { violations: violations ?? [], unanswered, unansweredMessages }
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
  if (condition.kind === 'open') return { violation: undefined, on: condition.on }
  const foresight = withForeseenVariables(outer, variables)
  const on: AttributePath[] = []
  for (const { program, messageProgram, message, policyReason, hint } of validations) {
    const foreseen = foresee(program, foresight)
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

function conditionViolation(name: string): Violation {
  return {
    reason: 'guardrail.error',
    message: `the guardrail ${name} could not be judged: one of its match conditions fails on this call`,
    policyReason: '',
    hint: undefined,
  }
}

/** Rules that cost too much are the platform team's to change; what they cost depends on the call as well. */
function spentViolation(name: string, budget: DecisionBudget): Violation {
  const culprit = budget.costliest === '' ? `Guardrail/${name}` : budget.costliest
  return {
    reason: 'guardrail.error',
    message: `the guardrail ${name} could not be judged: the rules for this call cost more than the ${decisionBudget} units that one decision has, most of them in ${culprit}`,
    policyReason: '',
    hint: `Send less in one call. The platform team can make ${culprit} cheaper: bound what its expressions go through, e.g. size(args.items) <= 100 && …`,
  }
}

function messageOf(
  program: CelProgram | undefined,
  activation: Activation,
  budget: DecisionBudget,
): { readonly text: string | undefined; readonly unanswered: Unanswered } {
  const evaluated = program?.evaluate(activation, budget)
  if (evaluated === undefined) return noText
  if (!evaluated.ok) return evaluated.suspended === undefined ? noText : { ...noText, unanswered: evaluated.suspended }
  const text = asText(evaluated.value)
  return text === undefined || text === '' ? noText : { text: text.slice(0, maxMessageLength), unanswered: [] }
}

const noText = { text: undefined, unanswered: [] } as const
