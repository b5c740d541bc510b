import type { Server } from '../policy/server.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { RequestHeaders } from '../protocol/request-headers.js'

export interface HypotheticalRequest {
  /** A message of JSON-RPC; bytes are judged as they are, as in service. */
  readonly body: string | Uint8Array
  /** A bearer token that is to be verified. */
  readonly token?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Address of the client. Default "", which is unknown. */
  readonly address?: string
}

/** A request to a Server as a gateway would show it: of a command, to be judged and never sent. */
export function hypotheticalRequest(server: Server, asked: HypotheticalRequest): InboundRequest {
  const { body, token, headers = [], address = '' } = asked
  const basic: (readonly [string, string])[] = [
    ['content-type', 'application/json'],
    ['accept', 'application/json, text/event-stream'],
  ]
  if (token !== undefined) basic.push(['authorization', `Bearer ${token}`])
  const given = new Set(headers.map(([name]) => name))
  return {
    method: 'POST',
    scheme: server.origin.startsWith('https') ? 'https' : 'http',
    authority: server.host,
    path: server.sse?.messages ?? server.path,
    query: server.sse && `${server.sse.session}=explain`,
    headers: RequestHeaders.from([...basic.filter(([name]) => !given.has(name)), ...headers]),
    body: { state: 'complete', bytes: typeof body === 'string' ? Buffer.from(body) : body },
    peer: { address, principal: '' },
    context: {
      extensions: new Map([['mcp-server', server.name]]),
      routeMetadata: new Map(),
      filterMetadata: new Map(),
    },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: 'explain', door: 'cli', profile: 'envoy', trust: 'none' },
  }
}

/** The message of a call of a tool. `args`: JSON text of an object. */
export function toolCallMessage(tool: string, args: string): string {
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":${args}}}`
}

/** The message of a request of any method. `params`: JSON text of an object; undefined: none. */
export function requestMessage(method: string, params: string | undefined): string {
  return `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)}${params === undefined ? '' : `,"params":${params}`}}`
}
