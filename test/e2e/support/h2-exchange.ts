import { connect, type OutgoingHttpHeaders } from 'node:http2'

const TIMEOUT_MS = 10_000

export interface H2Exchange {
  /** 0: the stream was reset without an answer. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Of a gRPC answer these are the trailers, if they did not come with the headers. */
  readonly trailers: Readonly<Record<string, string>>
  readonly body: string
}

export interface H2Sent {
  /** Beside the pseudo headers, which say POST /mcp unless they are named here. */
  readonly headers: OutgoingHttpHeaders
  /** DATA frames, and waits for something to happen in between. */
  readonly pieces?: readonly (string | Uint8Array | (() => Promise<unknown>))[]
  /** What carries END_STREAM: the headers, the last DATA frame, an empty one after it; or nothing does. Default last. */
  readonly end?: 'headers' | 'last' | 'apart' | 'never'
}

/** One request over HTTP/2 with prior knowledge, frame by frame. */
export async function h2Exchange(port: number, { headers, pieces = [], end = 'last' }: H2Sent): Promise<H2Exchange> {
  const session = connect(`http://127.0.0.1:${port}`)
  try {
    // Extended CONNECT (RFC 8441) may be sent once the other side has said that it knows it.
    await new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve())
      session.once('error', reject)
    })
    return await new Promise<H2Exchange>((resolve, reject) => {
      session.on('error', reject)
      const all = { ':method': 'POST', ':path': '/mcp', ':authority': 'mcp.example.com', ...headers }
      const stream = session.request(all, { endStream: end === 'headers' })
      let answer: H2Exchange = { status: 0, headers: {}, trailers: {}, body: '' }
      const settle = (): void => resolve(answer)
      stream.setEncoding('utf8')
      stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
      stream.on('response', received => {
        const { ':status': status = 0, ...others } = received
        answer = { ...answer, status, headers: texts(others) }
      })
      stream.on('trailers', received => {
        answer = { ...answer, trailers: texts(received) }
      })
      stream.on('data', (chunk: string) => {
        answer = { ...answer, body: answer.body + chunk }
      })
      // The gateway may answer before our side has ended: then there is nothing more to wait for.
      stream.on('end', settle)
      stream.on('error', settle)
      stream.on('close', settle)
      const send = async (): Promise<void> => {
        for (const [at, piece] of pieces.entries()) {
          if (stream.destroyed || stream.closed) return
          if (typeof piece === 'function') await piece()
          else if (end === 'last' && at === pieces.length - 1) stream.end(piece)
          else await new Promise<void>(done => stream.write(piece, () => setImmediate(done)))
        }
        if (end === 'apart' || (end === 'last' && pieces.length === 0)) stream.end()
      }
      if (end !== 'headers') send().catch(reject)
    })
  } finally {
    session.destroy()
  }
}

function texts(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
