import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import type { Call } from '../protocol/call.js'
import { foldKey } from '../protocol/fold-key.js'
import type { JsonValue } from '../protocol/json-value.js'
import { checkArguments } from './check-arguments.js'
import { createDecide } from './create-decide.js'

const document = (kind: string, name: string, spec: unknown) =>
  JSON.stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind, metadata: { name }, spec })

/** The reason of the decision on a call of a server without catalogue that this guards; undefined if allowed. */
function judge(guard: string | object, message: { readonly args: unknown } | { readonly body: unknown }) {
  const spec = typeof guard === 'string' ? { match: { servers: ['pay'] }, validations: [{ expression: guard }] } : guard
  const files = {
    's.yaml': document('Server', 'pay', {
      resource: 'https://pay.example.com/mcp',
      require: ['grants'],
      ...('body' in message && { protocol: 'json' }),
    }),
    'g.yaml': document('Grant', 'everybody', {
      match: { servers: ['pay'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
    }),
    'r.yaml': document('Guardrail', 'cap', spec),
  }
  const store = storeOf([memorySource(files)], namesAsTokens({ alice: person('alice') }))
  const report = store.load()
  if (!report.inForce) throw new Error(report.findings.map(finding => finding.message).join('\n'))
  const body = 'body' in message ? JSON.stringify(message.body) : toolsCall('pay', message.args)
  const headers = { authorization: 'Bearer alice' }
  const decision = createDecide({ snapshot: () => store.current })(
    inbound({ authority: 'pay.example.com', headers, body }),
  )
  if (decision instanceof Promise) throw new Error('the pipeline waited')
  return decision.failure?.reason
}

const cap = '!has(args.amount) || args.amount <= 100'
const orderCap = '!has(args.order) || args.order.amount <= 100'
const linesCap = '!has(args.lines) || args.lines.all(l, !has(l.amount) || l.amount <= 100)'

describe('a caller who spells an argument of a guarded tool without catalogue', () => {
  it.each<[string, string, unknown, string | undefined]>([
    ['exactly, within the cap', cap, { amount: 1 }, undefined],
    ['exactly, above the cap', cap, { amount: 1000 }, 'guardrail.violated'],
    ['in upper case', cap, { Amount: 1000 }, 'message.argument'],
    ['both ways', cap, { amount: 1, Amount: 1000 }, 'message.folded_key'],
    ['with a long s', '!has(args.size)', { ſize: 1 }, 'message.argument'],
    ['in lower case, where the policy does not', '!has(args.userId)', { userid: 1 }, 'message.argument'],
    ['otherwise altogether', cap, { total: 1000 }, undefined],
    ['wrongly in an object', orderCap, { order: { Amount: 1000, amount: 1 } }, 'message.argument'],
    ['wrongly above an object', orderCap, { Order: { amount: 1000 } }, 'message.argument'],
    ['exactly in an object', orderCap, { order: { amount: 1 } }, undefined],
    ['wrongly in a list', linesCap, { lines: [{ amount: 1 }, { AMOUNT: 1000 }] }, 'message.argument'],
    ['wrongly in lists of lists', linesCap, { lines: [], x: [[[{ AMOUNT: 1000 }]]] }, 'message.argument'],
    ['twice in an object', cap, { order: { x: 1, X: 2 } }, 'message.argument'],
    ['through an index', 'args["amount"] <= 100', { amount: 1, x: { Amount: 1 } }, 'message.argument'],
    ['through "in"', '!("force" in args)', { Force: true }, 'message.argument'],
    ['through mcp.params', '!has(mcp.params.arguments.force)', { Force: true }, 'message.argument'],
    ['like a field of the user', 'user.username != "mallory"', { userName: 'x', ID: 1 }, undefined],
    ['like a field of the tool', 'mcp.tool.name != "x"', { Name: 'x', Tool: 1 }, undefined],
  ])('%s', (_name, guard, args, reason) => expect(judge(guard, { args })).toBe(reason))

  it('as variables and match conditions do not', () => {
    const spec = (more: object) => ({ match: { servers: ['pay'] }, validations: [{ expression: 'false' }], ...more })
    const condition = spec({ matchConditions: [{ name: 'large', expression: 'has(args.amount) && args.amount > 9' }] })
    expect(judge(condition, { args: { x: 1 } })).toBeUndefined()
    expect(judge(condition, { args: { Amount: 10 } })).toBe('message.argument')
    const variable = {
      match: { servers: ['pay'] },
      variables: [{ name: 'Total', expression: 'has(args.amount) ? args.amount : 0' }],
      validations: [{ expression: 'variables.Total < 9' }],
    }
    expect(judge(variable, { args: { total: 10 } })).toBeUndefined()
    expect(judge(variable, { args: { Amount: 10 } })).toBe('message.argument')
  })

  it('that no matching policy looks for', () => {
    const other = { match: { servers: ['pay'], tools: ['refund'] }, validations: [{ expression: cap }] }
    expect(judge(other, { args: { Amount: 1000 } })).toBeUndefined()
  })
})

describe('a caller who spells a field of a guarded JSON body', () => {
  const guard = (expression: string) => ({
    match: { servers: ['pay'], methods: ['json'] },
    validations: [{ expression }],
  })
  it.each<[string, string, unknown, string | undefined]>([
    ['exactly', 'args.model == "small"', { model: 'small' }, undefined],
    ['both ways', 'args.model == "small"', { model: 'small', Model: 'large' }, 'message.argument'],
    ['wrongly', '!has(args.model)', { Model: 'large' }, 'message.argument'],
    ['twice, though no policy cares', 'true', { a: [{ x: 1, X: 2 }] }, 'message.argument'],
    ['wrongly in a list', '!args.messages.exists(m, has(m.tool))', { messages: [{ Tool: 1 }] }, 'message.argument'],
  ])('%s', (_name, expression, body, reason) => expect(judge(guard(expression), { body })).toBe(reason))
})

const callOf = (args: ReadonlyMap<string, JsonValue>): Call => ({
  protocol: 'mcp',
  kind: 'request',
  era: 'modern',
  version: undefined,
  id: '1',
  method: 'tools/call',
  target: { kind: 'tool', name: 'pay' },
  alsoTargets: [],
  params: undefined,
  arguments: args,
  sessionId: undefined,
})

it('lets nothing through that a reader who ignores case sees otherwise', () => {
  const names = ['amount', 'userId', 'task', 'S']
  const looked = [new Set(names.slice(0, 2)), new Set(names.slice(2))]
  const key = fc.constantFrom(...names, 'Amount', 'userid', 'USERID', 'tas\u212a', 'ta\u017fk', 's', 'x', 'X', 'é', 'É')
  const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(entries => new Map(entries)),
    ),
  })).value
  /** Whether each name means the same member, or none, to those who ignore case; and no two keys are one to them. */
  const alike = (item: JsonValue): boolean => {
    if (Array.isArray(item)) return item.every(alike)
    if (!(item instanceof Map)) return true
    const seen = [...item.keys()]
    if (new Set(seen.map(foldKey)).size < seen.length) return false
    return (
      names.every(name => item.has(name) || !seen.some(other => foldKey(other) === foldKey(name))) &&
      [...item.values()].every(alike)
    )
  }
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 4 }), entries => {
      const args = new Map(entries)
      const failure = checkArguments(callOf(args), undefined, () => looked)
      expect(failure === undefined).toBe(alike(args))
    }),
    { numRuns: 1000 },
  )
})

it.each([
  ['a name that is looked for', ['userId'], true],
  ['one of two that differ only in case', ['userid'], true],
  ['both of them', ['userId', 'userid'], false],
  ['both of them, and another', ['amount', 'userId', 'userid'], false],
  ['two beside them', ['userId', 'x', 'X'], false],
])('judges %s, where policies look for names that differ only in case', (_name, keys, good) => {
  const looked = [new Set(['amount', 'userId', 'userid'])]
  const args = new Map(keys.map(key => [key, 1n]))
  expect(checkArguments(callOf(args), undefined, () => looked) === undefined).toBe(good)
  const inside = new Map([['amount', [args]]])
  expect(checkArguments(callOf(inside), undefined, () => looked) === undefined).toBe(good)
})

it('takes no long time for as many keys as a message can have', () => {
  const looked = [new Set(['amount', 'userId'])]
  const lines = Array.from(
    { length: 5000 },
    (_, n) =>
      new Map([
        [`Key${n}`, null],
        ['é'.repeat(300), null],
      ]),
  )
  const start = performance.now()
  expect(checkArguments(callOf(new Map([['lines', lines]])), undefined, () => looked)).toBeUndefined()
  expect(performance.now() - start).toBeLessThan(500)
})
