import type { IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { describe, expect, it } from 'vitest'
import { portOf } from '../../../src/demo/free-port.js'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import type { CaseRequest } from '../support/case-request.js'
import { http1Bytes, http1Exchange } from './http1-exchange.js'
import { http2Exchange } from './http2-exchange.js'
import type { WireAnswer } from './wire-request.js'

const body = Buffer.from('x'.repeat(200_000))
const request: CaseRequest = {
  ...{ method: 'POST', authority: 'mcp.example.com', target: '/open?a=1', body },
  headers: [
    ['X-Note', 'a'],
    ['x-note', `b${'c'.repeat(300)}`],
  ],
}

async function whole(stream: AsyncIterable<unknown>): Promise<number> {
  let length = 0
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) length += chunk.length
  return length
}

async function overHttp1(chunked: boolean): Promise<{ answer: WireAnswer; seen: IncomingMessage | undefined }> {
  let seen: IncomingMessage | undefined
  const { port, stop } = await startLoopbackServer((incoming, response) => {
    seen = incoming
    whole(incoming).then(
      length => response.writeHead(403).end(`{"length":${length}}`),
      () => response.destroy(),
    )
  })
  const answer = await http1Exchange(port, http1Bytes(request, chunked))
  await stop()
  return { answer, seen }
}

describe('the wire', () => {
  it.each([false, true])('HTTP/1.1, chunked: %s', async chunked => {
    const { answer, seen } = await overHttp1(chunked)
    expect(answer).toMatchObject({ status: 403, body: '{"length":200000}' })
    expect(seen?.url).toBe('/open?a=1')
    expect(seen?.headers.host).toBe('mcp.example.com')
    expect(seen?.headers['content-length']).toBe(chunked ? undefined : '200000')
    expect(seen?.rawHeaders.filter(name => /^x-note$/i.test(name))).toEqual(['X-Note', 'x-note'])
  })

  it.each([
    { apart: false, status: 200 },
    { apart: true, status: 403 },
    { apart: true, status: 418 },
    { apart: false, status: 599 },
  ])('HTTP/2, its end apart: $apart, answered $status', async ({ apart, status }) => {
    const seen: unknown[] = []
    const server = createHttp2Server()
    server.on('stream', (stream, headers) => {
      seen.push(headers[':path'], headers[':authority'], headers['x-note'])
      whole(stream).then(
        length => {
          stream.respond({ ':status': status })
          stream.end(`{"length":${length}}`)
        },
        () => stream.close(),
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const answer = await http2Exchange(portOf(server), request, apart)
    await new Promise(resolve => server.close(resolve))
    expect(answer).toMatchObject({ status, body: '{"length":200000}' })
    expect(seen).toEqual(['/open?a=1', 'mcp.example.com', `a, b${'c'.repeat(300)}`])
  })

  it('tells a connection that closes without an answer', async () => {
    const { port, stop } = await startLoopbackServer((_incoming, response) => response.destroy())
    expect(await http1Exchange(port, http1Bytes(request, false))).toMatchObject({ status: 0 })
    await stop()
  })
})
