import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ExposedMetrics, exposeMetrics } from '../../telemetry/expose-metrics.js'

export interface Readiness {
  readonly ready: boolean
  /** One line each: what is missing, or what is loaded but broken. Shown to whoever can reach the port. */
  readonly reasons: readonly string[]
}

export interface HttpDoorOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readiness(): Readiness
  metrics(): ExposedMetrics
  /** The RFC 9728 document at a path (raw, without query); undefined when there is none. */
  metadataFor(path: string): string | undefined
  /** Another public document of ours, e.g. our keys; undefined when there is none at this path. */
  documentAt?(path: string): string | undefined
  onError(detail: string, error?: unknown): void
}

export interface HttpDoor {
  /** Opens the listener. Rejects when the address cannot be used. */
  start(): Promise<{ readonly host: string; readonly port: number }>
  /** Ends open answers within `limitMs`, then closes every connection. */
  stop(limitMs?: number): Promise<void>
}

export const protectedResourcePath = '/.well-known/oauth-protected-resource'

/** What is said over HTTP; `undefined` sends no body. */
interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Health, metrics and well-known documents for probes, Prometheus and clients. Reads no request body, knows no secrets,
 * and has small limits, so that it can stand on the same network as the gRPC listener.
 */
export function createHttpDoor(options: HttpDoorOptions): HttpDoor {
  const server = createServer(
    {
      maxHeaderSize: 8 * 1024,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: 2_000,
    },
    (request, response) => {
      answer(request, options)
        .catch((error: unknown) => {
          options.onError('an HTTP request failed', error)
          return json(500, { error: 'internal error' })
        })
        .then(reply => send(request, response, reply))
    },
  )
  server.maxConnections = 256
  server.maxRequestsPerSocket = 1000
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: options.host, port: options.port }, () => {
          server.off('error', reject)
          server.on('error', error => options.onError('the HTTP listener failed', error))
          const address: AddressInfo | string | null = server.address()
          const port = address !== null && typeof address === 'object' ? address.port : options.port
          resolve({ host: options.host, port })
        })
      }),
    stop: (limitMs = 1000) =>
      new Promise(resolve => {
        const timer = setTimeout(() => server.closeAllConnections(), limitMs)
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

async function answer(request: IncomingMessage, options: HttpDoorOptions): Promise<Reply> {
  const target = request.url ?? ''
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  const wellKnown = path === protectedResourcePath || path.startsWith(`${protectedResourcePath}/`)
  const reading = request.method === 'GET' || request.method === 'HEAD'
  if (wellKnown && request.method === 'OPTIONS') return preflight
  if (wellKnown && reading) return document(options.metadataFor(path))
  const published = reading ? options.documentAt?.(path) : undefined
  if (published !== undefined) return document(published)
  const known = path === '/healthz' || path === '/readyz' || path === '/metrics'
  if (!known && !wellKnown) return json(404, { error: 'not found' })
  if (!reading) return { ...json(405, { error: 'method not allowed' }), headers: { allow: 'GET, HEAD' } }
  if (path === '/healthz') return json(200, { status: 'alive' })
  if (path === '/readyz') {
    const { ready, reasons } = options.readiness()
    return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', reasons })
  }
  const { contentType, body } = await exposeMetrics(options.metrics(), request.headers.accept)
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body }
}

/** Public by RFC 9728; browsers of MCP clients on other origins must be able to read it. */
const anyOrigin = { 'access-control-allow-origin': '*' }

/** MCP clients in browsers send their protocol version along, which makes the request a preflighted one. */
const preflight: Reply = {
  status: 204,
  headers: {
    ...anyOrigin,
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-headers': '*',
    'access-control-max-age': '86400',
  },
  body: '',
}

function document(found: string | undefined): Reply {
  if (found === undefined) {
    const missing = json(404, { error: 'no protected resource is known under this path' })
    return { ...missing, headers: { ...missing.headers, ...anyOrigin } }
  }
  const headers = { ...anyOrigin, 'content-type': 'application/json', 'cache-control': 'public, max-age=300' }
  return { status: 200, headers, body: found }
}

function json(status: number, value: unknown): Reply {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers, body: `${JSON.stringify(value)}\n` }
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Reply): void {
  // A body that was sent along is never read; the connection ends instead of parsing it as the next request.
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0'
  if (hasBody) response.setHeader('connection', 'close')
  response.setHeader('x-content-type-options', 'nosniff')
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.statusCode = status
  if (status !== 204) response.setHeader('content-length', Buffer.byteLength(body))
  response.end(request.method === 'HEAD' ? undefined : body)
}
