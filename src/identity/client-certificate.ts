import { hash } from 'node:crypto'

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

/**
 * SHA-256 of a certificate in DER, base64url (RFC 8705, section 3.1: `x5t#S256`), of its PEM text. Of a chain the first,
 * which is the client's own. undefined when it is no PEM.
 */
export function certificateThumbprint(pem: string): string | undefined {
  const start = pem.indexOf(begin)
  const stop = pem.indexOf(end, start)
  if (start < 0 || stop < 0) return undefined
  const base64 = pem.slice(start + begin.length, stop).replace(/[\r\n\t ]+/g, '')
  if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  return hash('sha256', Buffer.from(base64, 'base64'), 'base64url')
}
