import { describe, expect, it } from 'vitest'
import { EventStreamReader } from '../sse/event-stream-reader.js'
import { editEvent } from './edit-event.js'
import { filterList } from './filter-list.js'

function edited(source: string) {
  const reader = new EventStreamReader()
  const rest = [...reader.read(Buffer.from(source)).events]
  const end = reader.end()
  if (end !== undefined) rest.push(end)
  const out: string[] = []
  for (const event of rest) {
    const done = editEvent(event, data => filterList(data, ({ name }) => name !== 'x'))
    if (!done.ok) return done.reason
    out.push(Buffer.from(done.bytes).toString())
  }
  return out.join('')
}

const list = (...names: string[]) => `{"id":1,"result":{"tools":[${names.map(name => `{"name":"${name}"}`).join()}]}}`

describe('an event', () => {
  it.each<[string, string, string]>([
    ['with a list', `id: 1\ndata:${list('x', 'a')}\n\n`, `id: 1\ndata: ${list('a')}\n\n`],
    ['with a list, of another type', `event: ping\ndata: ${list('x')}\n\n`, `event: ping\ndata: ${list()}\n\n`],
    [
      'with a list, of the type endpoint',
      `event: endpoint\ndata: ${list('x')}\n\n`,
      `event: endpoint\ndata: ${list()}\n\n`,
    ],
    ['with a list, that did not end', `data: ${list('x')}`, `data: ${list()}`],
    [
      'over lines',
      `data: ${list('x', 'a').replace('[', '[\r\ndata: ')}\r\n\r\n`,
      `data: ${list('a').replace('[', '[\r\ndata: ')}\r\n\r\n`,
    ],
  ])('%s is edited', (_name, source, expected) => expect(edited(source)).toBe(expected))

  it.each<[string, string]>([
    ['with nothing to hide', `id: 1\ndata:${list('a')}\r\r\n`],
    ['without data', 'id: 1\n\n'],
    ['with empty data', 'id: 1\ndata:\n\n'],
    ['of comments', ': a\n\n: b'],
    ['that names an endpoint', 'event: endpoint\ndata: /messages?sessionId=1\n\n'],
  ])('%s passes byte by byte', (_name, source) => expect(edited(source)).toBe(source))

  it.each<[string, string, string]>([
    ['without JSON', 'data: hello\n\n', 'response.not_json'],
    ['without JSON, of another type', 'event: ping\ndata: hello\n\n', 'response.not_json'],
    ['cut off', `data: ${list('x').slice(0, -1)}`, 'response.not_json'],
    [
      'an endpoint that is no URI',
      'event: endpoint\ndata: {"a":1,"result":{},"result":{}}\n\n',
      'response.duplicate_key',
    ],
  ])('%s is refused', (_name, source, reason) => expect(edited(source)).toBe(reason))
})
