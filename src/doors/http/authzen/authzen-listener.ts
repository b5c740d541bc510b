import type { ListenerTrust } from '../../../protocol/inbound-request.js'
import type { ListenAddress } from '../../grpc/listener-socket.js'
import type { TlsSettings } from '../../grpc/tls-server.js'

export interface AuthzenListener {
  readonly name: string
  /** Whether the word of the gateway on its callers counts. To ask, it has to be authenticated in any case. */
  readonly trust: ListenerTrust
  readonly address: ListenAddress
  /** With `clientCA`, a gateway is known by its certificate. */
  readonly tls?: TlsSettings
  /** File with the bearer tokens of gateways, one per line. With it every request needs one of them. */
  readonly tokenFile?: string
  /** `https://host[:port]` under which gateways know us. Without it there is no metadata document. */
  readonly identifier?: string
  /** Name or resource of the Server for requests that name none. Default: such requests are refused. */
  readonly server?: string
  /** The claim of the caller's token that `subject.id` must equal. Default `sub`. */
  readonly subjectClaim?: string
  /** Largest body of a request. Bytes, default 1 MiB. */
  readonly maxBodyBytes?: number
  /** Evaluations in one request. Default 50. */
  readonly maxEvaluations?: number
  /** Requests that are answered at the same time; further ones get 429. Default 256. */
  readonly maxRequests?: number
  /** Decisions that may wait at the same time. Default 1024. */
  readonly maxInFlight?: number
  /** Time for all decisions of one request, in milliseconds. Default 5000. */
  readonly timeoutMs?: number
  /** Time in which a whole request must have come, in milliseconds. Default 10000. */
  readonly requestTimeoutMs?: number
}

/** Why a listener may not be opened, in words for the operator; undefined when it may. */
export function listenerProblem(listener: AuthzenListener): string | undefined {
  const { address, tls, tokenFile, trust, identifier } = listener
  const certified = tls?.clientCA !== undefined
  if (address.kind === 'unix' && tls !== undefined)
    return 'TLS is not spoken on a unix socket; remove tls, the mode of the socket guards it'
  if (address.kind === 'tcp' && !certified && tokenFile === undefined)
    return 'nobody would check who asks; name tls.clientCA, a tokenFile, or use a unix socket'
  if (address.kind === 'tcp' && tls === undefined && !isLoopback(address.host))
    return 'access tokens would cross the network in the clear; add tls, or listen on a loopback address'
  if (tls?.allowedSANs !== undefined && !certified)
    return 'tls.allowedSANs needs tls.clientCA: without it nobody checks the certificate'
  if (trust === 'mtls' && !certified) return 'trust: mtls needs client certificates; add tls.clientCA'
  if (trust === 'unix' && address.kind !== 'unix') return 'trust: unix needs a unix socket'
  if (identifier !== undefined && !originPattern.test(identifier))
    return 'the identifier must be https://host or https://host:port, without a path or a slash at the end'
  return undefined
}

const originPattern = /^https:\/\/(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.[0-9]{1,3}){3}$/.test(host)
}
