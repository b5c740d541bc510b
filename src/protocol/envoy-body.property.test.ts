import fc from 'fast-check'
import { expect, it } from 'vitest'
import { envoyBody } from './envoy-body.js'
import { RequestHeaders } from './request-headers.js'

const bytes = fc.uint8Array({ maxLength: 12 })
const header = fc.oneof(
  fc.tuple(
    fc.constant('x-envoy-auth-partial-body'),
    fc.constantFrom('false', 'false', 'true', 'False', 'false,false', ''),
  ),
  fc.tuple(fc.constant('content-length'), fc.nat(12).map(String)),
)
const input = fc.record({
  method: fc.constant('POST'),
  headers: fc.array(header, { maxLength: 3 }).map(entries => RequestHeaders.from(entries)),
  rawBody: fc.option(bytes, { nil: undefined }),
  textBody: fc.option(fc.string({ unit: 'binary', maxLength: 8 }), { nil: undefined }),
  size: fc.integer({ min: -1, max: 12 }),
})

it('is complete only if everything that was said of it agrees', () => {
  fc.assert(
    fc.property(input, one => {
      const body = envoyBody(one)
      const lengths = one.headers.all('content-length')
      if (body.state === 'absent') {
        expect(one.rawBody?.length || one.textBody?.length || 0).toBe(0)
        expect(lengths.every(length => length === '0')).toBe(true)
      }
      if (body.state !== 'complete') return
      expect(body.bytes.length).toBe(one.size)
      expect(body.bytes.length).toBeGreaterThan(0)
      expect(one.headers.all('x-envoy-auth-partial-body')).toEqual(['false'])
      expect(lengths.every(length => length === String(body.bytes.length))).toBe(true)
      const sent = one.rawBody?.length ? Buffer.from(one.rawBody) : Buffer.from(one.textBody ?? '', 'utf8')
      expect(Buffer.from(body.bytes).equals(sent)).toBe(true)
    }),
    { numRuns: 3000 },
  )
})

it('and is complete if it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.boolean(), (rawBody, stated) => {
      const length: [string, string][] = stated ? [['content-length', String(rawBody.length)]] : []
      const headers = RequestHeaders.from([['x-envoy-auth-partial-body', 'false'], ...length])
      const body = envoyBody({ method: 'POST', headers, rawBody, textBody: undefined, size: rawBody.length })
      expect(body).toEqual({ state: 'complete', bytes: rawBody })
    }),
  )
})
