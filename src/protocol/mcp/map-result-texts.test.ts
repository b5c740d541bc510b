import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyUnit } from '../any-unit.fixture.js'
import { EventStreamReader } from '../sse/event-stream-reader.js'
import { withData } from '../sse/stream-event.js'
import { type MapText, mapResultTexts, type TextChoice } from './map-result-texts.js'

const secret = 'hunter2'
const redact: MapText = value => (value.includes(secret) ? value.replaceAll(secret, '[redacted]') : undefined)

function mapped(text: string, map: MapText = redact, choice?: TextChoice): string {
  const result = mapResultTexts(Buffer.from(text), map, choice)
  if (!result.ok) throw new Error(result.message)
  return Buffer.from(result.bytes).toString('utf8')
}

function seen(text: string, choice?: TextChoice): string[] {
  const places: string[] = []
  mapped(
    text,
    (value, { part, isKey }) => {
      if (!isKey) places.push(`${part} ${value}`)
      return undefined
    },
    choice,
  )
  return places
}

const result = (members: string) => `{"jsonrpc":"2.0","id":1,"result":{${members}}}`

describe('the texts of an answer', () => {
  it.each<[string, string, readonly string[]]>([
    ['a text block', result('"content":[{"type":"text","text":"a"}]'), ['block text', 'text a']],
    [
      'an image',
      result('"content":[{"type":"image","data":"AAAA","mimeType":"image/png"}]'),
      ['block image', 'block image/png'],
    ],
    [
      'an embedded resource',
      result('"content":[{"type":"resource","resource":{"uri":"u","text":"a"}}]'),
      ['block resource', 'block u', 'resource a'],
    ],
    [
      'an embedded resource in base64',
      result('"content":[{"type":"resource","resource":{"uri":"u","blob":"AAAA"}}]'),
      ['block resource', 'block u'],
    ],
    [
      'a link to a resource',
      result('"content":[{"type":"resource_link","uri":"u","name":"n","title":"t"}]'),
      ['block resource_link', 'block u', 'block n', 'block t'],
    ],
    ['a structure', result('"structuredContent":{"a":["b",{"c":"d"}],"n":1}'), ['structured b', 'structured d']],
    ['a resource that was read', result('"contents":[{"uri":"u","text":"a"}]'), ['block u', 'resource a']],
    [
      'a prompt',
      result('"description":"d","messages":[{"role":"user","content":{"type":"text","text":"a"}}]'),
      ['other d', 'block user', 'block text', 'text a'],
    ],
    [
      'meta data',
      result('"_meta":{"a":"b"},"content":[{"type":"text","text":"a","_meta":{"c":"d"}}]'),
      ['meta b', 'block text', 'text a', 'meta d'],
    ],
    ['an error', '{"id":1,"error":{"code":1,"message":"m","data":["d"]}}', ['error m', 'error d']],
    ['a notification', '{"method":"notifications/message","params":{"data":"d"}}', ['params d']],
    ['a result that is a text', '{"id":1,"result":"a"}', ['other a']],
    ['the oldest shape', result('"toolResult":"a"'), ['other a']],
    ['parts in the order of the text', '{"params":"p","error":"e","result":"r"}', ['params p', 'error e', 'other r']],
  ])('%s', (_name, text, expected) => expect(seen(text)).toEqual(expected))

  it('with base64 if asked for', () => {
    expect(seen(result('"content":[{"type":"image","data":"AAAA"}]'), { data: true })).toEqual([
      'block image',
      'data AAAA',
    ])
  })

  it.each<[string, string]>([
    ['data of a text block', '{"type":"text","text":"a","data":"hunter2"}'],
    ['data of a block with two types', '{"type":"image","type":"text","data":"hunter2"}'],
    ['data that is no string', '{"type":"image","data":{"a":"hunter2"}}'],
    ['a blob outside of a resource', '{"type":"resource","blob":"hunter2"}'],
    ['a kind of block that is unknown', '{"type":"x","body":{"deep":["hunter2"]}}'],
    ['a text that comes twice', '{"type":"text","text":"a","text":"hunter2"}'],
    ['a key', '{"type":"text","text":"a","hunter2":1}'],
    ['no block at all', '"hunter2"'],
    ['escapes', '{"type":"text","text":"hun\\u0074er2"}'],
  ])('cannot hide a secret: %s', (_name, block) => {
    const text = result(`"content":[${block}]`)
    expect(mapped(text)).toContain('[redacted]')
    expect(mapped(text)).not.toMatch(/hunter2|hun\\u0074er2/)
  })

  it('come with the id of their message', () => {
    const ids: (string | undefined)[] = []
    mapped('[{"id":1,"error":"a"},{"id":"x","error":"b"},{"params":"c"}]', (_value, { id }) => {
      ids.push(id)
      return undefined
    })
    expect(ids).toEqual(['1', '"x"', undefined])
  })
})

describe('a text that is replaced', () => {
  it('leaves every other byte', () => {
    const text = '{ "id":1.0 , "result": {"content" : [ {"type":"text", "text":"a hunter2 \\u00e9"} ], "n":1e400} }'
    expect(mapped(text)).toBe(text.replace('"a hunter2 \\u00e9"', '"a [redacted] é"'))
  })

  it('may hold anything', () => {
    const after = mapped(result('"content":[{"type":"text","text":"hunter2"}]'), value =>
      value === secret ? '"\\\n\u0000\u2028é😀\ud800' : undefined,
    )
    expect(JSON.parse(after).result.content[0].text).toBe('"\\\n\u0000\u2028é😀\ud800')
    expect(after).not.toMatch(/[\r\n]/)
  })

  it('never is a key of the protocol', () => {
    const text = result('"content":[{"type":"text","text":"a","other":"b"}],"isError":true,"own":"c"')
    expect(mapped(text, () => 'z')).toBe(result('"content":[{"type":"z","text":"z","z":"z"}],"isError":true,"z":"z"'))
  })

  it('is no change if it is the same', () => {
    const bytes = Buffer.from(result('"content":[{"type":"text","text":"\\u0061"}]'))
    const same = mapResultTexts(bytes, value => value)
    expect(same).toMatchObject({ ok: true, replaced: 0 })
    expect(same.ok && same.bytes).toBe(bytes)
  })

  it.each<[string, string, string]>([
    ['not JSON', '{"id":1,"result":"hunter2"', 'response.not_json'],
    ['two results', '{"result":"a","result":"hunter2"}', 'response.duplicate_key'],
    ['a result in another case', '{"Result":"hunter2"}', 'response.folded_key'],
    ['in the prototype', '{"__proto__":{"result":"hunter2"}}', 'response.forbidden_key'],
  ])('must not be missed: %s', (_name, text, reason) => {
    expect(mapResultTexts(Buffer.from(text), redact)).toMatchObject({ ok: false, reason })
  })
})

/** What JSON.stringify would make of the same, keys too. */
function rewrite(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('a', 'Ab')
  if (Array.isArray(value)) return value.map(rewrite)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.replaceAll('a', 'Ab'), rewrite(one)]))
}

it('rewrites as parsing and writing would', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: anyUnit }), fc.constantFrom(undefined, 1), (structuredContent, indent) => {
      const text = JSON.stringify({ id: 1, result: { structuredContent } }, undefined, indent)
      // Names of the protocol have letters too.
      const after = mapped(text, (value, { part }) => (part === 'structured' ? value.replaceAll('a', 'Ab') : undefined))
      const expected = { id: 1, result: { structuredContent: rewrite(JSON.parse(text).result.structuredContent) } }
      expect(JSON.parse(after)).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

it('finds a secret in a stream wherever it is cut, and keeps every other event', () => {
  const call = JSON.stringify(
    { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: `é ${secret} 😀` }] } },
    undefined,
    1,
  )
  const events = [
    ': hello\n\n',
    'id: 1\ndata:\n\n',
    `id: 2\nevent: message\ndata: ${call.replaceAll('\n', '\ndata: ')}\n\n`,
    'retry: 1\n\n',
  ]
  const bytes = Buffer.from(events.join(''))
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 10 }), cuts => {
      const ends = [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)
      const reader = new EventStreamReader()
      const out: Uint8Array[] = []
      for (const [index, end] of ends.entries()) {
        const read = reader.read(Uint8Array.from(bytes.subarray(ends[index - 1] ?? 0, end)))
        expect(read.ok).toBe(true)
        for (const event of read.events) {
          if (event.data === undefined || event.data.length === 0) {
            out.push(event.bytes)
            continue
          }
          const done = mapResultTexts(event.data, redact)
          if (!done.ok) throw new Error(done.message)
          out.push(done.bytes === event.data ? event.bytes : withData(event, done.bytes))
        }
      }
      expect(Buffer.concat(out).toString()).toBe(events.join('').replace(secret, '[redacted]'))
    }),
  )
})

it('never throws', () => {
  const piece = fc.constantFrom(
    '{"result":',
    '"a"',
    ',',
    '{"content":[',
    '{"type":"text","text":',
    '}',
    ']',
    '"\\ud800"',
    ':',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const done = mapResultTexts(Buffer.from(pieces.join('')), value => `${value}!`)
      if (done.ok) expect(() => JSON.parse(Buffer.from(done.bytes).toString())).not.toThrow()
    }),
    { numRuns: 2000 },
  )
})
