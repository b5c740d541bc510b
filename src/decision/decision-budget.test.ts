import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../test/support/inbound.js'
import { policyDocument, setUpServer } from '../../test/support/judge.js'
import { CostBudget } from '../cel/environment.js'
import { limits } from '../cel/limits.js'
import { decisionBudget } from '../policy/decision-budget.js'
import { policyEnvironment } from '../policy/expression-environment.js'

/** True, and nearly as costly as one expression may be, over the list of 110. */
const costly = 'args.list.all(a, args.list.exists(b, b == "never" || b != a))'
const quadratic = 'args.list.all(a, !args.list.exists(b, b == "never" + a))'
const list = Array.from({ length: 100 }, (_, i) => `item-${i}`)

function guard(name: string, expression: string, more: object = {}): string {
  return policyDocument('Guardrail', name, { match: { servers: ['srv'] }, validations: [{ expression }], ...more })
}

function many(count: number, more: object = {}): readonly string[] {
  return Array.from({ length: count }, (_, i) => guard(`rule-${String(i).padStart(3, '0')}`, quadratic, more))
}

/** What one evaluation of the rule takes. */
function unitsOf(expression: string): number {
  const compiled = policyEnvironment.compile(expression, 'bool')
  if (!compiled.ok) throw new Error(compiled.error.message)
  const budget = new CostBudget(10 * limits.budget)
  const args = new Map([['list', list]])
  const evaluated = compiled.program.evaluate(name => (name === 'args' ? args : undefined), budget)
  expect(evaluated).toEqual({ ok: true, value: true })
  return 10 * limits.budget - budget.left
}

const call = toolsCall('read', { list })

describe('the cost budget of a decision', () => {
  it('is ten times what one expression may cost, and the rules of this test come near to that', () => {
    expect(decisionBudget).toBe(10 * limits.budget)
    expect(unitsOf(quadratic)).toBeGreaterThan(0.8 * limits.budget)
    expect(unitsOf(costly)).toBeLessThan(limits.budget)
  })

  it('pays for a few costly rules', () => {
    expect(setUpServer({}, many(10))(call).verdict).toBe('allow')
  })

  it('denies in bounded time where 200 of them look at one argument, and names the costliest', () => {
    const judge = setUpServer({}, many(200))
    judge(call)
    const start = performance.now()
    const { decision, verdict } = judge(call)
    const all = performance.now() - start
    expect(verdict).toBe('guardrail.error')
    expect(decision.failure).toMatchObject({ stage: 'guardrail' })
    expect(decision.failure?.message).toContain(`more than the ${decisionBudget} units that one decision has`)
    expect(decision.failure?.message).toContain('most of them in Guardrail/rule-0')
    expect(decision.failure?.hints.join()).toContain('size(args.items) <= 100')
    // Rules that come later are not evaluated: it takes no longer than the dozen that the budget pays for.
    const few = setUpServer({}, many(20))
    few(call)
    const begin = performance.now()
    few(call)
    expect(all).toBeLessThan(5 * (performance.now() - begin) + 100)
  })

  it('says nothing of the arguments', () => {
    const { decision } = setUpServer({}, many(30))(call)
    expect(JSON.stringify(decision.failure)).not.toContain('item-')
  })

  it('does not go on with conditions, variables and messages either', () => {
    const rule = (name: string) =>
      policyDocument('Guardrail', name, {
        match: { servers: ['srv'] },
        matchConditions: [{ name: 'slow', expression: quadratic }],
        variables: [{ name: 'slow', expression: quadratic }],
        validations: [{ expression: 'variables.slow', messageExpression: `${quadratic} ? 'a' : 'b'` }],
      })
    const documents = Array.from({ length: 20 }, (_, i) => rule(`v-${i + 10}`))
    const { verdict, decision } = setUpServer({}, documents)(call)
    expect(verdict).toBe('guardrail.error')
    expect(decision.failure?.message).toContain('most of them in Guardrail/v-')
  })

  it('is shared by the messages of a batch', () => {
    const judge = setUpServer({ batches: 'legacy' }, many(4))
    const batch = (size: number) => Array.from({ length: size }, (_, i) => toolsCall('read', { list }, i + 1))
    expect(judge(batch(2)).verdict).toBe('allow')
    const { verdict, records } = judge(batch(8))
    expect(verdict).toBe('guardrail.error')
    expect(new Set(records.map(record => record.reason))).toEqual(new Set(['message.batch', 'guardrail.error']))
  })

  it('is new for every decision', () => {
    const judge = setUpServer({}, many(10))
    for (let i = 0; i < 4; i++) expect(judge(call).verdict).toBe('allow')
  })

  it('is not used up by rules that only watch', () => {
    const watching = [
      ...many(30, { mode: 'Audit' }),
      ...Array.from({ length: 30 }, (_, i) => guard(`warn-${i}`, quadratic, { mode: 'Warn' })),
    ]
    const strict = guard('z-strict', `${quadratic} && args.list.size() < 1000`)
    const { verdict, decision } = setUpServer({}, [...watching, strict])(call)
    expect(verdict).toBe('allow')
    expect(decision.would.map(failed => failed.reason)).toContain('guardrail.error')
    expect(decision.warnings.join()).toContain('units that one decision has')
  })

  it('leaves headers out that it cannot pay for', () => {
    const enrichment = policyDocument('Enrichment', 'slow', {
      match: { servers: ['srv'] },
      requestHeaders: [
        { name: 'x-mcp-authz-early', valueExpression: `'early'` },
        ...Array.from({ length: 7 }, (_, i) => ({
          name: `x-mcp-authz-a${i}`,
          valueExpression: `${quadratic} ? 'yes' : 'no'`,
        })),
      ],
    })
    const { verdict, decision } = setUpServer({}, [...many(8), enrichment])(call)
    expect(verdict).toBe('allow')
    const set = decision.answer.kind === 'allow' ? decision.answer.setHeaders.map(({ name }) => name) : []
    expect(set).toContain('x-mcp-authz-early')
    expect(set).not.toContain('x-mcp-authz-a6')
  })

  it('gives nothing by a Grant whose conditions it cannot pay for', () => {
    const slow = (i: number) =>
      policyDocument('Grant', `slow-${i}`, {
        match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
        matchConditions: [
          { name: 'slow', expression: `${quadratic} && ${i === 19 ? 'true' : 'args.list.size() == 1'}` },
        ],
      })
    const grants = Array.from({ length: 20 }, (_, i) => slow(i + 10))
    expect(setUpServer({}, grants, { tools: ['other'] })(call).verdict).toBe('allow')
    expect(setUpServer({}, grants.toReversed().slice(0, 10), { tools: ['other'] })(call).verdict).toBe(
      'authorization.grant',
    )
  })
})
