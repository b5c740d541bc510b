import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { person, through } from '../../../test/support/policies.js'
import type { Principal } from '../../identity/principal.js'
import { toolCallMessage } from '../hypothetical-request.js'
import { grant, guardrail, role, server, testSet } from '../replay/replay.fixture.js'
import { type Asking, type CanI, canCall, canSend } from './can-i.js'
import { listCallable } from './list-callable.js'

const alice = person('alice', ['dev'], { scopes: ['a'] })

function asking(documents: readonly string[], principal: Principal = alice): Asking {
  const { snapshot } = testSet(documents, {})
  const found = snapshot.servers.byName('srv')
  if (found === undefined) throw new Error('no Server')
  return { snapshot, server: found, principal, now: Date.UTC(2026, 0, 15, 9) }
}

function told({ answer, whatever, on, why }: CanI): string {
  const always = whatever ? ' always' : ''
  return `${answer}${always}${on.length > 0 ? ` ${on.join(', ')}` : ''}${why === undefined ? '' : ` ${why.reason}`}`
}

const srv = server('srv')
const everybody = grant('everybody')
const kubernetes = (spec: object = {}) =>
  server('srv', { catalog: 'kubernetes-mcp-server', require: ['operations'], ...spec })
const readers = (namespace?: string) =>
  role(
    'readers',
    { kind: 'User', name: 'alice' },
    [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }],
    namespace,
  )

describe('whatever its arguments, a tool', () => {
  it.each<[string, readonly string[], string, string, Principal?]>([
    ['can be called that a Grant gives', [srv, everybody], 'pay', 'yes always'],
    ['cannot that nothing gives', [srv], 'pay', 'no always authorization.grant'],
    ['cannot that lacks a scope', [srv, grant('g', { scopes: ['b'] })], 'pay', 'no always authorization.scope'],
    ['can that needs a scope that is there', [srv, grant('g', { scopes: ['a'] })], 'pay', 'yes always'],
    ['depends on what a Guardrail looks at', [srv, everybody, guardrail('g', 'args.n < 5')], 'pay', 'depends args.n'],
    [
      'depends on what a condition of a Grant looks at',
      [srv, grant('g', { matchConditions: [{ name: 'c', expression: "args.to == 'x' && 'dev' in user.groups" }] })],
      'pay',
      'depends args.to',
    ],
    [
      'can where another Grant gives without conditions',
      [srv, grant('a', { matchConditions: [{ name: 'c', expression: "args.to == 'x'" }] }), grant('b')],
      'pay',
      'yes always',
    ],
    [
      'cannot at this hour',
      [srv, everybody, guardrail('h', "request.time.getHours('UTC') < 8")],
      'pay',
      'no always guardrail.violated',
    ],
    ['can in Audit, whatever would be denied', [server('srv', { mode: 'Audit' })], 'pay', 'yes always'],
    [
      'cannot by an agent that a Guardrail keeps out',
      [srv, everybody, guardrail('p', '!principal.throughAgent')],
      'pay',
      'no always guardrail.violated',
      through(alice, 'bot'),
    ],
    ['cannot that the catalogue does not have', [kubernetes()], 'pay', 'no always authorization.tool_unknown'],
    [
      'cannot without the prefix',
      [server('srv', { toolPrefix: 'k_' }), everybody],
      'pay',
      'no always authorization.tool_unknown',
    ],
    [
      'can with the prefix',
      [server('srv', { toolPrefix: 'k_' }), grant('g', { match: { tools: ['pay'] } })],
      'k_pay',
      'yes always',
    ],
    ['can that is allowed everywhere', [kubernetes(), ...readers()], 'pods_list_in_namespace', 'yes always'],
    [
      'depends on the arguments where it is allowed in one namespace',
      [kubernetes(), ...readers('a')],
      'pods_list_in_namespace',
      'depends arguments',
    ],
    ['cannot that is allowed nowhere', [kubernetes()], 'pods_list_in_namespace', 'no always authorization.rbac'],
    [
      'depends on the tool that it calls',
      [kubernetes({ metaTools: [{ tool: 'call_tool' }] }), ...readers()],
      'call_tool',
      'depends the tool that it calls',
    ],
  ])('%s', async (_, documents, name, expected, principal) => {
    expect(told(await canCall(asking(documents, principal), { kind: 'tool', name }))).toBe(expected)
  })

  it('names the operation that is refused', async () => {
    const { why } = await canCall(asking([kubernetes()]), { kind: 'tool', name: 'pods_list_in_namespace' })
    expect(why?.message).toContain('user "alice" cannot list resource "pods"')
  })
})

it('costs too much to be foreseen, so it depends', async () => {
  const costly =
    "['a','b','c','d','e','f','g','h'].all(a, ['a','b','c','d','e','f','g','h'].all(b, ['a','b','c','d','e','f','g','h'].all(c, ['a','b','c','d','e','f','g','h'].all(d, ['a','b','c','d','e','f','g','h'].all(e, a+b+c+d+e != user.username)))))"
  const can = await canCall(asking([srv, everybody, guardrail('g', costly)]), { kind: 'tool', name: 'pay' })
  expect(told(can)).toBe('depends rules that cost too much to be foreseen')
})

it('is judged as in service with its arguments', async () => {
  const set = asking([srv, everybody, guardrail('g', 'args.n < 5')])
  expect(told(await canSend(set, toolCallMessage('pay', '{"n":3}')))).toBe('yes')
  expect(told(await canSend(set, toolCallMessage('pay', '{"n":7}')))).toBe('no guardrail.violated')
})

it('never says of any arguments what is not so for some', async () => {
  const expressions = [
    'args.n < 5',
    "args.?x.orValue('y') != 'z'",
    'size(args) < 2',
    "'a' in scopes",
    "has(args.n) || user.username == 'bob'",
    'args.all(k, k != "q")',
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(expressions),
      fc.constantFrom('&&', '||'),
      fc.record({ n: fc.integer(), x: fc.constantFrom('y', 'z'), q: fc.boolean() }, { requiredKeys: [] }),
      async (parts, operator, args) => {
        const documents = parts.length === 0 ? [] : [guardrail('g', parts.map(part => `(${part})`).join(operator))]
        const set = asking([srv, everybody, ...documents])
        const always = await canCall(set, { kind: 'tool', name: 'pay' })
        if (always.answer === 'depends') return
        const one = await canSend(set, toolCallMessage('pay', JSON.stringify(args)))
        expect(one.answer).toBe(always.answer)
      },
    ),
    { numRuns: 60 },
  )
})

it('lists all that the catalogue names', async () => {
  const listed = await listCallable(asking([kubernetes(), ...readers('a')]))
  expect(listed?.find(({ name }) => name === 'pods_list_in_namespace')?.can.answer).toBe('depends')
  expect(listed?.find(({ name }) => name === 'pods_exec')?.can.answer).toBe('no')
  expect(await listCallable(asking([srv]))).toBeUndefined()
})
