import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import { RequestHeaders } from '../../src/protocol/request-headers.js'

export interface InboundOptions {
  readonly method?: string
  readonly authority?: string
  readonly path?: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A string goes out as it is, anything else as JSON. */
  readonly body?: unknown
  readonly extensions?: Readonly<Record<string, string>>
  readonly workload?: string
}

/** A request as a door would hand it to the decision: a complete POST of JSON unless said otherwise. */
export function inbound(options: InboundOptions = {}): InboundRequest {
  const method = options.method ?? 'POST'
  const text =
    options.body === undefined
      ? undefined
      : typeof options.body === 'string'
        ? options.body
        : JSON.stringify(options.body)
  const posted =
    method === 'POST' ? { 'content-type': 'application/json', accept: 'application/json, text/event-stream' } : {}
  return {
    method,
    scheme: 'https',
    authority: options.authority ?? 'mcp.example.com',
    path: options.path ?? '/mcp',
    query: options.query,
    headers: RequestHeaders.from(Object.entries({ ...posted, ...options.headers })),
    body: text === undefined ? { state: 'absent' } : { state: 'complete', bytes: Buffer.from(text) },
    peer: { address: '203.0.113.9', principal: options.workload ?? '' },
    context: {
      extensions: new Map(Object.entries(options.extensions ?? {})),
      routeMetadata: new Map(),
      filterMetadata: new Map(),
    },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: 'test', door: 'test', profile: 'envoy', trust: 'none' },
  }
}

/** A legacy tools/call. */
export function toolsCall(name: string, args: unknown = {}, id: unknown = 1): unknown {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }
}
