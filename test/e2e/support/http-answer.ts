import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

export interface HttpAnswer {
  /** 0: the connection broke before an answer. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly trailers: Readonly<Record<string, string | undefined>>
  /** false: it was cut off. */
  readonly complete: boolean
  /** When pieces of the body arrived, in milliseconds from the start. */
  readonly pieces: readonly { readonly at: number; readonly text: string }[]
}

export interface HttpAsked {
  readonly port: number
  readonly method?: string
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Told of each piece; true ends the exchange from our side. */
  readonly onPiece?: (all: Buffer) => boolean
  readonly timeoutMs?: number
}

/** One request with HTTP/1.1 on a connection of its own, and all of its answer, however it ends. */
export function httpAnswer(asked: HttpAsked): Promise<HttpAnswer> {
  const { port, method = 'GET', path = '/mcp', headers = {}, body, onPiece, timeoutMs = 10_000 } = asked
  const start = Date.now()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const pieces: { at: number; text: string }[] = []
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, answer => {
      const settle = () => {
        clearTimeout(timer)
        const { statusCode: status = 0, headers: got, rawHeaders, trailers, complete } = answer
        resolve({ status, headers: got, rawHeaders, body: Buffer.concat(chunks), trailers, complete, pieces })
      }
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        pieces.push({ at: Date.now() - start, text: chunk.toString('latin1', 0, 200) })
        if (onPiece?.(Buffer.concat(chunks))) sent.destroy()
      })
      answer.on('error', () => {})
      answer.on('close', settle)
    })
    const timer = setTimeout(() => {
      sent.destroy()
      reject(new Error(`no end of the answer within ${timeoutMs} ms, ${Buffer.concat(chunks).length} bytes so far`))
    }, timeoutMs)
    sent.on('error', () => {
      if (chunks.length > 0) return
      clearTimeout(timer)
      resolve({ status: 0, headers: {}, rawHeaders: [], body: Buffer.alloc(0), trailers: {}, complete: false, pieces })
    })
    sent.end(body)
  })
}
