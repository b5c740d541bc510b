import type { TlsSettings } from '../../grpc/tls-server.js'

export interface AdminListener {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Names by which it may be called, besides its address and the loopback names. */
  readonly hosts: readonly string[]
  /** With `clientCA`, a reader is known by a certificate. */
  readonly tls?: TlsSettings
  /** File with bearer tokens, one per line. With it every request needs one of them. */
  readonly tokenFile?: string
  /** Time in which a whole request must have come, in milliseconds. Default 10000. */
  readonly requestTimeoutMs?: number
  /** Requests that are answered at the same time; further ones get 429. Default 32. */
  readonly maxRequests?: number
  /** Time for one explanation, in milliseconds. Default 5000. */
  readonly explainWithinMs?: number
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host)
}

/** Why a listener may not be opened, in words for the operator; undefined when it may. */
export function adminProblem({ host, tls, tokenFile }: AdminListener): string | undefined {
  const certified = tls?.clientCA !== undefined
  if (tls?.allowedSANs !== undefined && !certified)
    return 'tls.allowedSANs needs tls.clientCA: without it nobody checks the certificate'
  if (isLoopback(host)) return undefined
  if (!certified && tokenFile === undefined)
    return 'nobody would check who reads the decisions of others; name tokenFile or tls.clientCA, or listen on a loopback address'
  if (tls === undefined) return 'tokens and decisions would cross the network in the clear; add tls'
  return undefined
}
