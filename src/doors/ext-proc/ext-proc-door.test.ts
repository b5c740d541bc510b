import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { envoy, grpc } from '../../../gen/wire.js'
import type { CreateExchangeProcessor, RequestHead } from './exchange-processor.js'
import { createExtProcDoor, type ExtProcListener } from './ext-proc-door.js'
import { passThroughProcessor } from './pass-through-processor.js'

const { ProcessingRequest, ProcessingResponse } = envoy.service.ext_proc.v3
const { HealthCheckRequest, HealthCheckResponse } = grpc.health.v1

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const pass = (bytes: Buffer) => bytes

async function open(createProcessor: CreateExchangeProcessor, listener: Partial<ExtProcListener> = {}) {
  const errors: string[] = []
  const emergencies: (string | undefined)[] = []
  const door = createExtProcDoor({
    createProcessor,
    listener: {
      name: 'test',
      profile: 'envoy',
      trust: 'none',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      ...listener,
    },
    onError: detail => errors.push(detail),
    onEmergency: decision => emergencies.push(decision.failure?.reason),
  })
  cleanups.push(() => door.stop())
  const address = await door.start()
  const target = address.kind === 'tcp' ? `127.0.0.1:${address.port}` : `unix:${address.path}`
  const client = new Client(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  })
  cleanups.push(() => client.close())
  const exchange = (metadata = new Metadata()) => {
    const path = '/envoy.service.ext_proc.v3.ExternalProcessor/Process'
    const call = client.makeBidiStreamRequest(path, pass, pass, metadata, { deadline: Date.now() + 5000 })
    const said: envoy.service.ext_proc.v3.ProcessingResponse[] = []
    let code: number | undefined
    call.on('data', (bytes: Buffer) => said.push(ProcessingResponse.decode(bytes)))
    call.on('error', () => undefined)
    call.on('status', (status: { code: number }) => {
      code = status.code
    })
    return { call, said, code: () => code, show: (bytes: Uint8Array) => call.write(Buffer.from(bytes)) }
  }
  return { door, errors, emergencies, client, exchange }
}

const header = (key: string, value: string) => ({ key, rawValue: Buffer.from(value) })
const text = (value: string) => ({ stringValue: value })
const requestHeaders = ProcessingRequest.encode({
  requestHeaders: {
    headers: {
      headers: [
        header(':method', 'POST'),
        header(':path', '/mcp?x=1'),
        header(':authority', 'mcp.example.com'),
        header(':scheme', 'https'),
        header('x-a', 'one'),
        header('x-a', 'two'),
      ],
    },
  },
  attributes: {
    'envoy.filters.http.ext_proc': {
      fields: {
        'source.address': text('[2001:db8::1]:4711'),
        'connection.mtls': { boolValue: true },
        'connection.uri_san_peer_certificate': text('spiffe://a/b'),
        'connection.subject_peer_certificate': text('CN=b'),
        'connection.sha256_peer_certificate_digest': text('ab'.repeat(32)),
      },
    },
  },
}).finish()
const responseHeaders = ProcessingRequest.encode({
  responseHeaders: { headers: { headers: [header(':status', '200')] } },
}).finish()

describe('the ext_proc door', () => {
  it('shows an exchange to a processor of its own, and goes on', async () => {
    let head: RequestHead | undefined
    let made = 0
    let closed = 0
    const { exchange, errors } = await open(() => {
      made++
      return {
        ...passThroughProcessor,
        onRequestHeaders: shown => {
          head = shown
          return { kind: 'pass', changes: { set: [{ name: 'x-user', value: 'bob' }] } }
        },
        onClose: () => closed++,
      }
    })
    const metadata = new Metadata()
    metadata.set('mcp-server', 'tools')
    metadata.set('x-other', 'no')
    const { call, said, show } = exchange(metadata)
    show(requestHeaders)
    await expect.poll(() => said.length).toBe(1)
    show(responseHeaders)
    await expect.poll(() => said.length).toBe(2)
    expect(said.map(one => one.response)).toEqual(['requestHeaders', 'responseHeaders'])
    expect(head).toMatchObject({
      method: 'POST',
      scheme: 'https',
      authority: 'mcp.example.com',
      path: '/mcp',
      query: 'x=1',
      endOfStream: false,
      peer: {
        ...{ address: '2001:db8::1', principal: 'spiffe://a/b' },
        certificateThumbprint: Buffer.from('ab'.repeat(32), 'hex').toString('base64url'),
      },
      listener: { name: 'test', door: 'ext-proc', profile: 'envoy', trust: 'none' },
    })
    expect(head?.headers.all('x-a')).toEqual(['one', 'two'])
    expect([...(head?.context.extensions ?? [])]).toEqual([['mcp-server', 'tools']])
    expect(head?.deadline).toBeGreaterThan(Date.now())
    call.cancel()
    await expect.poll(() => closed).toBe(1)
    expect([made, errors]).toEqual([1, []])
  })

  it('works on a unix socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'door-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const address = { kind: 'unix', path: join(directory, 's') } as const
    const { exchange } = await open(() => passThroughProcessor, { address, trust: 'unix' })
    const { said, show } = exchange()
    show(responseHeaders)
    await expect.poll(() => said.length).toBe(1)
  })
})

describe('what breaks ends in words, never in a gRPC error', () => {
  const cases: readonly (readonly [string, Uint8Array, number, string])[] = [
    ['bytes that do not decode', Uint8Array.of(0x12, 0x50, 1), 400, 'message.encoding'],
    ['an empty message', new Uint8Array(0), 400, 'message.encoding'],
    ['a message that is too large', Buffer.alloc(20_000), 413, 'message.too_large'],
    ['a message that is much too large', Buffer.alloc(6 * 1024 * 1024), 413, 'message.too_large'],
  ]
  it.each(cases)('%s', async (_name, bytes, status, reason) => {
    const { exchange, errors, emergencies } = await open(() => passThroughProcessor, { maxMessageBytes: 10_000 })
    const { said, show, code } = exchange()
    show(bytes)
    await expect.poll(code).toBe(0)
    expect(said.map(one => one.immediateResponse?.status?.code)).toEqual([status])
    expect([errors.length, emergencies]).toEqual([1, [reason]])
  })

  it('a processor that cannot be made', async () => {
    const { exchange } = await open(() => {
      throw new Error('bug')
    })
    const { said, show, code } = exchange()
    show(responseHeaders)
    await expect.poll(code).toBe(0)
    expect(said[0]?.immediateResponse?.status?.code).toBe(503)
  })

  it('more exchanges than allowed', async () => {
    const { exchange, emergencies } = await open(() => passThroughProcessor, { maxOpenStreams: 1 })
    const first = exchange()
    first.show(responseHeaders)
    await expect.poll(() => first.said.length).toBe(1)
    const second = exchange()
    second.show(responseHeaders)
    await expect.poll(second.code).toBe(0)
    expect(second.said[0]?.immediateResponse?.status?.code).toBe(503)
    expect(emergencies).toEqual(['dependency.overloaded'])
    first.call.end()
    await expect.poll(first.code).toBe(0)
    const third = exchange()
    third.show(responseHeaders)
    await expect.poll(() => third.said[0]?.response).toBe('responseHeaders')
  })
})

describe('health and drain', () => {
  it('says what it was told, and waits for exchanges', async () => {
    const { door, client, exchange } = await open(() => passThroughProcessor)
    const health = () =>
      new Promise<string | undefined>(resolve => {
        const service = 'envoy.service.ext_proc.v3.ExternalProcessor'
        const asked = Buffer.from(HealthCheckRequest.encode({ service }).finish())
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', pass, pass, asked, (_e: ServiceError | null, got) =>
          resolve(got && HealthCheckResponse.ServingStatus[HealthCheckResponse.decode(got).status]),
        )
      })
    expect(await health()).toBe('NOT_SERVING')
    door.setReady(true)
    expect(await health()).toBe('SERVING')
    const { call, said, show } = exchange()
    show(requestHeaders)
    await expect.poll(() => said.length).toBe(1)
    const drained = door.drain(2000)
    show(responseHeaders)
    await expect.poll(() => said.length).toBe(2)
    call.cancel()
    expect(await drained).toBe(0)
  })
})
