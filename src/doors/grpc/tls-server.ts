import { readFileSync } from 'node:fs'
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import { matchesAllowedSan } from './subject-alternative-names.js'

export interface TlsSettings {
  /** PEM files; `cert` holds the chain, leaf first. */
  readonly cert: string
  readonly key: string
  /** PEM file with the authorities of client certificates. With it, a client without a good certificate is refused. */
  readonly clientCA?: string
  /**
   * Subject alternative names (URI or DNS) of clients that may connect: exact, or a prefix that ends in `*`.
   * Default: every certificate that `clientCA` signed.
   */
  readonly allowedSANs?: readonly string[]
  /** How often the files are compared with what is in use, in milliseconds. Default 10000. */
  readonly reloadIntervalMs?: number
}

export interface TlsReload {
  /** Compares the files with what is in use. True if new ones took effect. Bad ones are reported and change nothing. */
  reload(): boolean
}

interface Material {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
}

/**
 * A TLS server that refuses peers without an allowed certificate before any HTTP/2, and follows its files.
 * Polling instead of watching: mounted Secrets swap symlinks, and a poll cannot miss that.
 * Throws when the files cannot be used at the start.
 */
export function createTlsServer(
  settings: TlsSettings,
  accept: (socket: TLSSocket) => void,
  onError: (message: string) => void,
): TlsReload & { readonly server: Server; close(): void } {
  if (settings.allowedSANs !== undefined && settings.clientCA === undefined) {
    throw new Error('tls.allowedSANs needs tls.clientCA: without it nobody checks the certificate')
  }
  let current = read(settings)
  const server = createServer(
    {
      ...contextOptions(current),
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.2',
      handshakeTimeout: 10_000,
      noDelay: true,
      requestCert: settings.clientCA !== undefined,
      rejectUnauthorized: settings.clientCA !== undefined,
    },
    socket => {
      const refused = refusal(socket, settings)
      if (refused === undefined) {
        accept(socket)
        return
      }
      socket.destroy()
      onError(refused)
    },
  )
  server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
    onError(`TLS handshake failed: ${error.code ?? error.name}`),
  )

  let lastProblem = ''
  const reload = (): boolean => {
    try {
      const next = read(settings)
      if (same(current, next)) return false
      // createSecureContext throws on a key that does not fit, e.g. when only one of two files is written yet.
      const options = contextOptions(next)
      createSecureContext(options)
      server.setSecureContext(options)
      current = next
      lastProblem = ''
      return true
    } catch (error) {
      const problem = `certificate files were not reloaded, the last good ones stay: ${describe(error)}`
      if (problem !== lastProblem) onError(problem)
      lastProblem = problem
      return false
    }
  }
  const timer = setInterval(reload, settings.reloadIntervalMs ?? 10_000)
  timer.unref()
  return { server, reload, close: () => clearInterval(timer) }
}

function refusal(socket: TLSSocket, settings: TlsSettings): string | undefined {
  if (socket.alpnProtocol !== 'h2') {
    return 'a client did not ask for HTTP/2 (ALPN h2); in Envoy set common_tls_context.alpn_protocols: [h2], health checks need it'
  }
  if (settings.clientCA === undefined) return undefined
  if (!socket.authorized) return 'a client certificate was refused'
  if (settings.allowedSANs === undefined) return undefined
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? ''
  return matchesAllowedSan(names, settings.allowedSANs)
    ? undefined
    : 'a client certificate was refused: none of its names is in tls.allowedSANs'
}

function read(settings: TlsSettings): Material {
  return {
    cert: readFileSync(settings.cert),
    key: readFileSync(settings.key),
    ca: settings.clientCA === undefined ? undefined : readFileSync(settings.clientCA),
  }
}

function contextOptions(material: Material) {
  return { cert: material.cert, key: material.key, ...(material.ca === undefined ? {} : { ca: material.ca }) }
}

function same(a: Material, b: Material): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key) && (a.ca === undefined || b.ca === undefined || a.ca.equals(b.ca))
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}
