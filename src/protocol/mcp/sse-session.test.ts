import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SessionBinding, SessionKeys, tagSession, untagSession } from '../session-tag.js'
import { type LegacySse, readSseSession } from './legacy-sse.js'
import { editEndpoint, withSession } from './sse-session.js'

const sse: LegacySse = { stream: '/sse', messages: '/messages', session: 'sessionId' }
const bytes = (text: string) => Buffer.from(text)
const edited = (data: string | Uint8Array, edit: (id: string) => string | undefined = id => `${id}~tag`) => {
  const made = editEndpoint(typeof data === 'string' ? bytes(data) : data, sse, edit)
  return made === undefined ? undefined : Buffer.from(made).toString('latin1')
}

describe('the endpoint that a client is told', () => {
  it.each([
    ['a path', '/messages?sessionId=abc', '/messages?sessionId=abc~tag'],
    ['a whole URL', 'http://h:1/messages?sessionId=a-b_c.d', 'http://h:1/messages?sessionId=a-b_c.d~tag'],
    ['a relative path', 'messages?sessionId=1', 'messages?sessionId=1~tag'],
    ['no path', '?sessionId=1', '?sessionId=1~tag'],
    ['other parameters', '/m?a=1&sessionId=x&b=sessionId', '/m?a=1&sessionId=x~tag&b=sessionId'],
    ['a name that begins alike', '/m?sessionIdentity=2&sessionId=x', '/m?sessionIdentity=2&sessionId=x~tag'],
    ['a name that ends alike', '/m?mysessionId=2&sessionId=x', '/m?mysessionId=2&sessionId=x~tag'],
    ['an id that has a tag', '/m?sessionId=x~k~y', '/m?sessionId=x~k~y~tag'],
    ['strange characters in the path', "/a%2f;b='/m?sessionId=x", "/a%2f;b='/m?sessionId=x~tag"],
  ])('may be %s', (_what, data, expected) => {
    expect(edited(data)).toBe(expected)
  })

  it.each<[string, string | Uint8Array]>([
    ['no query', '/messages'],
    ['an empty query', '/messages?'],
    ['no session', '/messages?id=1'],
    ['an empty session', '/messages?sessionId='],
    ['a session without value', '/messages?sessionId'],
    ['two sessions', '/messages?sessionId=a&sessionId=b'],
    ['a second one in other case', '/messages?sessionId=a&SESSIONID=b'],
    ['one in other case', '/messages?SessionID=a'],
    ['one whose name is encoded', '/messages?session%49d=a'],
    ['one whose value is encoded', '/messages?sessionId=%61'],
    ['parameters that are cut by a semicolon', '/messages?sessionId=a;sessionId=b'],
    ['a plus', '/messages?sessionId=a+b'],
    ['a second question mark', '/messages?sessionId=a?sessionId=b'],
    ['a fragment', '/messages?sessionId=a#b'],
    ['a fragment before the query', '/messages#?sessionId=a'],
    ['a line feed, which clients drop', '/messages?sessi\nonId=a'],
    ['a tab', '/messages?\tsessionId=a'],
    ['a space around it', ' /messages?sessionId=a '],
    ['bytes that are not ASCII', Uint8Array.of(0x2f, 0xff, 0x3f)],
    ['text that is not ASCII', '/messäges?sessionId=a'],
    ['nothing', ''],
    ['a very long one', `/${'m'.repeat(2048)}?sessionId=a`],
    ['JSON', '{"jsonrpc":"2.0"}'],
  ])('is not told with %s', (_what, data) => {
    expect(edited(data)).toBeUndefined()
  })

  it.each<[string, () => string | undefined]>([
    ['none is given', () => undefined],
    ['it is empty', () => ''],
    ['it is too long for a message', () => 'a'.repeat(257)],
    ['it would add a parameter', () => 'a&b=c'],
    ['it would need encoding', () => 'a b'],
    ['it would end the line', () => 'a\ndata: x'],
  ])('is not told where %s', (_why, edit) => {
    expect(edited('/messages?sessionId=a', edit)).toBeUndefined()
  })
})

describe('the session of a message', () => {
  it.each<[string, string | undefined, string, string | undefined]>([
    ['is replaced', 'sessionId=a~tag', 'a', 'sessionId=a'],
    ['is replaced between others', 'x=1&sessionId=a~tag&y=2', 'a', 'x=1&sessionId=a&y=2'],
    ['is not made where there is none', 'x=1', 'a', undefined],
    ['is not made without a query', undefined, 'a', undefined],
    ['is not replaced where there are two', 'sessionId=a&sessionId=b', 'c', undefined],
    ['is not replaced by what no message could name', 'sessionId=a', 'b&c', undefined],
  ])('%s', (_what, query, id, expected) => {
    expect(withSession(query, sse, id)).toBe(expected)
  })
})

describe('a tag in the query', () => {
  const keys = new SessionKeys([{ id: 'k1234567', secret: Buffer.alloc(32, 1) }])
  const alice: SessionBinding = { server: 's', issuer: 'i', subject: 'alice', agent: undefined }
  const unreserved = fc.constantFrom(...'ABCZabcz0189._~-')
  const value = fc.string({ unit: unreserved, minLength: 1, maxLength: 200 })
  const name = fc.string({ unit: fc.constantFrom(...'abxy01_-'), minLength: 1, maxLength: 6 })
  const others = fc.uniqueArray(fc.tuple(name, value), { maxLength: 3, selector: ([one]) => one })
  const binding = (subject: string): SessionBinding => ({ ...alice, subject })

  it('comes back as the id of the server, for its owner only, and nothing else changes', () => {
    fc.assert(
      fc.property(value, others, others, (id, before, after) => {
        const pairs = (list: readonly (readonly [string, string])[], mark: string) =>
          list.map(([one, two]) => `${mark}${one}=${two.slice(0, 20)}`)
        const query = [...pairs(before, 'p'), `sessionId=${id}`, ...pairs(after, 'q')].join('&')
        const told = edited(`/messages?${query}`, own => {
          const tagged = tagSession(own, alice, keys)
          return tagged.ok ? tagged.value : undefined
        })
        if (told === undefined) throw new Error('an id of 200 characters has room for a tag')
        const sent = told.slice(told.indexOf('?') + 1)
        const read = readSseSession({ query: sent }, sse)
        const named = read.ok ? (read.id ?? '') : ''
        const opened = untagSession(named, alice, keys)
        expect(opened).toEqual({ ok: true, id })
        expect(withSession(sent, sse, id)).toBe(query)
        expect(untagSession(named, binding('bob'), keys)).toMatchObject({ ok: false, problem: 'foreign' })
      }),
    )
  })

  it('survives what clients do to URLs', () => {
    const tagged = tagSession('0d1f8e2c-6a35', alice, keys)
    const told = edited('/messages?sessionId=0d1f8e2c-6a35', () => (tagged.ok ? tagged.value : undefined))
    const url = new URL(told ?? '', 'https://mcp.example.com/sse')
    expect(url.pathname + url.search).toBe(told)
  })
})
