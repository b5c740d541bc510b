import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import type { JsonObject, JsonValue } from '../protocol/json-value.js'
import { DecisionBudget } from './decision-budget.js'
import { compileGuardrail, type Violation } from './guardrail.js'

function judge(variables: string, rule: string, args: JsonObject): readonly Violation[] {
  const text = `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: g }
spec:
  variables: [${variables}]
  validations: [{ expression: '${rule}' }]
`
  const [document] = readDocuments('g.yaml', text).documents
  const guardrail = document && compileGuardrail(document).value
  if (guardrail === undefined) throw new Error('does not compile')
  return guardrail.evaluate(name => (name === 'args' ? args : undefined), new DecisionBudget()).violations
}

const items = (size: number): JsonValue => Array.from({ length: size }, (_, i) => BigInt(i))
const bad = '{ name: bad, expression: "args.items.filter(a, args.items.exists(b, a == b && a < 0))" }'

/** A caller chooses how large the arguments are, so what costs too much must not look like what is not there. */
describe('a variable that cannot be evaluated', () => {
  it.each([
    '!has(variables.bad) || variables.bad.size() == 0',
    'variables.?bad.orValue([]).size() == 0',
    'variables[?"bad"].orValue([]).size() == 0',
    '!("bad" in variables)',
    '!variables.exists(k, k == "bad" && variables[k].size() > 0)',
  ])('is a violation: %s', rule => {
    expect(judge(bad, rule, new Map([['items', items(2000)]]))).toMatchObject([
      { reason: 'guardrail.error', message: expect.stringContaining('variables.bad could not be evaluated') },
    ])
  })

  it('says why, and where in the variable', () => {
    const [violation] = judge('{ name: limit, expression: "args.limit * 2" }', 'variables.limit < 3', new Map())
    expect(violation?.message).toBe(
      'the guardrail g could not be judged: variables.limit could not be evaluated: no such key: limit (at 1:5)',
    )
  })

  it('does not matter to who does not read it', () => {
    const variables = `${bad}, { name: other, expression: "args.items.size()" }`
    expect(judge(variables, 'variables.other == 2000', new Map([['items', items(2000)]]))).toEqual([])
    expect(
      judge(variables, 'variables.other == 2000 || variables.bad == []', new Map([['items', items(2000)]])),
    ).toEqual([])
  })

  it('is none where it can be evaluated', () => {
    expect(judge(bad, 'variables.?bad.orValue([1]).size() == 0', new Map([['items', items(3)]]))).toEqual([])
  })
})
