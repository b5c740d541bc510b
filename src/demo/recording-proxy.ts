import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { startLoopbackServer } from './loopback-server.js'

const MAX_RECORDED = 10_000

export interface RecordedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Names and values alternating, as they came: repeats and case are kept. */
  readonly rawHeaders: readonly string[]
}

export interface RecordingProxy {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Every request so far (the last 10,000), in order of arrival. The headers hold whatever came, tokens too. */
  readonly requests: readonly RecordedRequest[]
  /** How many requests came for a path, or in all. */
  count(path?: string): number
  last(): RecordedRequest | undefined
  forget(): void
  stop(): Promise<void>
}

export interface RecordingProxyOptions {
  /** Origin of the server behind: `http://127.0.0.1:<port>`. */
  readonly target: string
  readonly port?: number
}

/**
 * A reverse proxy that remembers what passed and changes nothing: bodies and event streams are passed on as they come.
 * Stands between gateway and MCP server to show which headers the server got, and whether it was asked at all.
 */
export async function startRecordingProxy({ target, port }: RecordingProxyOptions): Promise<RecordingProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const requests: RecordedRequest[] = []

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers, rawHeaders } = request
    requests.push({ method, path: url.split('?', 1).join(''), headers, rawHeaders })
    if (requests.length > MAX_RECORDED) requests.shift()

    const upstream = httpRequest({ hostname, port: targetPort, method, path: url, headers: rawHeaders }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      // An event stream may stay silent for long: its client must see the headers now.
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    upstream.on('error', () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('The server behind does not answer.')
    })
    response.on('close', () => upstream.destroy())
    request.on('error', () => upstream.destroy())
    request.pipe(upstream)
  }

  const server = await startLoopbackServer(forward, port)
  return {
    port: server.port,
    url: server.url,
    requests,
    count: path => (path === undefined ? requests.length : requests.filter(request => request.path === path).length),
    last: () => requests.at(-1),
    forget: () => {
      requests.length = 0
    },
    stop: () => server.stop(),
  }
}
