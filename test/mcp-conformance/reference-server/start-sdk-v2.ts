import { randomBytes } from 'node:crypto'
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  createRequestStateCodec,
  fromJsonSchema,
  isLegacyRequest,
  type JSONRPCMessage,
  McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type ServerNotifier,
} from '@modelcontextprotocol/server'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { askingPromptResult, askingToolResult, declares } from './asking-tools.js'
import { createEventStore } from './event-store.js'
import {
  headerTool,
  legacyPrompts,
  legacyTools,
  modernPrompts,
  modernTools,
  resources,
  resourceTemplates,
} from './lists.js'
import { plainToolResult, promptResult, resourceResult, text } from './plain-results.js'
import type { ReferenceServer } from './reference-server.js'
import { routeSessions } from './route-sessions.js'
import { talkingToolResult } from './talking-tools.js'

export interface SdkV2Options {
  /** How the modern era is answered. auto: JSON, and a stream where something comes before the result. */
  readonly responses: 'auto' | 'sse'
}

type Era = 'legacy' | 'modern'

/** The TypeScript SDK v2: both eras on one endpoint, the legacy one with sessions. */
export async function startSdkV2({ responses }: SdkV2Options): Promise<ReferenceServer> {
  const states = createRequestStateCodec<string>({ key: randomBytes(32) })
  const modern = createMcpHandler(() => createServer('modern', states, modern.notify), {
    legacy: 'reject',
    responseMode: responses,
  })
  const handleModern = toNodeHandler(modern)
  const sessions = routeSessions(async life => {
    const eventStore = createEventStore<JSONRPCMessage>()
    const transport = new NodeStreamableHTTPServerTransport({ ...life, eventStore, retryInterval: 200 })
    await createServer('legacy', states, modern.notify).connect(transport)
    return transport
  })
  const hostIsLocal = localhostHostValidation()
  const originIsLocal = localhostOriginValidation()

  const { url: origin, stop } = await startLoopbackServer((request, response) => {
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return
    const handle = async (): Promise<void> => {
      const { method = '', url = '' } = request
      // A server always knows both; their types do not say so.
      const known = Object.assign(request, { method, url })
      if (method !== 'POST') return sessions.handle(known, response)
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
      const isLegacy = await isLegacyRequest(await toWebRequest(known, body))
      await (isLegacy ? sessions.handle(known, response, body) : handleModern(known, response, body))
    }
    handle().catch(() => response.destroy())
  })
  return {
    origin,
    async stop() {
      await sessions.close()
      await modern.close()
      await stop()
    },
  }
}

function createServer(era: Era, states: ReturnType<typeof createRequestStateCodec<string>>, notify: ServerNotifier) {
  const listChanged = era === 'modern'
  const capabilities = {
    tools: { listChanged },
    prompts: { listChanged },
    resources: { subscribe: true },
    completions: {},
    logging: {},
  }
  const requestState = { verify: states.verify }
  const product = new McpServer({ name: 'reference-v2', version: '1' }, { capabilities, requestState })
  // The SDK compares the headers Mcp-Param-* with the arguments of tools that are registered in this way, and of no others.
  product.registerTool('test_header_argument', { inputSchema: fromJsonSchema(headerTool.inputSchema) }, () => ({
    content: [],
  }))
  const { server } = product
  const missing = (what: string) => new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no ${what}.`)
  server.setRequestHandler('tools/list', () => ({ tools: [...(era === 'modern' ? modernTools : legacyTools)] }))
  server.setRequestHandler('prompts/list', () => ({ prompts: era === 'modern' ? modernPrompts : legacyPrompts }))
  server.setRequestHandler('resources/list', () => ({ resources }))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates }))
  server.setRequestHandler('completion/complete', () => ({ completion: { values: ['test'], total: 1 } }))
  if (era === 'legacy') {
    server.setRequestHandler('resources/subscribe', () => ({}))
    server.setRequestHandler('resources/unsubscribe', () => ({}))
  }
  server.setRequestHandler('prompts/get', ({ params }, context) => {
    if (era === 'modern' && params.name === 'test_input_required_result_prompt') return askingPromptResult(context)
    const result = promptResult(params.name, params.arguments)
    if (result === undefined) throw missing('such prompt')
    return result
  })
  server.setRequestHandler('resources/read', ({ params }) => {
    const result = resourceResult(params.uri)
    if (result === undefined) throw new ResourceNotFoundError(params.uri)
    return result
  })
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { mcpReq, http } = context
    if (era === 'modern') {
      switch (params.name) {
        case 'test_missing_capability':
          if (!declares(context, 'sampling'))
            throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } })
          return { content: [text('The client can sample.')] }
        case 'test_logging_tool':
          await mcpReq.log('info', 'logged')
          return { content: [text('Logged, if asked to.')] }
        case 'test_trigger_tool_change':
          notify.toolsChanged()
          return { content: [text('Said so.')] }
        case 'test_trigger_prompt_change':
          notify.promptsChanged()
          return { content: [text('Said so.')] }
        default: {
          const asked = await askingToolResult(params.name, context, states)
          if (asked !== undefined) return asked
        }
      }
    }
    const talked = await talkingToolResult(params.name, params.arguments ?? {}, {
      progressToken: mcpReq._meta?.progressToken,
      log: message => mcpReq.log('info', message),
      progress: (progressToken, progress) =>
        mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } }),
      // Not with requestSampling and elicitInput of the SDK: those ask on the stream of GET, and are lost if it is not there yet.
      sample(prompt) {
        const params = { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 }
        return mcpReq.send({ method: 'sampling/createMessage', params })
      },
      elicit(message, properties) {
        const requestedSchema = { type: 'object', properties, required: Object.keys(properties) }
        return mcpReq.send({ method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } })
      },
      closeStream: http?.closeSSE,
    })
    const result = talked ?? plainToolResult(params.name)
    if (result === undefined) throw missing('such tool')
    return result
  })
  return product
}
