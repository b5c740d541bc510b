import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyUnit } from '../any-unit.fixture.js'
import { appendText, maxContextBytes } from './append-text.js'
import type { MessageChoice } from './read-server-messages.js'

function appended(text: string, texts: readonly string[] = ['hi'], choice?: MessageChoice): string {
  const result = appendText(Buffer.from(text), texts, choice)
  if (!result.ok) throw new Error(result.message)
  return Buffer.from(result.bytes).toString('utf8')
}

const block = (text: string) => `{"type":"text","text":${JSON.stringify(text)},"_meta":{"mcp-authz.dev/context":true}}`
const result = (members: string) => `{"jsonrpc":"2.0","id":1,"result":{${members}}}`

describe('a text is added', () => {
  const first = '{"type":"text","text":"a"}'
  it.each<[string, string, string]>([
    ['behind the last block', `"content":[${first}]`, `"content":[${first},${block('hi')}]`],
    ['to no blocks', '"content":[]', `"content":[${block('hi')}]`],
    ['to nothing but white space', '"content":[ \n ]', `"content":[${block('hi')} \n ]`],
    ['before white space at the end', `"content":[ ${first}\n]`, `"content":[ ${first},${block('hi')}\n]`],
    [
      'to an error of the tool',
      `"content":[${first}],"isError":true`,
      `"content":[${first},${block('hi')}],"isError":true`,
    ],
    [
      'beside a structure that has its text too',
      `"structuredContent":{"content":[]},"content":[${first}]`,
      `"structuredContent":{"content":[]},"content":[${first},${block('hi')}]`,
    ],
    [
      'to a complete result',
      '"resultType":"complete","content":[]',
      `"resultType":"complete","content":[${block('hi')}]`,
    ],
    ['behind a block of a kind unknown', '"content":[1]', `"content":[1,${block('hi')}]`],
  ])('%s', (_name, before, after) => expect(appended(result(before))).toBe(result(after)))

  it('to the response that is meant', () => {
    const batch = '[{"id":1,"result":{"content":[]}},{"id":"b","result":{"content":[]}}]'
    expect(appended(batch, ['hi'], { only: id => id === '"b"' })).toBe(
      `[{"id":1,"result":{"content":[]}},{"id":"b","result":{"content":[${block('hi')}]}}]`,
    )
    expect(appendText(Buffer.from(batch), ['hi'])).toMatchObject({ appended: 2 })
  })
})

describe('a text is not added', () => {
  it.each<[string, string]>([
    ['to a structure alone', result('"structuredContent":{"a":1}')],
    ['to a structure with empty content', result('"structuredContent":{"a":1},"content":[]')],
    ['to a result without content', result('"tools":[]')],
    ['to content that is no array', result('"content":"a"')],
    ['to a result of the oldest shape', result('"toolResult":"a"')],
    ['where input is required', result('"resultType":"input_required","content":[]')],
    ['where a task was made', result('"task":{"taskId":"1"},"content":[]')],
    ['where the type is no string', result('"resultType":1,"content":[]')],
    ['to an error', '{"id":1,"error":{"code":1,"message":"a"}}'],
    ['to a message of its own', '{"method":"notifications/progress","params":{"content":[]}}'],
    ['to a result that is no object', '{"id":1,"result":[]}'],
  ])('%s', (_name, text) => {
    const bytes = Buffer.from(text)
    const done = appendText(bytes, ['hi'])
    expect(done).toMatchObject({ ok: true, appended: 0 })
    expect(done.ok && done.bytes).toBe(bytes)
  })

  it('if there is none', () => {
    expect(appended(result('"content":[]'), [])).toBe(result('"content":[]'))
    expect(appended(result('"content":[]'), ['', ''])).toBe(result('"content":[]'))
  })

  it.each<[string, string, string]>([
    ['two contents', result('"content":[],"content":[]'), 'response.duplicate_key'],
    ['content in another case', result('"content":[],"Content":[]'), 'response.folded_key'],
    ['not JSON', '{', 'response.not_json'],
  ])('where it is not clear what is meant: %s', (_name, text, reason) => {
    expect(appendText(Buffer.from(text), ['hi'])).toMatchObject({ ok: false, reason })
  })
})

describe('the block', () => {
  it('joins texts by lines', () => {
    expect(appended(result('"content":[]'), ['a', '', 'b'])).toBe(result(`"content":[${block('a\nb')}]`))
  })

  const sizeOf = (texts: readonly string[]) =>
    Buffer.byteLength(appended(result('"content":[]'), texts)) - Buffer.byteLength(result('"content":[]'))

  it.each<[string, string, number]>([
    ['ASCII', 'a', 1],
    ['quotes', '"', 2],
    ['control characters', '\u0001', 6],
    ['characters of four bytes', '😀', 4],
  ])('is cut to 1 KiB: %s', (_name, piece, bytes) => {
    const size = sizeOf([piece.repeat(2000)])
    expect(size).toBeLessThanOrEqual(maxContextBytes)
    expect(size).toBeGreaterThan(maxContextBytes - bytes - 3)
  })

  it('is not cut if it just fits', () => {
    const room = maxContextBytes - block('').length
    expect(sizeOf(['a'.repeat(room)])).toBe(maxContextBytes)
    expect(appended(result('"content":[]'), ['a'.repeat(room)])).not.toContain('…')
    expect(appended(result('"content":[]'), ['a'.repeat(room + 1)])).toContain('a…"')
  })

  it('is well-formed whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyUnit, maxLength: 2000 }), text => {
        fc.pre(text !== '')
        const after = appended(result('"content":[1]'), [text])
        expect(Buffer.byteLength(after)).toBeLessThanOrEqual(
          Buffer.byteLength(result('"content":[1,]')) + maxContextBytes,
        )
        const { content } = JSON.parse(after).result
        expect(content).toHaveLength(2)
        const shown = content[1].text
        expect(shown).not.toMatch(/\p{Cs}/u)
        const whole = text.replace(/\p{Cs}/gu, '\ufffd')
        expect(shown === whole || whole.startsWith(shown.slice(0, -1))).toBe(true)
      }),
    )
  })

  it('leaves the rest of every result alone', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), fc.constantFrom(undefined, 2), (content, other, indent) => {
        const before = { jsonrpc: '2.0', id: 1, result: { other, content } }
        const after = JSON.parse(appended(JSON.stringify(before, undefined, indent), ['hi']))
        const expected = [...content, JSON.parse(block('hi'))]
        expect(after).toEqual(JSON.parse(JSON.stringify({ ...before, result: { other, content: expected } })))
      }),
    )
  })
})
