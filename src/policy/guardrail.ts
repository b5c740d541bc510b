import { z } from 'zod'
import type { Activation, CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
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
  /** The violations of one call; empty when it keeps every rule or the conditions do not hold. Errors are violations. */
  evaluate(activation: Activation): readonly Violation[]
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
      evaluate: activation => evaluateGuardrail(document.name, variables, conditions, validations, activation),
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
): readonly Violation[] {
  const condition = conditions.length === 0 ? 'true' : evaluateConditions(conditions, outer)
  if (condition === 'false') return []
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
  const activation = withVariables(outer, variables)
  const violations: Violation[] = []
  for (const { program, messageProgram, message, policyReason, hint } of validations) {
    const evaluated = program.evaluate(activation)
    if (evaluated.ok && evaluated.value === true) continue
    if (!evaluated.ok) {
      const why = `the guardrail ${name} could not be judged: ${evaluated.error}`
      violations.push({ reason: 'guardrail.error', message: why, policyReason, hint })
      continue
    }
    violations.push({
      reason: 'guardrail.violated',
      message: messageOf(messageProgram, activation) ?? message,
      policyReason,
      hint,
    })
  }
  return violations
}

function messageOf(program: CelProgram | undefined, activation: Activation): string | undefined {
  const evaluated = program?.evaluate(activation)
  const text = evaluated?.ok ? asText(evaluated.value) : undefined
  return text === undefined || text === '' ? undefined : text.slice(0, maxMessageLength)
}
