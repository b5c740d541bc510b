import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LoopbackServer, startLoopbackServer } from './loopback-server.js'
import { rawPost } from './raw-post.js'
import { readBody } from './read-body.js'
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.js'

let server: LoopbackServer
let proxy: RecordingProxy
let closed: Promise<void>
beforeEach(async () => {
  let onClosed: () => void = () => {}
  closed = new Promise(resolve => {
    onClosed = resolve
  })
  server = await startLoopbackServer((request, response) => {
    if (request.url === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      const timer = setInterval(() => response.write('data: tick\n\n'), 20)
      response.on('close', () => {
        clearInterval(timer)
        onClosed()
      })
      return
    }
    void readBody(request, 1_000_000).then(body => {
      const { method, url, rawHeaders } = request
      const answer = { method, url, rawHeaders, body: body?.toString('latin1') }
      response.writeHead(201, ['set-cookie', 'a=1', 'set-cookie', 'b=2']).end(JSON.stringify(answer))
    })
  })
  proxy = await startRecordingProxy({ target: server.url })
})
afterEach(async () => {
  await proxy.stop()
  await server.stop()
})

describe('startRecordingProxy', () => {
  it('passes requests and answers on as they came, and remembers the requests', async () => {
    const headers = ['X-User', 'alice', 'x-user', 'mallory']
    const answer = await rawPost({
      url: `${proxy.url}/mcp?a=%2F..`,
      body: new Uint8Array([0, 255, 10]),
      headers,
      token: 't',
    })
    expect(answer.status).toBe(201)
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(answer.body).toContain(JSON.stringify(['X-User', 'alice', 'x-user', 'mallory']).slice(1, -1))
    expect(answer.body).toContain('"url":"/mcp?a=%2F.."')
    expect(answer.body).toContain('"body":"\\u0000\u00c3\u00bf\\n"'.replace('\u00c3\u00bf', '\u00ff'))
    expect(proxy.last()).toMatchObject({ method: 'POST', path: '/mcp' })
    expect(proxy.last()?.rawHeaders).toContain('mallory')
    expect(proxy.last()?.headers.authorization).toBe('Bearer t')
  })

  it('counts by path and forgets', async () => {
    for (const path of ['/mcp', '/mcp', '/other']) await fetch(proxy.url + path)
    expect([proxy.count('/mcp'), proxy.count('/other'), proxy.count('/none'), proxy.count()]).toEqual([2, 1, 0, 3])
    proxy.forget()
    expect(proxy.count()).toBe(0)
  })

  it('passes events on while the stream is open, and its end in both directions', async () => {
    const abort = new AbortController()
    const response = await fetch(`${proxy.url}/stream`, { signal: abort.signal })
    const first = await response.body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toContain('data: tick')
    abort.abort()
    await closed
  })

  it('answers 502 when there is no server', async () => {
    await server.stop()
    expect((await fetch(`${proxy.url}/mcp`)).status).toBe(502)
  })
})

describe('rawPost', () => {
  it('sends chunked bodies, and headers instead of its own', async () => {
    const headers = { 'content-type': 'text/plain', Accept: 'x/y' }
    const { body } = await rawPost({
      url: `${server.url}/`,
      body: '{"a":1,"a":2}',
      headers,
      chunked: true,
      method: 'PUT',
    })
    expect(body).toContain('"method":"PUT"')
    expect(body).toContain('"transfer-encoding","chunked"')
    expect(body).not.toContain('application/json')
    expect(body).not.toContain('content-length')
    expect(body).toContain(String.raw`{\"a\":1,\"a\":2}`)
  })

  it.each(['/a/../b', '//x', '/%2e%2E/c?d=..#e', '/'])('sends the path %s as it is', async path => {
    const { body } = await rawPost({ url: server.url + path, body: '' })
    expect(body).toContain(JSON.stringify(path))
  })

  it('gives up on an answer that does not end', async () => {
    await expect(rawPost({ url: `${server.url}/stream`, body: '', timeoutMs: 100 })).rejects.toThrow()
  })
})
