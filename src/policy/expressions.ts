import * as z from 'zod'
import type { AuthorizationRequest } from '../cel/authorizer-value.js'
import {
  type Activation,
  CelFields,
  type CelOutput,
  type CelProgram,
  type CostBudget,
  type EvaluatedValue,
} from '../cel/environment.js'
import { limits } from '../cel/limits.js'
import type { Finding } from '../documents/finding.js'
import type { PathSegment, SourceDocument } from '../documents/source-document.js'
import { asksAuthorizer, type PolicyVariable, policyEnvironment, quietEnvironment } from './expression-environment.js'
import { type Misplaced, misplacedIn, type RuleSide, resultEnvironment } from './result-guardrail-environment.js'

/** Bounds of one policy document: enough for any written by hand, too few to stall a decision. */
export const maxVariables = 32
export const maxMatchConditions = 64

export const expressionsSchema = {
  variables: z
    .array(z.strictObject({ name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/), expression: z.string().min(1) }))
    .min(1)
    .max(maxVariables)
    .optional(),
  matchConditions: z
    .array(z.strictObject({ name: z.string().min(1).max(63), expression: z.string().min(1) }))
    .min(1)
    .max(maxMatchConditions)
    .optional(),
}
export interface ExpressionsSpec {
  readonly variables?: readonly { readonly name: string; readonly expression: string }[] | undefined
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[] | undefined
}

export interface NamedProgram {
  readonly name: string
  readonly program: CelProgram
}

/** Variables that hold nothing of a caller's message: how their members are spelt is up to us or to the token. */
const beyondCallers: ReadonlySet<string> = new Set<PolicyVariable>([
  'request',
  'server',
  'user',
  'principal',
  'claims',
  'scopes',
  'agent',
  'actors',
  'workload',
  'tenant',
  'operations',
  'images',
  'replicas',
  'authorizer',
])

/** Whether a member is, or may be, one of the arguments or of something in them. */
function maybeArgument([variable, first]: readonly string[]): boolean {
  if (variable === undefined) return true
  if (beyondCallers.has(variable)) return false
  switch (variable) {
    case 'mcp':
      return first === 'params' || first === '*'
    case 'variables':
      // The names of variables are the policy's own; what is behind them may be an argument.
      return first !== undefined
    default:
      return true
  }
}

/** Collects findings, and the names that arguments are looked for by, while the expressions of one document compile. */
export class ExpressionCompiler {
  readonly findings: Finding[] = []
  /** Names of members of arguments that any of the expressions asks for. */
  readonly members = new Set<string>()
  /** Variables that any of the expressions reads. */
  readonly reads = new Set<string>()
  readonly #document: SourceDocument
  readonly #side: RuleSide

  /** @param side whether the expressions are about calls or about their results */
  constructor(document: SourceDocument, side: RuleSide = 'request') {
    this.#document = document
    this.#side = side
  }

  /** `authorizer` can be read in Grants and Guardrails, unless the place is a `quiet` one. */
  compile(
    path: readonly PathSegment[],
    source: string,
    result: 'bool' | 'string' | 'dyn',
    place: 'asking' | 'quiet' = 'asking',
  ): CelProgram | undefined {
    const quiet = place === 'quiet' || this.#document.kind === 'Enrichment'
    const asking = this.#side === 'request' ? policyEnvironment.compile(source, result) : undefined
    if (quiet && asking?.ok === true && asksAuthorizer(asking.program.variables)) {
      this.report('error', path, 'authorizer cannot be asked here', this.#whereToAsk(path))
      return undefined
    }
    const compiled =
      asking === undefined
        ? resultEnvironment.compile(source, result)
        : quiet
          ? quietEnvironment.compile(source, result)
          : asking
    const misplaced =
      this.#document.kind === 'Guardrail' ? misplacedIn(this.#side, source, result, compiled) : undefined
    if (misplaced !== undefined) {
      this.#reportMisplaced(path, misplaced)
      return undefined
    }
    if (compiled.ok) {
      for (const { name, of } of compiled.program.members) if (maybeArgument(of)) this.members.add(name)
      for (const name of compiled.program.variables) this.reads.add(name)
      this.#weigh(path, compiled.program, result)
      return compiled.program
    }
    const { message, hint, line, column } = compiled.error
    this.findings.push(
      this.#document.finding('error', path, message, {
        ...(hint !== undefined && { hint }),
        ...(line !== undefined && column !== undefined && { offset: { line, column } }),
      }),
    )
    return undefined
  }

  #reportMisplaced(path: readonly PathSegment[], { message, hint }: Misplaced): void {
    this.findings.push(this.#document.finding('error', path, message, { hint, offset: { line: 1, column: 1 } }))
  }

  /**
   * Warns of an expression that large messages, as people send them, make cost more than it may. The worst that fits a
   * message costs too much for most rules that go through a list, and is refused; that is no reason to warn.
   */
  #weigh(path: readonly PathSegment[], program: CelProgram, result: 'bool' | 'string' | 'dyn'): void {
    const { ordinaryCost } = program
    if (ordinaryCost <= limits.budget) return
    const most = ordinaryCost === Number.MAX_SAFE_INTEGER ? 'any number of' : `up to ${ordinaryCost}`
    const message = `may cost ${most} units for a large message of 64 KiB, ${limits.budget} are allowed; where it costs more it is refused${this.#consequence(result)}`
    const hint = asksAuthorizer(program.variables)
      ? 'two questions to the authorizer can be paid for: ask others in expressions of their own, and of lists no more than size(x) <= 2 && x.all(…)'
      : 'bound what it goes through, e.g. size(x) <= 100 && x.all(…)'
    const finding = this.#document.finding('warning', path, message, { hint, offset: { line: 1, column: 1 } })
    this.findings.push({ ...finding, code: 'costly' })
  }

  #whereToAsk(path: readonly PathSegment[]): string {
    if (path.includes('messageExpression')) return 'ask in one of the variables, and read that one: variables.name'
    return 'an Enrichment adds to what is allowed already; ask in a Guardrail or a Grant'
  }

  #consequence(result: 'bool' | 'string' | 'dyn'): string {
    if (result === 'string') return ', and its value is left out'
    if (result === 'dyn') return ', and what reads the variable fails'
    if (this.#side === 'response') return ', which withholds the result'
    if (this.#document.kind === 'Guardrail') return ', which denies the call'
    return this.#document.kind === 'Grant' ? ', and the Grant gives nothing' : ', and nothing is added'
  }

  report(severity: Finding['severity'], path: readonly PathSegment[], message: string, hint?: string): void {
    this.findings.push(this.#document.finding(severity, path, message, hint === undefined ? {} : { hint }))
  }

  named(section: 'variables' | 'matchConditions', spec: ExpressionsSpec): readonly NamedProgram[] {
    const programs: NamedProgram[] = []
    const seen = new Set<string>()
    for (const [index, { name, expression }] of (spec[section] ?? []).entries()) {
      const path = ['spec', section, index]
      if (seen.has(name)) this.report('error', [...path, 'name'], `the name "${name}" is used twice`)
      seen.add(name)
      const program = this.compile([...path, 'expression'], expression, section === 'variables' ? 'dyn' : 'bool')
      if (program) programs.push({ name, program })
      if (program && section === 'matchConditions' && program.variables.has('variables'))
        this.report(
          'error',
          [...path, 'expression'],
          'matchConditions cannot read variables',
          'move the condition into a validation',
        )
    }
    return programs
  }
}

/** The variables of a policy in their order, each with the earlier ones that it may read, by index. */
export type VariableProgram = NamedProgram & { readonly needs: readonly number[] }

export function withNeeds(variables: readonly NamedProgram[]): readonly VariableProgram[] {
  return variables.map((variable, index) => ({
    ...variable,
    needs: needsOf(variable.program, variables.slice(0, index)),
  }))
}

function needsOf({ variables: read, members }: CelProgram, earlier: readonly NamedProgram[]): readonly number[] {
  if (!read.has('variables')) return []
  const named = new Set<string>()
  for (const { name, of } of members) if (of.length === 1 && of[0] === 'variables') named.add(name)
  // Where a name is computed it may be any of them.
  const computed = named.size === 0 || members.some(({ of }) => of[0] === 'variables' && of[1] === '*')
  return earlier.flatMap(({ name }, index) => (computed || named.has(name) ? [index] : []))
}

/**
 * Adds `variables.<name>` to an activation: each is evaluated when it is first read, after those that it may read itself, and
 * sees no later ones. Reading one that failed is an error, whatever asks for it: else what costs too much on a large call could
 * look like what is not there.
 */
export function withVariables(
  outer: Activation,
  variables: readonly VariableProgram[],
  budget: CostBudget,
): Activation {
  if (variables.length === 0) return outer
  const names = variables.map(({ name }) => name)
  const known: (EvaluatedValue | undefined)[] = []
  const before = (end: number): Activation => {
    const fields = new CelFields(names, name => {
      const index = names.indexOf(name)
      return index < 0 || index >= end ? undefined : evaluated(index)
    })
    return name => (name === 'variables' ? fields : outer(name))
  }
  // What is needed goes first, so that evaluations do not stand inside of one another, each with a budget of its own.
  const evaluated = (index: number): EvaluatedValue | undefined => {
    const variable = variables[index]
    if (variable === undefined || known[index] !== undefined) return known[index]
    for (const need of variable.needs) evaluated(need)
    const value = variable.program.evaluateValue(before(index), budget)
    known[index] = value
    return value
  }
  return before(variables.length)
}

/** Checks of the authorizer whose answers are not there. */
export type Unanswered = readonly AuthorizationRequest[]

export type Condition = 'true' | 'false' | 'error' | { readonly unanswered: Unanswered }

/** As in Kubernetes' match conditions: any false wins over an error. What is not known yet may still be false. */
export function evaluateConditions(
  conditions: readonly NamedProgram[],
  activation: Activation,
  budget: CostBudget,
): Condition {
  let result: Condition = 'true'
  const unanswered: AuthorizationRequest[] = []
  for (const { program } of conditions) {
    if (budget.spent) {
      result = 'error'
      break
    }
    const evaluated = program.evaluate(activation, budget)
    if (!evaluated.ok) {
      if (evaluated.suspended === undefined) result = 'error'
      else unanswered.push(...evaluated.suspended)
    } else if (evaluated.value === false) return 'false'
    else if (evaluated.value !== true) result = 'error'
  }
  return unanswered.length === 0 ? result : { unanswered }
}

/** A string result, trimmed; undefined when it is not one. */
export function asText(value: CelOutput): string | undefined {
  return typeof value === 'string' ? value.trim() : undefined
}
