import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { claimsOf } from './identity.fixture.js'
import { verificationKeys } from './verification-keys.js'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const p256 = ec('P-256')
const rsa2048 = rsa(2048)
const privateRsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })

const read = async (...keys: object[]) =>
  (await verificationKeys(claimsOf({ keys })))?.map(({ kid, algorithms }) => [kid, algorithms.join(' ')])

describe('verificationKeys', () => {
  it.each<[string, object, string | undefined]>([
    ['EC P-256', p256, 'ES256'],
    ['EC P-384', ec('P-384'), 'ES384'],
    ['EC P-521', ec('P-521'), 'ES512'],
    ['RSA without alg', rsa2048, 'RS256 RS384 RS512 PS256 PS384 PS512'],
    ['RSA with alg', { ...rsa2048, alg: 'PS256' }, 'PS256'],
    ['a private key, of which the public part is taken', privateRsa, 'RS256 RS384 RS512 PS256 PS384 PS512'],
    ['use sig', { ...p256, use: 'sig' }, 'ES256'],
    ['use jwt-svid, as in SPIFFE bundles', { ...p256, use: 'jwt-svid' }, 'ES256'],
    ['use x509-svid', { ...p256, use: 'x509-svid' }, undefined],
    ['use enc', { ...rsa2048, use: 'enc', alg: 'RSA-OAEP' }, undefined],
    ['an encryption alg without use', { ...rsa2048, alg: 'RSA-OAEP' }, undefined],
    ['key_ops verify', { ...p256, key_ops: ['verify'] }, 'ES256'],
    ['key_ops encrypt', { ...rsa2048, key_ops: ['encrypt'] }, undefined],
    ['key_ops that is text', { ...p256, key_ops: 'verify' }, undefined],
    ['an alg of another kind', { ...rsa2048, alg: 'ES256' }, undefined],
    ['alg none', { ...rsa2048, alg: 'none' }, undefined],
    ['alg HS256', { ...rsa2048, alg: 'HS256' }, undefined],
    ['symmetric', { kty: 'oct', k: 'AAAA', alg: 'HS256' }, undefined],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), undefined],
    ['secp256k1', ec('secp256k1'), undefined],
    ['a curve named like a member of objects', { ...p256, crv: 'constructor' }, undefined],
    ['RSA 1024', rsa(1024), undefined],
    ['a point off the curve', { ...p256, x: p256.y, y: p256.x }, undefined],
    ['coordinates cut off', { ...p256, x: 'AA' }, undefined],
    ['a modulus that is a number', { kty: 'RSA', n: 5, e: 'AQAB' }, undefined],
    ['a kid that is a number', { ...p256, kid: 1 }, undefined],
  ])('%s', async (_, jwk, algorithms) => {
    // A good key beside it must not suffer.
    expect(await read(jwk, { ...p256, kid: 'good' })).toEqual([
      ...(algorithms === undefined ? [] : [[undefined, algorithms]]),
      ['good', 'ES256'],
    ])
  })

  it('gives the same key the same fingerprint, under the same id only', async () => {
    const prints = async (jwk: object) => (await verificationKeys(claimsOf({ keys: [jwk] })))?.[0]?.fingerprint
    expect(await prints({ ...p256, kid: 'a' })).toBe(await prints({ kid: 'a', ...p256, x5c: ['ignored'] }))
    expect(await prints({ ...p256, kid: 'a' })).not.toBe(await prints({ ...p256, kid: 'b' }))
    expect(await prints({ ...rsa2048, kid: 'a' })).not.toBe(await prints({ ...rsa2048, kid: 'a', alg: 'PS256' }))
  })
})
