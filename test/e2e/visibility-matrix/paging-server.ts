import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { portOf } from '../../../src/demo/free-port.js'

/** How the lists of one client come, which it says in a header of its own. */
export interface Pages {
  readonly count: number
  readonly pageSize: number
  readonly stream: boolean
}

export const pagesHeader = 'x-pages'
export const formatPages = ({ count, pageSize, stream }: Pages): string => `${count} ${pageSize} ${stream ? 1 : 0}`

export interface PagingServer {
  readonly origin: string
  /** Names of the tools; lists begin with the first. */
  tools: readonly string[]
  /** Sends a notification on every stream that is open. */
  notify(method: string): void
  stop(): Promise<void>
}

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly cursor?: string; readonly name?: string }
}

const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true },
}
const serverInfo = { name: 'paging', version: '1' }
const about = 'Does something of some use; the text is about as long as such texts tend to be in practice.'
/** Of revision 2026-07-28; older clients pass over it. */
const complete = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }

export const prompts = ['hello_1', 'hello_2', 'bye_1']
export const resources = ['demo://open/1', 'demo://open/keys/1', 'demo://closed/1', 'demo://closed/2']
export const templates = ['demo://open/{name}', 'demo://open/keys/{name}', 'demo://closed/{name}', 'demo://{+path}']

/** A server of both eras that lists what it has in pages of any size, as JSON or as a stream. */
export async function startPagingServer(): Promise<PagingServer> {
  let session = 0
  const streams = new Set<ServerResponse>()
  const paging: { tools: readonly string[] } = { tools: [] }
  const http = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(': open\n\n')
        streams.add(response)
        response.on('close', () => streams.delete(response))
        return
      }
      const sent: Message = pieces.length === 0 ? {} : JSON.parse(Buffer.concat(pieces).toString())
      if (sent.id === undefined) return void response.writeHead(202).end()
      if (sent.method === 'initialize') response.setHeader('mcp-session-id', `session-${session++}`)
      const pages = readPages(request)
      const result = resultOf(sent, pages, paging.tools)
      const error = { code: -32601, message: 'no such method' }
      send(response, { jsonrpc: '2.0', id: sent.id, ...(result ? { result } : { error }) }, pages.stream)
    })
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  return Object.assign(paging, {
    origin: `http://127.0.0.1:${portOf(http)}`,
    notify: (method: string) => {
      for (const stream of streams)
        stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method })}\n\n`)
    },
    stop: () =>
      new Promise<void>(resolve => {
        http.closeAllConnections()
        http.close(() => resolve())
      }),
  })
}

function readPages({ headers }: IncomingMessage): Pages {
  const [count = 50, pageSize = 20, stream = 0] = String(headers[pagesHeader] ?? '')
    .split(' ')
    .filter(part => part !== '')
    .map(Number)
  return { count, pageSize, stream: stream === 1 }
}

/** A stream comes in pieces that end anywhere, behind events that hold nothing. */
function send(response: ServerResponse, message: object, stream: boolean): void {
  const text = JSON.stringify(message)
  if (!stream) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(text)
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const event = `: first\n\nevent: message\nid: 7\ndata: ${text}\n\n`
  const middle = Math.floor(event.length / 3)
  response.write(event.slice(0, middle))
  setImmediate(() => {
    response.write(event.slice(middle, 2 * middle))
    setImmediate(() => response.end(event.slice(2 * middle)))
  })
}

function resultOf({ method, params }: Message, { count, pageSize }: Pages, tools: readonly string[]) {
  const page = <T>(field: string, items: readonly T[], show: (item: T) => object) => {
    const from = Number(params?.cursor ?? 0)
    const next = from + pageSize
    const nextCursor = next < items.length ? { nextCursor: String(next) } : {}
    return { ...complete, [field]: items.slice(from, next).map(show), ...nextCursor }
  }
  switch (method) {
    case 'initialize':
      return { protocolVersion: '2025-11-25', capabilities, serverInfo }
    case 'server/discover':
      return { ...complete, supportedVersions: ['2026-07-28'], capabilities, serverInfo }
    case 'ping':
      return {}
    case 'tools/list':
      return page('tools', tools.slice(0, count), name => ({
        name,
        description: about,
        inputSchema: { type: 'object' },
      }))
    case 'prompts/list':
      return page('prompts', prompts, name => ({ name }))
    case 'resources/list':
      return page('resources', resources, uri => ({ uri, name: 'a resource' }))
    case 'resources/templates/list':
      return page('resourceTemplates', templates, uriTemplate => ({ uriTemplate, name: 'a template' }))
    case 'tools/call':
      return { ...complete, content: [{ type: 'text', text: `called ${params?.name}` }] }
    default:
      return undefined
  }
}
