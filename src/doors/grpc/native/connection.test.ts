import { afterEach, describe, expect, it } from 'vitest'
import type { BoundAddress, GrpcService, UnaryHandler } from '../grpc-transport.js'
import { encodeFields } from './hpack/encode-fields.js'
import { errorCodes, preface } from './http2-codes.js'
import type { Limits } from './limits.js'
import { Bench, frame, message, type RawClient, requestBlock } from './raw-client.fixture.js'

const bench = new Bench()
afterEach(() => bench.close())

const echo: GrpcService = {
  unary: new Map<string, UnaryHandler>([
    ['/test.Echo/Say', bytes => bytes],
    ['/test.Echo/Never', () => new Promise(() => undefined)],
  ]),
}
const { protocolError, flowControlError, frameSizeError, streamClosed, compressionError, refusedStream } = errorCodes

/** Complete requests and halves of them. */
const request = (id: number, text = 'hi', path?: string) =>
  Buffer.concat([frame(1, 4, id, requestBlock(path)), frame(0, 1, id, message(text))])
const open = (id: number, path?: string) => frame(1, 4, id, requestBlock(path))
const waiting = (id: number) => request(id, 'x', '/test.Echo/Never')
const settings = (id: number, value: number) => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id)
  bytes.writeUInt32BE(value, 2)
  return frame(4, 0, 0, bytes)
}
const update = (id: number, increment: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(increment)
  return frame(8, 0, id, bytes)
}

async function hear(address: BoundAddress, bytes: Uint8Array[], until: string): Promise<RawClient> {
  const client = bench
    .client(address)
    .hello()
    .send(...bytes)
  await expect.poll(() => client.said(), { timeout: 2000, interval: 2 }).toContainEqual(expect.stringContaining(until))
  return client
}

describe('errors of the connection', () => {
  const cases: [string, Uint8Array[], number][] = [
    ['DATA without a stream', [frame(0, 0, 0, '00')], protocolError],
    ['DATA on an idle stream', [frame(0, 0, 1, '00')], protocolError],
    ['DATA on an even stream', [frame(0, 0, 2, '00')], protocolError],
    ['DATA with too much padding', [open(1), frame(0, 8, 1, '05 00000000')], protocolError],
    ['DATA with padding and no length of it', [open(1), frame(0, 8, 1)], frameSizeError],
    ['HEADERS without a stream', [frame(1, 5, 0, requestBlock())], protocolError],
    ['HEADERS on an even stream', [frame(1, 5, 2, requestBlock())], protocolError],
    ['HEADERS on an older stream', [request(5), frame(1, 5, 3, requestBlock())], protocolError],
    ['HEADERS with too much padding', [frame(1, 0xd, 1, '05 82')], protocolError],
    ['HEADERS that are too short for a priority', [frame(1, 0x25, 1, '00')], frameSizeError],
    ['HEADERS that cannot be decoded', [frame(1, 5, 1, '80')], compressionError],
    ['HEADERS within a header block', [frame(1, 1, 1, requestBlock()), frame(1, 5, 3, requestBlock())], protocolError],
    ['PING within a header block', [frame(1, 1, 1, requestBlock()), frame(6, 0, 0, Buffer.alloc(8))], protocolError],
    ['CONTINUATION of another stream', [frame(1, 1, 1, requestBlock()), frame(9, 4, 3, '')], protocolError],
    ['CONTINUATION of nothing', [frame(9, 4, 1, requestBlock())], protocolError],
    ['CONTINUATION behind a whole block', [open(1), frame(9, 4, 1, '')], protocolError],
    ['PRIORITY without a stream', [frame(2, 0, 0, '0000000000')], protocolError],
    ['PRIORITY of an idle stream on itself', [frame(2, 0, 1, '0000000100')], protocolError],
    ['RST_STREAM without a stream', [frame(3, 0, 0, '00000000')], protocolError],
    ['RST_STREAM of an idle stream', [frame(3, 0, 1, '00000000')], protocolError],
    ['RST_STREAM with a wrong length', [open(1), frame(3, 0, 1, '000000')], frameSizeError],
    ['SETTINGS on a stream', [frame(4, 0, 1, '')], protocolError],
    ['SETTINGS with a wrong length', [frame(4, 0, 0, '000000')], frameSizeError],
    ['an acknowledgement that says something', [frame(4, 1, 0, '000100000000')], frameSizeError],
    ['ENABLE_PUSH of 2', [settings(2, 2)], protocolError],
    ['INITIAL_WINDOW_SIZE of 2^31', [settings(4, 2 ** 31)], flowControlError],
    ['MAX_FRAME_SIZE that is too small', [settings(5, 16383)], protocolError],
    ['MAX_FRAME_SIZE that is too large', [settings(5, 2 ** 24)], protocolError],
    ['PUSH_PROMISE', [frame(5, 4, 1, '00000002 82')], protocolError],
    ['PING on a stream', [frame(6, 0, 1, Buffer.alloc(8))], protocolError],
    ['PING with a wrong length', [frame(6, 0, 0, Buffer.alloc(6))], frameSizeError],
    ['GOAWAY on a stream', [frame(7, 0, 1, Buffer.alloc(8))], protocolError],
    ['GOAWAY that is too short', [frame(7, 0, 0, Buffer.alloc(4))], frameSizeError],
    ['WINDOW_UPDATE of nothing', [update(0, 0)], protocolError],
    ['WINDOW_UPDATE of an idle stream', [update(1, 1)], protocolError],
    ['WINDOW_UPDATE with a wrong length', [frame(8, 0, 0, '000001')], frameSizeError],
    ['a window of the connection that is too large', [update(0, 2 ** 31 - 1)], flowControlError],
    [
      'a window of a stream that grows too large by SETTINGS',
      [waiting(1), update(1, 2 ** 30), settings(4, 2 ** 31 - 1)],
      flowControlError,
    ],
    ['a frame that is too large', [open(1), frame(0, 0, 1, Buffer.alloc(16385))], frameSizeError],
    ['DATA behind the end of both sides', [request(1), frame(0, 1, 1, '')], streamClosed],
    ['HEADERS behind the end of both sides', [request(1), frame(1, 5, 1, requestBlock())], streamClosed],
  ]
  it.each(cases)('%s', async (_name, bytes, code) => {
    const { address } = await bench.start([echo])
    const client = await hear(address, bytes, 'goaway')
    expect(client.said().at(-1)).toMatch(new RegExp(`^goaway \\d+ ${code}$`))
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
  })

  it.each([
    ['a request of HTTP/1.1', [Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')]],
    ['a preface that goes wrong', [preface.subarray(0, 20), Buffer.from('xxxx')]],
    ['something else before SETTINGS', [preface, frame(6, 0, 0, Buffer.alloc(8))]],
    ['an acknowledgement before SETTINGS', [preface, frame(4, 1, 0)]],
  ])('%s', async (_name, bytes) => {
    const { address } = await bench.start([echo])
    const client = bench.client(address).send(...bytes)
    await expect.poll(() => client.said(), { interval: 2 }).toEqual([`goaway 0 ${protocolError}`])
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
  })
})

describe('errors of a stream', () => {
  const malformed = (...more: [string, string][]) => frame(1, 5, 1, requestBlock(undefined, more))
  const cases: [string, Uint8Array[], number][] = [
    ['a malformed request', [malformed(['X-A', 'b'])], protocolError],
    [
      'a dependency on itself',
      [frame(1, 0x24, 1, Buffer.concat([Buffer.from('0000000100', 'hex'), requestBlock()]))],
      protocolError,
    ],
    ['PRIORITY on itself', [open(1), frame(2, 0, 1, '0000000100')], protocolError],
    ['PRIORITY with a wrong length', [open(1), frame(2, 0, 1, '00000000')], frameSizeError],
    ['a length without a body', [malformed(['content-length', '5'])], protocolError],
    [
      'a body that is longer',
      [frame(1, 4, 1, requestBlock(undefined, [['content-length', '3']])), frame(0, 1, 1, message('hi'))],
      protocolError,
    ],
    [
      'a body that is shorter',
      [frame(1, 4, 1, requestBlock(undefined, [['content-length', '30']])), frame(0, 1, 1, message('hi'))],
      protocolError,
    ],
    ['trailers that do not end', [open(1), frame(1, 4, 1, encodeFields([['x', 'y']]))], protocolError],
    ['trailers with a method', [open(1), frame(1, 5, 1, encodeFields([[':method', 'POST']]))], protocolError],
    ['WINDOW_UPDATE of nothing', [waiting(1), update(1, 0)], protocolError],
    ['a window that is too large', [waiting(1), update(1, 2 ** 31 - 1)], flowControlError],
    ['DATA behind the end', [waiting(1), frame(0, 1, 1, '')], streamClosed],
    ['HEADERS behind the end', [waiting(1), frame(1, 5, 1, encodeFields([['x', 'y']]))], streamClosed],
    ['DATA behind a reset', [waiting(1), frame(3, 0, 1, '00000008'), frame(0, 0, 1, '00')], streamClosed],
    ['HEADERS behind a reset', [waiting(1), frame(3, 0, 1, '00000008'), frame(1, 5, 1, requestBlock())], streamClosed],
  ]
  it.each(cases)('%s', async (_name, bytes, code) => {
    const { address } = await bench.start([echo])
    const client = await hear(address, [...bytes, request(7)], 'headers 7 end')
    const resets = client.said().filter(line => line.startsWith('reset 1'))
    expect(resets).toEqual([`reset 1 ${code}`])
  })

  it('more DATA than the window of a busy stream', async () => {
    const bidi: GrpcService = {
      unary: new Map(),
      bidiStreams: new Map([
        ['/test.Echo/Talk', () => ({ onMessage: () => new Promise(() => undefined), onEnd: () => undefined })],
      ]),
    }
    const { address } = await bench.start([echo, bidi])
    const much = Array.from({ length: 8 }, () => frame(0, 0, 1, message(Buffer.alloc(10_000))))
    const client = await hear(address, [open(1, '/test.Echo/Talk'), ...much, request(7)], 'headers 7 end')
    expect(client.said()).toContain(`reset 1 ${flowControlError}`)
  })

  it('more streams than allowed', async () => {
    const { address } = await bench.start([echo], { maxConcurrentStreams: 2 })
    const client = await hear(address, [waiting(1), waiting(3), request(5)], 'reset')
    expect(client.said()).toEqual([`reset 5 ${refusedStream}`])
    // Their handlers are still at work.
    client.send(frame(3, 0, 1, '00000008'), frame(3, 0, 3, '00000008'), request(7))
    await expect.poll(() => client.said(), { interval: 2 }).toContain(`reset 7 ${refusedStream}`)
  })
})

describe('what is right', () => {
  const whole = ['headers 1', 'data 1 7', 'headers 1 end']
  const block = requestBlock()
  const cases: [string, Uint8Array[], string[]][] = [
    ['a request', [request(1)], whole],
    [
      'a header block in pieces',
      [
        frame(1, 0, 1, block.subarray(0, 3)),
        frame(9, 0, 1, ''),
        frame(9, 4, 1, block.subarray(3)),
        frame(0, 1, 1, message('hi')),
      ],
      whole,
    ],
    [
      'padding',
      [
        frame(1, 0xc, 1, Buffer.concat([Buffer.of(3), block, Buffer.alloc(3)])),
        frame(0, 9, 1, Buffer.concat([Buffer.of(2), message('hi'), Buffer.alloc(2)])),
      ],
      whole,
    ],
    ['nothing but padding', [open(1), frame(0, 8, 1, '02 0000'), frame(0, 1, 1, message('hi'))], whole],
    [
      'a priority',
      [
        frame(1, 0x24, 1, Buffer.concat([Buffer.from('8000000310', 'hex'), block])),
        frame(2, 0, 1, '0000000510'),
        frame(0, 1, 1, message('hi')),
      ],
      whole,
    ],
    ['a reserved bit', [frame(1, 4, 1, block), Buffer.concat([frame(0, 1, 1, message('hi'))]).fill(0x80, 5, 6)], whole],
    ['trailers', [open(1), frame(0, 0, 1, message('hi')), frame(1, 5, 1, encodeFields([['x', 'y']]))], whole],
    ['unknown frames and flags', [frame(0x42, 0xff, 0, 'abcd'), frame(0x42, 0, 9, ''), request(1)], whole],
    ['unknown settings', [settings(99, 7), request(1)], whole],
    ['a ping', [frame(6, 0, 0, '0102030405060708'), request(1)], ['ping ack', ...whole]],
    ['a PRIORITY of a stream that does not exist', [frame(2, 0, 9, '0000000100'), request(1)], whole],
    [
      'a small window',
      [settings(4, 3), request(1), update(1, 100)],
      ['headers 1', 'data 1 3', 'data 1 4', 'headers 1 end'],
    ],
    [
      'a window that goes below nothing',
      [settings(4, 5), request(1), settings(4, 0), update(1, 3), update(1, 100)],
      ['headers 1', 'data 1 5', 'data 1 2', 'headers 1 end'],
    ],
    [
      'a window that grows by SETTINGS',
      [settings(4, 0), request(1), settings(4, 1), settings(4, 100)],
      ['headers 1', 'data 1 1', 'data 1 6', 'headers 1 end'],
    ],
    [
      'late words about a stream that has ended',
      [request(1), update(1, 1), frame(3, 0, 1, '00000000'), frame(2, 0, 1, '0000000000'), request(3)],
      [...whole, 'headers 3', 'data 3 7', 'headers 3 end'],
    ],
    ['a smaller table', [settings(1, 0), request(1)], whole],
  ]
  it.each(cases)('%s', async (_name, bytes, answer) => {
    const { address } = await bench.start([echo])
    const client = await hear(address, bytes, answer.at(-1) ?? '')
    expect(client.said()).toEqual(answer)
  })

  it.each(cases)('%s, octet by octet', async (_name, bytes, answer) => {
    const { address } = await bench.start([echo])
    const client = bench.client(address).hello()
    for (const octet of Buffer.concat(bytes)) {
      client.send(Buffer.of(octet))
      // Each in a read of its own, or nearly.
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect.poll(() => client.said(), { interval: 2 }).toEqual(answer)
  })

  it('tells that our table is smaller, before the next block, once', async () => {
    const { address } = await bench.start([echo])
    const client = await hear(address, [settings(1, 0), request(1), request(3)], 'headers 3 end')
    expect(client.frames.filter(({ type }) => type === 1).map(({ payload }) => payload[0] === 0x20)).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('begins with its settings and a wide window, and acknowledges', async () => {
    const { address } = await bench.start([echo], { maxConcurrentStreams: 77 })
    const client = bench.client(address).hello()
    await expect.poll(() => client.frames.length).toBe(3)
    expect(client.frames.map(({ type, flags, payload }) => [type, flags, payload.toString('hex')])).toEqual([
      [4, 0, '00030000004d000600010000'],
      [8, 0, '003f0001'],
      [4, 1, ''],
    ])
  })
})

describe('floods', () => {
  const many = (count: number, make: (index: number) => Uint8Array) =>
    Buffer.concat(Array.from({ length: count }, (_, i) => make(i)))
  const cases: [string, () => Uint8Array, Partial<Limits>?][] = [
    ['SETTINGS', () => many(200, () => frame(4, 0, 0))],
    ['PING', () => many(1000, () => frame(6, 0, 0, Buffer.alloc(8)))],
    ['PRIORITY', () => many(2000, () => frame(2, 0, 1, '0000000300'))],
    ['unknown frames', () => many(2000, () => frame(0x42, 0, 0))],
    ['WINDOW_UPDATE', () => many(10_000, () => update(0, 1))],
    ['empty DATA', () => Buffer.concat([open(1), many(1000, () => frame(0, 0, 1))])],
    ['DATA of padding', () => Buffer.concat([open(1), many(1000, () => frame(0, 8, 1, '02 0000'))])],
    [
      'DATA on a stream that we have reset',
      () => Buffer.concat([open(1), update(1, 0), many(9000, () => frame(0, 0, 1, '00'))]),
    ],
    [
      'HEADERS on a stream that we have reset',
      () => Buffer.concat([open(1), update(1, 0), many(9000, () => frame(1, 5, 1, requestBlock()))]),
    ],
    [
      'streams that are reset before they are answered',
      () => many(8000, i => Buffer.concat([waiting(2 * i + 1), frame(3, 0, 2 * i + 1, '00000008')])),
      { resets: { burst: 3000, perSecond: 10 } },
    ],
    [
      'streams that have us reset them',
      () => many(1000, i => Buffer.concat([waiting(2 * i + 1), update(2 * i + 1, 0)])),
    ],
    ['malformed requests', () => many(1000, i => frame(1, 5, 2 * i + 1, '82'))],
    [
      'header blocks that go on',
      () => Buffer.concat([frame(1, 1, 1, requestBlock()), many(100, () => frame(9, 0, 1))]),
    ],
    [
      'header blocks that are large',
      () => Buffer.concat([frame(1, 1, 1, requestBlock()), many(12, () => frame(9, 0, 1, Buffer.alloc(16384)))]),
    ],
    [
      'lists that are too long',
      () =>
        many(1000, i => frame(1, 5, 2 * i + 1, Buffer.concat([requestBlock(undefined, [['x', 'y'.repeat(15_000)]])]))),
    ],
  ]
  it.each(cases.slice(0, -1))('%s', async (_name, make, limits = {}) => {
    const { address, errors } = await bench.start([echo], { limits })
    const client = await hear(address, [make()], 'goaway')
    expect(client.said().at(-1)).toMatch(new RegExp(`^goaway \\d+ ${errorCodes.enhanceYourCalm}$`))
    expect(errors).toHaveLength(1)
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
  })

  it('resets behind an answer are nobody’s fault', async () => {
    const talk: GrpcService = {
      unary: new Map(),
      bidiStreams: new Map([
        ['/test.Echo/Talk', stream => ({ onMessage: text => stream.send(text), onEnd: () => stream.end() })],
      ]),
    }
    const { address, errors } = await bench.start([talk, echo])
    const exchange = (id: number) =>
      Buffer.concat([open(id, '/test.Echo/Talk'), frame(0, 0, id, message('x')), frame(3, 0, id, '00000008')])
    const client = await hear(address, [many(2000, i => exchange(2 * i + 1)), request(9001)], 'headers 9001 end')
    expect([client.said().filter(line => line.startsWith('goaway')), errors]).toEqual([[], []])
  })

  it('a gateway may cancel what takes too long, all of it', async () => {
    const { address, errors } = await bench.start([echo])
    const given = (id: number) => Buffer.concat([waiting(id), frame(3, 0, id, '00000008')])
    // Their handlers are still at work: what comes beyond 1000 of them is refused, and cancelled all the same.
    const client = await hear(address, [many(4000, i => given(2 * i + 1)), frame(6, 0, 0, Buffer.alloc(8))], 'ping ack')
    expect([client.said().filter(line => line.startsWith('goaway')), errors]).toEqual([[], []])
  })

  it('a list that is too long is refused, and the connection goes on', async () => {
    const { address } = await bench.start([echo], { limits: { headerListBytes: 1000 } })
    const large = frame(1, 5, 1, requestBlock(undefined, [['x', 'y'.repeat(2000)]]))
    const client = await hear(address, [large, request(3)], 'headers 3 end')
    expect(client.said()[0]).toBe('headers 1 end')
    expect(client.frames.find(({ id }) => id === 1)?.payload.toString('latin1')).toContain('grpc-status\x018')
  })

  it('who does not read is not read, and goes', async () => {
    const large = Buffer.alloc(1_000_000)
    let asked = 0
    const service: GrpcService = {
      unary: new Map([
        [
          '/test.Echo/Large',
          () => {
            asked++
            return large
          },
        ],
      ]),
    }
    const { address } = await bench.start([service], { limits: { stallMs: 200 }, maxConcurrentStreams: 1000 })
    const client = bench.client(address).hello()
    client.socket.pause()
    client.send(update(0, 2 ** 30), settings(4, 2 ** 30))
    for (let i = 0; i < 20; i++) client.send(request(2 * i + 1, 'x', '/test.Echo/Large'))
    const before = process.memoryUsage().arrayBuffers
    await expect.poll(() => asked).toBeGreaterThan(0)
    const timer = setInterval(() => client.send(frame(6, 0, 0, Buffer.alloc(8))), 5)
    await new Promise(resolve => setTimeout(resolve, 1500))
    clearInterval(timer)
    client.socket.resume()
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })
})

describe('time', () => {
  it.each([
    ['nothing', []],
    ['half a preface', [preface.subarray(0, 10)]],
    ['no SETTINGS', [preface]],
    ['no acknowledgement', [preface, frame(4, 0, 0)]],
    ['half a header block', [preface, frame(4, 0, 0), frame(4, 1, 0), frame(1, 0, 1, requestBlock())]],
  ])('%s', async (_name, bytes) => {
    const { address } = await bench.start([echo], { limits: { handshakeMs: 100 } })
    const client = bench.client(address)
    if (bytes.length > 0) client.send(...bytes)
    await expect.poll(() => client.closed, { timeout: 3000 }).toBe(true)
    expect(client.said().at(-1)).toMatch(/^goaway/)
  })
})

describe('a peer that says nothing', () => {
  it('is asked, and stays while it answers', async () => {
    const { address } = await bench.start([echo], { limits: { keepAliveMs: 50, keepAliveAnswerMs: 10_000 } })
    const client = await hear(address, [request(1)], 'headers 1 end')
    let answered = 0
    const answer = setInterval(() => {
      const pings = client.frames.filter(({ type, flags }) => type === 6 && flags === 0)
      for (; answered < pings.length; answered++) client.send(frame(6, 1, 0, pings[answered]?.payload ?? ''))
    }, 5)
    await expect.poll(() => answered, { timeout: 15_000 }).toBeGreaterThan(2)
    clearInterval(answer)
    client.send(request(3))
    await expect.poll(() => client.said(), { interval: 2 }).toContain('headers 3 end')
  })

  it('is left when it does not', async () => {
    const { address } = await bench.start([echo], { limits: { keepAliveMs: 100, keepAliveAnswerMs: 200 } })
    const client = await hear(address, [request(1)], 'ping')
    await expect.poll(() => client.closed, { timeout: 5000 }).toBe(true)
    expect(client.said().filter(line => line === 'ping')).toHaveLength(1)
  })
})

describe('going', () => {
  it('is in two steps, and takes what was on its way', async () => {
    const { transport, address } = await bench.start([echo])
    const client = await hear(address, [request(1)], 'headers 1 end')
    const drained = transport.drain(1000)
    await expect.poll(() => client.said(), { interval: 2 }).toContain('ping')
    expect(client.said()).toContain(`goaway ${2 ** 31 - 1} 0`)
    const ping = client.frames.find(({ type }) => type === 6)
    client.send(request(3), frame(6, 1, 0, ping?.payload ?? ''))
    await expect.poll(() => client.said().slice(-4)).toEqual(['headers 3', 'data 3 7', 'headers 3 end', 'goaway 3 0'])
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
    expect(await drained).toBe(0)
  })

  it('does not need an answer', async () => {
    const { transport, address } = await bench.start([echo])
    const client = await hear(address, [request(1)], 'headers 1 end')
    const drained = transport.drain(1000)
    await expect.poll(() => client.closed, { timeout: 4000 }).toBe(true)
    await drained
  })

  it('comes with age', async () => {
    const { address } = await bench.start([echo], { maxConnectionAgeMs: 50 })
    const client = await hear(address, [request(1)], 'headers 1 end')
    await expect.poll(() => client.said(), { timeout: 3000 }).toContain(`goaway ${2 ** 31 - 1} 0`)
  })

  it('follows a peer that goes', async () => {
    const { address } = await bench.start([echo])
    const client = bench
      .client(address)
      .hello()
      .send(request(1), frame(7, 0, 0, Buffer.alloc(8)))
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
    expect(client.said()).toContain('headers 1 end')
  })
})
