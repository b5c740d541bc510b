import type { RequestHeaders } from '../protocol/request-headers.js'
import type { IdentityReason } from './reasons.js'

export type BearerToken =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

/** Bytes of a token; gateways limit all headers together to about four times that. */
export const maxTokenBytes = 16 * 1024

const refused = (reason: IdentityReason, message: string) => ({ ok: false, reason, message }) as const

/**
 * The bearer token of a request (RFC 6750, section 2.1): one Authorization header, the scheme in any case (RFC 9110,
 * section 11.1), one token. What the token is made of is checked when it is decoded.
 */
export function bearerToken(headers: RequestHeaders): BearerToken {
  const value = headers.one('authorization')
  if (value === undefined) {
    if (headers.has('authorization'))
      return refused('identity.token_repeated', 'There is more than one Authorization header; send exactly one.')
    return refused('identity.token_missing', 'There is no access token; send one as "Authorization: Bearer <token>".')
  }
  if (value.slice(0, 7).toLowerCase() !== 'bearer ')
    return refused(
      'identity.token_malformed',
      'The Authorization header does not have the scheme Bearer; send "Authorization: Bearer <token>".',
    )
  let start = 7
  while (value.charCodeAt(start) === 0x20) start++
  const token = value.slice(start)
  if (token.length > maxTokenBytes)
    return refused(
      'identity.token_malformed',
      `The access token is longer than ${maxTokenBytes} bytes; ask for one with fewer claims.`,
    )
  // Gateways join repeated headers with a comma, which no token contains (RFC 6750, b64token).
  if (token.includes(','))
    return refused('identity.token_repeated', 'There is more than one Authorization header; send exactly one.')
  if (token === '') return refused('identity.token_malformed', 'The Authorization header has no token after "Bearer".')
  return { ok: true, token }
}
