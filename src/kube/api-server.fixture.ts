import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiServerEvent } from './api-server-event.js'
import { type ApiServerEnvironment, type ConnectedApiServer, createApiServer } from './create-api-server.js'

export const openssl = spawnSync('openssl', ['version']).status === 0

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** A certificate authority in a folder of its own. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'kube-'))
  readonly ca: string

  constructor(name: string) {
    this.#openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    )
    this.ca = this.#read('ca.pem')
  }

  /** @param names such as `IP:127.0.0.1` or `DNS:kubernetes.default.svc` */
  issue(subject: string, names: string, days = 1): KeyPair {
    writeFileSync(join(this.folder, 'extensions'), `subjectAltName=${names}\n`)
    this.#openssl('req', ...newKey, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', subject)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)]
    this.#openssl('x509', '-req', '-in', 'leaf.csr', ...signing, '-extfile', 'extensions', '-out', 'leaf.pem')
    return { cert: this.#read('leaf.pem'), key: this.#read('leaf.key') }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #openssl(...words: readonly string[]): void {
    execFileSync('openssl', words, { cwd: this.folder, stdio: 'ignore' })
  }

  #read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string) => void

/** An HTTP/2 server that answers what a test says; what the real API server cannot be made to do. */
export class FakeApiServer {
  readonly server: Http2SecureServer
  readonly sessions = new Set<ServerHttp2Session>()
  connections = 0
  requests: { readonly path: string; readonly authorization: string; readonly body: string }[] = []
  answer: Answer = json(200, '{"kind":"Pod"}')
  port = 0

  constructor(pair: KeyPair, options: { readonly clientCa?: string; readonly maxStreams?: number } = {}) {
    this.server = createSecureServer({
      ...pair,
      ...(options.clientCa !== undefined && { ca: options.clientCa, requestCert: true, rejectUnauthorized: true }),
      settings: { maxConcurrentStreams: options.maxStreams ?? 100 },
    })
    this.server.on('session', session => {
      this.connections++
      this.sessions.add(session)
      session.on('error', () => {})
      session.on('close', () => this.sessions.delete(session))
    })
    this.server.on('tlsClientError', () => {})
    this.server.on('sessionError', () => {})
    this.server.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        this.requests.push({
          path: String(headers[':path']),
          authorization: String(headers.authorization ?? ''),
          body,
        })
        this.answer(stream, headers, body)
      })
    })
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>(resolve => this.server.listen(port, '127.0.0.1', resolve))
    this.port = portOf(this.server)
    return this
  }

  /** As if the process were killed. */
  async kill(): Promise<void> {
    const closed = new Promise<void>(resolve => this.server.close(() => resolve()))
    for (const session of this.sessions) session.destroy()
    await closed
  }
}

/** The way between the two, on which bytes may be lost. */
export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #frozen = false
  #muted = false
  connections = 0

  constructor(port: number) {
    this.#server = createServer(near => {
      const far = connect(port, '127.0.0.1')
      this.connections++
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from)
        // As behind a firewall that forgot the connection: what is sent is taken, and arrives nowhere.
        from.on('data', chunk => this.#frozen || (this.#muted && from === near) || to.write(chunk))
        from.on('error', () => {})
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
      }
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return portOf(this.#server)
  }

  freeze(): void {
    this.#frozen = true
  }

  /** What the client says from now on is lost. */
  mute(): void {
    this.#muted = true
  }

  thaw(): void {
    this.#frozen = false
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export function json(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return stream => {
    stream.respond({ ':status': status, 'content-type': 'application/json', ...headers })
    stream.end(body)
  }
}

export function statusObject(code: number, message: string): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code })
}

/** The folder that the kubelet mounts, and the variables that it sets. */
export function podFolder(authority: Authority, name: string, token = 'token-1') {
  const folder = mkdtempSync(join(authority.folder, `${name}-`))
  writeFileSync(join(folder, 'ca.crt'), authority.ca)
  writeFileSync(join(folder, 'token'), token)
  return folder
}

export interface Client {
  readonly api: ConnectedApiServer
  readonly events: ApiServerEvent[]
}

export function podClient(
  port: number,
  folder: string,
  options: {
    readonly timeoutMs?: number
    readonly maxInFlight?: number
    readonly host?: string
  } & ApiServerEnvironment = {},
): Client {
  const { timeoutMs = 5000, maxInFlight = 32, host = '127.0.0.1', ...environment } = options
  const events: ApiServerEvent[] = []
  const api = createApiServer({
    cluster: 'local',
    connection: { kind: 'inCluster' },
    timeoutMs,
    maxInFlight,
    onEvent: event => events.push(event),
    environment: {
      variables: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: String(port) },
      serviceAccountDirectory: folder,
      ...environment,
    },
  })
  return { api, events }
}

/** Waits until something is so. */
export async function until(what: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms
  while (!what()) {
    if (Date.now() > end) throw new Error('it did not become so in time')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
