import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { ListLimits } from './endpoint.js'
import { listPublished } from './list-published.js'

let stop: (() => void) | undefined
afterEach(() => stop?.())

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stop = () => {
    server.close()
    server.closeAllConnections()
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/mcp` : ''
}

interface Message {
  readonly id?: number
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}
interface Seen extends Message {
  readonly headers: IncomingMessage['headers']
  readonly http: string
}
type Answer = (message: Message, response: ServerResponse) => unknown

/** A server whose answers are results by method; what returns undefined has answered by itself. */
async function mcpServer(answer: Answer, seen: Seen[] = []): Promise<string> {
  return serve((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const message: Message = text === '' ? { method: '' } : JSON.parse(text)
      seen.push({ ...message, headers: request.headers, http: request.method ?? '' })
      if (message.id === undefined) return void response.writeHead(202).end()
      const result = answer(message, response)
      if (result === undefined) return
      sendJson(response, 200, { jsonrpc: '2.0', id: message.id, result })
    })
  })
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const list = (url: string, limits: ListLimits = {}) =>
  listPublished({ url, headers: { authorization: 'Bearer t' }, certificateAuthority: undefined }, limits)
const failure = async (url: string, limits?: ListLimits) => {
  const listed = await list(url, limits)
  return listed.ok ? 'it was read' : listed.message
}

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })
const discovered = {
  supportedVersions: ['2026-07-28'],
  capabilities: { tools: {}, prompts: {} },
  resultType: 'complete',
}
const modern =
  (lists: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => unknown>>): Answer =>
  ({ method, params = {}, id }, response) => {
    if (method === 'server/discover') return discovered
    const answer = lists[method]
    if (answer !== undefined) return answer(params)
    sendJson(response, 404, { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } })
    return undefined
  }

describe('listPublished', () => {
  it('reads every page of a server of 2026-07-28', async () => {
    const seen: Seen[] = []
    const url = await mcpServer(
      modern({
        'tools/list': ({ cursor }) =>
          cursor === undefined ? { tools: [tool('a')], nextCursor: 'x' } : { tools: [tool('b')] },
      }),
      seen,
    )
    const listed = await list(url)
    expect(listed).toMatchObject({ ok: true, published: { era: 'modern', prompts: [] } })
    expect(listed.ok && listed.published.tools.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(seen.map(({ method, headers }) => [method, headers['mcp-method'], headers['mcp-protocol-version']])).toEqual(
      ['server/discover', 'tools/list', 'tools/list', 'prompts/list'].map(method => [method, method, '2026-07-28']),
    )
    for (const { headers, params } of seen) {
      expect(headers).toMatchObject({ authorization: 'Bearer t', accept: 'application/json, text/event-stream' })
      expect(params?._meta).toMatchObject({ 'io.modelcontextprotocol/protocolVersion': '2026-07-28' })
    }
  })

  const legacy =
    (stream: boolean): Answer =>
    ({ method, id }, response) => {
      const results: Record<string, unknown> = {
        initialize: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '2' },
        },
        'tools/list': { tools: [tool('a')] },
      }
      const result = results[method]
      if (result === undefined) return void response.writeHead(400).end('Bad Request: no valid session')
      const session = method === 'initialize' ? { 'mcp-session-id': 'abc' } : {}
      if (!stream) {
        response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...session })
        return void response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      }
      response.writeHead(200, { 'content-type': 'text/event-stream', ...session })
      response.write(': hello\n\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
      response.write('data: {"jsonrpc":"2.0","id":99,"result":{"tools":[]}}\n\n')
      // The stream stays open.
      return void response.write(`id: 1\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`)
    }

  it.each([false, true])('reads a server with sessions (event stream: %s), and ends the session', async stream => {
    const seen: Seen[] = []
    const url = await mcpServer(legacy(stream), seen)
    const listed = await list(url)
    expect(listed).toMatchObject({ ok: true, published: { era: 'legacy', server: 's', version: '2' } })
    expect(listed.ok && listed.published.tools.map(({ name }) => name)).toEqual(['a'])
    expect(seen.slice(1).map(({ http, method, headers }) => [http, method, headers['mcp-session-id']])).toEqual([
      ['POST', 'initialize', undefined],
      ['POST', 'notifications/initialized', 'abc'],
      ['POST', 'tools/list', 'abc'],
      ['DELETE', '', 'abc'],
    ])
    expect(seen.at(-1)?.headers).toMatchObject({ 'mcp-protocol-version': '2025-06-18', authorization: 'Bearer t' })
  })

  it.each<[string, Answer, string]>([
    ['two tools of one name', modern({ 'tools/list': () => ({ tools: [tool('a'), tool('a')] }) }), 'the same name'],
    ['a tool without a name', modern({ 'tools/list': () => ({ tools: [{}] }) }), 'has no name'],
    ['no list', modern({ 'tools/list': () => ({}) }), 'has no list'],
    [
      'pages that never end',
      modern({ 'tools/list': () => ({ tools: [], nextCursor: 'again' }) }),
      'pages of its tools/list do not end',
    ],
    [
      'too many pages',
      modern({ 'tools/list': ({ cursor = 'x' }) => ({ tools: [], nextCursor: `${cursor}x` }) }),
      'more than 100 pages',
    ],
    [
      'too many tools',
      modern({ 'tools/list': () => ({ tools: Array.from({ length: 2001 }, (_, index) => tool(`t${index}`)) }) }),
      'more than 2000 entries',
    ],
    [
      'a redirect',
      (_, response) => void response.writeHead(307, { location: '/x' }).end(),
      'redirects are not followed',
    ],
    ['401', (_, response) => void response.writeHead(401).end(), '--token-file'],
    [
      'no JSON',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'no JSON-RPC',
    ],
    [
      'a repeated key',
      ({ id }, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"jsonrpc":"2.0","id":${id},"result":{"tools":[{"name":"a","name":"b"}]}}`),
      'no JSON-RPC response',
    ],
    [
      'an answer to another request',
      (_, response) => sendJson(response, 200, { jsonrpc: '2.0', id: 77, result: discovered }),
      'no JSON-RPC response',
    ],
    [
      'an error',
      ({ id }, response) => sendJson(response, 200, { jsonrpc: '2.0', id, error: { code: -32603, message: 'secret' } }),
      'initialize with the error -32603',
    ],
    [
      'a session id that would break a header',
      ({ method, id }, response) => {
        if (method !== 'initialize') return void response.writeHead(400).end()
        response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'a b' })
        return void response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } }))
      },
      'session id is malformed',
    ],
  ])('refuses %s', async (_name, answer, message) => {
    const said = await failure(await mcpServer(answer))
    expect(said).toContain(message)
    expect(said).not.toContain('secret')
  })

  it('reads no more than it must', async () => {
    const endless = (type: string, piece: string): Answer => {
      return (_, response) => {
        response.writeHead(200, { 'content-type': type })
        const pump = (): void => {
          while (!response.destroyed && response.write(piece));
          if (!response.destroyed) response.once('drain', pump)
        }
        pump()
        return undefined
      }
    }
    const limits = { answerBytes: 100_000 }
    expect(await failure(await mcpServer(endless('application/json', ' '.repeat(10_000))), limits)).toContain('100000')
    stop?.()
    expect(await failure(await mcpServer(endless('text/event-stream', `: ${'x'.repeat(9000)}\n`)), limits)).toContain(
      '100000',
    )
  })

  it('reads no more than it must of all pages together', async () => {
    let page = 0
    const url = await mcpServer(({ method }) =>
      method === 'server/discover'
        ? { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
        : { tools: [{ name: `t${page++}`, description: 'x'.repeat(10_000) }], nextCursor: String(page) },
    )
    expect(await failure(url, { totalBytes: 55_000 })).toContain('together')
    expect(page).toBe(6)
  })

  it('waits no longer than it may', async () => {
    const url = await mcpServer(() => undefined)
    const start = performance.now()
    expect(await failure(url, { timeoutMs: 300 })).toContain('in time')
    expect(performance.now() - start).toBeLessThan(5000)
  })

  it('says when nobody is there', async () => {
    const url = await mcpServer(() => undefined)
    stop?.()
    expect(await failure(url)).toContain('ECONNREFUSED')
  })
})
