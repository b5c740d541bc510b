import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ConnectedClient, connectV1 } from '../../src/demo/clients.js'
import { startLoopbackServer } from '../../src/demo/loopback-server.js'
import { type Stand, startStand } from './support/stand.js'

/** What the tools behind `call_tool` were really called with. */
const executed: unknown[] = []

/** An aggregator as there are many: one tool that calls the others, by name. */
async function startAggregator() {
  const { url, stop } = await startLoopbackServer((request, response) => {
    const server = new McpServer({ name: 'aggregator', version: '1' })
    const inputSchema = { tool_name: z.string(), parameters: z.record(z.string(), z.unknown()).optional() }
    server.registerTool('call_tool', { description: 'calls another tool', inputSchema }, async call => {
      executed.push(call)
      return { content: [{ type: 'text', text: `called ${call.tool_name}` }] }
    })
    const transport = new StreamableHTTPServerTransport({})
    response.on('close', () => void transport.close())
    server
      .connect(transport as Parameters<typeof server.connect>[0])
      .then(() => transport.handleRequest(request, response))
      .catch(() => response.destroy())
  })
  return { origin: url, stop }
}

let stand: Stand
let client: ConnectedClient<unknown>
beforeAll(async () => {
  stand = await startStand({
    startServer: startAggregator,
    serverName: 'aggregator',
    policies: demo => ({
      'identity.yaml': demo['identity.yaml'] ?? '',
      'aggregator.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: aggregator }
spec:
  resource: https://mcp.example.com/mcp
  metaTools: [{ tool: call_tool, name: tool_name, arguments: parameters }]
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec: { match: { servers: [aggregator], tools: [scale, read], subjects: [{ kind: Group, name: team-a-developers }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: at-most-five }
spec:
  match: { servers: [aggregator], tools: [scale] }
  validations: [{ expression: args.replicas <= 5, message: at most 5 replicas }]
`,
    }),
  })
  client = await connectV1({ url: stand.url, token: await stand.idp.login('alice') })
})
afterAll(async () => {
  await client?.close()
  await stand?.stop()
})
beforeEach(() => void executed.splice(0))

describe('a tool that calls other tools, behind Envoy', () => {
  const call = (name: string, parameters?: object) => client.callTool('call_tool', { tool_name: name, parameters })

  it('calls what the caller was given', async () => {
    expect(await call('scale', { replicas: 3 })).toMatchObject({ isError: false, text: 'called scale' })
    expect(executed).toEqual([{ tool_name: 'scale', parameters: { replicas: 3 } }])
  })

  it.each([
    { what: 'a tool that was not given', name: 'delete', parameters: {}, reason: 'authorization.grant' },
    {
      what: 'an argument that a guardrail forbids',
      name: 'scale',
      parameters: { replicas: 9 },
      reason: 'guardrail.violated',
    },
    { what: 'itself', name: 'call_tool', parameters: { tool_name: 'delete' }, reason: 'authorization.tool_unknown' },
  ])('does not call $what', async ({ name, parameters, reason }) => {
    expect(await call(name, parameters)).toMatchObject({ isError: true, text: expect.stringContaining(reason) })
    expect(executed).toEqual([])
  })
})
