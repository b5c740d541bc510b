import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { ListenAddress } from '../grpc/listener-socket.js'
import { matchesAllowedSan } from '../grpc/subject-alternative-names.js'
import type { TlsSettings } from '../grpc/tls-server.js'
import type { TokenFile } from './token-file.js'

export type AskerAuthenticated =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: 401 | 403; readonly message: string }

/**
 * Whether the gateway that asks is one that may. Everything that the listener asks for must be there: a certificate that
 * `clientCA` signed with an allowed name, a bearer token of the file, or both. On a unix socket the socket's mode says who
 * may connect. This is about the gateway alone; who its caller is, is another question.
 */
export function authenticateAsker(
  request: IncomingMessage,
  { tls, address }: { readonly address: ListenAddress; readonly tls?: TlsSettings },
  tokens: TokenFile | undefined,
): AskerAuthenticated {
  if (tls?.clientCA !== undefined) {
    const { socket } = request
    if (!(socket instanceof TLSSocket) || !socket.authorized)
      return { ok: false, status: 401, message: 'a client certificate is needed' }
    const names = socket.getPeerX509Certificate()?.subjectAltName ?? ''
    if (tls.allowedSANs !== undefined && !matchesAllowedSan(names, tls.allowedSANs))
      return { ok: false, status: 403, message: 'none of the names of the client certificate may ask here' }
  }
  if (tokens !== undefined) return checkBearer(request, tokens)
  return tls?.clientCA !== undefined || address.kind === 'unix'
    ? { ok: true }
    : { ok: false, status: 401, message: 'nobody may ask here' }
}

function checkBearer(request: IncomingMessage, tokens: TokenFile): AskerAuthenticated {
  const refused = { ok: false, status: 401, message: 'a bearer token that is valid here is needed' } as const
  // Node keeps the first of several; what another reader on the way took for the token must not differ from ours.
  const [value, ...others] = request.headersDistinct.authorization ?? []
  if (value === undefined || others.length > 0) return refused
  const [scheme = '', token = ''] = value.split(' ', 2)
  if (scheme.toLowerCase() !== 'bearer' || value.length !== scheme.length + 1 + token.length) return refused
  return tokens.accepts(token) ? { ok: true } : refused
}
