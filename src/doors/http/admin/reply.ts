import type { IncomingMessage, ServerResponse } from 'node:http'

/** What is said over HTTP. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export function json(status: number, value: unknown): Reply {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` }
}

export function problem(status: number, error: string, headers?: Readonly<Record<string, string>>): Reply {
  return { ...json(status, { error }), ...(headers !== undefined && { headers }) }
}

/** Nothing of this is for a cache, another page, or a frame; what is shown as a document can load nothing. */
const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

export function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const { status, contentType, body, headers = {} } = reply
  // A body that was not read is never taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close')
  for (const [name, value] of Object.entries({ ...always, ...headers })) response.setHeader(name, value)
  response.setHeader('content-type', contentType)
  response.statusCode = status
  response.setHeader('content-length', Buffer.byteLength(body))
  response.end(request.method === 'HEAD' ? undefined : body)
}
