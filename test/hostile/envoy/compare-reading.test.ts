import { describe, expect, it } from 'vitest'
import { parseStrictJson } from '../../../src/protocol/strict-json.js'
import { type Sighting, toJsonValue } from '../servers/reading-server.js'
import { disagreement, ourReading, sameJson } from './compare-reading.js'

const call = (params: string, id = '1'): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`)

function saw(params: unknown, more: Partial<Sighting> = {}): Sighting {
  const base = { corpus: undefined, kind: 'request', id: 1, method: 'tools/call' } as const
  return { ...base, params: toJsonValue(params), ...more }
}

describe('disagreement', () => {
  const body = call('{"name":"echo","arguments":{"n":9007199254740993},"_meta":{"a":1}}')
  const args = { n: Number('9007199254740993') }

  it.each([
    { what: 'nothing was carried out', seen: [] },
    { what: 'the same was read', seen: [saw({ name: 'echo', arguments: args })] },
    { what: 'the server changed _meta', seen: [saw({ name: 'echo', arguments: args, _meta: { b: 2 } })] },
  ])('is none when $what', ({ seen }) => {
    expect(disagreement(ourReading(body), seen)).toBeUndefined()
  })

  it.each([
    { what: 'another name', seen: [saw({ name: 'get-env', arguments: args })] },
    { what: 'other arguments', seen: [saw({ name: 'echo', arguments: { n: 1 } })] },
    { what: 'an argument more', seen: [saw({ name: 'echo', arguments: { ...args, m: 1 } })] },
    { what: 'no arguments', seen: [saw({ name: 'echo' })] },
    { what: 'no params', seen: [{ ...saw({}), params: undefined }] },
    { what: 'a param more', seen: [saw({ name: 'echo', arguments: args, task: {} })] },
    { what: 'another method', seen: [saw({ name: 'echo', arguments: args }, { method: 'tools/list' })] },
    { what: 'another id', seen: [saw({ name: 'echo', arguments: args }, { id: '1' })] },
    { what: 'a notification', seen: [saw({ name: 'echo', arguments: args }, { kind: 'notification', id: undefined })] },
    { what: 'it twice', seen: [saw({ name: 'echo', arguments: args }), saw({ name: 'echo', arguments: args })] },
  ])('is told when the server read $what', ({ seen }) => {
    expect(disagreement(ourReading(body), seen)).toMatch(/: it read \{/)
  })

  it('compares a batch message by message', () => {
    const batch = Buffer.from(`[${call('{"name":"a"}')},${call('{"name":"b"}', '2')}]`)
    const first = saw({ name: 'a' })
    const second = saw({ name: 'b' }, { id: 2 })
    expect(disagreement(ourReading(batch), [second, first])).toBeUndefined()
    expect(disagreement(ourReading(batch), [saw({ name: 'b' }), first])).toContain('another name')
    expect(disagreement(ourReading(batch), [first, first])).toContain('twice')
  })
})

describe('sameJson', () => {
  const read = (text: string) => {
    const parsed = parseStrictJson(Buffer.from(text))
    if (!parsed.ok) throw new Error(parsed.message)
    return parsed.value
  }

  it.each([
    ['1', '1', true],
    ['1', '1.0', true],
    ['9007199254740993', '9007199254740993', true],
    ['9007199254740993', '9007199254740992', false],
    ['"1"', '1', false],
    ['null', 'false', false],
    ['{"a":1,"b":[1,2]}', '{"b":[1,2],"a":1}', true],
    ['[1,2]', '[2,1]', false],
    ['[]', '{}', false],
    ['{"a":null}', '{}', false],
  ])('%s and %s: %s', (one, other, same) => {
    expect(sameJson(read(one), read(other))).toBe(same)
  })

  it('takes a number of JavaScript for what it was rounded from', () => {
    expect(sameJson(read('9007199254740993'), Number('9007199254740993'))).toBe(true)
  })
})
