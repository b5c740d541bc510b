import { isJsonObject, type JsonObject } from '../protocol/json-value.js'

/**
 * Whether a token speaks for software only. There is no standard claim; these are the marks that issuers leave:
 *
 * - RFC 9068, section 2.2 (oidc-provider and others): `sub` is the client id
 * - Keycloak: `sub` is the id of a user named `service-account-<client>`
 * - Microsoft Entra ID: `idtyp: app`; Auth0: `gty: client-credentials`
 * - SPIFFE: `sub` is a SPIFFE id; Kubernetes: a ServiceAccount
 *
 * A login session (`sid`, `auth_time`) is the mark of a person and wins: otherwise a person could choose a user name
 * that makes the client look attested.
 */
export function isMachineToken(claims: JsonObject): boolean {
  if (claims.has('sid') || claims.has('auth_time')) return false
  const text = (name: string) => {
    const value = claims.get(name)
    return typeof value === 'string' ? value : ''
  }
  const subject = text('sub')
  if (subject.startsWith('spiffe://')) return true
  if (subject.startsWith('system:serviceaccount:') && isJsonObject(claims.get('kubernetes.io'))) return true
  if (text('idtyp') === 'app' || text('gty') === 'client-credentials') return true
  const client = clientOf(claims)
  if (client === '') return false
  return subject === client || text('preferred_username') === `service-account-${client.toLowerCase()}`
}

/** The OAuth client that got the token; "" when the token does not say. */
export function clientOf(claims: JsonObject): string {
  const [azp, clientId] = [claims.get('azp'), claims.get('client_id')]
  if (typeof azp === 'string') return azp
  return typeof clientId === 'string' ? clientId : ''
}
