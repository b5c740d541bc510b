import { isDeepStrictEqual } from 'node:util'
import { fromSpec } from '../../src/cel/types/spec-types.fixture.js'
import { typeName } from '../../src/cel/types/type.js'
import { typeOf } from '../../src/cel/values/type-of.js'
import type { Value } from '../../src/cel/values/value.js'
import { expectedError } from './error-kinds.js'
import { isKnownFunction, type Outcome, runCase } from './run-case.js'
import type { SpecTest, SpecValue } from './spec-case.js'
import { specValue } from './spec-value.js'

/** undefined if a case does what the suite wants, else what is wrong. */
export function judgeCase(test: SpecTest, run: (test: SpecTest) => Outcome = runCase): string | undefined {
  const outcome = run(test)
  const { resultMatcher: wanted } = test
  switch (wanted.case) {
    case 'value':
      return valueProblem(outcome, specValue(wanted.value))
    case undefined:
      // cel-spec, test.proto: without a matcher, the case wants true.
      return valueProblem(outcome, true)
    case 'typedResult':
      return (
        typeProblem(outcome, wanted.value.deducedType) ??
        (test.checkOnly ? undefined : typedValueProblem(outcome, wanted.value.result))
      )
    case 'evalError': {
      const texts = wanted.value.errors.map(({ message }) => message)
      return errorProblem(outcome, test.expr, texts)
    }
    default:
      return `the suite wants ${wanted.case}, which this runner does not know`
  }
}

/** What the checker made of a case that wants a type, whatever its value is. */
export function judgeType(test: SpecTest): string | undefined {
  const { resultMatcher: wanted } = test
  return wanted.case === 'typedResult'
    ? typeProblem(runCase({ ...test, checkOnly: true }), wanted.value.deducedType)
    : undefined
}

function valueProblem(outcome: Outcome, wanted: Value | undefined): string | undefined {
  if (outcome.kind === 'error') return `${outcome.stage} error: ${outcome.message}`
  if (outcome.kind !== 'value') return 'was not evaluated'
  if (wanted === undefined) return 'wants what is no value of ours'
  return isDeepStrictEqual(outcome.value, wanted) ? undefined : `gave another ${typeOf(outcome.value)}`
}

function typedValueProblem(outcome: Outcome, wanted: SpecValue | undefined): string | undefined {
  if (wanted !== undefined) return valueProblem(outcome, specValue(wanted))
  return outcome.kind === 'value' ? undefined : 'was not evaluated'
}

type SpecType = Parameters<typeof fromSpec>[0]

function typeProblem(outcome: Outcome, wanted: SpecType): string | undefined {
  if (outcome.kind === 'error') return `${outcome.stage} error: ${outcome.message}`
  const type = fromSpec(wanted)
  if (type === undefined) return 'wants what is no type of ours'
  return outcome.type === typeName(type) ? undefined : `has the type ${outcome.type}, not ${typeName(type)}`
}

/**
 * Errors are wanted from evaluation: no case of the suite may be refused sooner. Of "no such overload", the function must
 * be one that is there.
 */
function errorProblem(outcome: Outcome, expr: string, texts: readonly string[]): string | undefined {
  if (outcome.kind !== 'error') return `wants an error (${texts.join('; ')})`
  const kind = expectedError(expr, texts)
  if (kind === undefined) return `the table of errors does not have: ${texts.join('; ')}`
  if (outcome.stage !== 'run') return `${outcome.stage} error, wanted is one of evaluation: ${outcome.message}`
  if (!kind.ours.test(outcome.message)) return `another error than ${texts.join('; ')}: ${outcome.message}`
  const called = /^no such overload: ([^\s(]+)\(/.exec(outcome.message)?.[1]
  if (called === undefined || texts.includes('unbound function') || isKnownFunction(called)) return undefined
  return `the function ${called} is missing`
}
