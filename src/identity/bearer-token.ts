import type { RequestHeaders } from '../protocol/request-headers.js'
import type { IdentityReason } from './reasons.js'

/** Bearer (RFC 6750): whoever has the token may use it. DPoP (RFC 9449): only who proves to have a key as well. */
export type TokenScheme = 'Bearer' | 'DPoP'

export type BearerToken =
  | { readonly ok: true; readonly token: string; readonly scheme: TokenScheme }
  | { readonly ok: false; readonly reason: IdentityReason; readonly message: string }

/** Bytes of a token; gateways limit all headers together to about four times that. */
export const maxTokenBytes = 16 * 1024

const refused = (reason: IdentityReason, message: string) => ({ ok: false, reason, message }) as const

/**
 * The access token of a request (RFC 6750, section 2.1; RFC 9449, section 7.1): one Authorization header, the scheme in
 * any case (RFC 9110, section 11.1), one token. What the token is made of is checked when it is decoded, and whether the
 * scheme is the right one for it when it is known whether the token is bound to a key.
 */
export function bearerToken(headers: RequestHeaders): BearerToken {
  const value = headers.one('authorization')
  if (value === undefined) {
    if (headers.has('authorization'))
      return refused('identity.token_repeated', 'There is more than one Authorization header; send exactly one.')
    return refused('identity.token_missing', 'There is no access token; send one as "Authorization: Bearer <token>".')
  }
  const scheme = schemeOf(value)
  if (scheme === undefined)
    return refused(
      'identity.token_malformed',
      'The Authorization header does not have the scheme Bearer; send "Authorization: Bearer <token>".',
    )
  let start = scheme.length + 1
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
  if (token === '')
    return refused('identity.token_malformed', `The Authorization header has no token after "${scheme}".`)
  return { ok: true, token, scheme }
}

function schemeOf(value: string): TokenScheme | undefined {
  if (value.slice(0, 7).toLowerCase() === 'bearer ') return 'Bearer'
  return value.slice(0, 5).toLowerCase() === 'dpop ' ? 'DPoP' : undefined
}
