import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Authenticator } from './authenticator.js'
import { accepted, epoch, FakeIssuer, goodClaims, requestWith, setUp } from './identity.fixture.js'
import type { TokenVerifier } from './token-verifier.js'

/** Set MCP_AUTHZ_TOKENS=1000000 for the long run, which takes some minutes. */
const distinct = Number(process.env.MCP_AUTHZ_TOKENS ?? 8000)
const maxTokens = distinct >= 100_000 ? 10_000 : 1000
const MiB = 1024 * 1024

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

const report = (name: string, figures: object) => process.stdout.write(`${name}: ${JSON.stringify(figures)}\n`)

/** Bytes of the heap that are in use, after what is garbage is gone. */
async function heap(): Promise<number> {
  if (typeof collect !== 'function') throw new Error('no garbage collector to ask')
  for (let round = 0; round < 3; round++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

const { privateKey: foreignKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
let privateKey: KeyObject
let issuer: FakeIssuer
let authenticator: Authenticator
let verifier: TokenVerifier

beforeAll(async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  privateKey = pair.privateKey
  issuer = new FakeIssuer([])
  issuer.keys = [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }]
  ;({ authenticator, verifier } = await setUp({ issuer, verifier: { maxTokens } }))
})

function token(claims: object, kid = 'one', key = privateKey): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'ES256', kid, typ: 'at+jwt' })}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const claims = (index: number) => ({
  ...goodClaims,
  sub: `user-${index}`,
  exp: epoch + 3600,
  jti: `onrtac:${index}-${'x'.repeat(40)}`,
  groups: Array.from({ length: 20 }, (_, group) => `/tenant-${index % 100}/group-${group}`),
})

/** Presents tokens as they would come: many at once, each once. Returns the outcomes. */
async function present(from: number, to: number, make: (index: number) => string): Promise<ReadonlySet<string>> {
  const outcomes = new Set<string>()
  const atOnce = 100
  for (let start = from; start < to; start += atOnce) {
    const count = Math.min(atOnce, to - start)
    const answers = Array.from({ length: count }, (_, index) =>
      authenticator.authenticate(requestWith({ authorization: `Bearer ${make(start + index)}` }), accepted),
    )
    for (const answer of await Promise.all(answers)) outcomes.add(answer.ok ? 'ok' : answer.reason)
  }
  return outcomes
}

describe(`${distinct} distinct tokens in a row do not take more memory than the caches may hold`, () => {
  it.each<[string, string, (index: number) => string]>([
    ['good ones', 'ok', index => token(claims(index))],
    [
      'under a key that the issuer does not have',
      'identity.key_unknown',
      index => token(claims(index), `kid-${index}`),
    ],
    ['signed by another', 'identity.signature', index => token(claims(index), 'one', foreignKey)],
    [
      'of issuers that nobody knows',
      'identity.issuer_unknown',
      index => token({ ...claims(index), iss: `https://i${index}` }),
    ],
    ['expired', 'identity.expired', index => token({ ...claims(index), exp: epoch - index })],
    ['that are none', 'identity.token_malformed', index => `${index}.${'x'.repeat(2000)}`],
  ])(
    '%s',
    async (name, outcome, make) => {
      const settled = Math.min(2 * maxTokens, distinct / 2)
      await present(0, settled, make)
      const before = await heap()
      expect([...(await present(settled, distinct, make))]).toEqual([outcome])
      const grown = (await heap()) - before
      if (distinct >= 100_000)
        report(name, {
          before: before / MiB,
          grown: grown / MiB,
          rss: process.memoryUsage().rss / MiB,
          ...verifier.size,
        })
      expect(verifier.size.tokens).toBeLessThanOrEqual(maxTokens)
      expect(verifier.size.refusals).toBeLessThanOrEqual(1000)
      expect(verifier.size.pending).toBe(0)
      // Nothing that grows with the number of tokens: a pointer for each of a million would be 8 MiB.
      expect(grown).toBeLessThan(6 * MiB)
    },
    3_600_000,
  )

  it('large ones neither: what is kept of tokens is bounded by what they weigh', async () => {
    const { authenticator: other, verifier: weighed } = await setUp({
      issuer,
      verifier: { maxBytes: 1_700_000 },
    })
    const before = await heap()
    for (let index = 0; index < 300; index++) {
      const large = token({ ...claims(index), note: Array.from({ length: 1000 }, (_, part) => `${part}`) })
      const answer = await other.authenticate(requestWith({ authorization: `Bearer ${large}` }), accepted)
      expect(answer.ok).toBe(true)
    }
    expect(weighed.size.tokens).toBeGreaterThan(10)
    expect(weighed.size.tokens).toBeLessThan(30)
    expect((await heap()) - before).toBeLessThan(6 * MiB)
  })
})
