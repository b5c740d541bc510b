import { createServer } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeMessage } from '../../../src/doors/grpc/native/grpc-status.js'
import { eventually } from '../../e2e/support/eventually.js'
import { inputRequest, inputResponse, payloadResponse, streamRequest, unaryRequest } from './interop-messages.js'
import { TestClient, type TestStream } from './test-client.js'
import { createTestService, paths, type TestService } from './test-service.js'
import { type Line, type Served, serve, type TransportName } from './transports.js'

/** Some seconds, unless the machine is very busy. Milliseconds. */
const patience = 180_000

const part = (size: number, intervalUs = 0) => ({ size, intervalUs })
/** Said at once, and then not for long. */
const waiting = streamRequest.encode([part(1), part(1, 2_000_000_000)])
const sizes = (messages: readonly Buffer[]) => messages.map(message => payloadResponse.decode(message))
const good = { code: status.OK, details: expect.any(String) }
const inOrder = [31_415, 9, 2653, 58_979]

async function sizeOf(client: TestClient, there: number, back: number): Promise<number> {
  const answer = await client.unary(paths.unary, unaryRequest.encode(back, there))
  if (!Buffer.isBuffer(answer)) throw new Error(`a message of ${there} bytes: ${JSON.stringify(answer)}`)
  return payloadResponse.decode(answer)
}

/** @returns undefined if the time was over before it had begun */
async function beginToWait(client: TestClient, timeoutMs?: number): Promise<TestStream | undefined> {
  const stream = client.open(paths.output, timeoutMs)
  stream.send(waiting)
  stream.end()
  const answer = await stream.next()
  if (answer === undefined) return undefined
  expect(payloadResponse.decode(answer)).toBe(1)
  return stream
}

type Case = readonly [name: string, run: (client: TestClient, service: TestService) => Promise<void>]

/** The cases of interoperability that our interface offers, and what they leave out. */
const cases: readonly Case[] = [
  [
    'an empty message is answered by one',
    async client => {
      expect(await client.unary(paths.empty, Buffer.alloc(0))).toEqual(Buffer.alloc(0))
    },
  ],
  [
    'a large message is answered by one',
    async client => {
      expect(await sizeOf(client, 271_828, 314_159)).toBe(314_159)
    },
  ],
  [
    'many messages, one answer',
    async client => {
      const stream = client.open(paths.input)
      for (const size of [27_182, 8, 1828, 45_904]) stream.send(inputRequest.encode(size))
      stream.end()
      expect((await stream.rest()).map(answer => inputResponse.decode(answer))).toEqual([74_922])
      expect(await stream.ended).toEqual(good)
    },
  ],
  [
    'one message, many answers',
    async client => {
      const stream = client.open(paths.output)
      stream.send(streamRequest.encode(inOrder.map(size => part(size))))
      stream.end()
      expect(sizes(await stream.rest())).toEqual(inOrder)
      expect(await stream.ended).toEqual(good)
    },
  ],
  [
    'ping-pong',
    async client => {
      const stream = client.open(paths.fullDuplex)
      for (const size of inOrder) {
        stream.send(streamRequest.encode([part(size)], 27_182))
        const answer = await stream.next()
        expect(answer === undefined ? undefined : payloadResponse.decode(answer)).toBe(size)
      }
      stream.end()
      expect(await stream.rest()).toEqual([])
      expect(await stream.ended).toEqual(good)
    },
  ],
  [
    'an empty stream',
    async client => {
      const stream = client.open(paths.fullDuplex)
      stream.end()
      expect(await stream.rest()).toEqual([])
      expect(await stream.ended).toEqual(good)
    },
  ],
  [
    'answers to those who have said all',
    async client => {
      const stream = client.open(paths.halfDuplex)
      for (const size of [1, 70_000, 0, 300_000]) stream.send(streamRequest.encode([part(size)], 100_000))
      stream.end()
      expect(sizes(await stream.rest())).toEqual([1, 70_000, 0, 300_000])
      expect(await stream.ended).toEqual(good)
    },
  ],
  [
    'a deadline that passes at once',
    async client => {
      const stream = client.open(paths.fullDuplex, 1)
      stream.send(streamRequest.encode([], 27_182))
      expect(await stream.rest()).toEqual([])
      expect(await stream.ended).toMatchObject({ code: status.DEADLINE_EXCEEDED })
    },
  ],
  [
    'a deadline that passes while the server waits',
    async (client, service) => {
      let stream: TestStream | undefined
      // On a busy machine the first may not be long enough.
      for (const timeoutMs of [300, 3000, 20_000]) stream ??= await beginToWait(client, timeoutMs)
      expect(await stream?.rest()).toEqual([])
      expect(await stream?.ended).toMatchObject({ code: status.DEADLINE_EXCEEDED })
      await eventually('its handler was told', () => service.open() === 0)
    },
  ],
  [
    'a call that is given up before anything is said',
    async (client, service) => {
      const stream = client.open(paths.input)
      stream.cancel()
      expect(await stream.ended).toMatchObject({ code: status.CANCELLED })
      await eventually('its handler was told', () => service.open() === 0)
    },
  ],
  [
    'a call that is given up after an answer',
    async (client, service) => {
      const before = service.opened()
      const stream = await beginToWait(client)
      expect(service.opened() - before).toBe(1)
      stream?.cancel()
      expect(await stream?.ended).toMatchObject({ code: status.CANCELLED })
      await eventually('its handler was told', () => service.open() === 0)
    },
  ],
  [
    'methods and services that are not there',
    async client => {
      for (const path of ['/grpc.testing.TestService/UnimplementedCall', '/grpc.testing.Unimplemented/Call']) {
        expect(await client.unary(path, Buffer.alloc(0)), path).toMatchObject({ code: status.UNIMPLEMENTED })
        const stream = client.open(path)
        stream.send(Buffer.alloc(100_000))
        expect(await stream.rest()).toEqual([])
        expect(await stream.ended, path).toMatchObject({ code: status.UNIMPLEMENTED })
      }
    },
  ],
  [
    'handlers that fail',
    async client => {
      // An EchoStatus that asks for another code, which handlers cannot choose.
      const refused = Buffer.from('3a020802', 'hex')
      const failed = { code: status.INTERNAL, details: 'the handler failed' }
      expect(await client.unary(paths.unary, refused)).toEqual(failed)
      const stream = client.open(paths.fullDuplex)
      stream.send(refused)
      expect(await stream.rest()).toEqual([])
      expect(await stream.ended).toEqual(failed)
    },
  ],
  [
    'messages at the edges of frames and windows, up to 4 MiB, both ways',
    async client => {
      for (const size of [0, 1, 16_360, 16_379, 16_384, 65_520, 65_535, 65_540, 300_000, 1 << 20, 4 << 20]) {
        expect(await sizeOf(client, size, 0)).toBe(0)
        expect(await sizeOf(client, 0, size)).toBe(size)
        expect(await sizeOf(client, size, size)).toBe(size)
      }
    },
  ],
  [
    'a message that is too large, and one that is not',
    async client => {
      const answer = await client.unary(paths.unary, unaryRequest.encode(0, 5 << 20))
      expect(answer).toMatchObject({ code: status.RESOURCE_EXHAUSTED })
      expect(await sizeOf(client, 1, 1)).toBe(1)
    },
  ],
  [
    '4000 calls, 200 at a time, on one connection',
    async (client, service) => {
      service.peers.clear()
      const workers = Array.from({ length: 200 }, async (_, worker) => {
        for (let i = 0; i < 20; i++) {
          const back = (worker * 7 + i * 131) % 3000
          expect(await sizeOf(client, (worker * 20 + i) % 1500, back)).toBe(back)
        }
      })
      await Promise.all(workers)
      expect(service.peers.size).toBe(1)
    },
  ],
  [
    'a reader that is slower than its server',
    async client => {
      const many = Array.from({ length: 32 }, () => 256 * 1024)
      const stream = client.open(paths.fullDuplex)
      stream.send(streamRequest.encode(many.map(size => part(size))))
      stream.end()
      for (const size of many) {
        const answer = await stream.next()
        expect(answer === undefined ? undefined : payloadResponse.decode(answer)).toBe(size)
        await sleep(2)
      }
      expect(await stream.rest()).toEqual([])
      expect(await stream.ended).toEqual(good)
    },
  ],
]

const servers = (['native', 'grpc-js'] as const).flatMap((transport: TransportName) =>
  (['h2c', 'tls', 'unix'] as const).map((line: Line) => ({ transport, line })),
)

describe.each(servers)('a client of grpc-js, and $transport over $line', ({ transport, line }) => {
  const service = createTestService()
  let served: Served
  let client: TestClient
  beforeAll(async () => {
    served = await serve(transport, line, [service])
  })
  afterEach(() => client.close())
  afterAll(() => served?.stop())

  it.each(cases)(
    '%s',
    async (_name, run) => {
      client = new TestClient(served.address, line)
      await run(client, service)
      await eventually('the end of all streams', () => service.open() === 0)
      expect(served.troubles).toEqual([])
    },
    patience,
  )
})

it.each(['native', 'grpc-js'] as const)(
  'a client of grpc-js loses no call when connections reach their age: %s',
  async transport => {
    const service = createTestService()
    const served = await serve(transport, 'h2c', [service], { maxConnectionAgeMs: 500 })
    const client = new TestClient(served.address, 'h2c')
    const until = performance.now() + 4000
    const places = Array.from({ length: 50 }, async () => {
      while (performance.now() < until) expect(await sizeOf(client, 700, 1500)).toBe(1500)
    })
    await Promise.all(places)
    expect(service.peers.size).toBeGreaterThan(1)
    client.close()
    await served.stop()
  },
  patience,
)

it('a client of grpc-js reads the messages of a status as we write them', async () => {
  const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n'
  const server = createServer()
  server.on('stream', stream => {
    // The client may be gone before the stream has ended.
    stream.on('error', () => undefined)
    const head = { ':status': 200, 'content-type': 'application/grpc' }
    stream.respond({ ...head, 'grpc-status': '2', 'grpc-message': encodeMessage(message) }, { endStream: true })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  const client = new TestClient({ kind: 'tcp', host: '127.0.0.1', port }, 'h2c')
  expect(await client.unary(paths.unary, Buffer.alloc(0))).toEqual({ code: status.UNKNOWN, details: message })
  client.close()
  server.close()
})
