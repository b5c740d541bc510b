import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { envoy, grpc } from '../../../gen/wire.js'
import type { Decide, Decision } from '../../decision/decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { createExtAuthzDoor, type ExtAuthzDoor, type ExtAuthzListener } from './ext-authz-door.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const allowed: Decision = {
  id: 'd1',
  outcome: 'allow',
  failure: undefined,
  would: [],
  warnings: [],
  answer: {
    kind: 'allow',
    setHeaders: [{ name: 'x-mcp-authz-user', value: 'bob' }],
    removeHeaders: [],
    responseHeaders: [],
  },
  metadata: new Map([['decision', 'allow']]),
}

interface Opened {
  readonly door: ExtAuthzDoor
  readonly errors: string[]
  readonly client: Client
}

async function open(decide: Decide, listener: Partial<ExtAuthzListener> = {}): Promise<Opened> {
  const errors: string[] = []
  const door = createExtAuthzDoor({
    decide,
    listener: {
      name: 'test',
      profile: 'envoy',
      trust: 'none',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      ...listener,
    },
    onError: detail => errors.push(detail),
  })
  cleanups.push(() => door.stop())
  const address = await door.start()
  const target = address.kind === 'tcp' ? `127.0.0.1:${address.port}` : `unix:${address.path}`
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  })
  cleanups.push(() => client.close())
  return { door, errors, client }
}

const pass = (bytes: Buffer) => bytes

function call(client: Client, path: string, message: Uint8Array, timeoutMs = 3000): Promise<Buffer | ServiceError> {
  return new Promise(resolve => {
    const options = { deadline: Date.now() + timeoutMs }
    const done = (error: ServiceError | null, answer?: Buffer) => resolve(error ?? answer ?? Buffer.alloc(0))
    client.makeUnaryRequest(path, pass, pass, Buffer.from(message), new Metadata(), options, done)
  })
}

async function check(client: Client, message: Uint8Array = request(), timeoutMs = 3000) {
  const answer = await call(client, '/envoy.service.auth.v3.Authorization/Check', message, timeoutMs)
  if (!Buffer.isBuffer(answer)) throw new Error(`gRPC error ${answer.code}: a denial must be explicit`)
  const { status, okResponse, deniedResponse } = CheckResponse.decode(answer)
  const body = deniedResponse?.body ?? ''
  return {
    code: status?.code,
    ok: okResponse != null,
    http: deniedResponse?.status?.code,
    reason: /\((?<reason>[a-z.]+)\)/.exec(body)?.groups?.reason,
  }
}

const request = (body = '{}') =>
  CheckRequest.encode({
    attributes: {
      request: {
        http: {
          method: 'POST',
          path: '/mcp?x=1',
          headers: { 'x-envoy-auth-partial-body': 'false' },
          rawBody: Buffer.from(body),
          size: Buffer.byteLength(body),
        },
      },
    },
  }).finish()

async function health(client: Client, service = '') {
  const answer = await call(client, '/grpc.health.v1.Health/Check', HealthCheckRequest.encode({ service }).finish())
  return Buffer.isBuffer(answer)
    ? HealthCheckResponse.ServingStatus[HealthCheckResponse.decode(answer).status]
    : `code ${answer.code}`
}

describe('the ext_authz door', () => {
  it('hands over the request and brings back an allow', async () => {
    let seen: InboundRequest | undefined
    const { client, errors } = await open(inbound => {
      seen = inbound
      return allowed
    })
    expect(await check(client)).toMatchObject({ code: 0, ok: true })
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/mcp',
      query: 'x=1',
      body: { state: 'complete' },
      listener: { name: 'test', door: 'ext-authz', profile: 'envoy', trust: 'none' },
    })
    expect(seen?.deadline).toBeGreaterThan(Date.now())
    expect(errors).toEqual([])
  })

  it('waits for a decision that needs time', async () => {
    const { client } = await open(async () => allowed)
    expect(await check(client)).toMatchObject({ code: 0, ok: true })
  })

  it('works on a unix socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'door-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const { client } = await open(() => allowed, {
      address: { kind: 'unix', path: join(directory, 's') },
      trust: 'unix',
    })
    expect(await check(client)).toMatchObject({ code: 0, ok: true })
  })
})

describe('what breaks is denied in words, never by a gRPC error', () => {
  const broken: [string, Decide][] = [
    [
      'decide throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['decide rejects', () => Promise.reject(new Error('bug'))],
    ['decide returns nothing', () => JSON.parse('null')],
    ['decide resolves to nothing', async () => JSON.parse('null')],
    [
      'the decision has a bad header',
      () => ({
        ...allowed,
        answer: { kind: 'allow', setHeaders: [{ name: 'a', value: '\n' }], removeHeaders: [], responseHeaders: [] },
      }),
    ],
    ['the decision contradicts itself', () => ({ ...allowed, outcome: 'deny' })],
  ]
  it.each(broken)('%s', async (_name, decide) => {
    const { client, errors } = await open(decide)
    const answer = await check(client)
    expect(answer.code).toBe(7)
    expect(answer.http).toBeGreaterThanOrEqual(500)
    expect(errors).toHaveLength(1)
  })

  it('bytes that do not decode', async () => {
    const { client, errors } = await open(() => allowed)
    expect(await check(client, Uint8Array.of(0x0a, 0x50, 1))).toEqual({
      code: 7,
      ok: false,
      http: 400,
      reason: 'message.encoding',
    })
    expect(errors).toHaveLength(1)
  })

  it('an empty message', async () => {
    const { client } = await open(() => allowed)
    expect(await check(client, new Uint8Array(0))).toMatchObject({ code: 7, http: 400 })
  })

  it('a message that is too large', async () => {
    let asked = false
    const { client } = await open(
      () => {
        asked = true
        return allowed
      },
      { maxMessageBytes: 10_000 },
    )
    expect(await check(client, request('x'.repeat(10_001)))).toMatchObject({ code: 7, ok: false })
    expect(await check(client, request('x'.repeat(6 * 1024 * 1024)))).toMatchObject({ code: 7, ok: false })
    expect(asked).toBe(false)
  })

  it('more waiting decisions than allowed', async () => {
    const release: (() => void)[] = []
    const { client } = await open(() => new Promise(resolve => release.push(() => resolve(allowed))), {
      maxInFlight: 2,
    })
    const waiting = [check(client), check(client)]
    await expect.poll(() => release.length).toBe(2)
    expect(await check(client)).toEqual({ code: 7, ok: false, http: 503, reason: 'dependency.overloaded' })
    for (const go of release) go()
    expect(await Promise.all(waiting)).toMatchObject([{ code: 0 }, { code: 0 }])
    const after = check(client)
    // The third was begun as well, though nobody waited for it.
    await expect.poll(() => release.length).toBe(4)
    release[3]?.()
    expect(await after).toMatchObject({ code: 0 })
  })

  it('a log that throws changes nothing', async () => {
    const door = createExtAuthzDoor({
      decide: () => JSON.parse('null'),
      listener: { name: 't', profile: 'envoy', trust: 'none', address: { kind: 'tcp', host: '127.0.0.1', port: 0 } },
      onError: () => {
        throw new Error('disk full')
      },
    })
    cleanups.push(() => door.stop())
    const address = await door.start()
    const client = new Client(`127.0.0.1:${address.kind === 'tcp' ? address.port : 0}`, credentials.createInsecure())
    cleanups.push(() => client.close())
    expect(await check(client)).toMatchObject({ code: 7 })
  })
})

describe('health and drain', () => {
  it('is ready when told so, and not while draining', async () => {
    const release: (() => void)[] = []
    const { door, client } = await open(() => new Promise(resolve => release.push(() => resolve(allowed))))
    expect(await health(client, 'liveness')).toBe('SERVING')
    expect(await health(client)).toBe('NOT_SERVING')
    door.setReady(true)
    expect(await health(client)).toBe('SERVING')
    expect(await health(client, 'envoy.service.auth.v3.Authorization')).toBe('SERVING')
    const pending = check(client)
    await expect.poll(() => release.length).toBe(1)
    const drained = door.drain(2000)
    release[0]?.()
    expect(await pending).toMatchObject({ code: 0 })
    expect(await drained).toBe(0)
  })
})
