import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { readSigningKey } from './signing-key.js'
import { pemKey } from './upstream.fixture.js'

describe('readSigningKey', () => {
  it.each([
    ['ES256', 'tokens'],
    ['EdDSA', 'tokens'],
    ['RS256', 'clientAssertion'],
  ] as const)('signs with %s what others verify', async (algorithm, use) => {
    const read = readSigningKey(pemKey(algorithm), use)
    if (!read.ok) throw new Error(read.message)
    const { key } = read
    const token = key.sign('at+jwt', '{"sub":"alice"}')
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, kid: key.kid, typ: 'at+jwt' })
    const { payload } = await jwtVerify(token, await importJWK({ ...key.publicJwk }))
    expect(payload).toEqual({ sub: 'alice' })
    expect(key.kid).toBe(await calculateJwkThumbprint({ ...key.publicJwk }))
  })

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('publishes nothing private of %s', algorithm => {
    const read = readSigningKey(pemKey(algorithm), 'clientAssertion')
    if (!read.ok) throw new Error(read.message)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(read.key.publicJwk).not.toHaveProperty(member)
    expect(read.key.publicJwk).toMatchObject({ use: 'sig', alg: algorithm, kid: read.key.kid })
  })

  it.each([
    ['another curve', pemKey('P-384'), 'of a kind'],
    ['RSA for tokens', pemKey('RS256'), 'of a kind'],
    ['nothing', '', 'not a private key'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'not a private key'],
    [
      'a public key',
      createPublicKey(pemKey('ES256')).export({ type: 'spki', format: 'pem' }).toString(),
      'not a private key',
    ],
  ])('refuses %s', (_name, pem, message) => {
    const read = readSigningKey(pem)
    expect(read.ok ? '' : read.message).toContain(message)
  })

  it('refuses short RSA keys for client assertions too', () =>
    expect(readSigningKey(pemKey('RSA-1024'), 'clientAssertion').ok).toBe(false))
})
