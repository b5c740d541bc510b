import type { SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import { policyApiVersion } from '../../policy/document-schema.js'
import { compileGuardrail } from '../../policy/guardrail.js'
import type { ForeseenCalls } from './foreseen-calls.js'

/**
 * What is certain of a rule for some calls, whoever makes them. kept: it objects to none. violated: to all; failed: to all,
 * because it cannot be evaluated. open: that hangs on the call.
 */
export type Certainty = 'kept' | 'violated' | 'failed' | 'open'

/** One condition of a document, or all of its match conditions, to be asked about calls. */
export interface ForeseenRule {
  foresee(calls: ForeseenCalls, absent?: string): Certainty
}

/** All match conditions: `kept` means that they do not hold, `violated` that they do. undefined without any. */
export function conditionsOf(document: SourceDocument): ForeseenRule | undefined {
  const matchConditions = valueAt(document.value, ['spec', 'matchConditions'])
  return matchConditions === undefined ? undefined : compiled(document, { matchConditions }, 'false')
}

/** One validation by itself, with the variables of its document. */
export function validationOf(document: SourceDocument, index: number): ForeseenRule | undefined {
  const expression = expressionAt(document, index)
  const variables = valueAt(document.value, ['spec', 'variables'])
  return expression === undefined
    ? undefined
    : compiled(document, variables === undefined ? {} : { variables }, expression)
}

/** How many validations a Guardrail has. */
export function validationsOf({ value }: SourceDocument): readonly number[] {
  const list = valueAt(value, ['spec', 'validations'])
  return Array.isArray(list) ? [...list.keys()] : []
}

export function expressionAt({ value }: SourceDocument, index: number): string | undefined {
  const expression = valueAt(value, ['spec', 'validations', index, 'expression'])
  return typeof expression === 'string' ? expression : undefined
}

function compiled(document: SourceDocument, parts: object, expression: string): ForeseenRule | undefined {
  const { name } = document
  const spec = { ...parts, validations: [{ expression }] }
  const value = { apiVersion: policyApiVersion, kind: 'Guardrail', metadata: { name }, spec }
  const guardrail = compileGuardrail({ ...document, kind: 'Guardrail', value }).value
  return (
    guardrail && {
      foresee(calls, absent) {
        const { violation, on } = guardrail.foresee(calls.foresight(absent))
        if (violation !== undefined) return violation.reason === 'guardrail.error' ? 'failed' : 'violated'
        return on.length === 0 ? 'kept' : 'open'
      },
    }
  )
}
