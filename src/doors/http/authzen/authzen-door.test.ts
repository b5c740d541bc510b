import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Posted, postTo } from '../../../../test/authzen/post-to.js'
import type { Decide, Decision } from '../../../decision/decision.js'
import type { InboundRequest } from '../../../protocol/inbound-request.js'
import type { BoundAddress } from '../../grpc/grpc-transport.js'
import { allowed, byName, evaluation, gatewayToken, messageOf, rules, temporaryFolder } from './authzen.fixture.js'
import { createAuthzenDoor } from './authzen-door.js'
import type { AuthzenListener } from './authzen-listener.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Emergency {
  readonly decision: Decision
  readonly request: InboundRequest | undefined
}

async function open(decide: Decide = byName().decide, more: Partial<AuthzenListener> = {}) {
  const folder = temporaryFolder()
  cleanups.push(folder.remove)
  const errors: string[] = []
  const emergencies: Emergency[] = []
  const door = createAuthzenDoor({
    decide,
    listener: {
      name: 'test',
      trust: 'none',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      tokenFile: folder.write('token', gatewayToken),
      identifier: 'https://pdp.example.com',
      ...more,
    },
    findServer: rules().findServer,
    onError: detail => errors.push(detail),
    onEmergency: (decision, request) => emergencies.push({ decision, request }),
  })
  cleanups.push(() => door.stop())
  const address = await door.start()
  door.setReady(true)
  const post = (body: unknown, path = '/access/v1/evaluation', headers: Record<string, string | string[]> = {}) =>
    postTo(address, path, typeof body === 'string' ? body : JSON.stringify(body), {
      authorization: `Bearer ${gatewayToken}`,
      ...headers,
    })
  return { door, address, errors, emergencies, post, folder }
}

const many = '/access/v1/evaluations'
const decisions = ({ body }: Posted): readonly boolean[] =>
  JSON.parse(body).evaluations.map((one: { decision: boolean }) => one.decision)

/** What a raw connection gets to read until it is closed. */
function raw(address: BoundAddress, write: (send: (text: string) => void) => void): Promise<string> {
  if (address.kind !== 'tcp') throw new Error('TCP only')
  return new Promise(resolve => {
    const socket = connect(address.port, address.host)
    let read = ''
    socket.on('data', chunk => {
      read += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(read))
    write(text => socket.write(text))
  })
}

describe('the AuthZEN door', () => {
  it('says yes and no', async () => {
    const { post } = await open()
    const yes = await post(evaluation('allowed-tool'))
    expect(yes).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(yes.body)).toEqual({ decision: true, context: { decision_id: 'd1', policy_revision: 'r1' } })
    const no = await post(evaluation('other-tool'))
    expect(no.status).toBe(200)
    expect(JSON.parse(no.body)).toMatchObject({ decision: false, context: { reason: 'guardrail.violated' } })
  })

  it('is asked under its own name, with a deadline and the trace', async () => {
    const { decide, asked } = byName()
    const { post } = await open(decide)
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await post(evaluation(), undefined, { traceparent })
    expect(asked[0]).toMatchObject({
      traceparent,
      listener: { name: 'test', door: 'authzen', profile: 'envoy', trust: 'none' },
    })
    expect((asked[0]?.deadline ?? 0) - Date.now()).toBeGreaterThan(3000)
  })

  it('repeats the request id, also in errors', async () => {
    const { post } = await open()
    const id = { 'x-request-id': 'bfe9eb29-ab87' }
    expect((await post(evaluation(), undefined, id)).headers['x-request-id']).toBe('bfe9eb29-ab87')
    expect((await post('{', undefined, id)).headers['x-request-id']).toBe('bfe9eb29-ab87')
    expect((await post(evaluation())).headers['x-request-id']).toBeUndefined()
    expect((await post(evaluation(), undefined, { 'x-request-id': 'x'.repeat(2000) })).status).toBe(400)
  })

  it('publishes its metadata to everybody, and nothing else', async () => {
    const { address } = await open()
    const metadata = await postTo(address, '/.well-known/authzen-configuration', undefined, {}, { method: 'GET' })
    expect(metadata.status).toBe(200)
    expect(JSON.parse(metadata.body)).toEqual({
      policy_decision_point: 'https://pdp.example.com',
      access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
      access_evaluations_endpoint: 'https://pdp.example.com/access/v1/evaluations',
    })
    expect((await postTo(address, '/.well-known/authzen-configuration', '{}')).status).toBe(405)
    expect((await postTo(address, '/access/v1/evaluation', undefined, {}, { method: 'GET' })).status).toBe(401)
  })

  it('answers over a unix socket, whose mode is all that guards it', async () => {
    const folder = temporaryFolder()
    cleanups.push(folder.remove)
    const door = createAuthzenDoor({
      decide: byName().decide,
      listener: { name: 'u', trust: 'unix', address: { kind: 'unix', path: join(folder.path, 's') } },
      findServer: rules().findServer,
      onError: () => undefined,
    })
    cleanups.push(() => door.stop())
    const answer = await postTo(await door.start(), '/access/v1/evaluation', JSON.stringify(evaluation()))
    expect(JSON.parse(answer.body)).toMatchObject({ decision: true })
  })

  it('is not made when nobody would check who asks', () => {
    const listener = { name: 'x', trust: 'network', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } } as const
    expect(() =>
      createAuthzenDoor({ decide: () => allowed, listener, findServer: () => undefined, onError: () => undefined }),
    ).toThrow('listener x: nobody would check')
  })

  it('does not start without its token file', async () => {
    await expect(open(undefined, { tokenFile: '/nowhere/token' })).rejects.toThrow('/nowhere/token')
  })
})

describe('several evaluations', () => {
  const tools = (...names: string[]) => names.map(name => evaluation(name))
  it.each<[string, string | undefined, string[], boolean[]]>([
    ['all of them', undefined, ['allowed-1', 'other', 'allowed-2'], [true, false, true]],
    ['all of them, in words', 'execute_all', ['other', 'allowed-1'], [false, true]],
    ['up to the first denial', 'deny_on_first_deny', ['allowed-1', 'other', 'allowed-2'], [true, false]],
    ['to the end without a denial', 'deny_on_first_deny', ['allowed-1', 'allowed-2'], [true, true]],
    ['up to the first permission', 'permit_on_first_permit', ['other', 'allowed-1', 'other'], [false, true]],
    ['to the end without a permission', 'permit_on_first_permit', ['other', 'other'], [false, false]],
  ])('%s', async (_name, semantic, names, expected) => {
    const { decide, asked } = byName()
    const { post } = await open(decide)
    const options = semantic === undefined ? {} : { options: { evaluations_semantic: semantic } }
    const answer = await post({ evaluations: tools(...names), ...options }, many)
    expect(answer.status).toBe(200)
    expect(decisions(answer)).toEqual(expected)
    expect(asked).toHaveLength(expected.length)
    expect(JSON.parse(answer.body)).not.toHaveProperty('decision')
  })

  it('keeps the order, whichever decision is there first', async () => {
    const { post } = await open(async request => {
      const slow = messageOf(request).includes('allowed-slow')
      await new Promise(resolve => setTimeout(resolve, slow ? 50 : 1))
      return byName().decide(request)
    })
    expect(decisions(await post({ evaluations: tools('allowed-slow', 'other', 'allowed') }, many))).toEqual([
      true,
      false,
      true,
    ])
  })

  it('denies the one that is not well-formed, and tells the log', async () => {
    const { post, emergencies } = await open()
    const answer = await post({ evaluations: [{ ...evaluation(), action: 7 }, evaluation('allowed-tool')] }, many)
    expect(decisions(answer)).toEqual([false, true])
    expect(JSON.parse(answer.body).evaluations[0].context).toMatchObject({
      reason: 'message.params',
      error: { status: 400, message: expect.stringContaining('action must be an object') },
    })
    expect(emergencies).toHaveLength(1)
    expect(emergencies[0]).toMatchObject({ decision: { outcome: 'deny' }, request: undefined })
  })

  it('is a single one without a list', async () => {
    const { post } = await open()
    expect(JSON.parse((await post(evaluation(), many)).body)).toMatchObject({ decision: true })
  })

  it('does not multiply a large default', async () => {
    const { post } = await open(undefined, { maxBodyBytes: 20_000 })
    const action = { name: 'tools/call', properties: { params: { arguments: { x: 'y'.repeat(15_000) } } } }
    const resource = { type: 'tool', id: 'allowed-tool', properties: { server: 'files' } }
    const answer = await post(
      { ...evaluation(), action, resource, evaluations: Array.from({ length: 20 }, () => ({})) },
      many,
    )
    expect(decisions(answer).filter(one => one)).toHaveLength(2)
    expect(answer.body).toContain('message.too_large')
  })

  it('bounds their number', async () => {
    const { decide, asked } = byName()
    const { post } = await open(decide)
    const answer = await post({ ...evaluation(), evaluations: Array.from({ length: 51 }, () => ({})) }, many)
    expect([answer.status, asked.length]).toEqual([413, 0])
    expect((await post(`{"evaluations":[${'{},'.repeat(100_000)}{}]}`, many)).status).toBe(400)
  })
})

describe('who may ask', () => {
  it.each<[string, Record<string, string | string[]>, number]>([
    ['nobody', {}, 401],
    ['an empty token', { authorization: 'Bearer ' }, 401],
    ['a wrong token', { authorization: `Bearer ${gatewayToken}x` }, 401],
    ['the token of a caller', { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }, 401],
    ['another scheme', { authorization: `Basic ${gatewayToken}` }, 401],
    ['the token with something behind it', { authorization: `Bearer ${gatewayToken} x` }, 401],
    ['the token after two spaces', { authorization: `Bearer  ${gatewayToken}` }, 401],
    ['two tokens in one', { authorization: `Bearer ${gatewayToken}, Bearer x` }, 401],
    ['two tokens', { authorization: [`Bearer ${gatewayToken}`, 'Bearer x'] }, 401],
    ['a scheme in other case', { authorization: `bearer ${gatewayToken}` }, 200],
  ])('%s', async (_name, headers, status) => {
    const { decide, asked } = byName()
    const { address, errors } = await open(decide)
    const answer = await postTo(address, '/access/v1/evaluation', JSON.stringify(evaluation()), headers)
    expect(answer.status).toBe(status)
    expect(asked).toHaveLength(status === 200 ? 1 : 0)
    if (status !== 401) return
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.body).not.toContain('gateway-')
    expect(errors.join()).not.toContain('gateway-')
  })

  it('learns of a new token without a restart', async () => {
    const { folder, post } = await open()
    folder.write('token', 'another-0123456789abcdef0123456789abcdef')
    // Younger than its age: still the old one.
    expect((await post(evaluation())).status).toBe(200)
  })
})

describe('what is refused as HTTP', () => {
  it.each<[string, string, string, Record<string, string | string[]>, number]>([
    ['another content type', '/access/v1/evaluation', '{}', { 'content-type': 'text/plain' }, 415],
    ['two content types', '/access/v1/evaluation', '{}', { 'content-type': 'application/json, text/plain' }, 415],
    ['another charset', '/access/v1/evaluation', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415],
    ['a compressed body', '/access/v1/evaluation', '{}', { 'content-encoding': 'gzip' }, 415],
    ['another path', '/access/v1/search/subject', '{}', {}, 404],
    ['a query', '/access/v1/evaluation?x=1', '{}', {}, 404],
    ['a path in other case', '/access/V1/evaluation', '{}', {}, 404],
    ['no JSON', '/access/v1/evaluation', 'subject', {}, 400],
    ['a key twice', '/access/v1/evaluation', '{"subject":1,"subject":2}', {}, 400],
    ['nothing that is needed', '/access/v1/evaluation', '{}', {}, 400],
    ['nothing that is needed, at the other endpoint', many, '{}', {}, 400],
    ['too large a body', '/access/v1/evaluation', `{"a":"${'x'.repeat(2_000_000)}"}`, {}, 413],
  ])('%s', async (_name, path, body, headers, status) => {
    const { decide, asked } = byName()
    const { post } = await open(decide)
    const answer = await post(body, path, headers)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(asked).toEqual([])
  })

  it('a body in pieces that is too large, and what stands behind it', async () => {
    const { decide, asked } = byName()
    const { address } = await open(decide, { maxBodyBytes: 1000 })
    const text = await raw(address, send => {
      send(
        `POST /access/v1/evaluation HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gatewayToken}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      for (let i = 0; i < 5; i++) send(`200\r\n${'x'.repeat(512)}\r\n`)
      send('0\r\n\r\nGET /.well-known/authzen-configuration HTTP/1.1\r\nhost: a\r\n\r\n')
    })
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(asked).toEqual([])
  })

  it.each([
    ['two lengths', 'content-length: 2\r\ncontent-length: 3\r\n\r\n{}x'],
    ['a length and chunks', 'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an encoding in two words', 'transfer-encoding: identity, chunked \t,x\r\n\r\n0\r\n\r\n'],
    ['a folded header', 'x-a: b\r\n c: d\r\ncontent-length : 2\r\n\r\n{}'],
  ])('%s', async (_name, rest) => {
    const { decide, asked } = byName()
    const { address } = await open(decide)
    const head = `POST /access/v1/evaluation HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gatewayToken}\r\ncontent-type: application/json\r\n`
    const text = await raw(address, send => send(`${head}${rest}`))
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(asked).toEqual([])
  })
})

describe('clients that take their time', () => {
  const head = `POST /access/v1/evaluation HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${gatewayToken}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n`
  it.each([
    ['with the headers', head],
    ['with the body', `${head}\r\n{`],
    ['with everything', ''],
  ])('%s', async (_name, text) => {
    const { address, door } = await open(undefined, { requestTimeoutMs: 300 })
    const began = Date.now()
    const drip: NodeJS.Timeout[] = []
    const read = await raw(address, send => {
      send(text)
      if (text !== '') drip.push(setInterval(() => send('x'), 50))
    })
    for (const timer of drip) clearInterval(timer)
    expect(read).toMatch(text === '' ? /^(?:HTTP\/1\.1 408 |$)/ : /^HTTP\/1\.1 408 /)
    expect(Date.now() - began).toBeLessThan(5000)
    expect(await door.drain(100)).toBe(0)
  })

  it('and go away meanwhile', async () => {
    const { address, door, errors } = await open()
    if (address.kind !== 'tcp') return
    const socket = connect(address.port, address.host)
    await new Promise<void>(resolve => socket.write(`${head}\r\n{`, () => resolve()))
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(await door.drain(1000)).toBe(0)
    expect(errors).toEqual([])
  })
})

describe('decisions that do not come', () => {
  it.each<[string, Decide, string]>([
    ['late', () => new Promise(() => undefined), 'dependency.timeout'],
    ['never, because of a bug', () => Promise.reject(new Error('bug')), 'internal.error'],
    [
      'never, because of another bug',
      () => {
        throw new Error('bug')
      },
      'internal.error',
    ],
  ])('%s', async (_name, decide, reason) => {
    const { post, emergencies } = await open(decide, { timeoutMs: 50 })
    const answer = await post(evaluation())
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({
      decision: false,
      context: { reason, error: { status: 503 }, response: { status: 503, headers: { 'retry-after': '1' } } },
    })
    expect(answer.body).not.toContain('bug')
    expect(emergencies).toMatchObject([{ decision: { failure: { reason } }, request: { path: '/files' } }])
  })

  it('do not keep others waiting without end', async () => {
    let cold = 2
    const { post } = await open(request => (cold-- > 0 ? new Promise(() => undefined) : byName().decide(request)), {
      maxInFlight: 1,
      timeoutMs: 300,
    })
    const answer = await post({ evaluations: [evaluation(), evaluation(), evaluation('allowed-tool')] }, many)
    expect(decisions(answer)).toEqual([false, false, true])
    expect(answer.body).toContain('dependency.overloaded')
    expect(answer.body).toContain('dependency.timeout')
  })

  it('do not let requests pile up', async () => {
    const { post } = await open(() => new Promise(() => undefined), { maxRequests: 1, timeoutMs: 300 })
    const [first, second] = await Promise.all([post(evaluation()), post(evaluation())])
    const sorted = [first, second].sort((a, b) => a.status - b.status)
    expect(sorted.map(({ status }) => status)).toEqual([200, 429])
    expect(sorted[1]?.headers['retry-after']).toBe('1')
  })
})

describe('the end', () => {
  it('waits for requests in flight, and accepts no new ones', async () => {
    let finish: (decision: Decision) => void = () => undefined
    const { door, post, address } = await open(() => new Promise(resolve => (finish = resolve)))
    const answer = post(evaluation())
    await new Promise(resolve => setTimeout(resolve, 50))
    const drained = door.drain(2000)
    await expect(postTo(address, '/access/v1/evaluation', '{}')).rejects.toThrow()
    finish(allowed)
    expect((await answer).headers.connection).toBe('close')
    expect(await drained).toBe(0)
  })

  it('cuts off what takes too long', async () => {
    const { door, post } = await open(() => new Promise(() => undefined))
    const answer = post(evaluation()).catch(() => 'cut off')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(await door.drain(50)).toBe(1)
    await door.stop()
    expect(await answer).toBe('cut off')
  })
})
