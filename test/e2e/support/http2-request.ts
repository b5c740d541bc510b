import { connect, type OutgoingHttpHeaders } from 'node:http2'
import type { RawAnswer } from '../../../src/demo/raw-post.js'

export interface Http2Request {
  readonly url: string
  readonly token: string
  readonly body: string | Uint8Array
  /** Default POST. */
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** How the body ends: with the last DATA frame, or with an empty one after it. Default last. */
  readonly end?: 'last' | 'apart'
  /** Default true. */
  readonly contentLength?: boolean
}

const TIMEOUT_MS = 10_000

/**
 * One request over HTTP/2 with prior knowledge. With `end: 'last'` the last DATA frame carries END_STREAM: that is
 * where gateways have passed on more than they checked.
 */
export async function http2Request(options: Http2Request): Promise<RawAnswer> {
  const { url, token, body, method = 'POST', end = 'last', contentLength = true } = options
  const { origin, pathname } = new URL(url)
  const session = connect(origin)
  try {
    return await new Promise<RawAnswer>((resolve, reject) => {
      session.on('error', reject)
      const headersToSend = {
        ':method': method,
        ':path': pathname,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        ...(contentLength ? { 'content-length': Buffer.byteLength(body) } : {}),
        ...options.headers,
      }
      // Said in so many words, because a GET ends with its headers otherwise.
      const stream = session.request(headersToSend, { endStream: false })
      let status = 0
      let headers: RawAnswer['headers'] = {}
      let text = ''
      stream.setEncoding('utf8')
      stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
      stream.on('response', received => {
        const { ':status': code, ...others } = received
        status = code ?? 0
        headers = others
      })
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      // A gateway that answers before the body has ended resets the stream afterwards; the answer counts.
      stream.on('error', error => status === 0 && reject(error))
      stream.on('close', () => (status === 0 ? reject(new Error('reset')) : resolve({ status, headers, body: text })))
      if (end === 'last') stream.end(body)
      else stream.write(body, () => setImmediate(() => stream.end()))
    })
  } finally {
    session.destroy()
  }
}
