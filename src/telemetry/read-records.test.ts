import { describe, expect, it } from 'vitest'
import { readLines } from './read-lines.js'
import { type ReadRecord, readRecords } from './read-records.js'

const record = {
  version: 'mcp-authz.dev/decision/v1',
  decision_id: 'd9e6bfe3-aee5-423c-8ab9-5b6c36f9fcee',
  timestamp: '2026-11-21T04:27:51.503Z',
  mode: 'enforce',
  decision: 'allow',
  door: 'ext-authz',
  listener: 'ext-authz',
}
const line = (more: object = {}) => `${JSON.stringify({ ...record, ...more })}\n`

async function* pieces(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(text: string | Uint8Array, size = 7, maxLineBytes?: number): Promise<readonly ReadRecord[]> {
  const all: ReadRecord[] = []
  const options = maxLineBytes === undefined ? {} : { maxLineBytes }
  for await (const one of readRecords(pieces(text, size), options)) all.push(one)
  return all
}

describe('readRecords', () => {
  it.each([1, 7, 1000, 100_000])('reads records in pieces of %i bytes, with or without a last line end', async size => {
    const text = `${line({ tenant: 'Zürich 🏔' })}\n${line({ decision: 'deny', reason: 'x.y' })}`
    for (const one of [text, text.trimEnd()]) {
      expect(await read(one, size)).toEqual([
        { line: 1, record: { ...record, tenant: 'Zürich 🏔' } },
        { line: 3, record: { ...record, decision: 'deny', reason: 'x.y' } },
      ])
    }
  })

  it('keeps whole numbers of arguments apart', async () => {
    const [one] = await read(line().replace('}', ',"arguments":{"n":9007199254740993,"d":1.5,"o":{"x":[1]}}}'))
    expect(one?.record?.arguments).toEqual(
      new Map<string, unknown>([
        ['n', 9007199254740993n],
        ['d', 1.5],
        ['o', new Map([['x', [1n]]])],
      ]),
    )
  })

  it('reads the other kinds, and passes over members that it does not know', async () => {
    const { timestamp } = record
    const result = { version: 'mcp-authz.dev/result/v1', decision_id: 'x', timestamp, result: 'passed', server: 's' }
    const lost = { version: 'mcp-authz.dev/log/v1', timestamp, event: 'lost', lost: 3 }
    const text = [result, lost, { ...record, later: 1 }].map(one => JSON.stringify(one)).join('\n')
    expect(await read(text)).toEqual([
      { line: 1, other: result },
      { line: 2, other: lost },
      { line: 3, record },
    ])
  })

  it.each<[string, string, string | RegExp]>([
    ['no JSON', 'hello\n', /^not a JSON object: /],
    ['half a line', line().slice(0, 40), /^not a JSON object: /],
    ['no object', '[1]\n', 'not a JSON object'],
    ['a key twice', line().replace('{', '{"decision":"allow",'), /^not a JSON object: /],
    ['the log of something else', '{"level":"info","message":"m"}\n', 'of no version that is known here'],
    ['a later version', line({ version: 'mcp-authz.dev/decision/v2' }), 'of no version that is known here'],
    [
      'a member of another type',
      line({ subject: { kind: 'user' } }),
      'not a record: "subject.user" is not as expected',
    ],
    ['a key that reaches a prototype', line().replace('{', '{"__proto__":{},'), /^not a JSON object: /],
    ['bytes that are no text', '\xff\n', /^not a JSON object: /],
  ])('tells of %s, and goes on', async (_name, bad, problem) => {
    const text = Buffer.concat([
      Buffer.from(bad, 'latin1'),
      Buffer.from(bad.endsWith('\n') ? '' : '\n'),
      Buffer.from(line()),
    ])
    expect(await read(text)).toEqual([
      { line: 1, problem: typeof problem === 'string' ? problem : expect.stringMatching(problem) },
      { line: 2, record },
    ])
  })

  it('keeps nothing of a line that is too long', async () => {
    const text = `${line()}${'x'.repeat(5000)}\n${line()}${'x'.repeat(5000)}`
    const problem = 'longer than 1000 bytes'
    expect(await read(text, 100, 1000)).toEqual([
      { line: 1, record },
      { line: 2, problem },
      { line: 3, record },
      { line: 4, problem },
    ])
  })

  it('reads a long log in little memory', async () => {
    const many = 20_000
    const text = Buffer.from(line().repeat(100))
    async function* long() {
      for (let i = 0; i < many / 100; i++) yield text
    }
    let count = 0
    for await (const one of readRecords(long())) if (one.record !== undefined) count++
    expect(count).toBe(many)
  })

  it('ends when its reader does', async () => {
    let closed = false
    async function* endless() {
      try {
        for (;;) yield Buffer.from(line())
      } finally {
        closed = true
      }
    }
    for await (const one of readRecords(endless())) if (one.line === 3) break
    expect(closed).toBe(true)
  })
})

describe('readLines', () => {
  it('says whether the last line ended', async () => {
    const lines = []
    for await (const { bytes, ended } of readLines(pieces('a\n\nb', 1), 10)) lines.push([String(bytes), ended])
    expect(lines).toEqual([
      ['a', true],
      ['', true],
      ['b', false],
    ])
  })
})
