import { describe, expect, it } from 'vitest'
import { writeHeaderMutation } from './write-header-mutation.js'

describe('the path that goes on', () => {
  it.each(['/', '/messages?sessionId=a~k1~b', `/${'a'.repeat(8191)}`])('may be %j', target => {
    expect(writeHeaderMutation({ changes: { target } })).toMatchObject({
      ok: true,
      mutation: { setHeaders: [{ header: { key: ':path', rawValue: Buffer.from(target) }, append: { value: false } }] },
    })
  })

  it.each([
    ['nothing', ''],
    ['relative', 'messages'],
    ['a whole URL', 'https://evil.example/'],
    ['with a blank', '/a b'],
    ['with a line end', '/a\r\nx: y'],
    ['not ASCII', '/ä'],
    ['too long', `/${'a'.repeat(8192)}`],
  ])('is not %s', (_what, target) => {
    expect(writeHeaderMutation({ changes: { target } })).toMatchObject({ ok: false })
  })
})
