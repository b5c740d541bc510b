import { createServer, type IncomingMessage, type Server } from 'node:http'
import { duplexPair } from 'node:stream'
import { RequestHeaders } from '../../../src/protocol/request-headers.js'
import type { HeaderList } from '../fuzz-input.js'

/** Headers by which a server acts, and of which it must see the value that we judged. */
const compared = [
  ...['content-type', 'content-encoding', 'authorization', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method'],
  ...['mcp-name', 'last-event-id', 'origin'],
]
/** The gateway writes these anew. */
const ofTheConnection = new Set(['content-length', 'transfer-encoding', 'connection', 'host', 'expect'])
const sendable = /^[\t\x20-\x7e\x80-\xff]*$/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export interface NodeHttpOracle {
  /** What node's own HTTP server reads other than what we judged; undefined if the same, or if it refuses. */
  judge(headers: HeaderList, bytes: Uint8Array): Promise<string | undefined>
}

/** Node's HTTP parser, over a connection that is a pair of streams. */
export function createNodeHttpOracle(): NodeHttpOracle {
  let received: ((request: IncomingMessage, body: Buffer) => void) | undefined
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      received?.(request, Buffer.concat(chunks))
      response.end()
    })
    // A request that node gives up on is one that it refuses.
    request.on('error', () => undefined)
  })
  return {
    judge: async (headers, bytes) => {
      const sent = headers.filter(
        ([name, value]) => !ofTheConnection.has(name) && token.test(name) && sendable.test(value),
      )
      const [client, socket] = duplexPair()
      // The connection closes where node refuses.
      const answered = new Promise<[IncomingMessage, Buffer] | undefined>(resolve => {
        received = (...request) => resolve(request)
        socket.once('close', () => resolve(undefined))
      })
      server.emit('connection', socket)
      const lines = sent.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const end = `content-length: ${bytes.length}\r\nconnection: close\r\n\r\n`
      client.resume()
      client.write(Buffer.from(`POST /mcp HTTP/1.1\r\nhost: h\r\n${lines}${end}`, 'latin1'))
      client.write(bytes)
      const seen = await answered
      client.destroy()
      socket.destroy()
      return seen === undefined ? undefined : compare(RequestHeaders.from(sent), bytes, ...seen)
    },
  }
}

function compare(
  judged: RequestHeaders,
  bytes: Uint8Array,
  request: IncomingMessage,
  body: Buffer,
): string | undefined {
  if (!body.equals(bytes)) return 'it reads another body'
  for (const name of compared) {
    const value = request.headers[name]
    const ours = judged.one(name)
    if (ours?.replace(/^[\t ]+|[\t ]+$/g, '') !== value) return `it reads another ${name}`
  }
  return undefined
}
