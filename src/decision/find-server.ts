import type { Server } from '../policy/server.js'
import { serverExtension } from '../policy/server-table.js'
import type { Failure } from './decision.js'
import { failure } from './failure.js'
import type { Trial } from './trial.js'

export interface FoundServer {
  readonly server?: Server
  readonly refusal?: Failure
}

/** A context extension must name a Server, without fallback; only without one do host and path decide. */
export function findServer({ request, snapshot }: Trial): FoundServer {
  const named = request.context.extensions.get(serverExtension)
  const server =
    named === undefined ? snapshot.servers.byAddress(request.authority, request.path) : snapshot.servers.byName(named)
  if (server === undefined) return { refusal: unknownServer() }
  if (request.path === server.path || request.path === server.sse?.messages) return { server }
  return { server, refusal: failure('server.path', `the endpoint of the server "${server.name}" is ${server.path}`) }
}

/** The same words whatever was asked for: who tries addresses learns nothing from them. */
export function unknownServer(): Failure {
  return failure('server.unknown', 'no protected server stands at this address')
}
