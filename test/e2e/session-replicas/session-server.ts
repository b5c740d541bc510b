import type { IncomingMessage, ServerResponse } from 'node:http'
import { type LoopbackServer, startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { readBody } from '../../../src/demo/read-body.js'

export interface Seen {
  readonly method: string
  /** The session that the server was asked about. */
  readonly session: string | undefined
}

export interface SessionServer extends LoopbackServer {
  /** Requests, in order. */
  readonly seen: Seen[]
}

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly _meta?: Readonly<Record<string, unknown>> }
}

const capabilities = { tools: {} }
const serverInfo = { name: 'sessions', version: '1' }
const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }

/** A server of both eras. It knows its sessions and nothing of their owners: that is for what stands in front of it. */
export async function startSessionServer(port: number): Promise<SessionServer> {
  const seen: Seen[] = []
  const sessions = new Set<string>()
  let count = 0

  const answer = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const { method = '', headers } = request
    const id = headers['mcp-session-id']
    const session = typeof id === 'string' ? id : undefined
    seen.push({ method, session })
    const message: Message = text === '' ? {} : JSON.parse(text)
    const modern = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined
    if (message.method === 'initialize') {
      const made = `session-${count++}`
      sessions.add(made)
      response.setHeader('mcp-session-id', made)
    } else if (!modern && message.method !== 'server/discover' && (session === undefined || !sessions.has(session))) {
      response.writeHead(404).end()
      return
    }
    if (method === 'DELETE') {
      sessions.delete(session ?? '')
      response.writeHead(204).end()
    } else if (method === 'GET') {
      const after = Number(headers['last-event-id'] ?? 0)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': open\n\n')
      // What the stream missed; without a word of where it was, nothing, and it stays open.
      const { 'last-event-id': resumed } = headers
      if (resumed !== undefined) response.end(`id: ${after + 1}\ndata: ${JSON.stringify(late)}\n\n`)
    } else if (message.id === undefined) response.writeHead(202).end()
    else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...resultOf(message) }))
    }
  }
  const server = await startLoopbackServer((request, response) => {
    readBody(request, 65_536).then(
      body => answer(request, response, body?.toString('utf8') ?? ''),
      () => response.destroy(),
    )
  }, port)
  return { ...server, seen }
}

/** A list, so that it is one of the answers that are looked at. */
const late = { jsonrpc: '2.0', id: 5, result: { tools: [{ name: 'shown' }, { name: 'hidden' }] } }

function resultOf({ method }: Message): object {
  switch (method) {
    case 'initialize':
      return { result: { protocolVersion: '2025-11-25', capabilities, serverInfo } }
    case 'server/discover':
      return { result: { ...complete, supportedVersions: ['2026-07-28'], capabilities, serverInfo } }
    case 'tools/list': {
      const tools = ['shown', 'hidden'].map(name => ({ name, inputSchema: { type: 'object' } }))
      return { result: { ...complete, tools } }
    }
    case 'tools/call':
      return { result: { ...complete, content: [{ type: 'text', text: 'done' }] } }
    default:
      return { error: { code: -32601, message: 'no such method' } }
  }
}
