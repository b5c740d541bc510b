import type { IncomingMessage, ServerResponse } from 'node:http'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { corpusHeader, type ReadingServer, type Sighting, toJsonValue } from './reading-server.js'

export interface SdkV1Options {
  /** Who parses the body: express.json() of the SDK's own app, or the transport itself. */
  readonly body: 'express' | 'transport'
}

/** A server of the TypeScript SDK v1 without sessions: one server and one transport for each request. */
export async function startSdkV1Server({ body }: SdkV1Options): Promise<ReadingServer> {
  const seen: Sighting[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse, parsed?: unknown): Promise<void> => {
    const server = createServer(corpusOf(request), seen)
    const transport = new StreamableHTTPServerTransport({})
    response.on('close', () => {
      // A notification is carried out after it was answered.
      setImmediate(() => void transport.close())
    })
    // Its optional members are declared without undefined.
    await server.connect(transport as Parameters<typeof server.connect>[0])
    await transport.handleRequest(request, response, parsed)
  }
  const failed = (response: ServerResponse): void => {
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
  const app = createMcpExpressApp()
  app.use((request, response) => void handle(request, response, request.body).catch(() => failed(response)))
  const { url, stop } = await startLoopbackServer(
    body === 'express' ? app : (request, response) => void handle(request, response).catch(() => failed(response)),
  )
  return {
    name: body === 'express' ? 'sdk-v1-express' : 'sdk-v1',
    origin: url,
    sightings: async () => seen,
    forget: async () => void seen.splice(0),
    stop,
  }
}

function createServer(corpus: string | undefined, seen: Sighting[]): Server {
  const server = new Server(
    { name: 'corpus', version: '1' },
    { capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} } },
  )
  const saw = ({ method, params }: { method: string; params?: unknown }, id?: string | number): void => {
    const kind = id === undefined ? 'notification' : 'request'
    seen.push({ corpus, kind, id, method, params: params === undefined ? undefined : toJsonValue(params) })
  }
  // What the SDK would answer on its own is to be seen as well.
  for (const method of ['initialize', 'ping', 'logging/setLevel']) server.removeRequestHandler(method)
  for (const method of ['notifications/cancelled', 'notifications/progress', 'notifications/initialized'])
    server.removeNotificationHandler(method)
  server.setRequestHandler(CallToolRequestSchema, async (request, { requestId }) => {
    saw(request, requestId)
    return { content: [] }
  })
  server.setRequestHandler(GetPromptRequestSchema, async (request, { requestId }) => {
    saw(request, requestId)
    return { messages: [] }
  })
  server.setRequestHandler(ReadResourceRequestSchema, async (request, { requestId }) => {
    saw(request, requestId)
    return { contents: [] }
  })
  server.fallbackRequestHandler = async (request, { requestId }) => {
    saw(request, requestId)
    return {}
  }
  server.fallbackNotificationHandler = async notification => saw(notification)
  return server
}

function corpusOf(request: IncomingMessage): string | undefined {
  const value = request.headers[corpusHeader]
  return typeof value === 'string' ? value : undefined
}
