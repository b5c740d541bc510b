import { isJsonContentType } from './content-type.js'
import { exceedsHeaderBudget } from './header-budget.js'
import type { InboundRequest } from './inbound-request.js'
import { pathAmbiguity } from './path-ambiguity.js'
import { percentByte } from './percent-encoding.js'
import type { FramingReason } from './reasons.js'
import type { RequestHeaders } from './request-headers.js'
import { checkSecurityHeaders } from './security-headers.js'

export interface FramingFailure {
  readonly reason: FramingReason
  /** For the caller; holds nothing of the request. */
  readonly message: string
  readonly status: 400 | 405 | 413 | 415 | 431
}

const methods: ReadonlySet<string> = new Set(['POST', 'GET', 'DELETE', 'OPTIONS'])
const maxQueryLength = 8192
const visibleAscii = /^[\x21-\x7e]*$/
/** Host name or IPv4 address, or an IPv6 address in brackets; a port. No user, no trailing dot. */
const authorityPattern = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/
const maxAuthorityLength = 255 + ':65535'.length

/**
 * What is wrong with a request as HTTP, or undefined: everything by which the gateway, we and the server could come to
 * read different requests. Pure; does not look into the body. OPTIONS passes as a CORS preflight only.
 */
export function checkFraming(request: InboundRequest): FramingFailure | undefined {
  const { headers } = request
  // First what leaves in doubt whose request this is: nothing may be tolerated before that is known.
  const ambiguity = pathAmbiguity(request.path)
  if (ambiguity !== undefined) return fail('framing.path_ambiguous', 400, ambiguity)
  if (!isSaneAuthority(request)) {
    return fail('framing.authority_ambiguous', 400, 'The host must be one plain host name, with a port if need be.')
  }
  if (!methods.has(request.method)) {
    return fail('framing.http_method', 405, 'Only POST, GET, DELETE and CORS preflights are accepted.')
  }
  if (exceedsHeaderBudget(request)) {
    const message = 'The request has too many or too long headers; send fewer (cookies are often the cause).'
    return fail('framing.headers_too_large', 431, message)
  }
  const badHeader = checkSecurityHeaders(headers)
  if (badHeader !== undefined) return fail(badHeader.reason, 400, badHeader.message)
  if (isUpgrade(headers)) {
    return fail('framing.upgrade', 400, 'Connection upgrades are not accepted; MCP is plain HTTP.')
  }
  return checkQuery(request.query) ?? checkBody(request)
}

function checkQuery(query: string | undefined): FramingFailure | undefined {
  if (query === undefined) return undefined
  if (query.length > maxQueryLength || !visibleAscii.test(query) || query.includes('#')) {
    return fail(
      'framing.path_ambiguous',
      400,
      'The query is too long or holds a character that must be percent-encoded.',
    )
  }
  for (const pair of query.split(/[&;]/)) {
    const equals = pair.indexOf('=')
    if (decodedName(equals < 0 ? pair : pair.slice(0, equals)).toLowerCase() === 'access_token') {
      const message =
        'A token in the query ends up in logs; send it in the Authorization header (RFC 6750, section 5.3).'
      return fail('framing.token_in_query', 400, message)
    }
  }
  return undefined
}

/** ASCII only, which is enough to recognize a name. */
function decodedName(name: string): string {
  if (!name.includes('%')) return name
  let decoded = ''
  for (let at = 0; at < name.length; at++) {
    const byte = percentByte(name, at)
    decoded += byte < 0 ? name.charAt(at) : String.fromCharCode(byte)
    if (byte >= 0) at += 2
  }
  return decoded
}

function isSaneAuthority(request: InboundRequest): boolean {
  const { authority } = request
  if (authority.length > maxAuthorityLength || !authorityPattern.test(authority)) return false
  const host = request.headers.one('host')
  return host === undefined || host.toLowerCase() === authority.toLowerCase()
}

/** Also h2 extended CONNECT, which Envoy shows as GET with an `upgrade` header. Upgraded requests are never buffered. */
function isUpgrade(headers: RequestHeaders): boolean {
  if (headers.has('upgrade') || headers.has('http2-settings') || headers.has('sec-websocket-key')) return true
  return headers.all('connection').some(value => /(?:^|[,\s])upgrade(?:[,\s]|$)/i.test(value))
}

function checkBody(request: InboundRequest): FramingFailure | undefined {
  const { body, headers } = request
  if (request.method !== 'POST') {
    const empty = body.state === 'absent' || (body.state === 'complete' && body.bytes.length === 0)
    if (!empty || (headers.one('content-length') ?? '0') !== '0' || headers.has('transfer-encoding')) {
      return fail('framing.body_unexpected', 400, `A ${request.method} must not have a body.`)
    }
    const preflight = headers.has('origin') && headers.has('access-control-request-method')
    if (request.method === 'OPTIONS' && !preflight) {
      const message = 'OPTIONS is accepted as a CORS preflight only: with Origin and Access-Control-Request-Method.'
      return fail('framing.http_method', 405, message)
    }
    return undefined
  }
  const contentType = headers.one('content-type')
  // Nearly all write it like this, and need no parser.
  if (contentType !== 'application/json' && (contentType === undefined || !isJsonContentType(contentType))) {
    return fail('framing.content_type', 415, 'The Content-Type must be application/json, in UTF-8.')
  }
  const contentEncoding = headers.one('content-encoding')
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    return fail('framing.content_encoding', 415, 'The body must not be compressed; leave out Content-Encoding.')
  }
  switch (body.state) {
    case 'absent':
      return fail('framing.body_missing', 400, 'No body reached the authorizer; a POST needs one.')
    case 'incomplete':
      return fail(
        'framing.body_incomplete',
        413,
        'The body did not reach the authorizer as a whole; send a smaller one.',
      )
    case 'complete':
      return body.bytes.length > 0
        ? checkLimit(request, body.bytes.length)
        : fail('framing.body_missing', 400, 'A POST needs a body.')
  }
}

/** The context extension by which a route tells its `max_request_bytes`. */
const limitExtension = 'mcp-max-request-bytes'

/**
 * A gateway that may send partial messages says of a body that fills its buffer exactly that it is not partial, even if
 * more is to come. Only who knows the limit can tell, so that a route, or else the listener, can state it: then nothing that fills it passes.
 */
function checkLimit({ context, listener }: InboundRequest, length: number): FramingFailure | undefined {
  const stated = context.extensions.get(limitExtension) ?? listener.gatewayBodyBytes?.toString()
  if (stated === undefined) return undefined
  const limit = /^[1-9][0-9]{0,9}$/.test(stated) ? Number(stated) : 0
  if (length < limit) return undefined
  return fail('framing.body_incomplete', 413, 'The body fills the buffer of the gateway; send a smaller one.')
}

function fail(reason: FramingReason, status: FramingFailure['status'], message: string): FramingFailure {
  return { reason, message, status }
}
