import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorizationCodeLogin, requestToken } from './authorization-code-login.js'
import { type OpenIdProvider, startOpenIdProvider } from './openid-provider.js'

const resource = 'https://mcp.example.com/mcp'
let idp: OpenIdProvider

beforeAll(async () => {
  idp = await startOpenIdProvider({ resource })
})
afterAll(() => idp.stop())

async function verified(token: string) {
  const keys = createRemoteJWKSet(new URL(idp.jwksUri))
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: idp.issuer, audience: resource })
  expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
  return payload
}

describe('the OpenID provider of the demo', () => {
  it('publishes its metadata where OpenID and OAuth clients look', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const response = await fetch(`${idp.issuer}/.well-known/${name}`)
      expect(await response.json()).toMatchObject({ issuer: idp.issuer, jwks_uri: idp.jwksUri })
    }
  })

  it.each([
    ['alice', ['team-a-developers'], 'team-a'],
    ['bob', ['viewers'], 'team-b'],
  ])('signs %s in', async (username, groups, tenant) => {
    const claims = await verified(await idp.login(username))
    expect(claims).toMatchObject({
      sub: username,
      preferred_username: username,
      groups,
      tenant,
      client_id: 'ops-console',
      aud: resource,
      scope: 'mcp:tools',
    })
    expect(claims).not.toHaveProperty('act')
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300)
  })

  it('signs a person in through an agent that has a secret', async () => {
    expect(await verified(await idp.login('alice', 'sre-agent'))).toMatchObject({
      sub: 'alice',
      client_id: 'sre-agent',
    })
  })

  it('gives an agent a token of its own', async () => {
    expect(await verified(await idp.clientToken())).toMatchObject({
      sub: 'sre-agent',
      client_id: 'sre-agent',
      preferred_username: 'service-account-sre-agent',
      groups: ['agents'],
    })
  })

  it('exchanges a token and names the agent that acts', async () => {
    const exchanged = await idp.exchange(await idp.login('alice'))
    expect(await verified(exchanged)).toMatchObject({
      sub: 'alice',
      preferred_username: 'alice',
      groups: ['team-a-developers'],
      tenant: 'team-a',
      client_id: 'sre-agent',
      act: { sub: 'sre-agent' },
      scope: 'mcp:tools',
    })
    expect(decodeJwt(await idp.exchange(exchanged)).act).toEqual({ sub: 'sre-agent', act: { sub: 'sre-agent' } })
  })

  it('refuses to exchange what it did not issue, or what has been changed', async () => {
    const token = await idp.login('alice')
    const other = await startOpenIdProvider({ resource })
    await expect(idp.exchange(await other.login('alice'))).rejects.toThrow('invalid_grant')
    await other.stop()
    await expect(idp.exchange(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toThrow('invalid_grant')
  })

  it('issues tokens that really expire', async () => {
    const expired = await idp.expiredToken('alice')
    expect(decodeJwt(expired)).toMatchObject({ preferred_username: 'alice', client_id: 'ops-console' })
    await expect(verified(expired)).rejects.toThrow('"exp" claim timestamp check failed')
    await expect(idp.exchange(expired)).rejects.toThrow('invalid_grant')
  })

  const login = {
    clientId: 'ops-console',
    redirectUri: 'http://127.0.0.1/callback',
    resource,
    scope: 'openid mcp:tools',
    username: 'alice',
    password: 'wonderland',
  }
  it.each([
    ['a wrong password', { password: 'guess' }, 'Wrong user or password'],
    ['an unknown user', { username: 'mallory' }, 'Wrong user or password'],
    ['a client that is not registered', { clientId: 'mallory' }, 'invalid_client'],
    ['a redirect URI that is not registered', { redirectUri: 'http://127.0.0.1/elsewhere' }, 'redirect_uri'],
    ['a resource that it does not know', { resource: 'https://other.example.com' }, 'invalid_target'],
  ])('refuses %s', async (_what, change, words) => {
    await expect(authorizationCodeLogin({ issuer: idp.issuer, ...login, ...change })).rejects.toThrow(words)
  })

  it('refuses a wrong client secret', async () => {
    const grant = { grant_type: 'client_credentials', resource }
    await expect(requestToken(idp, 'sre-agent', 'guess', grant)).rejects.toThrow('invalid_client')
  })
})
