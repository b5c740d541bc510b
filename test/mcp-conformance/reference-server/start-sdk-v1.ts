import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ErrorCode,
  GetPromptRequestSchema,
  type JSONRPCMessage,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { createEventStore } from './event-store.js'
import { legacyPrompts, legacyTools, resources, resourceTemplates } from './lists.js'
import { plainToolResult, promptResult, resourceResult } from './plain-results.js'
import type { ReferenceServer } from './reference-server.js'
import { routeSessions } from './route-sessions.js'
import { talkingToolResult } from './talking-tools.js'

/** The TypeScript SDK v1: the legacy era, with sessions, event streams and streams that can be read on. */
export async function startSdkV1(): Promise<ReferenceServer> {
  const sessions = routeSessions(async life => {
    const eventStore = createEventStore<JSONRPCMessage>()
    const transport = new StreamableHTTPServerTransport({ ...life, eventStore, retryInterval: 200 })
    const server = createServer()
    // Its optional members are declared without undefined.
    await server.connect(transport as Parameters<typeof server.connect>[0])
    return transport
  })
  const hostIsLocal = localhostHostValidation()
  const originIsLocal = localhostOriginValidation()
  const { url, stop } = await startLoopbackServer((request, response) => {
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return
    void sessions.handle(request, response).catch(() => response.destroy())
  })
  return {
    origin: url,
    async stop() {
      await sessions.close()
      await stop()
    },
  }
}

function createServer(): Server {
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {}, logging: {} }
  const server = new Server({ name: 'reference-v1', version: '1' }, { capabilities })
  const missing = (what: string) => new McpError(ErrorCode.InvalidParams, `There is no ${what}.`)
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [...legacyTools] }))
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: legacyPrompts }))
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }))
  server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  server.setRequestHandler(CompleteRequestSchema, () => ({ completion: { values: ['test'], total: 1 } }))
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
    const result = promptResult(params.name, params.arguments)
    if (result === undefined) throw missing('such prompt')
    return result
  })
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
    const result = resourceResult(params.uri)
    if (result === undefined) throw missing('such resource')
    return result
  })
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const talked = await talkingToolResult(params.name, params.arguments ?? {}, {
      progressToken: params._meta?.progressToken,
      log: data => extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } }),
      progress: (progressToken, progress) =>
        extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } }),
      sample(prompt) {
        const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }]
        const asked = { method: 'sampling/createMessage' as const, params: { messages, maxTokens: 100 } }
        return extra.sendRequest(asked, CreateMessageResultSchema)
      },
      elicit(message, properties) {
        const requestedSchema = { type: 'object', properties, required: Object.keys(properties) }
        // The SDK's type lists what a property may be; the properties here are those of the scenarios.
        const elicitation = { method: 'elicitation/create', params: { message, requestedSchema } }
        return extra.sendRequest(elicitation as Parameters<typeof extra.sendRequest>[0], ElicitResultSchema)
      },
      closeStream: extra.closeSSEStream,
    })
    const result = talked ?? plainToolResult(params.name)
    if (result === undefined) throw missing('such tool')
    return result
  })
  return server
}
