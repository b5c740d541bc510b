import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bearerToken } from './bearer-token.js'
import { decodeToken } from './decode-token.js'
import { requestWith, unsigned } from './identity.fixture.js'

const reasons = ['identity.token_malformed', 'identity.algorithm']

describe('decodeToken', () => {
  it('answers to any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Za-z0-9_.-]{0,60}$/)), text => {
        const decoded = decodeToken(text)
        return decoded.ok || reasons.includes(decoded.reason)
      }),
    )
  })

  it('answers to any header and any claims', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (header, claims) => {
        const decoded = decodeToken(unsigned(header, claims))
        return decoded.ok || reasons.includes(decoded.reason)
      }),
    )
  })

  it('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()), claims => {
        const decoded = decodeToken(unsigned({ alg: 'ES256', kid: 'k', typ: 'JWT' }, claims))
        expect(decoded).toMatchObject({ ok: true, token: { algorithm: 'ES256', kid: 'k', typ: 'JWT' } })
        expect(decoded.ok && Object.fromEntries(decoded.token.claims)).toEqual(claims)
      }),
    )
  })

  it('is quick with a hostile token of the largest size', () => {
    const nested = Buffer.from('['.repeat(12_000)).toString('base64url')
    const started = performance.now()
    for (const token of [`${nested}.a.b`, `e30.${nested}.AAAA`, '.'.repeat(16_000), `${'A'.repeat(16_000)}=`])
      expect(decodeToken(token).ok).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('bearerToken', () => {
  it('takes any one text behind the scheme, and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        const bearer = bearerToken(requestWith({ authorization: `Bearer ${text}` }).headers)
        return !bearer.ok || (bearer.token === text.replace(/^ +/, '') && !bearer.token.includes(','))
      }),
    )
  })
})
