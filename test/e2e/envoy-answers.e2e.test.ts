import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CheckAnswer } from './support/check-server.js'
import type { ListenerSettings } from './support/envoy-listeners.js'
import { h2Exchange } from './support/h2-exchange.js'
import { type ListenerStand, startListenerStand } from './support/listener-stand.js'
import { type Field, protobuf } from './support/protobuf-bytes.js'
import { type RawExchange, rawExchange } from './support/raw-exchange.js'

/**
 * What Envoy makes of the answers of an authorizer, ours and those that we never give. Each group says which rule of ours
 * rests on it: where another version of Envoy behaves differently, a test fails here and the rule is to be thought over.
 */

const listeners = {
  // As our own configuration: what would be changed or dropped is an error.
  strict: { mutationRules: { disallow_is_error: true } },
  plain: { validateMutations: false },
  ruled: { validateMutations: false, mutationRules: {} },
  'failure allows': { validateMutations: false, failureModeAllow: true },
  'default timeout': { timeout: 'unset' },
  'short bodies': { maxDeniedBody: 20 },
  shadow: { shadowMode: true },
  disabled: { routed: 'disabled' },
  direct: { routed: 'direct' },
  'no route': { routed: 'none' },
} as const satisfies Record<string, Omit<ListenerSettings, 'port'>>
type Name = keyof typeof listeners

let stand: ListenerStand<Name>
beforeAll(async () => {
  stand = await startListenerStand(listeners)
})
afterAll(() => stand?.stop())
beforeEach(() => stand.forget())

const OK: Field = [1, [[1, 0]]]
const code = (value: number): Field => [1, [[1, value]]]
type Append = 'unset' | 'empty' | 'false' | 'true'
const appends: Readonly<Record<Append, readonly Field[]>> = {
  unset: [],
  empty: [[2, []]],
  false: [[2, [[1, 0]]]],
  true: [[2, [[1, 1]]]],
}
/** HeaderValueOption. */
const header = (name: string, value: string, append: Append = 'false', action?: number): Field[] => [
  [
    1,
    [
      [1, name],
      [2, value],
    ],
  ],
  ...appends[append],
  ...(action === undefined ? [] : [[3, action] as const]),
]
const allow = (...fields: Field[]): Buffer => protobuf(OK, [3, fields])
const set = (name: string, value: string, append?: Append, action?: number): Field => [
  2,
  header(name, value, append, action),
]
const remove = (name: string): Field => [5, name]
const denied = (...fields: Field[]): Field => [2, fields]
const httpStatus = (value: number): Field => [1, [[1, value]]]
const body = (text: string): Field => [3, text]
const errorResponse = (...fields: Field[]): Field => [5, fields]

/** One GET with these header lines, answered so. */
function ask(name: Name, answer: CheckAnswer, lines: readonly string[] = [], method = 'GET'): Promise<RawExchange> {
  stand.checks.answer(() => answer)
  const head = [`${method} /mcp HTTP/1.1`, 'Host: mcp.example.com', ...lines, '', ''].join('\r\n')
  return rawExchange(stand.port(name), [head], { bodiless: method === 'HEAD' })
}

const reached = (): number => stand.server.arrived.length
/** Every value that the server got under exactly this name. */
function received(name: string): string[] {
  const raw = stand.server.arrived[0]?.rawHeaders ?? []
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name)
}

/** Rule: a status is always there; code 0 stands in allows only; a denial is checked byte by byte before it goes out. */
describe('what is an allow, said or not', () => {
  const cases: readonly (readonly [string, Buffer])[] = [
    ['an empty message', protobuf()],
    ['an empty status', protobuf([1, []])],
    ['a denied_response without a status', protobuf(denied(httpStatus(403), body('no')))],
    ['code 0 with a denied_response', protobuf(OK, denied(httpStatus(403), body('no')))],
    ['code 0 with an error_response', protobuf(OK, errorResponse(httpStatus(503)))],
    ['code 0 with an ok_response', allow()],
    ['code 0 with fields that nobody knows', protobuf(OK, [3, []], [99, 'x'])],
  ]
  it.each(cases)('%s', async (_what, answer) => {
    expect((await ask('strict', answer)).status).toBe(200)
    expect(reached()).toBe(1)
  })
})

/** Rule: a denial has code 7 or 16 and a denied_response with a status out of a closed list. */
describe('what is a denial', () => {
  const cases: readonly (readonly [string, Buffer, number])[] = [
    ['code 7 alone', protobuf(code(7)), 403],
    ['code 16 alone', protobuf(code(16)), 403],
    ['code -1', protobuf(code(-1)), 403],
    ['code 7 with an ok_response', protobuf(code(7), [3, [set('x-user', 'good')]]), 403],
    ['code 7 with a denied_response without status', protobuf(code(7), denied(body('no'))), 403],
    ['code 7 with status 0', protobuf(code(7), denied(httpStatus(0))), 403],
    ...[200, 202, 204, 302, 401, 403, 418, 429, 503, 600, 999].map((value): [string, Buffer, number] => [
      `code 7 with status ${value}`,
      protobuf(code(7), denied(httpStatus(value))),
      value,
    ]),
  ]
  it.each(cases)('%s', async (_what, answer, expected) => {
    for (const name of ['strict', 'failure allows'] as const) {
      stand.forget()
      expect((await ask(name, answer)).status).toBe(expected)
      expect(reached()).toBe(0)
    }
  })
})

/** Rule: our own answers have a content type, no length, every header with append false. */
describe('how a denial looks to the client', () => {
  const no = (...headers: Field[]): Buffer => protobuf(code(7), denied(httpStatus(403), ...headers, body('{"no":1}')))
  const reply = (name: string, value: string, append?: Append, action?: number): Field => [
    2,
    header(name, value, append, action),
  ]

  it.each([
    ['nothing said', no(), { 'content-type': 'text/plain', 'content-length': '8' }],
    ['a content type', no(reply('content-type', 'application/json')), { 'content-type': 'application/json' }],
    [
      'a content type, append unset',
      no(reply('content-type', 'application/json', 'unset')),
      { 'content-type': 'application/json' },
    ],
    ['append true: dropped', no(reply('x-a', 'b', 'true')), { 'x-a': undefined }],
    ['append_action 0 alone: kept', no(reply('x-a', 'b', 'unset', 0)), { 'x-a': 'b' }],
    ['append_action 1 alone: kept', no(reply('x-a', 'b', 'unset', 1)), { 'x-a': 'b' }],
    [
      'two challenges: both',
      no(reply('www-authenticate', 'A'), reply('www-authenticate', 'B')),
      { 'www-authenticate': 'A, B' },
    ],
    ['a length of our own: not used', no(reply('content-length', '3')), { 'content-length': '8' }],
  ])('%s', async (_what, answer, headers) => {
    const got = await ask('plain', answer)
    expect(Object.fromEntries(Object.keys(headers).map(name => [name, got.headers[name]]))).toEqual(headers)
    expect(got.body).toBe('{"no":1}')
  })

  it('without a body there is no content type', async () => {
    const answer = protobuf(code(7), denied(httpStatus(403), [2, header('content-type', 'application/json')]))
    expect((await ask('plain', answer)).headers).toMatchObject({ 'content-length': '0' })
    expect((await ask('plain', answer)).headers['content-type']).toBeUndefined()
  })

  it('HEAD has the headers only', async () => {
    const got = await ask('plain', no(), [], 'HEAD')
    expect([got.status, got.headers['content-length'], got.body]).toEqual([403, '8', ''])
  })

  it.each(['text/event-stream', 'application/json'])('what the client accepts (%s) changes nothing', async type => {
    expect((await ask('plain', no(), [`Accept: ${type}`])).body).toBe('{"no":1}')
  })

  it('an event stream of one event passes as it is', async () => {
    const event = 'event: message\ndata: {}\n\n'
    const headers = [2, header('content-type', 'text/event-stream')] as const
    const got = await ask('plain', protobuf(code(7), denied(httpStatus(200), headers, body(event))))
    expect([got.status, got.headers['content-type'], got.body]).toEqual([200, 'text/event-stream', event])
  })

  it.each(['GET', 'POST'])(
    'to a %s of application/grpc it is 200 with a status of gRPC, and our body is the message',
    async method => {
      const got = await ask('plain', no(), ['Content-Type: application/grpc'], method)
      expect(got).toMatchObject({ status: 200, headers: { 'grpc-status': '7', 'grpc-message': '{"no":1}' }, body: '' })
      expect(reached()).toBe(0)
    },
  )

  it('a body beyond max_denied_response_body_bytes is cut', async () => {
    const got = await ask('short bodies', protobuf(code(7), denied(httpStatus(403), body('x'.repeat(50)))))
    expect(got.body).toBe('x'.repeat(20))
  })

  it('a line end in a value splits the answer, or is an error where mutations are validated', async () => {
    const answer = no(reply('x-a', 'b\r\nc: d'))
    expect((await ask('plain', answer)).headers).toMatchObject({ 'x-a': 'b', c: 'd' })
    expect((await ask('strict', answer)).status).toBe(500)
  })
})

/** Rule: we never answer with a gRPC error, and always in time; what we cannot write is an explicit denial. */
describe('what is a failure', () => {
  const failures: readonly (readonly [string, CheckAnswer, number])[] = [
    ...[1, 4, 7, 8, 13, 14, 16].map(value => [`gRPC status ${status[value]}`, { code: value }, 503] as const),
    ['bytes that do not decode', Buffer.of(0x0a, 0x50, 1), 503],
    ['text that is not UTF-8', protobuf(OK, [3, [[5, Buffer.of(0xff, 0xfe)]]]), 503],
    ['an error_response without status', protobuf(code(7), errorResponse(body('x'))), 503],
    ...[200, 429, 500].map(
      value => [`an error_response of ${value}`, protobuf(code(7), errorResponse(httpStatus(value))), value] as const,
    ),
  ]
  it.each(failures)('%s', async (_what, answer, expected) => {
    expect((await ask('strict', answer)).status).toBe(expected)
    expect(reached()).toBe(0)
  })

  it.each(failures)('%s is an allow with failure_mode_allow, which must be off', async (_what, answer) => {
    expect((await ask('failure allows', answer)).status).toBe(200)
    expect(received('x-envoy-auth-failure-mode-allowed')).toEqual(['true'])
  })

  it('an answer later than the default time-out of 200 ms', async () => {
    const before = performance.now()
    expect((await ask('default timeout', 'never')).status).toBe(503)
    expect(performance.now() - before).toBeGreaterThan(150)
    expect(reached()).toBe(0)
  })

  it("a client's own word that the authorizer failed goes on: no server may rely on it", async () => {
    await ask('strict', allow(), ['x-envoy-auth-failure-mode-allowed: true'])
    expect(received('x-envoy-auth-failure-mode-allowed')).toEqual(['true'])
  })
})

/** Rule: append false and OVERWRITE_IF_EXISTS_OR_ADD in every header, no name twice, none both set and removed. */
describe('headers for the server, beside a copy of the client', () => {
  const evil = ['x-user: evil']
  const overwriting = (['unset', 'empty', 'false'] as const).flatMap(append =>
    [undefined, 0, 1, 2, 3, 9].map(action => ({ append, action })),
  )
  it.each(overwriting)('append $append, append_action $action: overwritten', async ({ append, action }) => {
    await ask('plain', allow(set('x-user', 'good', append, action)), evil)
    expect(received('x-user')).toEqual(['good'])
  })

  it('append true: the copy of the client stays and comes first', async () => {
    await ask('plain', allow(set('x-user', 'good', 'true')), evil)
    expect(received('x-user')).toEqual(['evil,good'])
  })

  it('append true without a copy: not there at all', async () => {
    await ask('plain', allow(set('x-user', 'good', 'true')))
    expect(received('x-user')).toEqual([])
  })

  it('an unknown append_action is no error, not even where mutations are validated', async () => {
    expect((await ask('strict', allow(set('x-user', 'good', 'false', 9)), evil)).status).toBe(200)
    expect(received('x-user')).toEqual(['good'])
  })

  const cases: readonly (readonly [string, Field[], readonly string[]])[] = [
    ['in capitals: the same name', [set('X-User', 'good')], ['good']],
    ['twice: the last one', [set('x-user', 'one'), set('x-user', 'two')], ['two']],
    ['empty: empty, which a server may take for nobody', [set('x-user', '')], ['']],
    [
      'as raw_value: empty',
      [
        [
          2,
          [
            [
              1,
              [
                [1, 'x-user'],
                [3, 'good'],
              ],
            ],
            [2, [[1, 0]]],
          ],
        ],
      ],
      [''],
    ],
    ['set and removed: gone', [set('x-user', 'good'), remove('x-user')], []],
    ['removed in capitals: gone', [remove('X-USER')], []],
    ['beyond ASCII: as UTF-8', [set('x-user', 'Jürgen')], [Buffer.from('Jürgen').toString('latin1')]],
  ]
  it.each(cases)('%s', async (_what, fields, arrives) => {
    await ask('plain', allow(...fields), evil)
    expect(received('x-user')).toEqual(arrives)
  })

  it('all copies of the client go, in all capitals', async () => {
    await ask('plain', allow(set('x-user', 'good')), ['X-User: a', 'x-USER: b', 'x-user: c'])
    expect(received('x-user')).toEqual(['good'])
    stand.forget()
    await ask('plain', allow(remove('x-user')), ['X-User: a', 'x-USER: b', 'x-user: c'])
    expect(received('x-user')).toEqual([])
  })

  it('a line end in a value fails the request', async () => {
    expect((await ask('plain', allow(set('x-user', 'a\r\nb: c')), evil)).status).toBe(503)
    expect((await ask('strict', allow(set('x-user', 'a\r\nb: c')), evil)).status).toBe(500)
    expect(reached()).toBe(0)
  })

  it('beyond 100 with those of the request: an error after the decision', async () => {
    const many = (count: number): Buffer => allow(...Array.from({ length: count }, (_, i) => set(`x-${i}`, 'v')))
    expect((await ask('strict', many(90))).status).toBe(200)
    stand.forget()
    expect((await ask('strict', many(101))).status).toBe(500)
    expect(reached()).toBe(0)
  })

  it('so does every change of a request that came with more: one that is not changed passes', async () => {
    const brought = Array.from({ length: 96 }, (_, i) => `x-${i}: v`)
    expect((await ask('strict', allow(), brought)).status).toBe(200)
    stand.forget()
    expect((await ask('strict', allow(remove('x-not-there')), brought)).status).toBe(500)
    expect(reached()).toBe(0)
  })
})

/** Rule: we never set or remove what routes or frames a message, nor x-envoy-*. */
describe('headers that steer the gateway', () => {
  const target = (): string | undefined => stand.server.arrived[0]?.target

  it(':path is applied, whatever the rules: the server would get another path than was judged', async () => {
    for (const name of ['plain', 'ruled', 'strict'] as const) {
      stand.forget()
      await ask(name, allow(set(':path', '/other')))
      expect([name, target()]).toEqual([name, '/other'])
    }
  })

  it('host is applied without rules, ignored with them, and an error where that is one', async () => {
    await ask('plain', allow(set('host', 'other.example.com')))
    expect(received('host')).toEqual(['other.example.com'])
    stand.forget()
    await ask('ruled', allow(set('host', 'other.example.com')))
    expect(received('host')).toEqual(['mcp.example.com'])
    expect((await ask('strict', allow(set('host', 'other.example.com')))).status).toBe(500)
  })

  it('x-envoy-* likewise', async () => {
    await ask('plain', allow(set('x-envoy-x', 'v')))
    expect(received('x-envoy-x')).toEqual(['v'])
    stand.forget()
    await ask('ruled', allow(set('x-envoy-x', 'v')))
    expect(received('x-envoy-x')).toEqual([])
    expect((await ask('strict', allow(set('x-envoy-x', 'v')))).status).toBe(500)
  })

  it.each(['host', ':path', ':method', ':authority'])('%s is not removed', async name => {
    expect((await ask('plain', allow(remove(name)))).status).toBe(200)
    expect([target(), received('host'), stand.server.arrived[0]?.method]).toEqual(['/mcp', ['mcp.example.com'], 'GET'])
  })

  it(':method is applied without rules, ignored with them, and an error where that is one', async () => {
    await ask('plain', allow(set(':method', 'DELETE')))
    expect(stand.server.arrived[0]?.method).toBe('DELETE')
    stand.forget()
    await ask('ruled', allow(set(':method', 'DELETE')))
    expect(stand.server.arrived[0]?.method).toBe('GET')
    expect((await ask('strict', allow(set(':method', 'DELETE')))).status).toBe(500)
  })

  it('query parameters are: we have no field for them', async () => {
    await ask(
      'plain',
      allow([
        7,
        [
          [1, 'a'],
          [2, 'b'],
        ],
      ]),
    )
    expect(target()).toBe('/mcp?a=b')
  })
})

/** Rule: headers for the client overwrite what the server says. */
describe("headers beside the server's answer", () => {
  const added = (append: Append, action?: number): Buffer => allow([6, header('x-r', 'ours', append, action)])
  it.each([
    ['append unset: beside it', 'unset', undefined, 'theirs, ours'],
    ['append true: beside it', 'true', undefined, 'theirs, ours'],
    ['append false: in its place', 'false', undefined, 'ours'],
    ['append false and OVERWRITE_IF_EXISTS_OR_ADD, as we say it: in its place', 'false', 2, 'ours'],
    ['ADD_IF_ABSENT alone: the other stays', 'unset', 1, 'theirs'],
    ['OVERWRITE_IF_EXISTS_OR_ADD alone: in its place', 'unset', 2, 'ours'],
    ['OVERWRITE_IF_EXISTS alone: in its place', 'unset', 3, 'ours'],
  ] as const)('%s', async (_what, append, action, expected) => {
    stand.server.answerWith([['x-r', 'theirs']])
    expect((await ask('plain', added(append, action))).headers['x-r']).toBe(expected)
  })

  it('OVERWRITE_IF_EXISTS alone adds nothing', async () => {
    expect((await ask('plain', added('unset', 3))).headers['x-r']).toBeUndefined()
  })
})

/** Rule: every route of an endpoint passes through the filter; `shadow_mode` and `disabled` are ways around. */
describe('routes', () => {
  const no = protobuf(code(7), denied(httpStatus(403)))
  it('one that turns the filter off: nobody is asked', async () => {
    expect((await ask('disabled', no)).status).toBe(200)
    expect([stand.checks.asked.length, reached()]).toEqual([0, 1])
  })

  it('one that Envoy answers itself: asked all the same', async () => {
    expect((await ask('direct', no)).status).toBe(403)
    expect((await ask('direct', allow())).status).toBe(404)
    expect(stand.checks.asked).toHaveLength(2)
  })

  it('none: 404, and nobody is asked', async () => {
    expect((await ask('no route', no)).status).toBe(404)
    expect(stand.checks.asked).toHaveLength(0)
  })

  it('in shadow mode a denial is none, and the headers of the client stay', async () => {
    expect((await ask('shadow', no, ['x-user: evil'])).status).toBe(200)
    expect(received('x-user')).toEqual(['evil'])
    stand.forget()
    await ask('shadow', allow(set('x-user', 'good')), ['x-user: evil'])
    expect(received('x-user')).toEqual(['good'])
  })
})

it('HTTP/2 clients get the same denial', async () => {
  stand.checks.answer(() => protobuf(code(7), denied(httpStatus(403), body('no'))))
  const sent = { ':method': 'GET', ':path': '/mcp' }
  expect(await h2Exchange(stand.port('strict'), { headers: sent, end: 'headers' })).toMatchObject({
    status: 403,
    body: 'no',
  })
  stand.checks.answer(() => protobuf(code(7), denied(httpStatus(403), body('no'))))
  const grpc = await h2Exchange(stand.port('strict'), {
    headers: { ...sent, 'content-type': 'application/grpc' },
    end: 'headers',
  })
  expect(grpc).toMatchObject({ status: 200, body: '' })
  expect({ ...grpc.headers, ...grpc.trailers }).toMatchObject({ 'grpc-status': '7', 'grpc-message': 'no' })
})
