import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RequestHeaders } from '../request-headers.js'
import { readSessionId } from './session-id.js'

const withIds = (...ids: readonly string[]) => RequestHeaders.from(ids.map(id => ['mcp-session-id', id] as const))

it('takes one value of visible ASCII as it is, and no other', () => {
  const id = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\x20-\x7e]{0,40}$/))
  fc.assert(
    fc.property(id, one => {
      const read = readSessionId(withIds(one), 'legacy')
      expect(read.ok ? read.id : undefined).toBe(/^[\x21-\x7e]+$/.test(one) ? one : undefined)
      if (!read.ok) expect(read.reason).toBe('session.malformed')
    }),
  )
})

it('never of several values, and in the modern era none at all', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 3 }), ids => {
      expect(readSessionId(withIds(...ids), 'modern')).toMatchObject({ ok: false, reason: 'session.unexpected' })
      expect(readSessionId(withIds(...ids), 'legacy').ok).toBe(ids.length === 1)
    }),
  )
})
