import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What the transports of both SDKs have in common. */
export interface SessionTransport {
  handleRequest(request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>
  close(): Promise<void>
}

/** To be handed to the transport that `open` makes. */
export interface SessionLife {
  readonly sessionIdGenerator: () => string
  readonly onsessioninitialized: (id: string) => void
  readonly onsessionclosed: (id: string) => void
}

export interface SessionRouter {
  /** `body` if it was read before. */
  handle(request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void>
  close(): Promise<void>
}

/** One server and one transport for each session of the legacy era; 404 for a session that is not, or no longer, there. */
export function routeSessions(open: (life: SessionLife) => Promise<SessionTransport>): SessionRouter {
  const sessions = new Map<string, SessionTransport>()
  return {
    async handle(request, response, body) {
      const id = request.headers['mcp-session-id']
      if (typeof id === 'string') {
        const session = sessions.get(id)
        if (session !== undefined) return session.handleRequest(request, response, body)
        const error = { code: -32001, message: 'Session not found' }
        response.writeHead(404, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
        return
      }
      let created: SessionTransport | undefined
      const register = (session: string) => void (created && sessions.set(session, created))
      const life: SessionLife = {
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: register,
        onsessionclosed: session => void sessions.delete(session),
      }
      created = await open(life)
      return created.handleRequest(request, response, body)
    },
    async close() {
      for (const session of sessions.values()) await session.close()
      sessions.clear()
    },
  }
}
