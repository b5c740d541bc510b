import type { InboundRequest } from './inbound-request.js'
import { RequestHeaders } from './request-headers.js'

export interface RequestFixture {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  readonly authority?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** The body; no body when absent. */
  readonly text?: string
  readonly body?: InboundRequest['body']
}

/** For tests: a request as Envoy would show it, with what is left out filled in. */
export function inboundRequest(fixture: RequestFixture = {}): InboundRequest {
  const method = fixture.method ?? 'POST'
  const contentType = method === 'POST' ? ([['content-type', 'application/json']] as const) : []
  const given = fixture.headers ?? []
  const defaults = contentType.filter(([name]) => !given.some(([other]) => other === name))
  const complete = { state: 'complete', bytes: Buffer.from(fixture.text ?? '') } as const
  return {
    ...{ method, scheme: 'https', authority: fixture.authority ?? 'mcp.example.com', path: fixture.path ?? '/mcp' },
    query: fixture.query,
    headers: RequestHeaders.from([...defaults, ...given]),
    body: fixture.body ?? (fixture.text === undefined ? { state: 'absent' } : complete),
    peer: { address: '192.0.2.1', principal: '' },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    ...{ traceparent: undefined, deadline: undefined },
    listener: { name: 'test', door: 'ext-authz', profile: 'envoy', trust: 'none' },
  }
}
