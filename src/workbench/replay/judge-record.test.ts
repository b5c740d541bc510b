import { describe, expect, it } from 'vitest'
import { toolsCall } from '../../../test/support/inbound.js'
import { person, through } from '../../../test/support/policies.js'
import { judgeRecord } from './judge-record.js'
import { describeOutcome } from './outcome.js'
import { grant, guardrail, recordOf, role, type SendOptions, server, type TestSet, testSet } from './replay.fixture.js'

const alice = person('alice', ['dev'], { tenant: 'acme' })
const people = {
  alice,
  bob: person('bob'),
  bot: through(alice, 'bot'),
  scoped: person('alice', ['dev'], { scopes: ['pay'] }),
}
const set = (...documents: string[]): TestSet => testSet(documents, people)
const pay = toolsCall('pay', { amount: 50 })
const kubernetes = (spec: object = {}) =>
  server('srv', { catalog: 'kubernetes-mcp-server', require: ['operations'], ...spec })
const readers = (namespace: string | undefined, ...verbs: string[]) =>
  role(
    'readers',
    { kind: 'User', name: 'alice' },
    [{ verbs, apiGroups: [''], resources: ['pods', 'events'] }],
    namespace,
  )

interface Case {
  readonly was: readonly string[]
  readonly candidate: readonly string[]
  readonly message?: unknown
  readonly send?: SendOptions
  /** What the log holds beside what it holds by default. */
  readonly more?: object
  /** Whether the policies of then are known. */
  readonly known?: boolean
}

async function replayed({ was, candidate, message = pay, send = {}, more = {}, known = false }: Case): Promise<string> {
  const before = set(...was)
  const record = recordOf(before.send(message, send).line, more)
  const after = await judgeRecord(record, set(...candidate), known ? before : undefined)
  return 'why' in after ? `? ${after.why}` : describeOutcome(after)
}

const srv = server('srv')
const everybody = grant('everybody')
const capped = guardrail('cap', 'args.amount <= 10')
const audited = guardrail('cap', 'args.amount <= 10', { mode: 'Audit' })
const team = guardrail('team', "claims.team == 'payments'")

describe('a recorded call comes out as', () => {
  it.each<[string, Case, string]>([
    ['before under the same policies', { was: [srv, everybody], candidate: [srv, everybody] }, 'allow'],
    [
      'denied where nobody gives it any more',
      { was: [srv, everybody], candidate: [srv] },
      'deny by authorization.grant',
    ],
    ['allowed where somebody gives it now', { was: [srv], candidate: [srv, everybody] }, 'allow'],
    [
      'denied by a rule about the caller',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('people', '!principal.throughAgent')],
        send: { as: 'bot' },
      },
      'deny by guardrail.violated (Guardrail/people)',
    ],
    [
      'denied by a rule about the hour of then',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('hours', "request.time.getHours('UTC') < 18")],
        send: { now: Date.UTC(2026, 0, 15, 20) },
      },
      'deny by guardrail.violated (Guardrail/hours)',
    ],
    [
      'allowed by a rule about the hour of then',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('hours', "request.time.getHours('UTC') < 18")],
        send: { now: Date.UTC(2026, 0, 15, 9) },
      },
      'allow',
    ],
    [
      'not replayable where a rule looks at arguments',
      { was: [srv, everybody], candidate: [srv, everybody, capped] },
      '? depends on args.amount',
    ],
    [
      'denied by a rule that looks at arguments but fails whatever they are',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('both', 'principal.throughAgent && args.amount < 5')],
      },
      'deny by guardrail.violated (Guardrail/both)',
    ],
    [
      'denied by a rule that looks at recorded arguments',
      { was: [srv, everybody], candidate: [srv, everybody, capped], more: { arguments: { amount: 50 } } },
      'deny by guardrail.violated (Guardrail/cap)',
    ],
    [
      'allowed by a rule about an argument of which another one was left out',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('cap', 'args.amount <= 100')],
        more: { arguments: { amount: 50, note: 'x' }, erased: ['/arguments/note'] },
      },
      'allow',
    ],
    [
      'not replayable where just that argument was masked',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('note', "args.note != 'x'")],
        more: { arguments: { amount: 50, note: '***' }, masked: ['/arguments/note'] },
      },
      '? depends on args.note',
    ],
    [
      'judged with no arguments where the digest says so',
      {
        was: [srv, everybody],
        candidate: [srv, everybody, guardrail('none', 'size(args) == 0')],
        message: toolsCall('pay', {}),
        more: { args_digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' },
      },
      'allow',
    ],
    [
      'not replayable where a rule looks at claims',
      { was: [srv, everybody], candidate: [srv, everybody, team] },
      '? depends on claims.team',
    ],
    [
      'denied although a rule looks at claims, where another one denies for certain',
      { was: [srv, everybody], candidate: [srv, everybody, team, guardrail('zz', 'false')] },
      'deny',
    ],
    [
      'not replayable where a rule looks at headers',
      { was: [srv, everybody], candidate: [srv, everybody, guardrail('h', "request.headers['x-a'] == 'b'")] },
      '? depends on request.headers.x-a',
    ],
    [
      'allowed by a Grant whose scope the token had',
      {
        was: [srv, everybody],
        candidate: [srv, grant('payers', { scopes: ['pay'] })],
        send: { as: 'scoped' },
        more: {
          subject: {
            kind: 'user',
            user: 'alice',
            groups: ['dev', 'system:authenticated'],
            issuer: '',
            scopes: ['pay'],
          },
        },
      },
      'allow',
    ],
    [
      'denied where the token lacks a scope',
      { was: [srv, everybody], candidate: [srv, grant('payers', { scopes: ['pay'] })] },
      'deny by authorization.scope',
    ],
    [
      'allowed under a Server that is put into Audit, with what it would deny',
      { was: [srv], candidate: [server('srv', { mode: 'Audit' })] },
      'allow (would deny: authorization.grant)',
    ],
    [
      'denied under a Server that is taken out of Audit',
      { was: [server('srv', { mode: 'Audit' })], candidate: [srv] },
      'deny by authorization.grant',
    ],
    [
      'not replayable without its Server',
      { was: [srv, everybody], candidate: [server('other')] },
      '? there is no Server "srv"',
    ],
    [
      'denied as a message as before, whatever the policies',
      { was: [srv, everybody], candidate: [srv], message: '{"jsonrpc":"2.0"' },
      'deny by message.not_json',
    ],
    [
      'not replayable where the token was refused',
      { was: [srv, everybody], candidate: [srv, everybody, capped], send: { as: 'nobody' } },
      '? the token is not recorded',
    ],
    [
      'refused for its token as before where nothing about identity changed',
      { was: [srv, everybody], candidate: [srv, everybody, capped], send: { as: 'nobody' }, known: true },
      'deny by identity.signature',
    ],
    [
      'allowed as a base method',
      { was: [srv], candidate: [srv, capped], message: { jsonrpc: '2.0', id: 1, method: 'tools/list' } },
      'allow',
    ],
    [
      'denied as a list where connect is required and RBAC gives none',
      {
        was: [srv],
        candidate: [server('srv', { connect: 'required' }), ...readers(undefined, 'get')],
        message: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      },
      'deny by authorization.connect',
    ],
  ])('%s', async (_, given, expected) => {
    expect(await replayed(given)).toBe(expected)
  })
})

describe('what the record proves of rules that did not change', () => {
  it.each<[string, Case, string]>([
    [
      'a rule that was kept is kept',
      {
        was: [srv, everybody, guardrail('cap', 'args.amount <= 90')],
        candidate: [srv, everybody, guardrail('cap', 'args.amount <= 90'), guardrail('x', 'true')],
      },
      'allow',
    ],
    [
      'a rule that was broken is broken',
      { was: [srv, everybody, capped], candidate: [srv, everybody, capped, guardrail('x', 'true')] },
      'deny by guardrail.violated (Guardrail/cap)',
    ],
    [
      'a rule that would have denied denies once it is enforced',
      { was: [srv, everybody, audited], candidate: [srv, everybody, capped] },
      'deny by guardrail.violated (Guardrail/cap)',
    ],
    [
      'a rule that would not have denied does not',
      {
        was: [srv, everybody, guardrail('cap', 'args.amount <= 90', { mode: 'Audit' })],
        candidate: [srv, everybody, guardrail('cap', 'args.amount <= 90')],
      },
      'allow',
    ],
    [
      'a rule of a Server in Audit that would have denied denies once the Server enforces',
      { was: [server('srv', { mode: 'Audit' }), everybody, capped], candidate: [srv, everybody, capped] },
      'deny by guardrail.violated (Guardrail/cap)',
    ],
    [
      'of a rule that was changed nothing is proven',
      { was: [srv, everybody, capped], candidate: [srv, everybody, guardrail('cap', 'args.amount <= 60')] },
      '? depends on args.amount',
    ],
    [
      'nor of one that comes after the one that denied',
      {
        was: [srv, everybody, guardrail('a', 'args.amount < 5'), guardrail('b', 'args.amount < 6')],
        candidate: [srv, everybody, guardrail('b', 'args.amount < 6')],
      },
      '? depends on args.amount',
    ],
    [
      'nor of any where the Server says more now',
      {
        was: [srv, everybody, guardrail('cap', 'args.amount <= 90')],
        candidate: [server('srv', { toolPrefix: 'a_' }), everybody, guardrail('cap', 'args.amount <= 90')],
      },
      '? depends on args.amount',
    ],
    [
      'a Grant that gave for claims gives',
      {
        was: [srv, grant('g', { matchConditions: [{ name: 'c', expression: "claims.sub == 'alice'" }] })],
        candidate: [
          srv,
          grant('g', { matchConditions: [{ name: 'c', expression: "claims.sub == 'alice'" }] }),
          guardrail('x', 'true'),
        ],
      },
      'allow',
    ],
    [
      'a Grant that did not give does not',
      {
        was: [srv, grant('g', { matchConditions: [{ name: 'c', expression: "claims.sub == 'bob'" }] })],
        candidate: [
          srv,
          grant('g', { matchConditions: [{ name: 'c', expression: "claims.sub == 'bob'" }] }),
          guardrail('x', 'true'),
        ],
      },
      'deny by authorization.grant',
    ],
  ])('%s', async (_, given, expected) => {
    expect(await replayed({ ...given, known: true })).toBe(expected)
  })
})

describe('permissions', () => {
  const listPods = toolsCall('pods_list_in_namespace', { namespace: 'a' })
  it.each<[string, Case, string]>([
    [
      'are those of the RBAC objects beside the policies, asked what the record says',
      {
        was: [kubernetes(), ...readers('a', 'list')],
        candidate: [kubernetes(), ...readers('a', 'get')],
        message: listPods,
      },
      'deny by authorization.rbac',
    ],
    [
      'given in the one namespace that the record names are enough',
      {
        was: [kubernetes(), ...readers(undefined, 'list')],
        candidate: [kubernetes(), ...readers('a', 'list')],
        message: listPods,
      },
      'allow',
    ],
    [
      'are as recorded where the policies hold none',
      { was: [kubernetes(), ...readers('a', 'list')], candidate: [kubernetes()], message: listPods },
      'allow',
    ],
    [
      'that were refused then are refused as recorded',
      { was: [kubernetes()], candidate: [kubernetes({ lists: { missingScopes: 'Show' } })], message: listPods },
      'deny by authorization.rbac',
    ],
    [
      'where one was refused then, others are not known',
      { was: [kubernetes()], candidate: [kubernetes(), ...readers('a', 'list')], message: listPods },
      '? depends on arguments',
    ],
    [
      'of all that the tool can do decide where nothing is known of the call',
      { was: [kubernetes()], candidate: [kubernetes(), ...readers(undefined, 'list')], message: listPods },
      'allow',
    ],
    [
      'are operations to rules as well',
      {
        was: [kubernetes(), ...readers(undefined, 'list')],
        candidate: [
          kubernetes(),
          ...readers(undefined, 'list'),
          guardrail('ns', "operations.all(o, o.namespace != 'a')"),
        ],
        message: listPods,
      },
      'deny by guardrail.violated (Guardrail/ns)',
    ],
    [
      'are operations of which a record does not hold all',
      {
        was: [kubernetes(), ...readers(undefined, 'list')],
        candidate: [
          kubernetes(),
          ...readers(undefined, 'list'),
          guardrail('v', "operations.all(o, o.version != 'v2')"),
        ],
        message: listPods,
      },
      '? depends on operations',
    ],
    [
      'are operations of which a rule looks at all members',
      {
        was: [kubernetes(), ...readers(undefined, 'list')],
        candidate: [kubernetes(), ...readers(undefined, 'list'), guardrail('v', 'operations.all(o, size(o) == 9)')],
        message: listPods,
      },
      '? depends on operations',
    ],
    [
      'of a tool that the catalogue does not have any more do not matter',
      {
        was: [server('srv'), everybody],
        candidate: [kubernetes()],
      },
      'deny by authorization.tool_unknown',
    ],
  ])('%s', async (_, given, expected) => {
    expect(await replayed(given)).toBe(expected)
  })
})
