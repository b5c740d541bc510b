import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import type { ClusterAccess } from './cluster-access.js'
import { describeConnectionError } from './describe-connection-error.js'

export interface SessionOptions {
  /** Milliseconds for TCP, TLS and the server's settings together. */
  readonly connectMs: number
  /** Milliseconds of silence after which the other end is asked whether it is there. */
  readonly pingAfterMs: number
  /** Milliseconds that it has to answer. */
  readonly pingMs: number
  /** Milliseconds after which the session takes nothing new, so that load spreads anew over the API servers behind an address. */
  readonly maxAgeMs: number
}

export type OpenedSession =
  | { readonly ok: true; readonly session: ApiSession }
  | { readonly ok: false; readonly message: string }

/** Large lists should not wait for window updates; the default of HTTP/2 is 64 KiB. */
const streamWindow = 1024 * 1024
const mostInformational = 16
const sessionWindow = 8 * 1024 * 1024

/**
 * Opens an HTTP/2 session over TLS: the certificate is verified against the given authority and name, ALPN must choose
 * `h2` (RFC 9113, section 3.2), and the server must have sent its settings. Never rejects.
 * @param signal aborted when nobody wants it any more
 */
export function openSession(
  access: ClusterAccess,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<OpenedSession> {
  return new Promise(resolve => {
    const { host, port, tls } = access
    const where = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    let http2: ClientHttp2Session | undefined
    let socket: TLSSocket | undefined
    let settled = false
    const fail = (message: string) => {
      if (settled) return // from here on the session hears of it by itself
      settle()
      http2?.destroy(undefined, constants.NGHTTP2_CANCEL)
      socket?.destroy()
      resolve({ ok: false, message: `no connection to the API server at ${where}: ${message}` })
    }
    const giveUp = () => fail('the client is closed')
    const settle = () => {
      settled = true
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
    const timer = setTimeout(() => fail(`nothing within ${options.connectMs} ms`), options.connectMs)
    signal.addEventListener('abort', giveUp)
    try {
      socket = connectTls({
        host,
        port,
        // A server name is never an IP address in the TLS extension (RFC 6066, section 3); it is verified all the same.
        ...(isIP(tls.serverName) === 0 && { servername: tls.serverName }),
        checkServerIdentity: (_, certificate) => checkServerIdentity(tls.serverName, certificate),
        ...(tls.ca !== undefined && { ca: tls.ca }),
        ...(tls.cert !== undefined && { cert: tls.cert }),
        ...(tls.key !== undefined && { key: tls.key }),
        rejectUnauthorized: tls.verify,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.2',
      })
    } catch {
      fail('the certificate authority, the client certificate or its key cannot be read; check that they are PEM')
      return
    }
    const opened = socket
    opened.setNoDelay(true)
    opened.setKeepAlive(true, 15_000)
    opened.on('error', error => fail(describeConnectionError(error, tls.serverName)))
    opened.once('close', () => fail('the other end closed the connection'))
    opened.once('secureConnect', () => {
      if (opened.alpnProtocol !== 'h2') {
        fail('it speaks no HTTP/2 (ALPN chose no h2); an API server does, a proxy in between may not')
        return
      }
      const session = connectHttp2(`https://${where}`, {
        createConnection: () => opened,
        settings: { enablePush: false, initialWindowSize: streamWindow },
        maxSessionMemory: 64,
        maxOutstandingPings: 128,
      })
      http2 = session
      session.on('error', error => fail(describeConnectionError(error, tls.serverName)))
      session.once('close', () => fail('the other end closed the connection'))
      session.once('connect', () => session.setLocalWindowSize(sessionWindow))
      session.once('remoteSettings', () => {
        settle()
        resolve({ ok: true, session: new ApiSession(session, access.generation, options) })
      })
    })
  })
}

/** One connection that stands. */
export class ApiSession {
  /** Of the access it was made with. */
  readonly generation: number
  /** Called once, when it takes nothing new any more: it broke, the server is going away, it is too old, it was retired. */
  onEnd: ((message: string) => void) | undefined
  /** Called once, when nothing of it is left. */
  onClosed: (() => void) | undefined
  readonly #http2: ClientHttp2Session
  readonly #options: SessionOptions
  readonly #timers: NodeJS.Timeout[] = []
  readonly openedAt = performance.now()
  #usable = true
  #heardAt = performance.now()
  #pinging = false

  constructor(http2: ClientHttp2Session, generation: number, options: SessionOptions) {
    this.#http2 = http2
    this.generation = generation
    this.#options = options
    http2.on('goaway', code => this.#end(`the API server is going away (code ${code})`))
    http2.on('error', error => this.#end(describeConnectionError(error, '')))
    http2.on('close', () => {
      for (const timer of this.#timers) clearInterval(timer)
      this.#end('the connection was closed')
      this.onClosed?.()
    })
    const age = options.maxAgeMs * (0.8 + 0.4 * Math.random())
    this.#timers.push(
      setInterval(() => {
        if (performance.now() - this.#heardAt >= options.pingAfterMs) this.suspect()
      }, options.pingAfterMs).unref(),
      setTimeout(() => this.retire('it served long enough'), age).unref(),
    )
  }

  get usable(): boolean {
    return this.#usable && !this.#http2.closed && !this.#http2.destroyed
  }

  /** Streams that the API server allows at once. */
  get peerLimit(): number {
    return this.#http2.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY
  }

  /** undefined if it cannot take another one. */
  open(headers: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream | undefined {
    if (!this.usable) return undefined
    try {
      const stream = this.#http2.request(headers, { endStream })
      let before = 0
      // Informational answers (1xx): an API server sends none, and Node bounds neither their number nor their work.
      stream.on('headers', () => {
        if (++before > mostInformational) this.destroy('the API server answers only that it is about to answer')
      })
      return stream
    } catch {
      this.retire('it takes no more requests') // such as when the ids of streams are used up
      return undefined
    }
  }

  /** Something came from the other end. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /**
   * Whether what the other end had sent until now has arrived, shown by a PING there and back (RFC 9113, section 6.7) in its
   * time: who can hold back packets, but not forge them, could otherwise let the begin of an answer through and no more.
   */
  roundTrip(): Promise<boolean> {
    return new Promise(resolve => {
      if (this.#http2.destroyed) return resolve(false)
      const timer = setTimeout(() => resolve(false), this.#options.pingMs)
      const answered = (error: Error | null) => {
        clearTimeout(timer)
        resolve(error === null)
      }
      if (!this.#http2.ping(answered)) answered(new Error('too many'))
    })
  }

  /** Asks whether the other end is still there; if it is not, everything under way ends, to be tried elsewhere. */
  suspect(): void {
    if (this.#pinging || this.#http2.destroyed) return
    this.#pinging = true
    const timer = setTimeout(
      () => this.destroy('the API server no longer answers on this connection'),
      this.#options.pingMs,
    )
    const sent = this.#http2.ping(error => {
      clearTimeout(timer)
      this.#pinging = false
      if (error === null) this.heard()
    })
    if (!sent) {
      clearTimeout(timer)
      this.#pinging = false
    }
  }

  /** Takes nothing new; what is under way finishes. */
  retire(message: string): void {
    this.#end(message)
    if (!this.#http2.closed) this.#http2.close()
  }

  destroy(message: string): void {
    this.#end(message)
    this.#http2.destroy(undefined, constants.NGHTTP2_CANCEL)
  }

  #end(message: string): void {
    if (!this.#usable) return
    this.#usable = false
    this.onEnd?.(message)
  }
}
