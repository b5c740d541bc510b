import { createHash, randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../create-authenticator.js'
import { authenticationYaml, configurationOf, identityYaml, requestWith } from '../identity.fixture.js'
import { KeyRing } from '../key-ring.js'
import { accepted, resource, startProvider, type TestProvider } from '../oidc-provider.fixture.js'
import { TokenVerifier } from '../token-verifier.js'

let provider: TestProvider
let key: CryptoKey
let jwk: JWK
beforeAll(async () => {
  provider = await startProvider()
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  key = privateKey
  jwk = await exportJWK(publicKey)
})
afterAll(() => provider.close())

function prove(claims: Readonly<Record<string, string>>): Promise<string> {
  return new SignJWT({ jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(key)
}

/** As a client gets it: with a proof for the token endpoint. */
async function boundToken(): Promise<string> {
  const url = `${provider.issuer}/token`
  const response = await request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from('agent:agent-secret').toString('base64')}`,
      dpop: await prove({ htm: 'POST', htu: url }),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'mcp:tools' }).toString(),
  })
  const body: unknown = await response.body.json()
  expect(body).toMatchObject({ token_type: 'DPoP', access_token: expect.any(String) })
  return typeof body === 'object' && body !== null && 'access_token' in body ? String(body.access_token) : ''
}

describe('oidc-provider binds a token to the key of the client', () => {
  it('which is good with proofs of that key, and with nothing else', async () => {
    const authenticator = createAuthenticator({
      configuration: configurationOf(
        authenticationYaml(`- issuer: { url: "${provider.issuer}", audiences: ["${resource}"] }
  claimMappings: { username: { claim: sub, prefix: "" } }`),
        identityYaml('{ proofs: { dpop: {} } }'),
        { insecureLoopbackIssuers: true },
      ),
      keyRing: new KeyRing({ now: Date.now }),
      verifier: new TokenVerifier({ now: Date.now }),
      now: Date.now,
    })
    await authenticator.start()
    const token = await boundToken()
    const ath = createHash('sha256').update(token).digest('base64url')
    const ask = async (scheme: string, proof?: string) =>
      authenticator.authenticate(
        requestWith({
          authorization: `${scheme} ${token}`,
          headers: proof === undefined ? [] : [['dpop', proof]],
        }),
        accepted,
      )
    const proof = await prove({ htm: 'POST', htu: resource, ath })
    expect(await ask('DPoP', proof)).toMatchObject({ ok: true, principal: { kind: 'machine', agent: { id: 'agent' } } })
    expect(await ask('DPoP', proof)).toMatchObject({ ok: false, reason: 'identity.proof_replayed' })
    expect(await ask('DPoP', await prove({ htm: 'POST', htu: resource, ath }))).toMatchObject({ ok: true })
    expect(await ask('Bearer')).toMatchObject({ ok: false, reason: 'identity.proof_missing' })
    const elsewhere = await prove({ htm: 'POST', htu: 'https://evil.example/mcp', ath })
    expect(await ask('DPoP', elsewhere)).toMatchObject({ ok: false, reason: 'identity.proof_invalid' })
    authenticator.stop()
  })
})
