import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createFetcher } from './fetch-bytes.js'
import { type SigningKey, signingKey } from './identity.fixture.js'
import type { KeySource } from './identity-configuration.js'
import type { IdentityEvent } from './identity-event.js'
import { KeyRing } from './key-ring.js'
import type { KeySet } from './key-set.js'

let one: SigningKey
let two: SigningKey
beforeAll(async () => {
  one = await signingKey('one')
  two = await signingKey('two')
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

type Handler = (request: IncomingMessage, response: ServerResponse, origin: string) => void

/** A real issuer on a free loopback port, answering as the test says. */
async function listen(handler: Handler): Promise<string> {
  let origin = ''
  const server: Server = createServer((request, response) => handler(request, response, origin))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  origin = `http://127.0.0.1:${address.port}`
  return origin
}

const hasOpenssl = () => spawnSync('openssl', ['version']).status === 0

const json = (response: ServerResponse, body: unknown) =>
  response.end(typeof body === 'string' ? body : JSON.stringify(body))

function setOf(from: KeySource['from'], issuer = 'https://idp.example.com', timings = {}) {
  const events: IdentityEvent[] = []
  const clock = { now: 0 }
  const fetcher = createFetcher({ timeout: 300, maxBytes: 10_000 })
  const ring = new KeyRing({ now: () => clock.now, fetcher, onEvent: event => events.push(event), timings })
  const source: KeySource = { issuer, from, certificateAuthority: undefined, revision: 'r' }
  const set: KeySet = ring.hold(source)
  cleanups.push(() => ring.release(source))
  return { set, events, clock, ring, source }
}

const kids = (set: KeySet) => ['one', 'two'].filter(kid => set.find(kid, 'ES256').length === 1)

describe('a key set over HTTP', () => {
  it('is found by discovery', async () => {
    const accepts: (string | undefined)[] = []
    const origin = await listen((request, response, self) => {
      accepts.push(request.headers.accept)
      json(
        response,
        request.url === '/realm/.well-known/openid-configuration'
          ? { issuer: `${self}/realm`, jwks_uri: `${self}/certs` }
          : { keys: [one.publicJwk] },
      )
    })
    const { set, events } = setOf(
      { kind: 'discovery', url: `${origin}/realm/.well-known/openid-configuration` },
      `${origin}/realm`,
    )
    await set.start()
    expect(kids(set)).toEqual(['one'])
    expect(events).toEqual([{ kind: 'keys_loaded', issuer: `${origin}/realm`, keys: 1 }])
    expect(accepts[1]).toContain('application/jwk-set+json')
  })

  const discovery =
    (body: unknown): Handler =>
    (request, response) =>
      json(response, request.url === '/d' ? body : { keys: [one.publicJwk] })
  it.each<[string, Handler, string]>([
    ['garbage', (_, response) => json(response, '<html>'), 'is not JSON'],
    ['a key twice in an object', (_, response) => json(response, '{"keys":[],"keys":[]}'), 'is not JSON'],
    ['a list', (_, response) => json(response, []), 'is not a JSON object'],
    ['no keys member', (_, response) => json(response, {}), 'is not a JWK Set'],
    [
      'no usable key',
      (_, response) => json(response, { keys: [{ kty: 'oct', k: 'AA' }] }),
      'has no key that can verify',
    ],
    [
      'too many keys',
      (_, response) => json(response, { keys: Array.from({ length: 101 }, () => ({})) }),
      'is not a JWK Set',
    ],
    ['an error', (_, response) => response.writeHead(500).end(), 'answered 500'],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: '/other' }).end(),
      'redirects are not followed',
    ],
    [
      '1,000 keys',
      (_, response) => json(response, { keys: Array.from({ length: 1000 }, () => ({})) }),
      'is not a JWK Set',
    ],
    ['10 MiB', (_, response) => response.end(' '.repeat(10 * 1024 * 1024)), 'more than 10000 bytes'],
    [
      'a lie about its length',
      (_, response) => response.writeHead(200, { 'content-length': '5' }).end('{"keys":[]}'),
      '',
    ],
    [
      'a compressed body',
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"keys":[]}')),
      'is not JSON',
    ],
    [
      'headers that never end',
      request => {
        const timer = setInterval(() => request.socket.write('x: y\r\n'), 20)
        request.socket.write('HTTP/1.1 200 OK\r\n')
        request.socket.on('close', () => clearInterval(timer))
      },
      '',
    ],
    ['too much', (_, response) => response.end(' '.repeat(20_000)), 'more than 10000 bytes'],
    ['nothing at all', () => undefined, 'no complete answer within 300 ms'],
    [
      'a body that never ends',
      (_, response) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      'no complete answer within 300 ms',
    ],
    ['a closed connection', request => request.socket.destroy(), 'cannot be read'],
  ])('with %s fails with words', async (_, handler, message) => {
    const origin = await listen(handler)
    const { set, events } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` })
    await set.start()
    expect(set.loaded).toBe(false)
    expect(events).toEqual([
      {
        kind: 'keys_failed',
        issuer: 'https://idp.example.com',
        failures: 1,
        message: expect.stringContaining(message),
      },
    ])
  })

  it('does not go where a redirect points', async () => {
    let visits = 0
    const elsewhere = await listen((_, response) => {
      visits++
      json(response, { keys: [one.publicJwk] })
    })
    for (const status of [301, 302, 303, 307, 308]) {
      const origin = await listen((_, response) => response.writeHead(status, { location: elsewhere }).end())
      const { set } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` })
      await set.start()
      expect(set.failure).toContain(`answered ${status}; redirects are not followed`)
    }
    expect(visits).toBe(0)
  })

  it.each(['text/html', 'application/octet-stream', 'image/png'])('says %s and is read all the same', async type => {
    const origin = await listen((_, response) => {
      response.setHeader('content-type', type)
      response.setHeader('cache-control', 'max-age=31536000, immutable')
      json(response, { keys: [one.publicJwk] })
    })
    const { set } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` })
    await set.start()
    expect(kids(set)).toEqual(['one'])
  })

  it.each([
    [
      'another issuer',
      { issuer: 'https://evil.example', jwks_uri: 'https://idp.example.com/jwks' },
      'describes another issuer',
    ],
    [
      'an issuer with a slash more',
      { issuer: 'https://idp.example.com/', jwks_uri: 'https://idp.example.com/jwks' },
      'describes another issuer',
    ],
    ['no issuer', { jwks_uri: 'https://idp.example.com/jwks' }, 'describes another issuer'],
    ['no jwks_uri', { issuer: 'https://idp.example.com' }, 'has no jwks_uri'],
    [
      'a jwks_uri that is a file',
      { issuer: 'https://idp.example.com', jwks_uri: 'file:///etc/passwd' },
      'must begin with https://',
    ],
    [
      'a jwks_uri over http elsewhere',
      { issuer: 'https://idp.example.com', jwks_uri: 'http://169.254.169.254/' },
      'must begin with https://',
    ],
  ])('whose discovery has %s fails', async (_, body, message) => {
    const origin = await listen(discovery(body))
    const { set } = setOf({ kind: 'discovery', url: `${origin}/d` })
    await set.start()
    expect(set.failure).toContain(message)
  })

  it('is refreshed in the background, and keeps the last good keys through failures', async () => {
    let answer: unknown = { keys: [one.publicJwk] }
    const origin = await listen((_, response) => json(response, answer))
    const { set, events } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` }, undefined, { refresh: 20, retry: 10 })
    await set.start()
    expect(kids(set)).toEqual(['one'])
    answer = 'garbage'
    await vi.waitFor(() => expect(events.filter(({ kind }) => kind === 'keys_failed').length).toBeGreaterThan(1), 3000)
    expect(kids(set)).toEqual(['one'])
    expect(set.usable).toBe(true)
    const { loads, ...state } = set.state
    expect(state).toEqual({ issuer: 'https://idp.example.com', keys: 1, confirmedAt: 0 })
    expect([loads.ok > 0, loads.failed > 1]).toEqual([true, true])
    answer = { keys: [two.publicJwk] }
    await vi.waitFor(() => expect(kids(set)).toEqual(['two']), 3000)
    expect(set.failure).toBeUndefined()
  })

  it('is asked for once by many who miss a key, and not again and again', async () => {
    let hits = 0
    const origin = await listen((_, response) => {
      hits++
      setTimeout(() => json(response, { keys: [one.publicJwk] }), 20)
    })
    const { set, clock } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` })
    const many = () => Promise.all(Array.from({ length: 20 }, () => set.lookAgain()))
    await set.start()
    const seen = [hits]
    // Two loads may come at once, then one per cool-down.
    for (const wait of [0, 0, 0, 29_999, 1, 0, 300_000, 0, 0, 0]) {
      clock.now += wait
      await many()
      seen.push(hits)
    }
    expect(seen).toEqual([1, 2, 3, 3, 3, 4, 4, 5, 6, 6, 6])
  })

  it('is tried again soon after it could not be loaded, whoever asked for it', async () => {
    let answer: unknown = { keys: [one.publicJwk] }
    const origin = await listen((_, response) => json(response, answer))
    const { set } = setOf({ kind: 'jwksUri', url: `${origin}/jwks` }, undefined, { refresh: 600_000, retry: 10 })
    await set.start()
    answer = 'garbage'
    expect(await set.lookAgain()).toBe(false)
    answer = { keys: [two.publicJwk] }
    await vi.waitFor(() => expect(kids(set)).toEqual(['two']), 3000)
  })

  it.skipIf(!hasOpenssl())('comes over https only from whom the certificate authority vouches for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ca-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const options = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1', '-nodes']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', keyFile, '-out', certificateFile, ...options],
      { stdio: 'ignore' },
    )
    const certificate = await readFile(certificateFile, 'utf8')
    const server = createSecureServer({ key: await readFile(keyFile), cert: certificate }, (_, response) =>
      json(response, 'hello'),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const get = (certificateAuthority: string | undefined) =>
      createFetcher({ timeout: 2000 })({
        url: `https://127.0.0.1:${address.port}/jwks`,
        accept: 'application/json',
        certificateAuthority,
      })
    expect(await get(undefined)).toMatchObject({ ok: false, message: expect.stringContaining('self-signed') })
    expect(await get(certificate)).toMatchObject({ ok: true })
  })
})

describe('a key set in a file', () => {
  it('is read again when it changes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keys-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    const path = join(folder, 'jwks.json')
    await writeFile(path, JSON.stringify({ keys: [one.publicJwk] }))
    const { set } = setOf({ kind: 'file', path }, undefined, { refresh: 10 })
    await set.start()
    expect(kids(set)).toEqual(['one'])
    await writeFile(`${path}.new`, JSON.stringify({ keys: [one.publicJwk, two.publicJwk] }))
    await rename(`${path}.new`, path)
    await vi.waitFor(() => expect(kids(set)).toEqual(['one', 'two']), 3000)
  })

  it('that is not there says so', async () => {
    const { set } = setOf({ kind: 'file', path: '/nonexistent/jwks.json' })
    await set.start()
    expect(set.failure).toBe('/nonexistent/jwks.json cannot be read: ENOENT')
    expect(set.state).toMatchObject({ keys: 0, confirmedAt: undefined, loads: { ok: 0, failed: 1 } })
  })
})

describe('KeyRing', () => {
  it('shares a set among those who hold it, and stops it after the last', async () => {
    const { set, ring, source } = setOf({ kind: 'file', path: '/nonexistent' })
    expect(ring.hold(source)).toBe(set)
    ring.release(source)
    expect(ring.size).toBe(1)
    const moved = ring.hold({ ...source, revision: 'moved' })
    await moved.start()
    // Each issuer once, as it is now.
    expect(ring.states).toEqual([moved.state])
    expect(moved.state.loads.failed).toBe(1)
    ring.release({ ...source, revision: 'moved' })
    ring.release(source)
    expect(ring.size).toBe(0)
    expect(ring.states).toEqual([])
    ring.release(source)
    expect(ring.hold(source)).not.toBe(set)
  })
})
