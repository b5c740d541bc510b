import { typeName } from '../../src/cel/types/type.js'
import type { Value } from '../../src/cel/values/value.js'
import { kindOf, saysSame } from './error-kind.js'
import { prepare } from './kubernetes-program.js'
import type { RecordedCase } from './recorded-cases.js'
import { normal, tagged } from './tagged-value.js'

export interface Difference {
  readonly line: number
  readonly expression: string
  readonly what: 'compiles' | 'type' | 'value' | 'error' | 'too cheap' | 'too dear'
  readonly ours: unknown
  readonly theirs: unknown
}

export type Values = Readonly<Record<string, Value>>

/**
 * Units by which costs may differ beside the factor of two: cel-go takes nothing for the names in a condition's branches
 * and for what its optimiser works out, and we take a unit for a call that cel-go has for nothing. A handful of units is
 * less than what calling the evaluator takes.
 */
export const allowance = 5

/** How our engine differs from the recording; empty if it does not. */
export function compareCase(
  recorded: RecordedCase,
  values: Values,
  prepared = prepare(recorded.expression),
): Difference[] {
  const { line, expression, outcome } = recorded
  const differs = (what: Difference['what'], ours: unknown, theirs: unknown): Difference => ({
    line,
    expression,
    what,
    ours,
    theirs,
  })
  if (!prepared.ok) return outcome.kind === 'compile' ? [] : [differs('compiles', prepared.message, outcome)]
  if (outcome.kind === 'compile') return [differs('compiles', typeName(prepared.type), 'not')]
  const differences: Difference[] = []
  const type = goType(typeName(prepared.type))
  if (type !== goType(recorded.type)) differences.push(differs('type', type, recorded.type))
  const result = prepared.program.evaluate(name => values[name])
  if (outcome.kind === 'value') {
    const ours = result.ok ? tagged(result.value) : `! ${result.error.message}`
    const theirs = normal(outcome.value)
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) differences.push(differs('value', ours, theirs))
  } else {
    const { error } = outcome
    if (result.ok) differences.push(differs('error', tagged(result.value), error))
    else if (!saysSame(result.error.message, error)) {
      differences.push(differs('error', `${kindOf(result.error.message)}: ${result.error.message}`, error))
    }
  }
  const { cost } = recorded
  if (cost === undefined) return differences
  const most = prepared.unfolded.evaluate(name => prepared.constants.get(name) ?? values[name]).cost
  // What fails early need not have cost anything.
  if (outcome.kind === 'value' && cost > 2 * most + allowance) differences.push(differs('too cheap', most, cost))
  if (result.cost > 2 * cost + allowance) differences.push(differs('too dear', result.cost, cost))
  return differences
}

/** As cel-go writes it; it forgets that what may be null stands in a list after what may not. */
function goType(name: string): string {
  return name
    .replaceAll('wrapper(int)', 'int')
    .replace(/type\(type\(\w+\)\)/g, 'type(type)')
    .replaceAll('null_type', 'null')
}
