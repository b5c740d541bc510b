import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import type { ApiSession } from './api-session.js'
import type { Deadline } from './deadline.js'
import { GatheredBytes } from './gathered-bytes.js'

/** What came of sending a request once. */
export type Exchanged =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly kind: 'tooLarge'; readonly status: number }
  /** `processed` is false only where HTTP/2 says that the server did nothing about it (RFC 9113, section 8.7). */
  | { readonly kind: 'broken'; readonly processed: boolean }
  | { readonly kind: 'expired' }

/** Sends a request and reads its answer, until the deadline, after which the server is told to forget it. */
export function exchange(
  session: ApiSession,
  headers: OutgoingHttpHeaders,
  sent: string | undefined,
  maxBytes: number,
  deadline: Deadline,
): Promise<Exchanged> {
  return new Promise(resolve => {
    const stream = session.open(headers, sent === undefined)
    if (stream === undefined) {
      resolve({ kind: 'broken', processed: false })
      return
    }
    let status = 0
    let answer: IncomingHttpHeaders = {}
    const body = new GatheredBytes()
    let done = false
    const settle = (exchanged: Exchanged) => {
      if (done) return
      done = true
      resolve(exchanged)
    }
    stream.on('response', received => {
      session.heard()
      answer = received
      status = Number(received[':status'] ?? 0)
    })
    stream.on('data', (chunk: Buffer) => {
      session.heard()
      if (done) return
      if (body.size + chunk.length <= maxBytes) body.add(chunk)
      else {
        settle({ kind: 'tooLarge', status })
        stream.close(constants.NGHTTP2_CANCEL)
      }
    })
    stream.on('end', () => {
      if (!endedWell(stream) || status === 0) return
      settle({ kind: 'answer', status, headers: answer, body: body.take() })
    })
    stream.on('error', () => {}) // told by `close`, with the code
    stream.on('close', () => {
      settle({ kind: 'broken', processed: stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM })
    })
    deadline.onExpiry = () => {
      settle({ kind: 'expired' })
      stream.close(constants.NGHTTP2_CANCEL)
      session.suspect()
    }
    if (sent !== undefined) stream.end(sent)
  })
}

/**
 * Whether the server ended the stream. It ends for Node too when it was reset or its connection broke, and a body that was cut
 * may look whole; but then the stream is destroyed already.
 */
export function endedWell(stream: ClientHttp2Stream): boolean {
  return !stream.destroyed && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR
}
