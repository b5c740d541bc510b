import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpDoor, type HttpDoorOptions, type Readiness } from './http-door.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const ready: Readiness = { ready: true, reasons: [] }

async function open(options: Partial<HttpDoorOptions> = {}) {
  const errors: string[] = []
  const door = createHttpDoor({
    host: '127.0.0.1',
    port: 0,
    readiness: () => ready,
    metrics: () => ({ contentType: 'text/plain; version=0.0.4', text: async () => 'a 1\n' }),
    metadataFor: path => (path === '/.well-known/oauth-protected-resource/mcp' ? '{"resource":"r"}' : undefined),
    onError: detail => errors.push(detail),
    ...options,
  })
  cleanups.push(() => door.stop(0))
  const { port } = await door.start()
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
  return { door, errors, get, port }
}

describe('the HTTP door', () => {
  const cases: [string, string, string, number, string][] = [
    ['liveness', 'GET', '/healthz', 200, '{"status":"alive"}\n'],
    ['readiness', 'GET', '/readyz', 200, '{"status":"ready","reasons":[]}\n'],
    ['a query is no other path', 'GET', '/readyz?verbose', 200, '{"status":"ready","reasons":[]}\n'],
    ['metrics', 'GET', '/metrics', 200, 'a 1\n'],
    ['HEAD', 'HEAD', '/metrics', 200, ''],
    ['POST', 'POST', '/metrics', 405, '{"error":"method not allowed"}\n'],
    [
      'DELETE of a document',
      'DELETE',
      '/.well-known/oauth-protected-resource/mcp',
      405,
      '{"error":"method not allowed"}\n',
    ],
    ['document', 'GET', '/.well-known/oauth-protected-resource/mcp', 200, '{"resource":"r"}'],
    ['elsewhere', 'GET', '/', 404, '{"error":"not found"}\n'],
    ['a longer path', 'GET', '/metrics/x', 404, '{"error":"not found"}\n'],
    ['a longer name', 'GET', '/.well-known/oauth-protected-resourceful', 404, '{"error":"not found"}\n'],
  ]
  it.each(cases)('%s: %s %s', async (_name, method, path, status, body) => {
    const { get } = await open()
    const response = await get(path, { method })
    expect([response.status, await response.text()]).toEqual([status, body])
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('says why it is not ready', async () => {
    const { get } = await open({ readiness: () => ({ ready: false, reasons: ['keys of issuer acme are not loaded'] }) })
    const response = await get('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'not ready', reasons: ['keys of issuer acme are not loaded'] })
  })

  it('has metrics in the format that is asked for', async () => {
    const collect = async () => [{ name: 'a', help: 'h', type: 'gauge', values: [{ value: 1, labels: {} }] }]
    const metrics = () => ({ contentType: 'text/plain; version=0.0.4', text: async () => 'a 1\n', collect })
    const { get } = await open({ metrics })
    const plain = await get('/metrics')
    expect([plain.headers.get('content-type'), await plain.text()]).toEqual(['text/plain; version=0.0.4', 'a 1\n'])
    const chosen = await get('/metrics', { headers: { accept: 'application/openmetrics-text' } })
    expect(chosen.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(await chosen.text()).toBe('# HELP a h\n# TYPE a gauge\na 1\n# EOF\n')
  })

  it('lets any origin read documents, found or not, and nothing else', async () => {
    const { get } = await open()
    const allowed = async (path: string, method = 'GET') =>
      (await get(path, { method })).headers.get('access-control-allow-origin')
    expect(await allowed('/.well-known/oauth-protected-resource/mcp')).toBe('*')
    expect(await allowed('/.well-known/oauth-protected-resource/mcp', 'OPTIONS')).toBe('*')
    expect(await allowed('/.well-known/oauth-protected-resource/other')).toBe('*')
    expect(await allowed('/metrics')).toBeNull()
    expect(await allowed('/readyz')).toBeNull()
  })

  it('answers 500 without details when something of ours throws', async () => {
    const { get, errors } = await open({
      readiness: () => {
        throw new Error('secret')
      },
    })
    const response = await get('/readyz')
    expect([response.status, await response.text()]).toEqual([500, '{"error":"internal error"}\n'])
    expect(errors).toEqual(['an HTTP request failed'])
  })

  it('does not read bodies', async () => {
    const { get } = await open()
    const response = await get('/healthz', { method: 'POST', body: 'x'.repeat(100_000) }).catch(() => undefined)
    if (response !== undefined) expect(response.status).toBe(405)
  })

  it('refuses large headers', async () => {
    const { get } = await open()
    expect((await get('/healthz', { headers: { a: 'x'.repeat(9000) } })).status).toBe(431)
  })

  it('does not smuggle: the connection of a request with a body ends', async () => {
    const { port } = await open()
    const text = await new Promise<string>(resolve => {
      const socket = connect(port, '127.0.0.1')
      let seen = ''
      socket.on('data', data => {
        seen += String(data)
      })
      socket.on('close', () => resolve(seen))
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\nGET /metrics HTTP/1.1\r\n')
    })
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(text).toContain('onnection: close')
  })

  it('rejects when the port is taken', async () => {
    const { port } = await open()
    await expect(open({ port })).rejects.toThrow('EADDRINUSE')
  })
})
