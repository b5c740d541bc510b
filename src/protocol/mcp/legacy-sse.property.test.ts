import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inboundRequest } from '../inbound-request.fixture.js'
import { readSseSession } from './legacy-sse.js'

const sse = { stream: '/sse', messages: '/messages', session: 'sessionId' }
const piece = fc.constantFrom(
  ...[
    'sessionId',
    'sessionid',
    'SESSIONID',
    '=',
    '&',
    ';',
    'a',
    'b1',
    '%73essionId',
    '%26',
    '+',
    '?',
    '#',
    '',
    '.',
    '-',
  ],
)
const query = fc.array(piece, { maxLength: 8 }).map(pieces => pieces.join(''))

it('finds the session that a server finds, whether it takes the first or the last, in any case, or splits at ";"', () => {
  fc.assert(
    fc.property(query, one => {
      const { query: text, ...rest } = inboundRequest({ path: '/messages', query: one, text: '{}' })
      const read = readSseSession({ ...rest, query: text }, sse)
      if (!read.ok) return
      for (const separated of [one, one.replaceAll(';', '&')]) {
        const values = [...new URLSearchParams(`?${separated}`)].filter(([name]) => name.toLowerCase() === 'sessionid')
        expect(values).toEqual([['sessionId', read.id]])
      }
    }),
    { numRuns: 5000 },
  )
})

it('takes plain ones', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._~-]{1,40}$/), fc.boolean(), (id, more) => {
      const text = more ? `a=b&sessionId=${id}&c` : `sessionId=${id}`
      expect(readSseSession(inboundRequest({ query: text, text: '{}' }), sse)).toEqual({ ok: true, id })
    }),
  )
})
