import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EventStreamLimits, EventStreamReader } from './event-stream-reader.js'
import { type StreamEvent, withData } from './stream-event.js'

interface ReadAll {
  readonly events: readonly StreamEvent[]
  readonly problem: string | undefined
  readonly rest: StreamEvent | undefined
}

function readAll(pieces: readonly Uint8Array[], limits?: EventStreamLimits): ReadAll {
  const reader = new EventStreamReader(limits)
  const events: StreamEvent[] = []
  let problem: string | undefined
  for (const piece of pieces) {
    const read = reader.read(piece)
    events.push(...read.events)
    if (!read.ok) problem = read.problem
  }
  return { events, problem, rest: reader.end() }
}

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8'))
const dataOf = (source: string) =>
  readAll([Buffer.from(source)]).events.flatMap(event => (event.data === undefined ? [] : [text(event.data)]))

function only(source: string): StreamEvent {
  const events = readAll([Buffer.from(source)]).events.filter(event => event.data !== undefined)
  const [event] = events
  if (event === undefined || events.length !== 1) throw new Error('not one event')
  return event
}

function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...cuts.filter(cut => cut < bytes.length), bytes.length])].sort((a, b) => a - b)
  // Each chunk has its own memory, as those of a socket do.
  return ends.map((end, index) => Uint8Array.from(bytes.subarray(ends[index - 1] ?? 0, end)))
}

/** The standard's own algorithm, line by line over the whole text: slow, and plainly right. */
function oracle(source: string): { data: string; type: string; id: string }[] {
  const events: { data: string; type: string; id: string }[] = []
  let [data, type, id] = ['', '', '']
  const lines = source.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  // What no line end ended is no line.
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data !== '') events.push({ data: data.slice(0, -1), type, id })
      data = ''
      type = ''
      continue
    }
    if (line.startsWith(':')) continue
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data += `${value}\n`
    else if (field === 'event') type = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }
  return events
}

function asOracle(events: readonly StreamEvent[]) {
  let id = ''
  return events.flatMap(event => {
    id = event.id ?? id
    return event.data === undefined ? [] : [{ data: text(event.data) ?? '', type: event.type ?? '', id }]
  })
}

describe('the data of events', () => {
  it.each<[string, string, readonly string[]]>([
    ['one event', 'event: message\ndata: {"a":1}\n\n', ['{"a":1}']],
    ['ids, comments, retry', ': hello\nid: 1\nretry: 5\ndata: a\n\n', ['a']],
    ['data over lines', 'data: a\ndata:b\ndata\n\n', ['a\nb\n']],
    ['other line ends', 'data: a\r\n\r\ndata: b\r\rdata: c\n\n', ['a', 'b', 'c']],
    ['line ends that are mixed', 'data: a\r\ndata: b\r\n\ndata: c\r\n\r', ['a\nb', 'c']],
    ['an event without data', 'id: 1\n\nevent: ping\n\n', []],
    ['the empty event that a stream may begin with', 'id: 1\ndata:\n\n', ['']],
    ['an event that does not end', 'data: a\n', []],
    ['fields that only begin alike', 'database: a\nDATA: b\n data: c\n\n', []],
    ['one space of two', 'data:  a\n\n', [' a']],
    ['a tab is no space', 'data:\ta\n\n', ['\ta']],
    ['a colon in the value', 'data: a: b\n\n', ['a: b']],
    ['a byte order mark', '\ufeffdata: a\n\n', ['a']],
    ['a byte order mark further on is part of a name', 'data: a\n\n\ufeffdata: b\n\n', ['a']],
    ['line ends of other standards are none', 'data: a\u2028b\u0085c\u000bd\n\n', ['a\u2028b\u0085c\u000bd']],
    ['comments within', 'data: a\n: b\ndata: c\n\n', ['a\nc']],
  ])('%s', (_name, source, expected) => {
    expect(dataOf(source)).toEqual(expected)
    expect(asOracle(readAll([Buffer.from(source)]).events)).toEqual(oracle(source))
  })

  it('come with the other fields', () => {
    expect(only('event: endpoint\nid: 7\nretry: 1500\ndata: x\n\n')).toMatchObject({
      ...{ type: 'endpoint', id: '7', retry: 1500, complete: true },
    })
    expect(only('event:\nid: a\0b\nretry: 1s\ndata: x\n\n')).toMatchObject({
      ...{ type: undefined, id: undefined, retry: undefined },
    })
    expect(only('id\ndata: x\n\n')).toMatchObject({ id: '' })
  })
})

const line = fc.oneof(
  fc.constantFrom(
    'data: a',
    'data:b',
    'data',
    'data: {"é":"😀"}',
    ': ping',
    'id: 1',
    'id',
    'event: x',
    'retry: 3',
    'x',
    '',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map(value => `data: ${value.replace(/[\r\n]/g, '')}`),
)
const stream = fc
  .tuple(
    fc.constantFrom('', '\ufeff'),
    fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n')), { maxLength: 12 }),
    fc.constantFrom('', 'data: unfinished', '\r'),
  )
  .map(([mark, lines, end]) => mark + lines.flat().join('') + end)
const cuts = fc.array(fc.nat(120), { maxLength: 60 })

it('reads as the standard does, and gives every byte back, however the bytes arrive', () => {
  fc.assert(
    fc.property(stream, cuts, (source, at) => {
      const bytes = Buffer.from(source)
      const { events, rest, problem } = readAll(pieces(bytes, at))
      expect(problem).toBeUndefined()
      expect(asOracle(events)).toEqual(oracle(source))
      const all = [...events, ...(rest === undefined ? [] : [rest])].map(event => event.bytes)
      expect(Buffer.concat(all).toString('hex')).toBe(bytes.toString('hex'))
    }),
    { numRuns: 2000 },
  )
})

it('reads single bytes as it reads the whole', () => {
  fc.assert(
    fc.property(stream, source => {
      const bytes = Buffer.from(source)
      const bytewise = readAll(Array.from(bytes, byte => Uint8Array.of(byte)))
      expect(asOracle(bytewise.events)).toEqual(asOracle(readAll([bytes]).events))
    }),
  )
})

it('gives an event at once when its blank line is there, also of a lone carriage return', () => {
  const reader = new EventStreamReader()
  const push = (piece: string) => reader.read(Buffer.from(piece)).events.map(event => text(event.bytes))
  expect(push('data: a\r')).toEqual([])
  expect(push('\r')).toEqual(['data: a\r\r'])
  expect(push('\n')).toEqual(['\n'])
  expect(push('data: b\n')).toEqual([])
  expect(push('\n: pi')).toEqual(['data: b\n\n'])
  expect(push('ng\n')).toEqual([': ping\n'])
  expect(push('')).toEqual([])
})

describe('what no blank line ended', () => {
  it('is given at the end, because some clients read it', () => {
    expect(readAll([Buffer.from('data: a\n\ndata: b\ndata: c')]).rest).toMatchObject({
      ...{ complete: false, data: Buffer.from('b\nc') },
    })
    expect(readAll([Buffer.from('data: a\r')]).rest).toMatchObject({ data: Buffer.from('a') })
  })

  it.each(['', 'data: a\n\n', ': ping\n', '\n\n'])('is nothing after %j', source => {
    expect(readAll([Buffer.from(source)]).rest).toBeUndefined()
  })

  it('may be half of a byte order mark', () => {
    expect(readAll([Uint8Array.of(0xef), Uint8Array.of(0xbb)]).rest).toMatchObject({ data: undefined })
  })
})

describe('an event that is too large', () => {
  const limits = { maxEventBytes: 64 }
  it.each<[string, string, number]>([
    ['in one piece', `data: ${'x'.repeat(64)}\n\n`, 1000],
    ['in many', `data: ${'x'.repeat(64)}\n\n`, 3],
    ['without an end', 'data: x\n'.repeat(50), 5],
    ['as one comment', `:${'x'.repeat(200)}`, 7],
    ['as one line without a field', 'x'.repeat(200), 7],
  ])('ends the reading: %s', (_name, large, size) => {
    const bytes = Buffer.from(`data: ok\n\n${large}`)
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    )
    const { events, problem, rest } = readAll(chunks, limits)
    expect(events.filter(event => event.data !== undefined).map(event => text(event.data))).toEqual(['ok'])
    expect(problem).toBe('event_too_large')
    expect(rest).toBeUndefined()
  })

  it.each([
    ['of data', 'data\n'],
    ['of comments', ':\n'],
    ['of other fields', 'a:b\r\n'],
  ])('ends the reading of an event of too many lines %s', (_name, line) => {
    const event = (lines: number) => Buffer.from(`data: 1\n${line.repeat(lines - 1)}\n`)
    expect(readAll([event(4)], { maxEventLines: 4 }).problem).toBeUndefined()
    expect(readAll([event(4), event(4)], { maxEventLines: 4 }).problem).toBeUndefined()
    expect(readAll([event(5)], { maxEventLines: 4 }).problem).toBe('event_too_large')
    expect(readAll([event(1_000_000)]).problem).toBe('event_too_large')
  })

  it('stays refused', () => {
    const reader = new EventStreamReader({ maxEventBytes: 4 })
    expect(reader.read(Buffer.from('data: a\n\n')).ok).toBe(false)
    expect(reader.read(Buffer.from('\n'))).toEqual({ ok: false, problem: 'event_too_large', events: [] })
  })

  it('is none that just fits', () => {
    const event = 'data: 45678901\n\n'
    expect(readAll([Buffer.from(event.repeat(3))], { maxEventBytes: event.length }).problem).toBeUndefined()
  })
})

it('holds nothing of a stream of keep-alives without end', () => {
  const reader = new EventStreamReader({ maxEventBytes: 64 })
  for (let round = 0; round < 1000; round++) {
    const read = reader.read(Buffer.from(': keep-alive\n'))
    expect(read.ok && read.events.length).toBe(1)
  }
  const blank = reader.read(Buffer.from('\n'.repeat(100_000)))
  expect(blank.events.length).toBe(1)
  expect(reader.end()).toBeUndefined()
})

describe('an event with other data', () => {
  it.each<[string, string, string, string]>([
    ['keeps its fields and their order', 'event: m\ndata: a\nid: 1\n\n', 'b', 'event: m\ndata: b\nid: 1\n\n'],
    ['keeps its line ends', 'id: 1\r\ndata: a\r\n\r\n', 'b', 'id: 1\r\ndata: b\r\n\r\n'],
    ['of carriage returns too', 'data: a\r\r', 'b', 'data: b\r\r'],
    ['loses lines of data', 'data: a\nid: 1\ndata: b\n\n', 'c', 'data: c\nid: 1\n\n'],
    ['gets lines of data', 'data:a\r\n\r\n', 'b\nc', 'data: b\r\ndata: c\r\n\r\n'],
    ['keeps line ends apart', 'data: a\rdata: b\n\n', 'c', 'data: c\r\n\n'],
    ['keeps line ends apart, before a line that goes', 'data: a\nid: 1\rdata: b\n\n', 'c', 'data: c\nid: 1\r\n\n'],
    ['of no data', 'data: a\n\n', '', 'data: \n\n'],
    [
      'keeps comments, unknown fields and a retry',
      'x: y\n: c\nretry: 9\ndata: a\n\n',
      'b',
      'x: y\n: c\nretry: 9\ndata: b\n\n',
    ],
  ])('%s', (_name, source, data, expected) => {
    const [event] = readAll([Buffer.from(`event: first\ndata: 1\n\n${source}`)])
      .events.filter(one => one.data)
      .slice(1)
    if (event === undefined) throw new Error('no event')
    const changed = Buffer.from(withData(event, Buffer.from(data))).toString()
    expect(changed).toBe(expected)
  })

  it('may be one that did not end', () => {
    const { rest } = readAll([Buffer.from('id: 1\ndata: a\ndata: b')])
    if (rest === undefined) throw new Error('no event')
    expect(Buffer.from(withData(rest, Buffer.from('c\nd'))).toString()).toBe('id: 1\ndata: c\ndata: d\n')
  })

  it('is read back with that data and the same fields', () => {
    const jsonText = fc.json().chain(text => fc.constantFrom(text, JSON.stringify(JSON.parse(text), undefined, 2)))
    fc.assert(
      fc.property(stream, jsonText, (source, data) => {
        for (const event of readAll([Buffer.from(source)]).events) {
          if (event.data === undefined) continue
          const again = only(Buffer.from(withData(event, Buffer.from(data))).toString())
          expect(text(again.data)).toBe(data)
          expect(again).toMatchObject({ type: event.type, id: event.id, retry: event.retry })
        }
      }),
    )
  })
})
