/** What to do about an error of a connection. Such errors hold addresses and names of certificates, no credentials. */
export function describeConnectionError(error: Error, serverName: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = causes[code]
  if (known !== undefined) return `${known} (${code})`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `its certificate is not for ${serverName} (${code})`
  if (code.includes('NO_APPLICATION_PROTOCOL')) return `it speaks no HTTP/2 (${code})`
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) {
    return `it broke off the TLS handshake; it may want a client certificate, or refuse the one it got (${code})`
  }
  return code === '' ? 'the connection failed' : `the connection failed (${code})`
}

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the other end broke the connection',
  EPIPE: 'the other end broke the connection',
  ETIMEDOUT: 'no answer from there',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was not signed by the given authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate was not signed by the given authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate was not signed by the given authority',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was not signed by the given authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was not signed by the given authority',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS',
  EPROTO: 'the TLS handshake failed',
  CERT_SIGNATURE_FAILURE: 'its certificate was not signed by the given authority',
  ERR_HTTP2_ERROR: 'it does not keep to HTTP/2',
}
