import * as z from 'zod'
import type { Activation, CostBudget } from '../cel/environment.js'
import type { SourceDocument } from '../documents/source-document.js'
import { validate } from '../documents/validate.js'
import type { Compilation } from './compilation.js'
import { documentSchema } from './document-schema.js'
import { type Condition, ExpressionCompiler, evaluateConditions, expressionsSchema } from './expressions.js'
import { compileMatch, grantMatchSchema, type Match } from './match.js'
import { type ForeseenConditions, type Foresight, foreseeConditions } from './partial-expressions.js'

const schema = z.strictObject({
  match: grantMatchSchema,
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'not a scope token (RFC 6749, section 3.3)'))
    .min(1)
    .optional(),
  allowClaimed: z.boolean().default(false),
  ...expressionsSchema,
})

/** `kind: Grant`: gives. */
export interface Grant {
  readonly name: string
  readonly match: Match
  /** All required. */
  readonly scopes: readonly string[]
  /** Whether an agent counts that only the token's client id names. */
  readonly allowClaimed: boolean
  /** Names that its expressions look for in the arguments, at any depth. */
  readonly members: ReadonlySet<string>
  /** Variables that its expressions read. */
  readonly reads: ReadonlySet<string>
  /** Only what is `true` is a match; an error is none. */
  conditions(activation: Activation, budget: CostBudget): Condition
  readonly conditional: boolean
  /** The same for a call of which not all is known yet. */
  foresee(foresight: Foresight): ForeseenConditions
}

export function compileGrant(document: SourceDocument): Compilation<Grant> {
  const parsed = validate(document, documentSchema('Grant', schema))
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { spec } = parsed.value
  const compiler = new ExpressionCompiler(document)
  const variables = compiler.named('variables', spec)
  const conditions = compiler.named('matchConditions', spec)
  if (!spec.match.subjects && !spec.match.agents && !spec.scopes) {
    compiler.report(
      'error',
      ['spec', 'match'],
      'a Grant must say whom it gives to',
      'add subjects, agents or scopes; everybody is { kind: Group, name: "system:authenticated" }',
    )
  }
  if (variables.length > 0) {
    compiler.report('warning', ['spec', 'variables'], 'nothing in a Grant can read variables', 'remove them')
  }
  if (compiler.findings.some(finding => finding.severity === 'error'))
    return { value: undefined, findings: compiler.findings }
  return {
    value: {
      name: document.name,
      match: compileMatch(spec.match),
      scopes: spec.scopes ?? [],
      allowClaimed: spec.allowClaimed,
      members: compiler.members,
      reads: compiler.reads,
      // Conditions cannot read variables.
      conditions: (activation, budget) =>
        conditions.length === 0 ? 'true' : evaluateConditions(conditions, activation, budget),
      conditional: conditions.length > 0,
      foresee: foresight => foreseeConditions(conditions, foresight),
    },
    findings: compiler.findings,
  }
}
