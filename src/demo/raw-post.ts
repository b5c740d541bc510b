import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { readBody } from './read-body.js'

const MAX_ANSWER = 16 * 1_048_576

export interface RawPost {
  /** `http://host:port` and a path, which is sent as it is: `..`, `//` and escapes are not normalised. */
  readonly url: string
  readonly body: string | Uint8Array
  /**
   * An object, or names and values alternating to repeat a name. Added only where absent: content-type, accept,
   * content-length, host.
   */
  readonly headers?: Readonly<Record<string, string>> | readonly string[]
  /** Sets `authorization: Bearer …`. */
  readonly token?: string
  /** Default POST. */
  readonly method?: string
  /** true: send the body chunked, without content-length. */
  readonly chunked?: boolean
  /** For the whole exchange. Default 10,000 ms. */
  readonly timeoutMs?: number
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** At most 16 MiB. */
  readonly body: string
}

/** Sends exactly these bytes: for bodies and headers that no client library would send. */
export async function rawPost(post: RawPost): Promise<RawAnswer> {
  const { url, body, chunked = false, timeoutMs = 10_000 } = post
  const { hostname, port, host } = new URL(url)
  const path = url.slice('http://'.length).replace(/^[^/?]*/, '') || '/'
  const headers = flatten(post.headers)
  const add = (name: string, value: string): void => {
    if (!headers.some((known, at) => at % 2 === 0 && known.toLowerCase() === name)) headers.push(name, value)
  }
  add('host', host)
  add('content-type', 'application/json')
  add('accept', 'application/json, text/event-stream')
  if (post.token !== undefined) add('authorization', `Bearer ${post.token}`)
  if (chunked) add('transfer-encoding', 'chunked')
  else add('content-length', String(Buffer.byteLength(body)))

  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = httpRequest(
      { hostname, port, path, method: post.method ?? 'POST', headers, signal, agent: false },
      response => {
        readBody(response, MAX_ANSWER).then(bytes => {
          if (bytes === undefined) return reject(new Error(`the answer is longer than ${MAX_ANSWER} bytes`))
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString('utf8') })
        }, reject)
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function flatten(headers: RawPost['headers']): string[] {
  if (headers === undefined) return []
  return isList(headers) ? [...headers] : Object.entries(headers).flat()
}

function isList(headers: NonNullable<RawPost['headers']>): headers is readonly string[] {
  return Array.isArray(headers)
}
