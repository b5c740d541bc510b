import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import * as z from 'zod'
import { packageRoot } from '../package-root.js'
import { type LoopbackServer, startLoopbackServer } from './loopback-server.js'

export interface LedgerOptions {
  /** Where mcp-authz publishes its keys. */
  readonly jwksUrl: string
  /** `signing.issuer` of mcp-authz. */
  readonly issuer: string
  readonly audience: string
}

const Context = z.looseObject({ sub: z.string(), txn: z.string(), agent: z.object({ id: z.string() }).optional() })
type Verify = (token: unknown, body: Buffer) => Promise<unknown>
type CreateVerifier = (options: LedgerOptions & { readonly server: string }) => Verify
const Example = z.object({ createContextVerifier: z.custom<CreateVerifier>(value => typeof value === 'function') })

const Booking = z.object({ account: z.string(), amount: z.number() })
const bookTool = {
  name: 'book',
  description: 'Books an amount on an account.',
  inputSchema: {
    type: 'object' as const,
    properties: { account: { type: 'string' }, amount: { type: 'number' } },
    required: ['account', 'amount'],
  },
}

/** An MCP server that books nothing for anybody without a context token of exactly that call (examples/). */
export async function startLedgerServer(options: LedgerOptions): Promise<LoopbackServer & { readonly origin: string }> {
  const file = join(packageRoot, 'examples', 'verify-context-token.mjs')
  const { createContextVerifier } = Example.parse(await import(pathToFileURL(file).href))
  const verify = createContextVerifier({ ...options, server: 'ledger' })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    let context: z.infer<typeof Context>
    try {
      context = Context.parse(await verify(request.headers['x-mcp-authz-context'], body))
    } catch (error) {
      const message = error instanceof Error ? error.message : 'not verified'
      response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }))
      return
    }
    const server = ledgerFor(context)
    const transport = new StreamableHTTPServerTransport({})
    response.on('close', () => void transport.close())
    // Its optional members are declared without undefined.
    await server.connect(transport as Parameters<typeof server.connect>[0])
    await transport.handleRequest(request, response, body.length === 0 ? undefined : JSON.parse(body.toString()))
  }

  const server = await startLoopbackServer((request, response) => {
    handle(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  return { ...server, origin: server.url }
}

/** A server for one request, which knows for whom it works. */
function ledgerFor({ sub, agent }: z.infer<typeof Context>): Server {
  const server = new Server({ name: 'ledger', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [bookTool] }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const { account, amount } = Booking.parse(params.arguments)
    const through = agent === undefined ? '' : `, through ${agent.id}`
    return { content: [{ type: 'text', text: `booked ${amount} on ${account}, for ${sub}${through}` }] }
  })
  return server
}
