import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Asked, openAdmin } from './admin.fixture.js'
import type { AdminListener } from './admin-listener.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function open(...args: Parameters<typeof openAdmin>) {
  const opened = await openAdmin(...args)
  cleanups.push(() => opened.door.stop())
  return opened
}

const explanation: Asked = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"tool":"read","args":{"n":1.0},"as":"alice","agent":"acme:bot"}',
}

describe('the admin listener', () => {
  it.each<[string, string, number, string | RegExp]>([
    ['liveness', '/healthz', 200, /"alive"/],
    ['readiness with reasons', '/readyz', 200, /"ready".*denies nothing/s],
    ['metrics', '/metrics', 200, 'a 1\n'],
    ['the configuration', '/config', 200, /"Config"/],
    ['the policies', '/policies', 200, /"r1"/],
    ['a document', '/policies/Grant/a:b', 200, 'kind: Grant\n'],
    ['a document, with its name encoded', '/policies/Grant/a%3Ab', 200, 'kind: Grant\n'],
    ['a document that is not there', '/policies/Grant/x', 404, /lists all/],
    ['a name that cannot be decoded', '/policies/Grant/%zz', 404, /no such page/],
    ['no decisions yet', '/decisions', 200, '{"seen":0,"kept":0,"decisions":[\n\n]}\n'],
    ['a query that is not known', '/decisions?lmit=1', 400, /did you mean limit/],
    ['the front page', '/', 200, /<h1>mcp-authz<\/h1>/],
    ['a path that leads up', '/policies/../config', 404, /no document/],
    ['another path', '/debug', 404, /no such page/],
    ['the target of a proxy', 'http://127.0.0.1/config', 404, /no such page/],
  ])('answers %s', async (_name, path, status, body) => {
    const { get } = await open()
    const got = await get(path)
    expect(got.status).toBe(status)
    if (typeof body === 'string') expect(got.body).toBe(body)
    else expect(got.body).toMatch(body)
    expect(got.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
    expect(got.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('is not ready with 503', async () => {
    const { get } = await open({}, { readiness: () => ({ ready: false, reasons: ['x'] }) })
    expect((await get('/readyz')).status).toBe(503)
  })

  it.each<[string, string, Asked, number]>([
    ['POST elsewhere', '/config', { ...explanation }, 405],
    ['DELETE', '/policies/Grant/a:b', { method: 'DELETE' }, 405],
    ['OPTIONS', '/explain', { method: 'OPTIONS' }, 405],
    ['reading an explanation', '/explain', {}, 405],
    ['what a form can send', '/explain', { ...explanation, headers: { 'content-type': 'text/plain' } }, 415],
    ['no type', '/explain', { ...explanation, headers: {} }, 415],
    [
      'a compressed body',
      '/explain',
      { ...explanation, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
      415,
    ],
    ['too large a body', '/explain', { ...explanation, body: `{"tool":"${'x'.repeat(1024 * 1024)}"}` }, 413],
    ['no JSON', '/explain', { ...explanation, body: '{' }, 400],
    ['a key twice', '/explain', { ...explanation, body: '{"tool":"a","tool":"b"}' }, 400],
  ])('refuses %s', async (_name, path, asked, status) => {
    const { get } = await open()
    expect((await get(path, asked)).status).toBe(status)
  })

  it('HEAD has no body', async () => {
    const { get } = await open()
    expect(await get('/config', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  it('says nothing of what broke', async () => {
    const { get, errors } = await open(
      {},
      {
        config: () => {
          throw new Error('secret')
        },
      },
    )
    const got = await get('/config')
    expect([got.status, got.body]).toEqual([500, '{\n  "error": "internal error; the log says more"\n}\n'])
    expect(errors).toEqual(['an admin request failed'])
  })

  it('bounds headers, and what is answered at the same time', async () => {
    let release = (): void => undefined
    const waiting = new Promise<void>(resolve => {
      release = resolve
    })
    const { get } = await open(
      { maxRequests: 2 },
      {
        metrics: () => ({
          contentType: 'text/plain',
          text: async () => {
            await waiting
            return ''
          },
        }),
      },
    )
    expect((await get('/', { headers: { a: 'x'.repeat(20_000) } })).status).toBe(431)
    const slow = [get('/metrics'), get('/metrics')]
    await expect.poll(async () => (await get('/healthz')).status).toBe(429)
    release()
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200])
    expect((await get('/healthz')).status).toBe(200)
  })

  it('does not take a body that nobody read for the next request', async () => {
    const { port } = await open()
    const text = await new Promise<string>(resolve => {
      let seen = ''
      const socket = connect(port, '127.0.0.1')
      socket.on('data', data => {
        seen += String(data)
      })
      socket.on('close', () => resolve(seen))
      socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 40\r\n\r\nGET /config HTTP/1.1\r\n')
    })
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  it('ends a request that does not come', async () => {
    const { port } = await open({ requestTimeoutMs: 300 })
    const text = await new Promise<string>(resolve => {
      let seen = ''
      const socket = connect(port, '127.0.0.1')
      socket.on('data', data => {
        seen += String(data)
      })
      socket.on('close', () => resolve(seen))
      socket.write(
        'POST /explain HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
      )
    })
    expect(text).toContain('408')
  })
})

describe('whatever is asked', () => {
  it('is answered, and nothing breaks', async () => {
    const { get, errors } = await open()
    const text = fc.string({ maxLength: 40 }).map(encodeURI)
    const path = fc.oneof(
      text.map(one => `/${one}`),
      text.map(one => `/policies/${one}`),
      fc.tuple(fc.constantFrom('/', '/decisions'), text, text).map(([at, name, value]) => `${at}?${name}=${value}`),
      fc.stringMatching(/^\/[!-~]{0,40}$/),
    )
    const asked = async (target: string, method: string) => {
      const { status } = await get(target, { method, ...(method === 'POST' && { ...explanation, body: target }) })
      expect([200, 400, 404, 405]).toContain(status)
    }
    await fc.assert(fc.asyncProperty(path, fc.constantFrom('GET', 'HEAD', 'POST', 'PUT'), asked), { numRuns: 200 })
    expect(errors).toEqual([])
  })
})

describe('who may ask on loopback', () => {
  it.each<[string, Asked['headers'], number]>([
    ['the address, on any port', { host: '127.0.0.1:19006' }, 200],
    ['localhost', { host: 'LOCALHOST' }, 200],
    ['the other loopback', { host: '[::1]:9006' }, 200],
    ['a name that is listed', { host: 'admin.example.com:9006' }, 200],
    ['a name of somebody else that resolves to us', { host: 'evil.example:9006' }, 403],
    ['what begins like us', { host: '127.0.0.1.evil.example' }, 403],
    ['what ends like us', { host: 'evil-localhost' }, 403],
    ['a name before the port', { host: 'localhost:80@evil.example' }, 403],
    ['a port alone', { host: ':9006' }, 403],
    ['our own page', { host: 'localhost:9006', origin: 'http://localhost:9006' }, 200],
    ['the page of another', { host: 'localhost:9006', origin: 'https://evil.example' }, 403],
    ['a page on another port', { host: 'localhost:9006', origin: 'http://localhost:3000' }, 403],
    ['a page in a sandbox', { host: 'localhost:9006', origin: 'null' }, 403],
    ['a link on the page of another', { host: 'localhost', 'sec-fetch-site': 'cross-site' }, 403],
    ['a link on a page of the same host', { host: 'localhost', 'sec-fetch-site': 'same-site' }, 403],
    ['a bookmark', { host: 'localhost', 'sec-fetch-site': 'none' }, 200],
  ])('%s', async (_name, headers = {}, status) => {
    const { get } = await open({ hosts: ['admin.example.com'] })
    expect((await get('/decisions', { headers })).status).toBe(status)
  })

  it('with a token file, only who has a token', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'admin-'))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const token = 'admin-0123456789abcdef0123456789abcdef'
    writeFileSync(join(folder, 'token'), `${token}\n`)
    const { get, errors } = await open({ tokenFile: join(folder, 'token') })
    const got = await get('/healthz')
    expect([got.status, got.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    expect((await get('/healthz', { headers: { authorization: `Bearer ${token}x` } })).status).toBe(401)
    expect((await get('/healthz', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
    expect(errors.join()).not.toContain(token)
  })
})

describe('a listener that must not be opened', () => {
  const tls = { cert: 'c', key: 'k' }
  it.each<[string, Partial<AdminListener>]>([
    ['for everybody', { host: '0.0.0.0' }],
    ['with tokens in the clear', { host: '10.0.0.1', tokenFile: 't' }],
    ['with TLS and nobody who is asked', { host: '::', tls }],
    ['with names of certificates that are not asked for', { tls: { ...tls, allowedSANs: ['a'] } }],
    ['on what only looks like loopback', { host: '127.0.0.1.example.com' }],
  ])('%s', async (_name, listener) => {
    await expect(open(listener)).rejects.toThrow('the admin listener: ')
  })

  it('is told of a token file that is not there', async () => {
    await expect(open({ tokenFile: '/nowhere/token' })).rejects.toThrow('/nowhere/token')
  })
})

describe('explanations', () => {
  it('are asked for as on the command line', async () => {
    const { get } = await open()
    const got = await get('/explain', explanation)
    expect(got.status).toBe(200)
    expect(JSON.parse(got.body)).toEqual({
      asked: { kind: 'tool', tool: 'read', args: '{"n":1.0}' },
      as: { user: 'alice', groups: [], scopes: [], agent: { issuer: 'acme', id: 'bot' } },
      headers: [],
    })
  })

  it('say what to ask instead', async () => {
    const { get } = await open({}, { explain: async () => ({ ok: false, message: 'say which server' }) })
    const got = await get('/explain', explanation)
    expect([got.status, JSON.parse(got.body)]).toEqual([400, { error: 'say which server' }])
  })

  it('are given up when they take too long', async () => {
    const { get } = await open({ explainWithinMs: 50 }, { explain: () => new Promise(() => undefined) })
    for (let i = 0; i < 6; i++) expect((await get('/explain', explanation)).status).toBe(503)
  })

  it('are few at a time', async () => {
    let release = (): void => undefined
    const waiting = new Promise<void>(resolve => {
      release = resolve
    })
    const { get } = await open(
      {},
      {
        explain: async () => {
          await waiting
          return { ok: true, explanation: 1 }
        },
      },
    )
    const four = Array.from({ length: 4 }, () => get('/explain', explanation))
    await expect.poll(async () => (await get('/explain', { ...explanation, body: '{' })).status).toBe(429)
    release()
    expect((await Promise.all(four)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await get('/explain', explanation)).status).toBe(200)
  })
})
