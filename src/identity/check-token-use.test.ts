import { describe, expect, it } from 'vitest'
import { checkTokenUse } from './check-token-use.js'
import { claimsOf } from './identity.fixture.js'

const resource = 'https://mcp.example.com/mcp'
const check = (claims: Readonly<Record<string, unknown>>, typ?: string) => {
  const use = checkTokenUse(
    claimsOf({ aud: resource, ...claims }),
    typ,
    [resource, 'mcp-gateway'],
    [resource, 'mcp-gateway', 'other'],
  )
  return use.ok ? 'ok' : use.reason
}

describe('checkTokenUse', () => {
  it.each([
    ['one text', resource, 'ok'],
    ['a list with one that fits', ['agent', resource], 'ok'],
    ['another accepted one', 'mcp-gateway', 'ok'],
    ['one of another server', 'other', 'identity.audience'],
    ['a longer one', `${resource}/`, 'identity.audience'],
    ['a prefix', 'https://mcp.example.com', 'identity.audience'],
    ['another case', resource.toUpperCase(), 'identity.audience'],
    ['a list joined by a space', `${resource} other`, 'identity.audience'],
    ['an empty list', [], 'identity.audience'],
    ['a list with a number', [resource, 1], 'identity.audience'],
    ['an object', { [resource]: true }, 'identity.audience'],
    ['a list in a list', [[resource]], 'identity.audience'],
    ['absent', undefined, 'identity.audience'],
    ['null', null, 'identity.audience'],
  ])('audience: %s', (_, aud, expected) => {
    expect(check({ aud })).toBe(expected)
  })

  it.each([
    ['nothing said', undefined, {}, 'ok'],
    ['RFC 9068', 'at+jwt', {}, 'ok'],
    ['RFC 9068 in full', 'application/at+jwt', {}, 'ok'],
    ['RFC 9068 in capitals', 'AT+JWT', {}, 'ok'],
    ['JWT', 'JWT', {}, 'ok'],
    ['Keycloak access token', 'JWT', { typ: 'Bearer' }, 'ok'],
    ['Cognito access token', undefined, { token_use: 'access' }, 'ok'],
    ['Keycloak ID token', 'JWT', { typ: 'ID' }, 'identity.token_type'],
    ['Keycloak refresh token', 'JWT', { typ: 'Refresh' }, 'identity.token_type'],
    ['Keycloak offline token', 'JWT', { typ: 'Offline' }, 'identity.token_type'],
    ['Keycloak logout token', 'JWT', { typ: 'Logout' }, 'identity.token_type'],
    ['a type that is a list', 'JWT', { typ: ['Bearer'] }, 'identity.token_type'],
    ['ID-JAG', 'oauth-id-jag+jwt', {}, 'identity.token_type'],
    ['ID-JAG in full', 'application/oauth-id-jag+jwt', {}, 'identity.token_type'],
    ['logout token', 'logout+jwt', {}, 'identity.token_type'],
    [
      'logout token of old',
      'JWT',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      'identity.token_type',
    ],
    ['security event', 'secevent+jwt', {}, 'identity.token_type'],
    ['DPoP proof', 'dpop+jwt', {}, 'identity.token_type'],
    ['transaction token', 'txntoken+jwt', {}, 'identity.token_type'],
    ['our own context token', 'txntoken+jwt', { typ: 'Bearer' }, 'identity.token_type'],
    ['an empty type', '', {}, 'identity.token_type'],
    ['Cognito ID token', undefined, { token_use: 'id' }, 'identity.token_type'],
    ['ID token with at_hash', 'JWT', { at_hash: 'x' }, 'identity.token_type'],
    ['ID token with c_hash', undefined, { c_hash: 'x' }, 'identity.token_type'],
    ['ID token with a nonce', 'JWT', { nonce: 'x' }, 'identity.token_type'],
    ['old Keycloak access token with a nonce', 'JWT', { typ: 'Bearer', nonce: 'x' }, 'ok'],
    ['RFC 9068 with a nonce', 'at+jwt', { nonce: 'x' }, 'ok'],
    ['DPoP-bound', 'at+jwt', { cnf: { jkt: 'x' } }, 'identity.token_bound'],
    ['mTLS-bound', 'at+jwt', { cnf: { 'x5t#S256': 'x' } }, 'identity.token_bound'],
    ['bound to nothing', 'at+jwt', { cnf: null }, 'identity.token_bound'],
    ['Keycloak DPoP', 'JWT', { typ: 'DPoP' }, 'identity.token_bound'],
  ])('kind of token: %s', (_, typ, claims, expected) => {
    expect(check(claims, typ)).toBe(expected)
  })
})
