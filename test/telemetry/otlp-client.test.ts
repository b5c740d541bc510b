import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { portOf } from '../../src/demo/free-port.js'
import { ExportTimeout } from '../../src/telemetry/otlp/export-queue.js'
import { createOtlpClient, type OtlpClient, OtlpFailure } from '../../src/telemetry/otlp/otlp-client.js'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  stops.push(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return portOf(server)
}

type Settings = Parameters<typeof createOtlpClient>[0]

function client(url: string, over: Partial<Settings> = {}): OtlpClient {
  const made = createOtlpClient({ url, headers: {}, timeoutMs: 2000, compression: 'none', tls: {}, ...over }, 60_000)
  stops.push(() => made.close())
  return made
}

/** An HTTP server with this behaviour, and a client of it. */
async function serve(answer: RequestListener, over: Partial<Settings> = {}) {
  const port = await listen(createHttpServer(answer))
  return client(`http://127.0.0.1:${port}/v1/x`, over)
}

const message = Buffer.from('message')

describe('a client of a collector', () => {
  it.each<['none' | 'gzip']>([['none'], ['gzip']])('posts with what it was told to say (%s)', async compression => {
    const got: unknown[] = []
    const over = { compression, headers: { 'X-Tenant': 'a', 'content-type': 'text/html', authorization: 'Bearer t' } }
    const one = await serve((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', piece => pieces.push(piece))
      request.on('end', () => {
        const body = Buffer.concat(pieces)
        got.push(request.headers, String(compression === 'gzip' ? gunzipSync(body) : body))
        response.end('fine')
      })
    }, over)
    expect(await one.post(message)).toEqual({ ok: true, body: Buffer.from('fine') })
    expect(got).toEqual([
      expect.objectContaining({
        ...{ 'x-tenant': 'a', authorization: 'Bearer t', 'content-type': 'application/x-protobuf' },
        'user-agent': expect.stringMatching(/^mcp-authz\//),
        ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
      }),
      'message',
    ])
  })

  it('keeps its connection', async () => {
    const sockets = new Set<unknown>()
    const one = await serve((request, response) => {
      sockets.add(request.socket)
      request.resume().on('end', () => response.end())
    })
    for (let i = 0; i < 3; i++) expect((await one.post(message)).ok).toBe(true)
    expect(sockets.size).toBe(1)
  })

  it.each<[string, number, boolean, Record<string, string>, number | undefined]>([
    ['a refusal', 400, false, {}, undefined],
    ['wrong credentials', 401, false, {}, undefined],
    ['a redirect', 308, false, { location: 'http://127.0.0.1:9/' }, undefined],
    ['an error', 500, false, {}, undefined],
    ['too much', 429, true, { 'retry-after': '7' }, 7000],
    ['a gateway', 502, true, {}, undefined],
    ['an outage', 503, true, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, undefined],
    ['a gateway that waits', 504, true, {}, undefined],
  ])('tells %s (%i)', async (_name, status, retryable, headers, retryAfterMs) => {
    const one = await serve((request, response) => {
      request.resume().on('end', () => response.writeHead(status, headers).end('details that nobody wants'))
    })
    const answer = await one.post(message)
    expect(answer.ok ? undefined : answer.error).toBeInstanceOf(OtlpFailure)
    expect(answer).toMatchObject({ ok: false, error: { code: status, retryable, retryAfterMs } })
  })

  it('waits for an answer as long as it may, for its begin as for its end', async () => {
    const silent = await serve(() => {}, { timeoutMs: 100 })
    const endless = await serve((_request, response) => void response.writeHead(200).write('x'), { timeoutMs: 100 })
    for (const one of [silent, endless]) {
      const answer = await one.post(message)
      expect(answer.ok ? undefined : answer.error).toBeInstanceOf(ExportTimeout)
    }
  })

  it('reads no more of an answer than it has to', async () => {
    const one = await serve((_request, response) => response.end(Buffer.alloc(100_000)))
    expect(await one.post(message)).toMatchObject({ ok: false, error: { code: 'EMSGSIZE', retryable: false } })
  })

  it('tells of a connection that breaks, and of one that cannot be made', async () => {
    const one = await serve(request => request.socket.destroy())
    expect(await one.post(message)).toMatchObject({ ok: false, error: { code: 'ECONNRESET', retryable: true } })
    expect(await client('http://127.0.0.1:9/').post(message)).toMatchObject({ error: { code: 'ECONNREFUSED' } })
  })

  it('sends no header that is none', async () => {
    const one = await serve((_request, response) => response.end(), { headers: { a: 'x\u0000' } })
    expect(await one.post(message)).toMatchObject({ ok: false, error: { retryable: false } })
  })

  it('ends what is under way when it is closed, and begins nothing then', async () => {
    const one = await serve(() => {}, { timeoutMs: 60_000 })
    const under = one.post(message)
    setTimeout(() => one.close(), 50)
    expect(await under).toMatchObject({ ok: false })
    expect(await one.post(message)).toMatchObject({ ok: false, error: { code: 'ECANCELED' } })
  })
})

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('a client of a collector with TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'otlp-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  beforeAll(() => {
    openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca', '-days', '2')
    writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\n')
    for (const name of ['server', 'client']) {
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'names']
      openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  async function start(tls: Settings['tls']) {
    const names: unknown[] = []
    const [key, cert, ca] = ['server.key', 'server.pem', 'ca.pem'].map(name => readFileSync(file(name)))
    const options = { key, cert, ca, requestCert: true, rejectUnauthorized: true }
    const server = createHttpsServer(options, (request, response) => {
      names.push((request.socket as TLSSocket).getPeerCertificate().subject.CN)
      request.resume().on('end', () => response.end())
    })
    const port = await listen(server)
    return { one: client(`https://127.0.0.1:${port}/`, { tls }), names }
  }

  it('checks who it is, and says who we are', async () => {
    const { one, names } = await start({ ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') })
    expect(await one.post(message)).toMatchObject({ ok: true })
    expect(names).toEqual(['client'])
  })

  it.each<[string, (all: Required<Settings['tls']>) => Settings['tls']]>([
    ['by whom nobody vouches', ({ cert, key }) => ({ cert, key })],
    ['that wants to know who we are', ({ ca }) => ({ ca })],
  ])('gets nothing to one %s', async (_name, of) => {
    const { one, names } = await start(of({ ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') }))
    expect(await one.post(message)).toMatchObject({ ok: false, error: { code: expect.any(String) } })
    expect(names).toEqual([])
  })
})
