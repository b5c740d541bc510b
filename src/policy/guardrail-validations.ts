import * as z from 'zod'
import type { Activation, CelProgram } from '../cel/environment.js'
import { type DecisionBudget, decisionBudget } from './decision-budget.js'
import { asText, type ExpressionCompiler, type Unanswered } from './expressions.js'

/** `validations` of a Guardrail, about calls or about results. */
export const validationsSchema = z
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
  .max(64)

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

export interface Validation {
  readonly program: CelProgram
  readonly messageProgram: CelProgram | undefined
  readonly message: string
  readonly policyReason: string
  readonly hint: string | undefined
}

/** Longest message that reaches a caller; Kubernetes drops longer ones, and a model needs none. */
export const maxMessageLength = 1000

export function compileValidations(
  compiler: ExpressionCompiler,
  name: string,
  rules: z.infer<typeof validationsSchema>,
): readonly Validation[] {
  const validations: Validation[] = []
  for (const [index, rule] of rules.entries()) {
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
      message: rule.message ?? `the guardrail ${name} requires: ${rule.expression}`.slice(0, maxMessageLength),
      policyReason: rule.reason ?? '',
      hint: rule.hint,
    })
  }
  return validations
}

export const kept: Judgement = { violations: [], unanswered: [], unansweredMessages: [] }

export function judgeValidations(
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

export function conditionViolation(name: string): Violation {
  return {
    reason: 'guardrail.error',
    message: `the guardrail ${name} could not be judged: one of its match conditions fails on this call`,
    policyReason: '',
    hint: undefined,
  }
}

/** Rules that cost too much are the platform team's to change; what they cost depends on the call as well. */
export function spentViolation(name: string, budget: DecisionBudget): Violation {
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
