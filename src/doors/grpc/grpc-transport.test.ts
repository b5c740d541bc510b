import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createGrpcJsTransport, type GrpcJsTransportOptions } from './grpc-js-transport.js'
import type {
  BidiReceiver,
  BidiStream,
  BidiStreamHandler,
  BoundAddress,
  CallContext,
  GrpcService,
  GrpcTransport,
  UnaryHandler,
} from './grpc-transport.js'
import { createNativeTransport } from './native/native-transport.js'

const fixtures = fileURLToPath(new URL('../../../test/wire/fixtures/', import.meta.url))
const fixture = (name: string) => join(fixtures, name)
const echoPath = '/test.Echo/Say'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'grpc-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Of the transport that is tried now. */
let create = createGrpcJsTransport

type Started = { transport: ReturnType<typeof createGrpcJsTransport>; target: string; errors: string[] }

async function start(
  handler: UnaryHandler,
  options: Partial<GrpcJsTransportOptions> = {},
  more: readonly GrpcService[] = [],
): Promise<Started> {
  const errors: string[] = []
  const transport = create([{ unary: new Map([[echoPath, handler]]) }, ...more], {
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    onError: message => errors.push(message),
    ...options,
  })
  cleanups.push(() => transport.stop())
  return { transport, target: targetOf(await transport.start()), errors }
}

function targetOf(address: BoundAddress): string {
  return address.kind === 'tcp' ? `${address.host}:${address.port}` : `unix:${address.path}`
}

function client(target: string, creds = credentials.createInsecure()): Client {
  const made = new Client(target, creds, { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1 })
  cleanups.push(() => made.close())
  return made
}

const pass = (bytes: Buffer) => bytes

function say(from: Client, message: Uint8Array, timeoutMs = 3000, metadata = new Metadata()): Promise<string> {
  return new Promise(resolve => {
    const done = (error: ServiceError | null, answer?: Buffer) =>
      resolve(error === null ? String(answer) : `code ${error.code}`)
    const deadline = Date.now() + timeoutMs
    from.makeUnaryRequest(echoPath, pass, pass, Buffer.from(message), metadata, { deadline }, done)
  })
}

const echo: UnaryHandler = message => message

describe.each([
  ['grpc-js', createGrpcJsTransport],
  ['native', createNativeTransport],
] as const)('the transport %s', (_name, made) => {
  beforeAll(() => {
    create = made
  })

  describe('calls', () => {
    it('passes bytes through on TCP', async () => {
      const { target } = await start(echo)
      expect(await say(client(target), Buffer.from('hello'))).toBe('hello')
    })

    it('passes deadline, peer and metadata', async () => {
      let seen: CallContext | undefined
      const { target } = await start((message, context) => {
        seen = context
        expect(context.metadata('x-a')).toBe('b')
        expect(context.cancelled()).toBe(false)
        expect(context.peer).toContain('127.0.0.1')
        return message
      })
      const metadata = new Metadata()
      metadata.set('x-a', 'b')
      const before = Date.now()
      expect(await say(client(target), Buffer.from('x'), 5000, metadata)).toBe('x')
      expect(seen?.deadline).toBeGreaterThan(before + 3000)
      expect(seen?.deadline).toBeLessThan(before + 6000)
    })

    it('answers handlers that are slow, and survives ones that fail', async () => {
      const { target } = await start(async message => {
        if (String(message) === 'bad') throw new Error('no')
        return new Uint8Array(message)
      })
      const from = client(target)
      expect(await say(from, Buffer.from('bad'))).toBe(`code ${status.INTERNAL}`)
      expect(await say(from, Buffer.from('good'))).toBe('good')
    })

    it('refuses messages above the limit', async () => {
      const { target } = await start(echo, { maxReceiveBytes: 1000 })
      const from = client(target)
      expect(await say(from, Buffer.alloc(1001))).toBe(`code ${status.RESOURCE_EXHAUSTED}`)
      expect(await say(from, Buffer.from('small'))).toBe('small')
    })

    it('reports a port that is taken', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      cleanups.push(() => other.close())
      await new Promise(resolve => other.once('listening', resolve))
      const bound = other.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0
      await expect(start(echo, { address: { kind: 'tcp', host: '127.0.0.1', port } })).rejects.toThrow('EADDRINUSE')
    })

    it('does not start twice', async () => {
      const { transport } = await start(echo)
      await expect(transport.start()).rejects.toThrow('started before')
    })
  })

  describe('a unix socket', () => {
    it('works, has its mode, and is gone afterwards', async () => {
      const path = join(directory(), 's.sock')
      const { transport, target } = await start(echo, { address: { kind: 'unix', path, mode: 0o600 } })
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(await say(client(target), Buffer.from('x'))).toBe('x')
      await transport.stop()
      expect(existsSync(path)).toBe(false)
    })

    it('has mode 0660 unless told otherwise', async () => {
      const path = join(directory(), 's.sock')
      await start(echo, { address: { kind: 'unix', path } })
      expect(statSync(path).mode & 0o777).toBe(0o660)
    })

    it('replaces the socket of a process that is gone', async () => {
      const path = join(directory(), 's.sock')
      await makeStaleSocket(path)
      const { target } = await start(echo, { address: { kind: 'unix', path } })
      expect(await say(client(target), Buffer.from('x'))).toBe('x')
    })

    it('leaves the socket of a living process alone', async () => {
      const path = join(directory(), 's.sock')
      await start(echo, { address: { kind: 'unix', path } })
      await expect(start(echo, { address: { kind: 'unix', path } })).rejects.toThrow('in use')
    })

    it('does not remove a file that is no socket', async () => {
      const path = join(directory(), 'precious')
      writeFileSync(path, 'data')
      await expect(start(echo, { address: { kind: 'unix', path } })).rejects.toThrow('not a socket')
      expect(readFileSync(path, 'utf8')).toBe('data')
    })
  })

  /** A socket file that nobody listens on: a hard link survives the unlink of the listener that made it. */
  async function makeStaleSocket(path: string): Promise<void> {
    const server = createServer().listen(`${path}.live`)
    await new Promise(resolve => server.once('listening', resolve))
    linkSync(`${path}.live`, path)
    await new Promise(resolve => server.close(resolve))
  }

  describe('TLS', () => {
    const tls = { cert: fixture('server.pem'), key: fixture('server.key.pem') }
    const root = readFileSync(fixture('ca.pem'))
    const as = (name: string) =>
      credentials.createSsl(root, readFileSync(fixture(`${name}.key.pem`)), readFileSync(fixture(`${name}.pem`)))
    const local = (target: string) => target.replace('127.0.0.1', 'localhost')
    const address = { kind: 'tcp', host: 'localhost', port: 0 } as const

    it('serves', async () => {
      const { target } = await start(echo, { address, tls })
      expect(await say(client(local(target), credentials.createSsl(root)), Buffer.from('x'))).toBe('x')
    })

    it('does not answer plain text', async () => {
      const { target } = await start(echo, { address, tls })
      expect(await say(client(local(target)), Buffer.from('x'), 1000)).toMatch(/^code (14|4)$/)
    })

    const mtls = { ...tls, clientCA: fixture('ca.pem') }
    const mesh = { ...mtls, allowedSANs: ['spiffe://acme.example/ns/mesh/*'] }
    const cases: [string, typeof mtls, ReturnType<typeof as> | undefined, boolean][] = [
      ['a signed certificate', mtls, as('stranger'), true],
      ['no certificate', mtls, undefined, false],
      ['a certificate of another authority', mtls, as('foreign-gateway'), false],
      ['an allowed name', mesh, as('gateway'), true],
      ['a name that is not allowed', mesh, as('stranger'), false],
      ['an allowed name from another authority', mesh, as('foreign-gateway'), false],
    ]
    it.each(cases)('client certificates: %s', async (_name, settings, creds, allowed) => {
      let asked = 0
      const count: UnaryHandler = message => {
        asked++
        return message
      }
      const { target, errors } = await start(count, { address, tls: settings })
      const from = client(local(target), creds ?? credentials.createSsl(root))
      const answer = await say(from, Buffer.from('x'), 1500)
      if (allowed) expect(answer).toBe('x')
      else {
        expect(answer).toMatch(/^code (14|4)$/)
        expect(asked).toBe(0)
        expect(errors.length).toBeGreaterThan(0)
      }
    })

    it('says what is missing when a client does not negotiate HTTP/2', async () => {
      const { target, errors } = await start(echo, { address, tls })
      const port = Number(target.slice(target.lastIndexOf(':') + 1))
      await new Promise(resolve => {
        const socket = tlsConnect({ host: 'localhost', port, ca: root, servername: 'localhost' })
        socket.on('error', () => undefined)
        socket.once('close', resolve)
      })
      expect(errors.join()).toContain('alpn_protocols')
    })

    it('does not accept an allow-list that nobody checks', async () => {
      await expect(start(echo, { address, tls: { ...tls, allowedSANs: ['x'] } })).rejects.toThrow('clientCA')
    })

    it('does not start without its files', async () => {
      await expect(start(echo, { address, tls: { ...tls, cert: '/nowhere.pem' } })).rejects.toThrow('ENOENT')
    })

    it('follows its files, and keeps the last good ones', async () => {
      const dir = directory()
      const cert = join(dir, 'cert.pem')
      const key = join(dir, 'key.pem')
      copyFileSync(fixture('server.pem'), cert)
      copyFileSync(fixture('server.key.pem'), key)
      chmodSync(key, 0o600)
      const { transport, target, errors } = await start(echo, { address, tls: { cert, key } })
      const port = Number(target.slice(target.lastIndexOf(':') + 1))
      const first = await servedFingerprint(port, root)
      expect(transport.reloadTls()).toBe(false)

      copyFileSync(fixture('server-next.pem'), cert)
      expect(transport.reloadTls()).toBe(false)
      expect(transport.reloadTls()).toBe(false)
      expect(errors).toHaveLength(1)
      expect(await servedFingerprint(port, root)).toBe(first)

      copyFileSync(fixture('server-next.key.pem'), key)
      expect(transport.reloadTls()).toBe(true)
      expect(await servedFingerprint(port, root)).not.toBe(first)
      expect(await say(client(local(target), credentials.createSsl(root)), Buffer.from('x'))).toBe('x')
    })

    it('looks at its files on its own', async () => {
      const dir = directory()
      const cert = join(dir, 'cert.pem')
      const key = join(dir, 'key.pem')
      copyFileSync(fixture('server.pem'), cert)
      copyFileSync(fixture('server.key.pem'), key)
      const { target } = await start(echo, { address, tls: { cert, key, reloadIntervalMs: 20 } })
      const port = Number(target.slice(target.lastIndexOf(':') + 1))
      const first = await servedFingerprint(port, root)
      copyFileSync(fixture('server-next.key.pem'), key)
      copyFileSync(fixture('server-next.pem'), cert)
      await expect.poll(() => servedFingerprint(port, root)).not.toBe(first)
    })

    it('asks for the new authority after a reload', async () => {
      const dir = directory()
      const clientCA = join(dir, 'ca.pem')
      copyFileSync(fixture('ca.pem'), clientCA)
      const { transport, target } = await start(echo, { address, tls: { ...tls, clientCA } })
      expect(await say(client(local(target), as('gateway')), Buffer.from('x'))).toBe('x')
      copyFileSync(fixture('other-ca.pem'), clientCA)
      expect(transport.reloadTls()).toBe(true)
      expect(await say(client(local(target), as('gateway')), Buffer.from('x'), 1000)).toMatch(/^code/)
      expect(await say(client(local(target), as('foreign-gateway')), Buffer.from('x'))).toBe('x')
    })
  })

  function servedFingerprint(port: number, ca: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: 'localhost', port, ca, ALPNProtocols: ['h2'], servername: 'localhost' }, () => {
        resolve(socket.getPeerCertificate().fingerprint256)
        socket.destroy()
      })
      socket.once('error', reject)
    })
  }

  describe('drain', () => {
    it('lets calls in flight end, and takes no new connections', async () => {
      let release: (() => void) | undefined
      const { transport, target } = await start(
        message => new Promise(resolve => (release = () => resolve(new Uint8Array(message)))),
      )
      const pending = say(client(target), Buffer.from('slow'))
      await expect.poll(() => release !== undefined).toBe(true)
      const drained = transport.drain(3000)
      expect(await say(client(target), Buffer.from('new'), 500)).toMatch(/^code/)
      release?.()
      expect(await pending).toBe('slow')
      expect(await drained).toBe(0)
    })

    it('sees to it that answers have left when stop follows at once', async () => {
      const large = new Uint8Array(1_000_000)
      const releases: (() => void)[] = []
      const { transport, target } = await start(() => new Promise(resolve => releases.push(() => resolve(large))))
      const from = client(target)
      const pending = ['a', 'b', 'c'].map(text => say(from, Buffer.from(text)))
      await expect.poll(() => releases.length).toBe(pending.length)
      const stopped = transport.drain(3000).then(() => transport.stop())
      for (const release of releases) release()
      expect((await Promise.all(pending)).map(answer => answer.length)).toEqual(pending.map(() => large.length))
      await stopped
    })

    it('has a limit', async () => {
      let arrived = false
      const { transport, target } = await start(() => {
        arrived = true
        return new Promise(() => undefined)
      })
      const pending = say(client(target), Buffer.from('stuck'))
      await expect.poll(() => arrived).toBe(true)
      expect(await transport.drain(50)).toBe(1)
      await transport.stop()
      expect(await pending).toMatch(/^code/)
    })

    it('and stop may come in any order, twice', async () => {
      const transport: GrpcTransport = (await start(echo)).transport
      await transport.stop()
      await transport.stop()
      expect(await transport.drain(10)).toBe(0)
    })
  })

  describe('streams in both directions', () => {
    const talkPath = '/test.Echo/Talk'

    async function startTalk(talk: BidiStreamHandler, options: Partial<GrpcJsTransportOptions> = {}) {
      return start(echo, options, [{ unary: new Map(), bidiStreams: new Map([[talkPath, talk]]) }])
    }

    function open(target: string, deadline = Date.now() + 5000) {
      const call = client(target).makeBidiStreamRequest(talkPath, pass, pass, new Metadata(), { deadline })
      const got: string[] = []
      let ended: number | undefined
      call.on('data', (message: Buffer) => got.push(String(message)))
      call.on('error', () => undefined)
      call.on('status', ({ code }: { code: number }) => {
        ended = code
      })
      return { call, got, ended: () => ended }
    }

    const answering =
      (onMessage: (stream: BidiStream, message: Buffer) => undefined | Promise<void>): BidiStreamHandler =>
      stream => ({ onMessage: message => onMessage(stream, message), onEnd: () => stream.end() })

    it('answer message by message, in order, until the caller has said all', async () => {
      const { target } = await startTalk(answering((stream, message) => stream.send(message)))
      const { call, got, ended } = open(target)
      for (let i = 0; i < 100; i++) call.write(Buffer.from(String(i)))
      call.end()
      await expect.poll(ended).toBe(status.OK)
      expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
    })

    it('wait with the next message until one is dealt with', async () => {
      const releases: (() => void)[] = []
      const seen: string[] = []
      const { target } = await startTalk(
        answering((_stream, message) => {
          seen.push(String(message))
          return new Promise(resolve => releases.push(resolve))
        }),
      )
      const { call } = open(target)
      for (const text of ['a', 'b', 'c']) call.write(Buffer.from(text))
      for (let i = 1; i <= 3; i++) {
        await expect.poll(() => releases.length).toBe(i)
        await new Promise(resolve => setTimeout(resolve, 30))
        expect(seen).toHaveLength(i)
        releases[i - 1]?.()
      }
      expect(seen).toEqual(['a', 'b', 'c'])
      call.cancel()
    })

    it('hold a caller back that is faster than we are', async () => {
      let handled = 0
      const { target } = await startTalk(
        answering(async () => {
          handled++
          await new Promise(() => undefined)
        }),
      )
      const { call } = open(target)
      const chunk = Buffer.alloc(256 * 1024)
      let sent = 0
      const more = () => {
        call.write(chunk, () => {
          sent++
          if (sent < 200) more()
        })
      }
      more()
      await expect.poll(() => handled).toBe(1)
      await new Promise(resolve => setTimeout(resolve, 500))
      expect(handled).toBe(1)
      expect(sent).toBeLessThan(40)
      call.cancel()
    })

    it('tell a sender to wait while the caller does not read, and to stop waiting when it has gone', async () => {
      let stream: BidiStream | undefined
      const { target } = await startTalk(opened => {
        stream = opened
        return { onMessage: () => undefined, onEnd: () => undefined }
      })
      const { call } = open(target)
      call.pause()
      call.write(Buffer.from('go'))
      await expect.poll(() => stream !== undefined).toBe(true)
      const chunk = Buffer.alloc(128 * 1024)
      const answers = [1, 2].map(() => stream?.send(chunk))
      expect(answers).toEqual([undefined, undefined])
      // The third is more than may wait.
      const room = stream?.send(chunk)
      expect(room).toBeInstanceOf(Promise)
      call.resume()
      await room
      call.pause()
      let waits: Promise<void> | undefined
      for (let i = 0; i < 400 && waits === undefined; i++) waits = stream?.send(chunk)
      call.cancel()
      await waits
      expect(stream?.send(chunk)).toBeUndefined()
    })

    it('end when the handler says so, also while the caller goes on', async () => {
      const { target } = await startTalk(
        answering((stream, message) => {
          void stream.send(message)
          stream.end()
          void stream.send(Buffer.from('too late'))
          return undefined
        }),
      )
      const { call, got, ended } = open(target)
      for (const text of ['a', 'b', 'c']) call.write(Buffer.from(text))
      await expect.poll(ended).toBe(status.OK)
      expect(got).toEqual(['a'])
    })

    it.each([
      ['cancels', (call: { cancel(): void }) => call.cancel(), 5000],
      ['has a deadline', () => undefined, 300],
    ] as const)('close once when the caller %s', async (_what, leave, within) => {
      let closed = 0
      let opened: { context: CallContext; stream: BidiStream } | undefined
      const { transport, target } = await startTalk((stream, context) => {
        opened = { context, stream }
        stream.onClose(() => closed++)
        return { onMessage: () => undefined, onEnd: () => undefined }
      })
      const { call } = open(target, Date.now() + within)
      call.write(Buffer.from('x'))
      await expect.poll(() => opened !== undefined).toBe(true)
      expect(opened?.context.deadline).toBeLessThanOrEqual(Date.now() + within)
      leave(call)
      await expect.poll(() => closed).toBe(1)
      expect(opened?.context.cancelled()).toBe(true)
      opened?.stream.onClose(() => closed++)
      expect(closed).toBe(2)
      expect(await transport.drain(1000)).toBe(0)
      expect(closed).toBe(2)
    })

    it.each([
      ['cannot be made', (): BidiReceiver => raise()],
      ['throws', (): BidiReceiver => ({ onMessage: () => raise(), onEnd: () => undefined })],
      ['rejects', () => ({ onMessage: () => Promise.reject(new Error('bug')), onEnd: () => undefined })],
      ['throws at the end', (): BidiReceiver => ({ onMessage: () => undefined, onEnd: () => raise() })],
    ] as const)('end with an error when a handler %s', async (_what, talk) => {
      const { target } = await startTalk(talk)
      const { call, ended } = open(target)
      call.end(Buffer.from('x'))
      await expect.poll(ended).toBe(status.INTERNAL)
      expect(await say(client(target), Buffer.from('others go on'))).toBe('others go on')
    })

    function raise(): never {
      throw new Error('bug')
    }

    it('refuse messages above the limit', async () => {
      const { target } = await startTalk(
        answering((stream, message) => stream.send(message)),
        { maxReceiveBytes: 1000 },
      )
      const { call, ended } = open(target)
      call.write(Buffer.alloc(1001))
      await expect.poll(ended).toBe(status.RESOURCE_EXHAUSTED)
    })

    it('are limited per connection, and counted by drain', async () => {
      let opened = 0
      const { transport, target } = await startTalk(
        stream => {
          opened++
          return { onMessage: message => stream.send(message), onEnd: () => stream.end() }
        },
        { maxConcurrentStreams: 2 },
      )
      const from = client(target)
      const calls = [1, 2, 3].map(() => {
        const call = from.makeBidiStreamRequest(talkPath, pass, pass, new Metadata(), {})
        call.on('error', () => undefined)
        call.on('data', () => undefined)
        call.write(Buffer.from('x'))
        return call
      })
      await expect.poll(() => opened).toBe(2)
      await new Promise(resolve => setTimeout(resolve, 100))
      expect(opened).toBe(2)
      calls[0]?.end()
      await expect.poll(() => opened).toBe(3)
      expect(await transport.drain(50)).toBe(2)
      calls[1]?.end()
      calls[2]?.cancel()
      expect(await transport.drain(2000)).toBe(0)
    })
  })
})
