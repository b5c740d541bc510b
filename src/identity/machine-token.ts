import { isJsonObject, type JsonObject } from '../protocol/json-value.js'

/**
 * Whether a token speaks for software only. There is no standard claim; these are the marks that issuers leave:
 *
 * - RFC 9068, section 2.2 (oidc-provider, Okta and others): `sub` is the client id
 * - Keycloak: `sub` is the id of a user named `service-account-<client>`, and `typ` says Bearer or DPoP
 * - Microsoft Entra ID: `idtyp: app`, or `oid` is `sub`, which is a pairwise id for people
 * - Auth0: `gty: client-credentials`, and `sub` is `<client>@clients`
 * - SPIFFE: `sub` is a SPIFFE id, and no client is named; Kubernetes: a ServiceAccount
 *
 * A machine token attests its client. So no mark may be one that people can give themselves where they choose their name, or
 * a claim of another issuer's words: marks of one vendor count only beside what its tokens have and nobody chooses. A login
 * (`sid`, `auth_time`, `amr`) is the mark of a person and wins.
 */
export function isMachineToken(claims: JsonObject): boolean {
  if (['sid', 'auth_time', 'amr'].some(name => claims.has(name))) return false
  const text = (name: string) => textOf(claims, name)
  const subject = text('sub')
  const client = clientOf(claims)
  if (subject.startsWith('spiffe://') && client === '') return true
  if (subject.startsWith('system:serviceaccount:') && isJsonObject(claims.get('kubernetes.io'))) return true
  if (isEntra(claims) && (text('idtyp') === 'app' || (subject !== '' && text('oid') === subject))) return true
  if (client === '') return false
  if (text('gty') === 'client-credentials' && subject === `${client}@clients`) return true
  // Okta names people by what they log in with, and gives their id beside it.
  if (subject === client) return !(isOkta(claims) && claims.has('uid'))
  const named = text('preferred_username') === `service-account-${client.toLowerCase()}`
  return named && ['Bearer', 'DPoP'].includes(text('typ'))
}

/** The OAuth client that got the token; "" when the token does not say. */
export function clientOf(claims: JsonObject): string {
  const [azp, clientId] = [claims.get('azp'), claims.get('client_id')]
  if (typeof azp === 'string') return azp
  return typeof clientId === 'string' ? clientId : vendorClient(claims)
}

/**
 * The client in the words of one vendor: `cid` of Okta, `appid` of Microsoft Entra ID in tokens of version 1. "" for tokens
 * of anybody else, among whose claims these words may mean anything.
 */
export function vendorClient(claims: JsonObject): string {
  if (isOkta(claims)) return textOf(claims, 'cid')
  return isEntra(claims) && claims.get('ver') === '1.0' ? textOf(claims, 'appid') : ''
}

function isOkta(claims: JsonObject): boolean {
  const version = claims.get('ver')
  return (version === 1 || version === 1n) && textOf(claims, 'jti').startsWith('AT.')
}

const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The URL of such an issuer names the tenant, in every cloud and version. */
function isEntra(claims: JsonObject): boolean {
  const tenant = textOf(claims, 'tid')
  return tenantId.test(tenant) && textOf(claims, 'iss').includes(`/${tenant}/`)
}

function textOf(claims: JsonObject, name: string): string {
  const value = claims.get(name)
  return typeof value === 'string' ? value : ''
}
