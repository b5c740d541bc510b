import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { portOf } from '../../../src/demo/free-port.js'
import { idleMs } from '../../../src/demo/loopback-server.js'

export interface Arrived {
  readonly method: string
  /** With the query. */
  readonly target: string
  /** Names and values alternating, as they came. */
  readonly rawHeaders: readonly string[]
  /** Grows while the body arrives. */
  readonly body: () => Buffer
  /** Whether the end of the body was seen. */
  readonly complete: () => boolean
  /** The connection was handed over for another protocol. */
  readonly upgraded: boolean
}

export interface ByteServer {
  readonly port: number
  /** Everything that came, also what was upgraded, tunnelled or never ended. */
  readonly arrived: readonly Arrived[]
  /** Headers of the next answers, beside those that a JSON answer has. */
  answerWith(headers: readonly (readonly [string, string])[]): void
  forget(): void
  stop(): Promise<void>
}

const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}'

/** Stands where an MCP server would, takes everything, and remembers every byte: what is not in here did not pass. */
export async function startByteServer(): Promise<ByteServer> {
  const arrived: Arrived[] = []
  let extra: readonly (readonly [string, string])[] = []
  const note = (request: IncomingMessage, upgraded: boolean): Buffer[] => {
    const pieces: Buffer[] = []
    arrived.push({
      method: request.method ?? '',
      target: request.url ?? '',
      rawHeaders: request.rawHeaders,
      body: () => Buffer.concat(pieces),
      complete: () => request.complete,
      upgraded,
    })
    return pieces
  }
  // Node refuses headers beyond 16 KiB on its own; what the gateway lets pass is to be seen here.
  const server = createServer({ maxHeaderSize: 1024 * 1024, keepAliveTimeout: idleMs }, (request, response) => {
    const pieces = note(request, false)
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('error', () => {})
    request.on('end', () => {
      const headers = [['content-type', 'application/json'] as const, ...extra].flat()
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : ANSWER)
    })
  })
  server.maxHeadersCount = 0
  const connections = new Set<Duplex>()
  server.on('connection', socket => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve())
  })
  const takeOver = (status: string) => (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const pieces = note(request, true)
    pieces.push(head)
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.on('error', () => {})
    socket.write(`HTTP/1.1 ${status}\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade ?? ''}\r\n\r\n`)
  }
  server.on('upgrade', takeOver('101 Switching Protocols'))
  server.on('connect', takeOver('200 Connection Established'))
  return {
    port: portOf(server),
    arrived,
    answerWith: headers => {
      extra = headers
    },
    forget: () => {
      arrived.length = 0
      extra = []
    },
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        // Those that were taken over are no longer the server's to close.
        for (const socket of connections) socket.destroy()
      }),
  }
}
