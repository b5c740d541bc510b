/** Characters; a certificate of four kilobytes takes about half of it. Chains are not sent. */
const maxLength = 16 * 1024

/**
 * The certificate of the gateway's client as Envoy tells it with `include_peer_certificate`: PEM, percent-encoded. Nothing
 * when there is none, or when it cannot be decoded: then what is bound to it is not proven.
 */
export function readPeerCertificate(encoded: string): { readonly certificate?: string } {
  if (encoded === '' || encoded.length > maxLength) return {}
  try {
    return { certificate: decodeURIComponent(encoded) }
  } catch {
    return {}
  }
}
