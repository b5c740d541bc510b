import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, Server } from '@modelcontextprotocol/server'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { corpusHeader, type ReadingServer, type Sighting, toJsonValue } from './reading-server.js'

/** A server of the TypeScript SDK v2, which speaks both eras on one endpoint, without sessions. */
export async function startSdkV2Server(): Promise<ReadingServer> {
  const seen: Sighting[] = []
  const handler = createMcpHandler(({ requestInfo }) =>
    createServer(requestInfo?.headers.get(corpusHeader) ?? undefined, seen),
  )
  const handle = toNodeHandler(handler)
  const { url: origin, stop } = await startLoopbackServer((request, response) => {
    // A server always knows both; their types do not say so.
    const { method = '', url = '' } = request
    void handle(Object.assign(request, { method, url }), response).catch(() => response.destroy())
  })
  return {
    name: 'sdk-v2',
    origin,
    sightings: async () => seen,
    forget: async () => void seen.splice(0),
    stop: async () => {
      await handler.close()
      await stop()
    },
  }
}

function createServer(corpus: string | undefined, seen: Sighting[]): Server {
  const server = new Server(
    { name: 'corpus', version: '1' },
    { capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} } },
  )
  const saw = ({ method, params }: { method: string; params?: unknown }, id?: string | number): void => {
    const kind = id === undefined ? 'notification' : 'request'
    seen.push({ corpus, kind, id, method, params: params === undefined ? undefined : toJsonValue(params) })
  }
  // What the SDK would answer on its own is to be seen as well.
  for (const method of ['initialize', 'ping', 'server/discover']) server.removeRequestHandler(method)
  for (const method of ['notifications/cancelled', 'notifications/progress', 'notifications/initialized'] as const)
    server.removeNotificationHandler(method)
  server.setRequestHandler('tools/call', async (request, { mcpReq }) => {
    saw(request, mcpReq.id)
    return { content: [] }
  })
  server.setRequestHandler('prompts/get', async (request, { mcpReq }) => {
    saw(request, mcpReq.id)
    return { messages: [] }
  })
  server.setRequestHandler('resources/read', async (request, { mcpReq }) => {
    saw(request, mcpReq.id)
    return { contents: [] }
  })
  server.fallbackRequestHandler = async (request, { mcpReq }) => {
    saw(request, mcpReq.id)
    return {}
  }
  server.fallbackNotificationHandler = async notification => saw(notification)
  return server
}
