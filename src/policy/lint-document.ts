import type { CelFacts, LintCode } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { policyEnvironment, quietEnvironment } from './expression-environment.js'
import { expressionsOf, type PlacedExpression } from './expression-places.js'
import { identityFacts, resultFacts, withVariableNames } from './policy-facts.js'
import { resultEnvironment } from './result-guardrail-environment.js'

/** A warning about an expression that compiles. The code is stable; docs/documents.md lists them. */
export interface LintFinding extends Finding {
  readonly code: LintCode
}

/** Lints every expression of a document that compiles. For authors' tools: a service at work does not look. */
export function lintDocument(document: SourceDocument): readonly LintFinding[] {
  const expressions = expressionsOf(document)
  const names = variableNames(document)
  const facts = factsOf(names)
  return [
    ...unusedVariables(document, expressions, names),
    ...expressions.flatMap(expression => lint(document, expression, facts(expression.environment))),
  ]
}

function lint(
  document: SourceDocument,
  { path, source, environment, result }: PlacedExpression,
  known: CelFacts,
): readonly LintFinding[] {
  // Compiling a policy warns of what is costly, and tells what it leads to.
  const issues = environment
    .lint(source, result, known)
    .filter(({ code }) => code !== 'costly' || !ofPolicies(environment))
  return issues.map(({ code, message, hint, line, column }) => {
    const extra = { ...(hint !== undefined && { hint }), offset: { line, column } }
    return { ...document.finding('warning', path, message, extra), code }
  })
}

function factsOf(names: readonly string[]): (environment: PlacedExpression['environment']) => CelFacts {
  const [policies, results] = [withVariableNames(names), withVariableNames(names, resultFacts)]
  return environment =>
    environment === resultEnvironment ? results : ofPolicies(environment) ? policies : identityFacts
}

function ofPolicies(environment: PlacedExpression['environment']): boolean {
  return environment === policyEnvironment || environment === quietEnvironment || environment === resultEnvironment
}

function variableNames({ value }: SourceDocument): readonly string[] {
  const list = valueAt(value, ['spec', 'variables'])
  if (!Array.isArray(list)) return []
  return list.map((_, index) => {
    const name = valueAt(value, ['spec', 'variables', index, 'name'])
    return typeof name === 'string' ? name : ''
  })
}

/** Of a Grant they are all unused, which compiling it reports. A name that begins with `_` is exempt. */
function unusedVariables(
  document: SourceDocument,
  expressions: readonly PlacedExpression[],
  names: readonly string[],
): readonly LintFinding[] {
  if (document.kind === 'Grant' || names.length === 0) return []
  const used = new Set<string>()
  for (const { source, environment, result } of expressions) {
    const compiled = environment.compile(source, result)
    // What does not compile may have read anything.
    if (!compiled.ok) return []
    const { variables, members } = compiled.program
    if (!variables.has('variables')) continue
    const read = members.filter(({ of: [variable, first] }) => variable === 'variables' && first === undefined)
    const computed = read.length === 0 || members.some(({ of }) => of[0] === 'variables' && of[1] === '*')
    if (computed) return []
    for (const { name } of read) used.add(name)
  }
  return names.flatMap((name, index) => {
    if (name === '' || name.startsWith('_') || used.has(name)) return []
    const finding = document.finding(
      'warning',
      ['spec', 'variables', index, 'name'],
      `nothing in this ${document.kind} reads variables.${name}`,
      { hint: 'remove it, or let its name begin with _' },
    )
    return [{ ...finding, code: 'unused-variable' }]
  })
}
