import { z } from 'zod'
import { startLoopbackServer } from '../../src/demo/loopback-server.js'
import { readBody } from '../../src/demo/read-body.js'

/** On requests that must be denied, for the server behind: whoever sees it has found a wrong decision. */
export const forbidden = 'x-soak-forbidden'

export interface SoakServer {
  readonly origin: string
  /** Requests that came through although they must not. */
  readonly violations: readonly string[]
  stop(): Promise<void>
}

const Message = z.looseObject({ id: z.union([z.string(), z.number()]).optional(), method: z.string() })

/** An MCP server that does nothing: it answers calls, sends an event twice a second, and knows what must never arrive. */
export async function startSoakServer(): Promise<SoakServer> {
  const violations: string[] = []
  const server = await startLoopbackServer(async (request, response) => {
    const named = request.headers[forbidden]
    if (named !== undefined) violations.push(String(named))
    response.on('error', () => undefined)
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write('event: message\ndata: {"jsonrpc":"2.0","method":"x"}\n\n'), 500)
      response.on('close', () => clearInterval(timer))
      return
    }
    try {
      const { id = null } = Message.parse(JSON.parse(String(await readBody(request, 1_048_576))))
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } }))
    } catch {
      // The client went away in the midst of it.
      response.destroy()
    }
  })
  return { origin: server.url, violations, stop: () => server.stop() }
}
