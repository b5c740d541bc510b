import type { JWTPayload, ProtectedHeaderParameters } from 'jose'

/** What a token looks like: the claims as they came, and in place of what differs each time, what kind of thing it is. */
export interface Shape {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const placeholders: Readonly<Record<string, unknown>> = {
  kid: 'key-1',
  jti: 'token-1',
  sid: 'session-1',
  at_hash: 'hash',
  exp: 1_800_000_300,
  iat: 1_800_000_000,
  auth_time: 1_800_000_000,
  jkt: 'thumbprint',
}
const subject = '11111111-2222-3333-4444-555555555555'

/** The issuer becomes `https://keycloak.example.com/realms/mcp`; times keep their kind, ids lose their value. */
export function redactShape(
  token: { readonly header: ProtectedHeaderParameters; readonly claims: JWTPayload },
  issuer: string,
): Shape {
  return { header: redact({ ...token.header }, issuer), claims: redact(token.claims, issuer) }
}

function redact(value: Readonly<Record<string, unknown>>, issuer: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redactMember(name, member, issuer)]))
}

function redactMember(name: string, value: unknown, issuer: string): unknown {
  if (name === 'jti' && typeof value === 'string') return value.replace(/^([a-z]+:)?.*$/, '$1token-1')
  if (name in placeholders) return placeholders[name]
  if (value === issuer) return 'https://keycloak.example.com/realms/mcp'
  if (typeof value === 'string' && uuid.test(value)) return subject
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? redact({ ...value }, issuer) : value
}
