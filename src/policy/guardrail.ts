import { z } from 'zod'
import type { Activation, CelProgram } from '../cel/environment.js'
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
  withVariables,
} from './expressions.js'
import { compileMatch, type Match, matchSchema } from './match.js'
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

/** `kind: Guardrail`: takes away, and nothing else. */
export interface Guardrail {
  readonly name: string
  readonly match: Match
  readonly mode: 'Enforce' | 'Audit' | 'Warn'
  readonly denial: DenialMode | undefined
  /** Names that its expressions look for in the arguments, at any depth. */
  readonly members: ReadonlySet<string>
  /**
   * The violations of one call; empty when it keeps every rule or the conditions do not hold. Errors are violations. When the
   * budget is spent, what is left to judge is one violation, and not evaluated.
   */
  evaluate(activation: Activation, budget: DecisionBudget): readonly Violation[]
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
  const variables = compiler.named('variables', spec)
  const conditions = compiler.named('matchConditions', spec)
  const validations: Validation[] = []
  for (const [index, rule] of spec.validations.entries()) {
    const path = ['spec', 'validations', index]
    const program = compiler.compile([...path, 'expression'], rule.expression, 'bool')
    const messageProgram =
      rule.messageExpression === undefined
        ? undefined
        : compiler.compile([...path, 'messageExpression'], rule.messageExpression, 'string')
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
      evaluate(activation, budget) {
        const before = budget.left
        const violations = evaluateGuardrail(document.name, variables, conditions, validations, activation, budget)
        budget.note(`Guardrail/${document.name}`, before)
        return violations
      },
    },
    findings,
  }
}

function evaluateGuardrail(
  name: string,
  variables: readonly NamedProgram[],
  conditions: readonly NamedProgram[],
  validations: readonly Validation[],
  outer: Activation,
  budget: DecisionBudget,
): readonly Violation[] {
  const condition = conditions.length === 0 ? 'true' : evaluateConditions(conditions, outer, budget)
  if (condition === 'false') return []
  if (budget.spent) return [spentViolation(name, budget)]
  if (condition === 'error') {
    return [
      {
        reason: 'guardrail.error',
        message: `the guardrail ${name} could not be judged: one of its match conditions fails on this call`,
        policyReason: '',
        hint: undefined,
      },
    ]
  }
  const activation = withVariables(outer, variables, budget)
  const violations: Violation[] = []
  for (const { program, messageProgram, message, policyReason, hint } of validations) {
    const evaluated = program.evaluate(activation, budget)
    if (budget.spent) return [...violations, spentViolation(name, budget)]
    if (evaluated.ok && evaluated.value === true) continue
    if (!evaluated.ok) {
      const why = `the guardrail ${name} could not be judged: ${evaluated.error}`
      violations.push({ reason: 'guardrail.error', message: why, policyReason, hint })
      continue
    }
    violations.push({
      reason: 'guardrail.violated',
      message: messageOf(messageProgram, activation, budget) ?? message,
      policyReason,
      hint,
    })
  }
  return violations
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
): string | undefined {
  const evaluated = program?.evaluate(activation, budget)
  const text = evaluated?.ok ? asText(evaluated.value) : undefined
  return text === undefined || text === '' ? undefined : text.slice(0, maxMessageLength)
}
