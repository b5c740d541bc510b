import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import type { BidiStream, GrpcService, ServerStream, UnaryHandler } from '../grpc-transport.js'
import { preface } from './http2-codes.js'
import { Bench, echoPath, frame, message, requestBlock } from './raw-client.fixture.js'

const bench = new Bench()
afterEach(() => bench.close())

const later = () => new Promise<void>(resolve => setImmediate(resolve))

/** Every kind of method, answering at once and later, throwing, and ending early. */
const service: GrpcService = {
  unary: new Map<string, UnaryHandler>([
    [echoPath, bytes => (bytes.length % 2 === 0 ? bytes : later().then(() => bytes))],
    ['/t/Throw', () => Promise.reject(new Error('bug'))],
  ]),
  serverStreams: new Map([
    [
      '/t/Watch',
      (bytes: Buffer, _context: unknown, stream: ServerStream) => {
        stream.send(bytes)
        setImmediate(() => stream.end())
      },
    ],
  ]),
  bidiStreams: new Map([
    [
      '/t/Talk',
      (stream: BidiStream) => ({
        onMessage: (bytes: Buffer) =>
          bytes.length % 3 === 0 ? later().then(() => stream.send(bytes)) : stream.send(bytes),
        onEnd: () => stream.end(),
      }),
    ],
  ]),
}

const id = fc.constantFrom(0, 1, 3, 5, 7, 9, 2)
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.uint8Array({ maxLength: 60 }).map(message),
  fc.constantFrom(...[echoPath, '/t/Throw', '/t/Watch', '/t/Talk', '/t/None'].map(path => requestBlock(path))),
  fc
    .constantFrom('000400000000', '000400000003', '00047fffffff', '000100000000', '00000001', '00010000')
    .map(hex => Buffer.from(hex, 'hex')),
)
const anyFrame = fc
  .tuple(fc.nat(10), fc.nat(63), id, payload)
  .map(([type, flags, on, bytes]) => frame(type, flags, on, bytes))
/** Right ones, so that the wrong ones find something to break. */
const goodFrame = fc.oneof(
  fc
    .tuple(fc.constantFrom(echoPath, '/t/Throw', '/t/Watch', '/t/Talk'), fc.constantFrom(1, 3, 5, 7, 9))
    .map(([path, on]) => frame(1, 4, on, requestBlock(path))),
  fc
    .tuple(fc.constantFrom(0, 1), fc.constantFrom(1, 3, 5, 7, 9), fc.uint8Array({ maxLength: 50 }))
    .map(([flags, on, bytes]) => frame(0, flags, on, message(bytes))),
  fc.constantFrom(1, 3, 5).map(on => frame(3, 0, on, '00000008')),
)

it('whatever frames come, others are served, and nothing is left behind', async () => {
  const { address, transport, errors } = await bench.start([service])
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(goodFrame, goodFrame, goodFrame, anyFrame), { maxLength: 30 }),
      fc.nat(2000),
      async (frames, cut) => {
        const bytes = Buffer.concat([preface, frame(4, 0, 0), ...frames])
        const client = bench.client(address).send(bytes.subarray(0, cut))
        await later()
        client.send(bytes.subarray(cut))
        await later()
        client.socket.end()
        await new Promise(resolve => (client.closed ? resolve(undefined) : client.socket.once('close', resolve)))
      },
    ),
    { numRuns: 400 },
  )
  const last = bench
    .client(address)
    .hello()
    .send(frame(1, 4, 1, requestBlock()), frame(0, 1, 1, message('hi')))
  await expect.poll(() => last.said(), { interval: 2 }).toContain('headers 1 end')
  last.socket.destroy()
  expect(errors.filter(text => text.includes('our own'))).toEqual([])
  expect(await transport.drain(500)).toBe(0)
})
