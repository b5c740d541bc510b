import type { RequestBody } from './inbound-request.js'
import type { RequestHeaders } from './request-headers.js'

export const partialHeader = 'x-envoy-auth-partial-body'

/** What a CheckRequest says about the body, whichever gateway wrote it. */
export interface GatewayBodyInput {
  /** Not part of the rule: whether a method may or must have a body is framing's question. */
  readonly method: string
  readonly headers: RequestHeaders
  /** `raw_body` of the CheckRequest; undefined or empty when it was not sent. */
  readonly rawBody: Uint8Array | undefined
  /** `body` of the CheckRequest, which gateways use unless they are told to send bytes. */
  readonly textBody: string | undefined
  /** `size` of the CheckRequest in bytes; 0 or -1 when the gateway did not say. */
  readonly size: number
}

/**
 * Whether Envoy sent the whole body. It is complete only if Envoy says that it is not partial, it is not empty, and its
 * length is both the size that Envoy buffered and the content-length, if there is one. Each condition alone fails
 * somewhere: Envoy says "false" at exactly its limit while more is to come, and "true" with a size beyond the bytes (see
 * ext_authz `BufferSettings`). A missing header proves nothing: upgrades and routes without buffering look like that.
 * What remains is a chunked body cut at exactly the limit with `allow_partial_message`; it fails as JSON.
 *
 * A text body went through a filter that turns each invalid byte into one "!", so that the length tells nothing. It is the
 * original if it holds no "!", and cannot be known if it does; then it is refused.
 */
export function envoyBody(input: GatewayBodyInput): RequestBody {
  const { headers } = input
  const raw = input.rawBody !== undefined && input.rawBody.length > 0 ? input.rawBody : undefined
  const text = input.textBody !== undefined && input.textBody !== '' ? input.textBody : undefined
  const partial = headers.one(partialHeader)
  const contentLength = headers.all('content-length')
  if (headers.repeated(partialHeader)) return incomplete(`more than one ${partialHeader}`)
  if (partial !== undefined && partial !== 'false') return incomplete('larger than max_request_bytes of ext_authz')

  if (raw === undefined && text === undefined) {
    const announced = input.size > 0 || contentLength.some(value => value !== '0')
    return announced ? incomplete('announced but not sent; set with_request_body of ext_authz') : { state: 'absent' }
  }
  if (partial === undefined) return incomplete(`a body without ${partialHeader}`)
  if (raw !== undefined && text !== undefined) return incomplete('sent both as bytes and as text')
  const bytes = raw ?? textBytes(text ?? '')
  if (bytes === undefined) {
    return incomplete('sent as text that may have been changed on the way; set pack_as_bytes of ext_authz')
  }
  if (input.size !== bytes.length) return incomplete('not as long as the size that was buffered')
  if (!contentLength.every(value => value === String(bytes.length))) return incomplete('not as long as content-length')
  return { state: 'complete', bytes }
}

/** Undefined if the text may not be what the client sent. A lone surrogate would become other bytes. */
function textBytes(text: string): Uint8Array | undefined {
  return text.includes('!') || /[\ud800-\udfff]/u.test(text) ? undefined : Buffer.from(text, 'utf8')
}

function incomplete(detail: string): RequestBody {
  return { state: 'incomplete', detail: `The body is ${detail}.` }
}
