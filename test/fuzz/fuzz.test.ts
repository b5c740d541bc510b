import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../../src/package-root.js'
import type { JsonValue } from '../../src/protocol/json-value.js'
import { RequestHeaders } from '../../src/protocol/request-headers.js'
import { type TrackName, trackNames } from './fuzz-input.js'
import { Random } from './random.js'
import { judgeInput, runFuzz } from './run-fuzz.js'
import { loadSeeds } from './seeds.js'
import { ours, type Subject } from './subject.js'

const seeds = loadSeeds()

describe('a short run', () => {
  it.each([1, 2])('with seed %i finds nothing', { timeout: 60_000 }, async seed => {
    const report = await runFuzz({ seed, seeds, subject: ours, more: iteration => iteration < 4000 })
    expect(report.found).toBeUndefined()
    expect(Object.keys(report.outcomes).sort()).toEqual([...trackNames].sort())
    // What is refused at once compares nothing.
    for (const oracle of ['json', 'sdk-v1', 'folding', 'sdk-v2', 'node-http', 'uri', 'check-request', 'decision'])
      expect(report.oracles[oracle], oracle).toBeGreaterThan(100)
    expect(report.outcomes.message?.request).toBeGreaterThan(100)
    expect(report.outcomes.message?.batch).toBeGreaterThan(0)
  })

  it('is the same again', async () => {
    const run = () => runFuzz({ seed: 3, seeds, subject: ours, more: iteration => iteration < 300 })
    expect(await run()).toEqual(await run())
  })

  it('can begin anywhere', async () => {
    const options = { seed: 4, seeds, subject: ours, tracks: ['json'] } as const
    const all = await runFuzz({ ...options, more: iteration => iteration < 40 })
    const parts = await Promise.all([
      runFuzz({ ...options, more: iteration => iteration < 25 }),
      runFuzz({ ...options, first: 25, more: iteration => iteration < 40 }),
    ])
    const accepted = (report: typeof all) => report.outcomes.json?.accepted ?? 0
    expect(parts.map(accepted).reduce((sum, one) => sum + one)).toBe(accepted(all))
  })
})

describe('what once disagreed', () => {
  const entry = z.strictObject({
    track: z.enum(trackNames),
    why: z.string().min(1),
    headers: z.array(z.tuple([z.string(), z.string()])).default([]),
    base64: z.base64(),
  })
  const found = z.array(entry).parse(JSON.parse(readFileSync(join(packageRoot, 'test/fuzz/found.json'), 'utf8')))

  it.each(found.map(one => [one.why, one] as const))('%s', async (_why, { track, headers, base64 }) => {
    const judged = await judgeInput({ track, headers, bytes: Buffer.from(base64, 'base64') }, seeds, ours)
    expect(judged.disagreement).toBeUndefined()
  })
})

describe('a reader with a fault is caught', () => {
  const plain = (value: unknown): JsonValue => {
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value === 'object' && value !== null) {
      return new Map(Object.entries(value).map(([key, member]) => [key, plain(member)]))
    }
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
    return typeof value === 'string' || typeof value === 'boolean' ? value : null
  }
  const lenientJson: Subject['parseStrictJson'] = (bytes, limits) => {
    try {
      const text = Buffer.from(bytes).toString('utf8')
      return { ok: true, value: plain(JSON.parse(text)), lexeme: undefined, lexemes: undefined }
    } catch {
      return ours.parseStrictJson(bytes, limits)
    }
  }
  /** The whole reading with something done to the body before. */
  const rewritten =
    (rewrite: (text: string) => string): Subject['readCalls'] =>
    (request, options, batches) => {
      const { body } = request
      if (body.state !== 'complete' || !ours.parseStrictJson(body.bytes).ok)
        return ours.readCalls(request, options, batches)
      const bytes = Buffer.from(rewrite(Buffer.from(body.bytes).toString('utf8')))
      return ours.readCalls({ ...request, body: { state: 'complete', bytes } }, options, batches)
    }

  /** As if other spellings of the members that servers act by were keys like any other. */
  const acted = new Set(['name', 'arguments', 'uri', '_meta', 'cursor', 'ref'])
  const withoutCapitals = (text: string): string => {
    const message: unknown = JSON.parse(text)
    if (typeof message !== 'object' || message === null || !('params' in message)) return text
    const { params } = message
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return text
    const renamed = Object.entries(params).map(([key, value]) => [
      !acted.has(key) && acted.has(key.toLowerCase()) ? `x-${key}` : key,
      value,
    ])
    return JSON.stringify({ ...message, params: Object.fromEntries(renamed) })
  }

  const mutants: [name: string, track: TrackName, oracle: string, change: Partial<Subject>][] = [
    ['JSON.parse in place of the strict parser', 'json', 'json', { parseStrictJson: lenientJson }],
    [
      'integers as doubles',
      'json',
      'json',
      {
        parseStrictJson: (bytes, limits) => {
          const read = ours.parseStrictJson(bytes, limits)
          return read.ok && typeof read.value === 'bigint' ? { ...read, value: BigInt(Number(read.value)) } : read
        },
      },
    ],
    [
      'a parser that refuses too much',
      'json',
      'json',
      {
        parseStrictJson: (bytes, limits) => {
          const read = ours.parseStrictJson(bytes, limits)
          return read.ok && read.value === ''
            ? { ...read, ok: false, reason: 'message.encoding', message: '', at: 0 }
            : read
        },
      },
    ],
    [
      'the first name where a server takes the last',
      'message',
      'sdk-v1',
      {
        parseStrictJson: ours.parseStrictJson,
        readCalls: rewritten(text => text.replace(/"name":"[^"]*"/, '"name":"decoy"')),
      },
    ],
    [
      'keys in any case',
      'message',
      'sdk-v1',
      { readCalls: rewritten(text => text.replace(/"([A-Za-z]+)"\s*:/g, key => key.toLowerCase())) },
    ],
    ['a member in capitals, not looked at', 'message', 'folding', { readCalls: rewritten(withoutCapitals) }],
    [
      'the era by the header alone',
      'message',
      'sdk-v2',
      {
        readCalls: (request, options, batches) => {
          const read = ours.readCalls(request, options, batches)
          if (!read.ok || 'batch' in read) return read
          return {
            ...read,
            call: { ...read.call, era: request.headers.has('mcp-protocol-version') ? 'modern' : 'legacy' },
          }
        },
      },
    ],
    [
      'repeated headers of which the last counts',
      'message',
      'node-http',
      {
        checkFraming: request => {
          const names = [...request.headers.names()]
          const last = new Map(names.flatMap(name => request.headers.all(name).map(value => [name, value] as const)))
          return ours.checkFraming({ ...request, headers: RequestHeaders.from(last) })
        },
      },
    ],
    [
      'content types by their beginning',
      'content-type',
      'content-type',
      { isJsonContentType: value => value.startsWith('application/json') },
    ],
    [
      'base64 in any form',
      'name-header',
      'name-header',
      {
        decodeNameHeader: raw => {
          const encoded = /^=\?base64\?(.*)\?=$/.exec(raw.trim())?.[1]
          return encoded === undefined ? ours.decodeNameHeader(raw) : Buffer.from(encoded, 'base64').toString('utf8')
        },
      },
    ],
    ['any uri', 'uri', 'uri', { refuseUri: () => undefined }],
    ['any path', 'target', 'target', { checkFraming: () => undefined }],
    [
      'a body that is not looked at',
      'check-request',
      'check-request',
      {
        readCheckRequest: (bytes, listener, deadline) => {
          const read = ours.readCheckRequest(bytes, listener, deadline)
          if (!read.ok) return read
          return { ...read, request: { ...read.request, body: { state: 'complete', bytes: Buffer.from('{}') } } }
        },
      },
    ],
    [
      'a gateway message that throws',
      'check-request',
      'exception',
      {
        readCheckRequest: (bytes, listener, deadline) => {
          const read = ours.readCheckRequest(bytes, listener, deadline)
          if (!read.ok) throw new Error(read.detail)
          return read
        },
      },
    ],
    [
      'a denial that is said as an allow',
      'decision',
      'decision',
      {
        writeCheckResponse: ({ id, failure, would, warnings, metadata }) => {
          const answer = { kind: 'allow', setHeaders: [], removeHeaders: [], responseHeaders: [] } as const
          return ours.writeCheckResponse({ id, failure, would, warnings, metadata, outcome: 'allow', answer })
        },
      },
    ],
    [
      'time that grows with the square',
      'json',
      'time',
      {
        parseStrictJson: (bytes, limits) => {
          const end = performance.now() + Math.min(150, bytes.length ** 2)
          while (performance.now() < end && bytes.length > 10);
          return ours.parseStrictJson(bytes, limits)
        },
      },
    ],
  ]
  it.each(mutants)('%s', { timeout: 60_000 }, async (_name, track, oracle, change) => {
    const subject = { ...ours, ...change }
    const report = await runFuzz({ seed: 5, seeds, subject, tracks: [track], more: iteration => iteration < 40_000 })
    expect(report.found?.oracle).toBe(oracle)
    expect(report.found?.smallest.bytes.length).toBeLessThanOrEqual(report.found?.input.bytes.length ?? 0)
  })

  it('and its input is made small', async () => {
    const subject: Subject = { ...ours, parseStrictJson: lenientJson }
    const report = await runFuzz({ seed: 6, seeds, subject, tracks: ['json'], more: iteration => iteration < 40_000 })
    expect(report.found?.smallest.bytes.length).toBeLessThan(24)
  })
})

it('random numbers are the same everywhere', () => {
  const random = new Random(7, 8)
  expect([random.int(1000), random.int(1000), random.int(1000)]).toMatchInlineSnapshot(`
    [
      474,
      550,
      468,
    ]
  `)
})
