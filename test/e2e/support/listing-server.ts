import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { portOf } from '../../../src/demo/free-port.js'

/** How the server answers next. */
export interface Manner {
  readonly stream?: boolean
  /** Compressed although nobody asked for it. */
  readonly forceGzip?: boolean
  readonly type?: string
  /** In place of the messages. */
  readonly body?: string
  /** Status of HTTP. Default 200. */
  readonly status?: number
  /** The answer leaves in pieces of so many bytes, one after the other. Default: at once, a stream in two. */
  readonly pieceBytes?: number
}

export interface ListingServer {
  readonly origin: string
  /** Headers of the requests, in order. */
  readonly requests: IncomingMessage[]
  answer(manner: Manner): void
  stop(): Promise<void>
}

/** Names of tools of kubernetes-mcp-server by page. */
export const pages: readonly (readonly string[])[] = [
  ['pods_list', 'pods_get'],
  ['nodes_top', 'pods_log'],
]

/** The session id that every `initialize` gets. */
export const serverSession = 'session-of-the-server'

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly cursor?: string }
}

/** A server of the legacy era that lists tools in pages, as JSON or as a stream, compressed where it may. */
export async function startListingServer(): Promise<ListingServer> {
  const requests: IncomingMessage[] = []
  let manner: Manner = {}
  const server = createServer((request, response) => {
    requests.push(request)
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString()
      answer(request, response, manner, text === '' ? undefined : JSON.parse(text))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${portOf(server)}`,
    requests,
    answer: next => {
      manner = next
    },
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  manner: Manner,
  sent: Message | Message[] | undefined,
) {
  const { stream = false, forceGzip = false, status = 200, pieceBytes } = manner
  const answers = (Array.isArray(sent) ? sent : sent === undefined ? [] : [sent])
    .filter(({ id }) => id !== undefined)
    .map(resultOf)
  if (answers.length === 0 && manner.body === undefined && request.method === 'POST') {
    response.writeHead(202).end()
    return
  }
  if (!Array.isArray(sent) && sent?.method === 'initialize') response.setHeader('mcp-session-id', serverSession)
  const text = manner.body ?? JSON.stringify(Array.isArray(sent) ? answers : (answers[0] ?? {}))
  if (stream) {
    response.writeHead(200, { 'content-type': manner.type ?? 'text/event-stream' })
    const event = `: first\n\nevent: message\nid: 7\ndata: ${text}\n\n`
    if (pieceBytes !== undefined) return sendInPieces(response, Buffer.from(event), pieceBytes)
    response.write(event.slice(0, 40))
    setTimeout(() => response.end(event.slice(40)), 20)
    return
  }
  const zipped = forceGzip || /gzip/.test(String(request.headers['accept-encoding'] ?? ''))
  const bytes = zipped ? gzipSync(text) : Buffer.from(text)
  response.writeHead(status, {
    'content-type': manner.type ?? 'application/json',
    'content-length': bytes.length,
    ...(zipped && { 'content-encoding': 'gzip' }),
  })
  if (pieceBytes === undefined) response.end(bytes)
  else sendInPieces(response, bytes, pieceBytes)
}

function sendInPieces(response: ServerResponse, bytes: Buffer, size: number): void {
  const send = (at: number): void => {
    if (at >= bytes.length) {
      response.end()
      return
    }
    response.write(bytes.subarray(at, at + size))
    setTimeout(() => send(at + size), 2)
  }
  send(0)
}

function resultOf({ id, method, params }: Message): object {
  if (method === 'initialize') {
    const serverInfo = { name: 'listing', version: '1' }
    return { jsonrpc: '2.0', id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } }
  }
  if (method !== 'tools/list') return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } }
  const page = Number(params?.cursor ?? 0)
  const tools = (pages[page] ?? []).map(name => ({ name, inputSchema: { type: 'object' } }))
  const nextCursor = page + 1 < pages.length ? { nextCursor: String(page + 1) } : {}
  return { jsonrpc: '2.0', id, result: { tools, ...nextCursor } }
}
