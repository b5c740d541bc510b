import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type {
  BidiStream,
  BoundAddress,
  CallContext,
  GrpcService,
  ServerStream,
  UnaryHandler,
} from '../grpc-transport.js'
import type { NativeTransportOptions } from './native-transport.js'
import { Bench, echoPath, frame, message, requestBlock } from './raw-client.fixture.js'

const bench = new Bench()
afterEach(() => bench.close())

const pass = (bytes: Buffer) => bytes

function serve(
  handler: UnaryHandler,
  options: Partial<NativeTransportOptions> = {},
  more: readonly GrpcService[] = [],
) {
  return bench.start([{ unary: new Map([[echoPath, handler]]) }, ...more], options)
}

function grpcClient(address: BoundAddress, creds = credentials.createInsecure(), options = {}): Client {
  const target = address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
  const client = new Client(target, creds, { 'grpc.use_local_subchannel_pool': 1, ...options })
  bench.onClose(() => client.close())
  return client
}

function say(client: Client, text: Uint8Array, path = echoPath, metadata = new Metadata()): Promise<Buffer | string> {
  return new Promise(resolve => {
    client.makeUnaryRequest(
      path,
      pass,
      pass,
      Buffer.from(text),
      metadata,
      { deadline: Date.now() + 5000 },
      (error, answer) => resolve(error === null ? (answer ?? '') : `code ${error.code}: ${error.details}`),
    )
  })
}

function http2Client(address: BoundAddress): ClientHttp2Session {
  const session = connect(address.kind === 'tcp' ? `http://${address.host}:${address.port}` : 'http://unix')
  session.on('error', () => undefined)
  bench.onClose(() => session.destroy())
  return session
}

/** One call by node:http2: what came, as HTTP sees it. */
function call(session: ClientHttp2Session, headers: Record<string, string>, body: Uint8Array) {
  return new Promise<{ status: number; grpc: unknown; body: Buffer; headers: Record<string, unknown> }>(
    (resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': echoPath,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      const chunks: Buffer[] = []
      let head: Record<string, unknown> = {}
      let trailers: Record<string, unknown> = {}
      stream.on('response', got => {
        head = got
      })
      stream.on('trailers', got => {
        trailers = got
      })
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', reject)
      stream.on('close', () => {
        const grpc = trailers['grpc-status'] ?? head['grpc-status']
        resolve({
          status: Number(head[constants.HTTP2_HEADER_STATUS]),
          grpc,
          body: Buffer.concat(chunks),
          headers: head,
        })
      })
      stream.end(body)
    },
  )
}

describe('unary calls', () => {
  it('carry messages of any size', async () => {
    const { address } = await serve(bytes => bytes)
    const client = grpcClient(address, undefined, { 'grpc.max_receive_message_length': -1 })
    for (const size of [0, 1, 16_379, 16_380, 65_530, 65_535, 300_000, 5 * 1024 * 1024]) {
      const body = Buffer.alloc(size, size % 251)
      const answer = await say(client, body)
      expect(Buffer.isBuffer(answer) && answer.equals(body), String(size)).toBe(true)
    }
  })

  it('share a connection, large and small, at once and later', async () => {
    const { address } = await serve(bytes =>
      bytes.length % 2 === 0 ? bytes : new Promise(resolve => setImmediate(() => resolve(bytes))),
    )
    const client = grpcClient(address)
    const bodies = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i % 10 === 0 ? 100_001 + i : i, i))
    const answers = await Promise.all(bodies.map(body => say(client, body)))
    expect(answers.every((answer, i) => Buffer.isBuffer(answer) && answer.equals(bodies[i] ?? Buffer.alloc(0)))).toBe(
      true,
    )
  })

  it('end in errors that say what to do', async () => {
    const { address } = await serve(() => {
      throw new Error('secret')
    })
    expect(await say(grpcClient(address), Buffer.from('x'))).toBe(`code ${status.INTERNAL}: the handler failed`)
    expect(await say(grpcClient(address), Buffer.from('x'), '/a/B')).toContain(`code ${status.UNIMPLEMENTED}`)
    const compressing = grpcClient(address, undefined, { 'grpc.default_compression_algorithm': 2 })
    expect(await say(compressing, Buffer.alloc(1000))).toContain(`code ${status.UNIMPLEMENTED}: compressed`)
  })

  it('know what the caller said beside its message', async () => {
    const { address } = await serve((_bytes, context) =>
      Buffer.from(`${context.metadata('x-a')} ${context.cancelled()}`),
    )
    const metadata = new Metadata()
    metadata.set('x-a', 'b')
    expect(String(await say(grpcClient(address), Buffer.from('x'), echoPath, metadata))).toBe('b false')
  })

  it('speak TLS, by the same rules', async () => {
    const file = (name: string) =>
      join(fileURLToPath(new URL('../../../../test/wire/fixtures/', import.meta.url)), name)
    const tls = { cert: file('server.pem'), key: file('server.key.pem'), clientCA: file('ca.pem') }
    const { address, transport } = await serve(bytes => bytes, {
      tls,
      address: { kind: 'tcp', host: 'localhost', port: 0 },
    })
    const root = readFileSync(file('ca.pem'))
    const known = credentials.createSsl(root, readFileSync(file('gateway.key.pem')), readFileSync(file('gateway.pem')))
    const body = Buffer.alloc(200_000, 1)
    expect(await say(grpcClient(address, known), body)).toEqual(body)
    expect(transport.reloadTls()).toBe(false)
  })
})

describe('calls by bytes', () => {
  const request = (id: number, more: readonly (readonly [string, string])[], ...data: Uint8Array[]) =>
    Buffer.concat([frame(1, 4, id, requestBlock(echoPath, more)), frame(0, 1, id, Buffer.concat(data))])
  const cases: [string, Uint8Array, number, string][] = [
    ['no message', request(1, []), status.INTERNAL, 'without a message'],
    ['no body at all', frame(1, 5, 1, requestBlock()), status.INTERNAL, 'without a message'],
    ['part of a message', request(1, [], message('abc').subarray(0, 6)), status.INTERNAL, 'within a message'],
    ['part of its length', request(1, [], message('abc').subarray(0, 3)), status.INTERNAL, 'within a message'],
    ['two messages', request(1, [], message('a'), message('b')), status.INTERNAL, 'one message'],
    ['a compressed message', request(1, [], Buffer.from('0100000000', 'hex')), status.UNIMPLEMENTED, 'identity'],
    ['unknown flags', request(1, [], Buffer.from('8000000000', 'hex')), status.INTERNAL, 'flags'],
    [
      'a message that is too large',
      request(1, [], Buffer.from('00ffffffff', 'hex')),
      status.RESOURCE_EXHAUSTED,
      'larger',
    ],
    ['a time that cannot be read', request(1, [['grpc-timeout', '5']], message('a')), status.INTERNAL, 'grpc-timeout'],
    ['no time', request(1, [['grpc-timeout', '0n']], message('a')), status.DEADLINE_EXCEEDED, 'deadline'],
    ['little time', request(1, [['grpc-timeout', '20m']], message('slow')), status.DEADLINE_EXCEEDED, 'deadline'],
  ]
  it.each(cases)('%s', async (_name, bytes, code, text) => {
    const { address } = await serve(body => (String(body) === 'slow' ? new Promise(() => undefined) : body))
    const client = bench.client(address).hello().send(bytes)
    await expect.poll(() => client.said(), { interval: 2 }).toContain('headers 1 end')
    const last =
      client.frames
        .filter(({ type }) => type === 1)
        .at(-1)
        ?.payload.toString('latin1') ?? ''
    expect(last).toContain(`grpc-status${String.fromCharCode(String(code).length)}${code}`)
    expect(last).toContain(text)
  })

  it('does not wait for what is too large', async () => {
    const { address } = await serve(body => body)
    const client = bench.client(address).hello()
    client.send(frame(1, 4, 1, requestBlock()), frame(0, 0, 1, Buffer.from('00ffffffff00', 'hex')))
    await expect.poll(() => client.said(), { interval: 2 }).toEqual(['headers 1 end', 'reset 1 0'])
    // What was on its way is let go.
    client.send(frame(0, 0, 1, Buffer.alloc(16_384)), frame(0, 1, 1, ''), request(3, [], message('x')))
    await expect.poll(() => client.said(), { interval: 2 }).toContain('headers 3 end')
  })

  it('bounds what is unfinished, over all calls', async () => {
    const { address } = await serve(body => body, { limits: { heldBytes: 1_000_000 } })
    const client = bench.client(address).hello()
    for (let id = 1; id < 40; id += 2) {
      const large = message(Buffer.alloc(60_000))
      client.send(frame(1, 4, id, requestBlock()))
      for (let at = 0; at < large.length - 1; at += 16_384)
        client.send(frame(0, 0, id, large.subarray(at, Math.min(at + 16_384, large.length - 1))))
    }
    await expect.poll(() => client.said().filter(line => line.startsWith('headers')), { interval: 2 }).toHaveLength(4)
  })
})

describe('against node:http2', () => {
  it.each([
    ['another content type', { 'content-type': 'application/json' }, 415],
    ['gRPC for browsers', { 'content-type': 'application/grpc-web' }, 415],
    ['another method', { ':method': 'PUT' }, 405],
  ])('answers as HTTP does: %s', async (_name, headers, code) => {
    const { address } = await serve(bytes => bytes)
    const answer = await call(http2Client(address), headers, Buffer.alloc(100_000))
    expect([answer.status, String(answer.body)]).toEqual([code, expect.stringContaining('gRPC')])
  })

  it('reads and answers whatever headers and bodies come', async () => {
    const seen: CallContext[] = []
    const { address } = await serve((bytes, context) => {
      seen.push(context)
      return bytes
    })
    const session = http2Client(address)
    const name = fc
      .string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'abcxyz-_09') })
      .map(text => `x-${text}`)
    const value = fc.string({
      maxLength: 200,
      unit: fc.integer({ min: 33, max: 126 }).map(code => String.fromCharCode(code)),
    })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 30 }), fc.nat(40_000), async (headers, size) => {
        const body = Buffer.alloc(size, size)
        const answer = await call(session, headers, message(body))
        expect([answer.status, answer.grpc]).toEqual([200, '0'])
        expect(answer.body.equals(message(body))).toBe(true)
        const context = seen.at(-1)
        for (const [key, text] of Object.entries(headers)) {
          if (!key.endsWith('-bin')) expect(context?.metadata(key)).toBe(text)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('streams', () => {
  const none = new Map()

  it('of the server go on until it ends them, or the client does', async () => {
    let stream: ServerStream | undefined
    let closed = 0
    const { address } = await serve(pass, {}, [
      {
        unary: none,
        serverStreams: new Map([
          [
            '/test.Echo/Watch',
            (text, _context, opened) => {
              stream = opened
              opened.onClose(() => closed++)
              opened.send(text)
            },
          ],
        ]),
      },
    ])
    const open = () => {
      const got: string[] = []
      const watch = grpcClient(address).makeServerStreamRequest(
        '/test.Echo/Watch',
        pass,
        pass,
        Buffer.from('a'),
        new Metadata(),
        {},
      )
      watch.on('data', (bytes: Buffer) => got.push(String(bytes)))
      watch.on('error', () => undefined)
      watch.on('status', ({ code }: { code: number }) => got.push(`code ${code}`))
      return { got, watch }
    }
    const first = open()
    await expect.poll(() => first.got, { interval: 2 }).toEqual(['a'])
    stream?.send(Buffer.from('b'))
    stream?.end()
    stream?.send(Buffer.from('too late'))
    await expect.poll(() => first.got, { interval: 2 }).toEqual(['a', 'b', 'code 0'])
    expect(closed).toBe(1)
    const second = open()
    await expect.poll(() => second.got, { interval: 2 }).toEqual(['a'])
    second.watch.cancel()
    await expect.poll(() => closed, { interval: 2 }).toBe(2)
    stream?.send(Buffer.from('nobody hears'))
    stream?.end()
  })

  it('in both directions carry what comes, in order, however large and slow', async () => {
    const { address } = await serve(pass, {}, [
      {
        unary: none,
        bidiStreams: new Map([
          [
            '/test.Echo/Talk',
            (stream: BidiStream) => ({
              async onMessage(text: Buffer) {
                if (text.length % 3 === 0) await new Promise(resolve => setImmediate(resolve))
                await stream.send(text)
              },
              onEnd: () => stream.end(),
            }),
          ],
        ]),
      },
    ])
    const client = grpcClient(address)
    const sizes = Array.from({ length: 120 }, (_, i) => (i * 7919) % (i % 7 === 0 ? 400_000 : 3000))
    const talks = [1, 2, 3].map(async () => {
      const talk = client.makeBidiStreamRequest('/test.Echo/Talk', pass, pass, new Metadata(), {})
      const got: number[] = []
      talk.on('data', (bytes: Buffer) => got.push(bytes.length))
      for (const size of sizes) talk.write(Buffer.alloc(size))
      talk.end()
      const code = await new Promise(resolve => talk.on('status', ended => resolve(ended.code)))
      expect(code).toBe(0)
      expect(got).toEqual(sizes)
    })
    await Promise.all(talks)
  })

  it('hear of a connection that breaks', async () => {
    const heard: string[] = []
    let context: CallContext | undefined
    const { address, transport } = await serve(pass, {}, [
      {
        unary: none,
        bidiStreams: new Map([
          [
            '/test.Echo/Talk',
            (stream: BidiStream, given: CallContext) => {
              context = given
              stream.onClose(() => heard.push('closed'))
              return { onMessage: () => undefined, onEnd: () => heard.push('end') }
            },
          ],
        ]),
      },
    ])
    const client = bench
      .client(address)
      .hello()
      .send(frame(1, 4, 1, requestBlock('/test.Echo/Talk')))
    await expect.poll(() => context, { interval: 2 }).toBeDefined()
    expect([context?.peer.startsWith('127.0.0.1:'), context?.cancelled()]).toEqual([true, false])
    client.socket.destroy()
    await expect.poll(() => heard, { interval: 2 }).toEqual(['closed'])
    expect([context?.peer, context?.cancelled()]).toEqual(['', true])
    expect(await transport.drain(100)).toBe(0)
  })
})

describe('where it listens', () => {
  it('may be a unix socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'native-'))
    bench.onClose(() => rmSync(directory, { recursive: true, force: true }))
    let context: CallContext | undefined
    const { address } = await serve(
      (bytes, given) => {
        context = given
        return bytes
      },
      { address: { kind: 'unix', path: join(directory, 's.sock') } },
    )
    expect(String(await say(grpcClient(address), Buffer.from('x')))).toBe('x')
    expect(context?.peer).toBe('')
  })

  it('may be another process, which hands over what connects', async () => {
    let accept: ((connection: Socket) => void) | undefined
    const other = createServer(connection => accept?.(connection)).listen(0, '127.0.0.1')
    bench.onClose(() => other.close())
    await new Promise(resolve => other.once('listening', resolve))
    const bound = other.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0
    const here = { kind: 'tcp', host: '127.0.0.1', port } as const
    const handed = {
      bound: here,
      take: (to: (connection: Socket) => void) => {
        accept = to
        return () => undefined
      },
    }
    const { address } = await serve(bytes => bytes, { address: { ...here, handed } })
    expect(String(await say(grpcClient(address), Buffer.from('x')))).toBe('x')
  })

  it('takes so many connections and no more', async () => {
    const { address } = await serve(bytes => bytes, { maxConnections: 1 })
    const [first, second] = [bench.client(address).hello(), bench.client(address).hello()]
    await expect.poll(() => [first.closed, second.closed].filter(Boolean), { interval: 2 }).toHaveLength(1)
  })
})

describe('in a long turn of the event loop', () => {
  const busily = (bytes: Buffer) => {
    const end = performance.now() + 6
    while (performance.now() < end);
    return bytes
  }
  const sizeOf = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])

  it.each([
    ['small', 10],
    ['large, more than waits for its end', 60_000],
  ])('answers come all the same: %s', async (_name, bytes) => {
    const { address } = await serve(busily)
    const ids = Array.from({ length: 12 }, (_, at) => 2 * at + 1)
    const clients = [bench.client(address), bench.client(address)]
    for (const client of clients) {
      // INITIAL_WINDOW_SIZE, and the window of the connection.
      client
        .hello()
        .send(frame(4, 0, 0, Buffer.concat([Buffer.of(0, 4), sizeOf(1 << 20)])), frame(8, 0, 0, sizeOf(1 << 24)))
      for (const id of ids) {
        const data: Buffer[] = []
        const body = message(Buffer.alloc(bytes))
        for (let at = 0; at < body.length; at += 16_384) {
          const part = body.subarray(at, at + 16_384)
          data.push(frame(0, at + part.length === body.length ? 1 : 0, id, part))
        }
        client.send(frame(1, 4, id, requestBlock()), ...data)
      }
    }
    const ended = clients.map(client => () => client.said().filter(one => /^headers \d+ end$/.test(one)))
    for (const said of ended)
      await expect.poll(said, { timeout: 5000 }).toEqual(ids.map(id => expect.stringContaining(`${id} end`)))
  })

  it('a connection that has to end says why', async () => {
    const { address } = await serve(busily)
    const client = bench.client(address).hello()
    for (const id of [1, 3, 5, 7]) client.send(frame(1, 4, id, requestBlock()), frame(0, 1, id, message('hi')))
    client.send(frame(0, 0, 0))
    await expect.poll(() => client.said().at(-1)).toBe('goaway 7 1')
    expect(client.said()).toContain('headers 7 end')
    await expect.poll(() => client.closed).toBe(true)
  })
})

describe('answers', () => {
  const update = (id: number, increment: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(increment)
    return frame(8, 0, id, bytes)
  }

  it('take turns: small ones do not wait behind large ones', async () => {
    const { address } = await serve(bytes => Buffer.alloc(Number(String(bytes))))
    const ask = (id: number, size: string) =>
      Buffer.concat([frame(1, 4, id, requestBlock()), frame(0, 1, id, message(size))])
    // Streams may send much, the connection only as much as it begins with.
    const client = bench
      .client(address)
      .hello()
      .send(frame(4, 0, 0, '00047fffffff'))
    client.send(ask(1, '1000000'), ask(3, '1000000'), ask(5, '100'))
    await expect.poll(() => client.said(), { interval: 2 }).toContainEqual(expect.stringContaining('data 1'))
    client.send(update(0, 100_000))
    await expect.poll(() => client.said(), { interval: 2 }).toContain('headers 5 end')
    expect(client.said()).not.toContain('headers 1 end')
    client.send(update(0, 10_000_000))
    await expect.poll(() => client.said(), { interval: 2 }).toContain('headers 3 end')
    const sum = (id: number) =>
      client.frames.reduce(
        (bytes, { type, id: on, payload }) => bytes + (type === 0 && on === id ? payload.length : 0),
        0,
      )
    expect([sum(1), sum(3), sum(5)]).toEqual([1_000_005, 1_000_005, 105])
  })

  it('that nobody takes end the connection before they fill the memory', async () => {
    const { address, errors } = await serve(() => Buffer.alloc(100_000), { limits: { queuedBytes: 1_000_000 } })
    const client = bench
      .client(address)
      .hello()
      .send(frame(4, 0, 0, '000400000000'))
    for (let id = 1; id < 60; id += 2) client.send(frame(1, 4, id, requestBlock()), frame(0, 1, id, message('x')))
    await expect.poll(() => client.closed, { interval: 2 }).toBe(true)
    expect(errors).toEqual([expect.stringContaining('does not read')])
  })

  it('end with the deadline, also where they wait', async () => {
    const { address } = await serve(pass, {}, [
      {
        unary: new Map(),
        bidiStreams: new Map([
          [
            '/test.Echo/Talk',
            (stream: BidiStream) => ({ onMessage: text => stream.send(text), onEnd: () => undefined }),
          ],
        ]),
      },
    ])
    const client = bench
      .client(address)
      .hello()
      .send(frame(4, 0, 0, '000400000000'))
    client.send(
      frame(1, 4, 1, requestBlock('/test.Echo/Talk', [['grpc-timeout', '30m']])),
      frame(0, 1, 1, message('x')),
    )
    await expect.poll(() => client.said(), { interval: 2 }).toEqual(['headers 1', 'headers 1 end'])
  })
})

it('a bug of ours ends one connection, and says so without a word of the request', async () => {
  const { address, errors } = await serve(pass, {}, [
    {
      unary: new Map(),
      bidiStreams: new Map([
        [
          '/test.Echo/Talk',
          (stream: BidiStream) => {
            stream.onClose(() => {
              throw new TypeError('secret')
            })
            return { onMessage: () => undefined, onEnd: () => undefined }
          },
        ],
      ]),
    },
  ])
  const client = bench.client(address).hello()
  client.send(frame(1, 4, 1, requestBlock('/test.Echo/Talk')), frame(3, 0, 1, '00000008'))
  await expect.poll(() => client.said(), { interval: 2 }).toContain('goaway 1 2')
  expect(errors).toEqual(['a connection was closed: an error of our own (TypeError)'])
  expect(String(await say(grpcClient(address), Buffer.from('others go on')))).toBe('others go on')
})
