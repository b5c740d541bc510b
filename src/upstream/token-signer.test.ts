import { importJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { argumentsDigest, bodyDigest } from './digests.js'
import { readSigningKey, type SigningKey } from './signing-key.js'
import { createTokenSigner, untellable } from './token-signer.js'
import { pemKey, principalOf, toolCall } from './upstream.fixture.js'

const keyOf = (): SigningKey => {
  const read = readSigningKey(pemKey('ES256'))
  if (!read.ok) throw new Error(read.message)
  return read.key
}
const key = keyOf()
let now = 1_795_219_200_000
const keys: { current: SigningKey | undefined } = { current: key }
const signer = createTokenSigner({
  issuer: 'https://authz.example.com',
  keys,
  contextTokenSeconds: 30,
  accessTokenSeconds: 300,
  now: () => now,
})
const claimsOf = async (token: string | undefined, typ: string) => {
  const { payload } = await jwtVerify(token ?? '', await importJWK({ ...key.publicJwk }), {
    issuer: 'https://authz.example.com',
    audience: 'https://up.example.com',
    typ,
    currentDate: new Date(now),
  })
  return payload
}
const subject = {
  audience: 'https://up.example.com',
  decisionId: 'd-1',
  server: 'srv',
  principal: principalOf(),
  call: toolCall('scale', new Map([['n', 3n]])),
  tool: 'scale',
  body: Buffer.from('{"n":3}'),
}
const chain = principalOf({
  actors: [
    { subject: 'deployer', issuer: 'https://idp.example.com' },
    { subject: 'planner', issuer: 'https://idp.example.com' },
  ],
  chainId: 'c-1',
  agent: { id: 'deployer', issuer: 'demo', assurance: 'attested' },
  tenant: 'team-a',
})

describe('a context token', () => {
  it('says who makes which call', async () => {
    expect(await claimsOf(signer.contextToken(subject), 'txntoken+jwt')).toEqual({
      iss: 'https://authz.example.com',
      aud: 'https://up.example.com',
      iat: 1_795_219_200,
      exp: 1_795_219_230,
      txn: 'd-1',
      sub: 'alice',
      user: { kind: 'user', name: 'alice', uid: 'u-1', issuer: 'https://idp.example.com', groups: ['staff'] },
      server: 'srv',
      method: 'tools/call',
      tool: 'scale',
      args_digest: argumentsDigest(new Map([['n', 3n]])),
      body_digest: bodyDigest(Buffer.from('{"n":3}')),
    })
  })

  it('says through whom, the nearest outermost', async () => {
    const claims = await claimsOf(signer.contextToken({ ...subject, principal: chain }), 'txntoken+jwt')
    const iss = 'https://idp.example.com'
    expect(claims).toMatchObject({
      sub: 'alice',
      tenant: 'team-a',
      agent: { id: 'deployer', issuer: 'demo', assurance: 'attested' },
      act: { sub: 'deployer', iss, act: { sub: 'planner', iss } },
      chain_id: 'c-1',
    })
  })

  it('of a call without a body or arguments has no digests', async () => {
    const stream = { ...toolCall(''), kind: 'stream' as const, method: '', target: { kind: 'none' as const } }
    const claims = await claimsOf(
      signer.contextToken({ ...subject, call: stream, tool: undefined, body: undefined }),
      'txntoken+jwt',
    )
    for (const name of ['args_digest', 'body_digest', 'tool']) expect(claims).not.toHaveProperty(name)
  })

  it('of a tool call without arguments has the digest of none', async () => {
    const token = signer.contextToken({ ...subject, call: toolCall('scale') })
    expect(await claimsOf(token, 'txntoken+jwt')).toMatchObject({ args_digest: argumentsDigest(undefined) })
  })

  it('does not outlive the token of the caller', async () => {
    const principal = principalOf({ expiresAt: now + 10_500 })
    expect(await claimsOf(signer.contextToken({ ...subject, principal }), 'txntoken+jwt')).toMatchObject({
      exp: now / 1000 + 10,
    })
    expect(signer.contextToken({ ...subject, principal: principalOf({ expiresAt: now + 900 }) })).toBeUndefined()
  })

  it('does not pretend that a list of groups is whole', async () => {
    const groups = Array.from({ length: 500 }, (_, i) => `a-long-name-of-a-group-${i}`)
    const principal = principalOf({ user: { username: 'alice', uid: '', groups, extra: new Map() } })
    const claims = await claimsOf(signer.contextToken({ ...subject, principal }), 'txntoken+jwt')
    expect(claims.user).toMatchObject({ groups_omitted: 500 })
    expect(claims.user).not.toHaveProperty('groups')
    expect(untellable(principal)).toContain('more groups')
  })

  it('keeps hostile names inside their strings', async () => {
    const user = { username: 'a","sub":"root', uid: '', groups: ['"],"x":["'], extra: new Map() }
    const claims = await claimsOf(signer.contextToken({ ...subject, principal: principalOf({ user }) }), 'txntoken+jwt')
    expect(claims.sub).toBe('a","sub":"root')
    expect(claims.user).toMatchObject({ groups: ['"],"x":["'] })
    expect(claims).not.toHaveProperty('x')
  })
})

describe('a minted access token', () => {
  it('is one for the server behind, of the caller', async () => {
    const token = signer.accessToken(chain, 'https://up.example.com')
    expect(await claimsOf(token, 'at+jwt')).toMatchObject({
      sub: 'alice',
      client_id: 'deployer',
      groups: ['staff'],
      tenant: 'team-a',
      act: { sub: 'deployer', act: { sub: 'planner' } },
      exp: now / 1000 + 300,
    })
  })

  it('is given again to the same caller for half its time, and to nobody else', () => {
    const [alice, bob] = [principalOf(), principalOf()]
    const first = signer.accessToken(alice, 'https://up.example.com')
    expect(signer.accessToken(alice, 'https://up.example.com')).toBe(first)
    expect(signer.accessToken(alice, 'https://other.example.com')).not.toBe(first)
    expect(signer.accessToken(bob, 'https://up.example.com')).not.toBe(first)
    now += 151_000
    expect(signer.accessToken(alice, 'https://up.example.com')).not.toBe(first)
  })

  it('of a key that no longer signs is not given again', () => {
    const alice = principalOf()
    const first = signer.accessToken(alice, 'https://up.example.com')
    keys.current = keyOf()
    expect(signer.accessToken(alice, 'https://up.example.com')).not.toBe(first)
    keys.current = undefined
    expect(signer.accessToken(alice, 'https://up.example.com')).toBeUndefined()
    expect(signer.contextToken(subject)).toBeUndefined()
    keys.current = key
  })

  it('ends with the token of the caller', async () => {
    const principal = principalOf({ expiresAt: now + 20_000 })
    expect(await claimsOf(signer.accessToken(principal, 'https://up.example.com'), 'at+jwt')).toMatchObject({
      exp: Math.floor((now + 20_000) / 1000),
    })
    now += 20_000
    expect(signer.accessToken(principal, 'https://up.example.com')).toBeUndefined()
  })
})
