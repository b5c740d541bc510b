import { beforeAll, describe, expect, it } from 'vitest'
import { appendText } from '../../src/protocol/mcp/append-text.js'
import { filterList } from '../../src/protocol/mcp/filter-list.js'
import { mapResultTexts } from '../../src/protocol/mcp/map-result-texts.js'
import { EventStreamReader } from '../../src/protocol/sse/event-stream-reader.js'
import { withData } from '../../src/protocol/sse/stream-event.js'
import type { AdversarialInput } from './adversarial-inputs.js'
import { measureGrowth } from './growth.js'
import { patiently } from './patiently.js'
import { listSteps, measureResponse, type ResponseStep, resultSteps } from './response-cost.js'

/** What the way back may cost, in times `JSON.parse` and `JSON.stringify` of the same answer. */
const most = 3

describe('the way back', () => {
  const steps = [...listSteps(200), ...resultSteps()]
  // The compiler must have seen every kind of text before anything counts.
  beforeAll(async () => {
    for (const step of steps) await measureResponse(step, { rounds: 2, roundMs: 10 })
  }, 60_000)

  it.each(steps.map(step => [step.name, step] as const))(
    `costs at most ${most} times JSON.parse and JSON.stringify: %s`,
    { timeout: 60_000 },
    async (_name, step: ResponseStep) => {
      const measure = () => measureResponse(step, { rounds: 15, roundMs: 5 })
      expect((await patiently(measure, ({ ratio }) => ratio <= most)).ratio).toBeLessThanOrEqual(most)
    },
  )
})

function answer(
  name: string,
  start: string,
  piece: (at: number) => string,
  end: string,
  run: (bytes: Buffer) => unknown,
) {
  return {
    name,
    prepare: (size: number) => {
      const one = Buffer.byteLength(piece(100_000))
      const pieces = Array.from({ length: Math.ceil(size / one) }, (_, at) => piece(at))
      const bytes = Buffer.from((start + pieces.join('')).replace(/,$/, '') + end)
      return () => run(bytes)
    },
  }
}

/** A stream in chunks of so many bytes; every event gets other data. */
function stream(name: string, piece: string, chunk: number): AdversarialInput {
  return {
    name,
    prepare: size => {
      const bytes = Buffer.from(piece.repeat(Math.ceil(size / piece.length)))
      return () => {
        const reader = new EventStreamReader()
        let events = 0
        for (let at = 0; at < bytes.length; at += chunk) {
          for (const event of reader.read(bytes.subarray(at, at + chunk)).events) {
            events += event.data === undefined ? 0 : withData(event, event.data).length
          }
        }
        const rest = reader.end()
        return rest === undefined ? events : withData(rest, bytes.subarray(0, 9)).length
      }
    },
  }
}

describe('time on the way back grows no faster than the size', () => {
  const tools = '{"id":1,"result":{"tools":['
  const content = '{"id":1,"result":{"content":['
  const filter = (bytes: Buffer) => filterList(bytes, ({ index }) => index % 2 === 0)
  const redact = (bytes: Buffer) => mapResultTexts(bytes, value => `${value}x`)
  const append = (bytes: Buffer) => appendText(bytes, ['a'])
  const inputs: readonly AdversarialInput[] = [
    answer('tools, every second goes', tools, at => `{"name":"tool${at}","inputSchema":{}},`, ']}}', filter),
    answer(
      'one name',
      tools,
      () => 'a',
      '"}]}}',
      bytes => filter(Buffer.from(bytes.toString().replace('[', '[{"name":"'))),
    ),
    answer('a tool of many keys', `${tools}{`, at => `"key${at}":0,`, '}]}}', filter),
    answer('a tool of keys in capitals', `${tools}{`, at => `"KEY${at}":0,`, '}]}}', filter),
    answer('a tool that is never closed', tools, () => '{"a":', '', filter),
    answer('escapes', `${content}"`, () => '\\u0041', '"]}}', redact),
    answer('backslashes', `${content}"`, () => '\\\\', '"]}}', redact),
    answer('a text that does not end', `${content}"`, () => '\\"', '', redact),
    answer('many texts', content, () => '{"type":"text","text":"a"},', ']}}', redact),
    answer('a block of many types', `${content}{`, () => '"type":"image",', '}]}}', redact),
    answer('white space', content, () => ' \n\t ', ']}}', append),
    answer('many blocks', content, () => '{},', ']}}', append),
    stream('an event that does not end, in chunks', 'data: abcdefgh', 100),
    stream('lines of data', 'data: a\n', 1000),
    stream('lines of no data', 'data\r', 1000),
    stream('blank lines', '\n', 1000),
    stream('carriage returns', '\r', 999),
    stream('carriage returns and line feeds, cut in between', '\r\n', 999),
    stream('small events', 'data:a\n\n', 1000),
    stream('comments', ':\n', 999),
    stream('colons', ':', 1000),
  ]
  const sizes = { small: 120 * 1024, large: 1920 * 1024, runs: 3 }

  it.each(inputs.map(input => [input.name, input] as const))('%s', { timeout: 60_000 }, async (_name, input) => {
    const measure = () => measureGrowth(input, sizes)
    expect((await patiently(measure, ({ factor }) => factor <= 2.5)).factor).toBeLessThanOrEqual(2.5)
  })

  it('a stream byte by byte', { timeout: 60_000 }, async () => {
    const measure = () =>
      measureGrowth(stream('bytes', 'data: abcdefgh', 1), { small: 30_000, large: 480_000, runs: 3 })
    expect((await patiently(measure, ({ factor }) => factor <= 2.5)).factor).toBeLessThanOrEqual(2.5)
  })
})
