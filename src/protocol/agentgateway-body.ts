import { type GatewayBodyInput, partialHeader } from './envoy-body.js'
import type { RequestBody } from './inbound-request.js'

/**
 * Whether agentgateway sent the whole body. It is complete only if it is not empty and as long as the size that is told
 * beside it: a body that was cut has the size -1, whatever else is said (agentgateway, `BodyOptions`). Envoy's
 * `x-envoy-auth-partial-body` means nothing here: this gateway never writes it, and hands on a client's copy.
 *
 * A text body went through a conversion that puts U+FFFD in place of invalid bytes, so that one that holds it may be
 * another than the server gets, and is refused. Without it the text is what was sent, and its length is the size. Beside
 * Envoy's header "!" is refused as well: should the listener be asked by an Envoy after all, it stands for invalid bytes.
 */
export function agentgatewayBody({ headers, rawBody, textBody, size }: GatewayBodyInput): RequestBody {
  const raw = rawBody !== undefined && rawBody.length > 0 ? rawBody : undefined
  const text = textBody !== undefined && textBody !== '' ? textBody : undefined
  const contentLength = headers.all('content-length')
  if (size < 0) return incomplete('larger than maxRequestBytes of extAuthz (maxSize of forwardBody)')
  if (raw === undefined && text === undefined) {
    const announced = size > 0 || contentLength.some(value => value !== '0')
    return announced ? incomplete('announced but not sent; set includeRequestBody of extAuthz') : { state: 'absent' }
  }
  if (raw !== undefined && text !== undefined) return incomplete('sent both as bytes and as text')
  const bytes = raw ?? textBytes(text ?? '', headers.has(partialHeader))
  if (bytes === undefined) {
    return incomplete('sent as text that may have been changed on the way; set packAsBytes of includeRequestBody')
  }
  if (size !== bytes.length) return incomplete('not as long as the size that was told')
  if (!contentLength.every(value => value === String(bytes.length))) return incomplete('not as long as content-length')
  return { state: 'complete', bytes }
}

/** Undefined if the text may not be what the client sent. A lone surrogate would become other bytes. */
function textBytes(text: string, perhapsEnvoy: boolean): Uint8Array | undefined {
  if (perhapsEnvoy && text.includes('!')) return undefined
  return text.includes('\ufffd') || /[\ud800-\udfff]/u.test(text) ? undefined : Buffer.from(text, 'utf8')
}

function incomplete(detail: string): RequestBody {
  return { state: 'incomplete', detail: `The body is ${detail}.` }
}
