import { gatewayBody } from '../../protocol/gateway-body.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { askingSpan } from '../envoy/trace-parent.js'
import type { CheckParts } from './check-parts.js'
import { decodeCheckRequest } from './decode-check-request.js'
import { readPeerCertificate } from './read-peer-certificate.js'
import { withShownToken } from './shown-token.js'

export type ReadCheckRequest =
  | { readonly ok: true; readonly request: InboundRequest }
  /** `detail` is for the operator and holds nothing of the request. */
  | { readonly ok: false; readonly detail: string }

/**
 * Reads the CheckRequest of Envoy, or of a gateway that speaks its protocol; the listener's profile says which. Bytes that do not decode, or that contradict themselves, are a value and not an exception.
 * @param deadline milliseconds since the epoch at which the gateway stops waiting; undefined when it did not say
 * @param traceparent of the gateway's call, unchecked
 */
export function readCheckRequest(
  bytes: Uint8Array,
  listener: InboundRequest['listener'],
  deadline: number | undefined,
  traceparent?: string,
): ReadCheckRequest {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts = decodeCheckRequest(buffer, listener.profile)
  if (parts === undefined) return { ok: false, detail: 'the CheckRequest is not valid protobuf' }
  if (parts.oddMetadata) {
    return { ok: false, detail: 'metadata of the CheckRequest is too large, too deep or not JSON' }
  }
  if (!parts.hasHttp) return { ok: false, detail: 'the CheckRequest has no attributes.request.http' }
  const { method, scheme, host: authority, path: target } = parts
  if (!parts.headers.agree(method, target, authority, scheme)) {
    return { ok: false, detail: 'the CheckRequest contradicts itself: its pseudo headers are not its attributes' }
  }

  const shown = withShownToken(parts.headers.request(), parts.filterMetadata, listener.profile)
  const { headers } = shown
  const question = target.indexOf('?')
  const request: InboundRequest = {
    method,
    scheme,
    authority,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    headers,
    body: gatewayBody(listener.profile, {
      method,
      headers,
      rawBody: parts.rawBody,
      textBody: parts.textBody,
      size: parts.size,
    }),
    peer: readPeer(parts),
    context: {
      extensions: parts.extensions,
      routeMetadata: parts.routeMetadata,
      filterMetadata: shown.filterMetadata,
    },
    traceparent: askingSpan(traceparent, headers.one('traceparent')),
    deadline,
    listener,
  }
  return { ok: true, request }
}

function readPeer({ address, principal, certificate }: CheckParts): InboundRequest['peer'] {
  if (certificate === '') return { address, principal }
  return { address, principal, ...readPeerCertificate(certificate) }
}
