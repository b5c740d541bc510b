import { connect } from 'node:net'

const TIMEOUT_MS = 10_000

export interface RawExchange {
  /** 0: the connection was closed without a final answer. */
  readonly status: number
  /** Interim statuses that came before, such as 100. */
  readonly interim: readonly number[]
  /** Lower-case names; repeats joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** As far as it came with the length that was announced, or in chunks. */
  readonly body: string
}

/** What goes out, in this order: bytes, or a wait for something to happen in between. */
export type Piece = string | Uint8Array | (() => Promise<unknown>)

export interface RawExchangeOptions {
  /** The answer has no body, whatever length it tells: that of a HEAD. */
  readonly bodiless?: boolean
}

/** Writes these bytes to an HTTP/1.1 server and reads its first final answer. */
export function rawExchange(
  port: number,
  pieces: readonly Piece[],
  { bodiless = false }: RawExchangeOptions = {},
): Promise<RawExchange> {
  return new Promise((resolve, reject) => {
    let text = ''
    const interim: number[] = []
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms: ${text}`)))
    const settle = (): void => {
      const answer = parse(text, interim, bodiless)
      if (answer === undefined) return
      resolve(answer)
      socket.destroy()
    }
    socket.on('data', (chunk: string) => {
      text += chunk
      for (;;) {
        const [all, status] = /^HTTP\/1\.[01] (1\d\d) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(text) ?? []
        // 101 is an answer for good.
        if (all === undefined || status === '101') break
        interim.push(Number(status))
        text = text.slice(all.length)
      }
      settle()
    })
    socket.on('error', error => {
      // A gateway that has answered may reset what is still being sent.
      if ('code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) return
      reject(error)
    })
    socket.on('close', () => resolve(parse(text, interim, true) ?? { status: 0, interim, headers: {}, body: '' }))
    send(socket, pieces).catch(error => {
      reject(error)
      socket.destroy()
    })
  })
}

async function send(socket: ReturnType<typeof connect>, pieces: readonly Piece[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return
    if (typeof piece === 'function') await piece()
    else await new Promise<void>(done => socket.write(piece, () => done()))
  }
}

/** Undefined while something is missing; with `all`, what is there is all that comes. */
function parse(text: string, interim: readonly number[], all: boolean): RawExchange | undefined {
  const end = text.indexOf('\r\n\r\n')
  const [, code] = /^HTTP\/1\.[01] (\d\d\d)/.exec(text) ?? []
  if (end < 0 || code === undefined) return undefined
  const headers: Record<string, string> = {}
  for (const line of text.slice(0, end).split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  const status = Number(code)
  const rest = text.slice(end + 4)
  if (status === 101 || status === 204) return { status, interim, headers, body: rest }
  if (headers['transfer-encoding'] === 'chunked') {
    if (!rest.endsWith('0\r\n\r\n') && !all) return undefined
    return { status, interim, headers, body: unchunked(rest) }
  }
  const length = Number(headers['content-length'] ?? Number.NaN)
  if (!all && !(rest.length >= length)) return undefined
  return { status, interim, headers, body: rest }
}

function unchunked(text: string): string {
  let body = ''
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, line), 16)
    if (line < 0 || !(length > 0)) return body
    body += text.slice(line + 2, line + 2 + length)
    at = line + 2 + length + 2
  }
}
