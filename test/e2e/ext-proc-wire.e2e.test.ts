import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type {
  ExchangeProcessor,
  RequestHead,
  Respond,
  ResponseHead,
} from '../../src/doors/ext-proc/exchange-processor.js'
import type { ExtProcSettings } from './support/ext-proc-listeners.js'
import { type ExtProcStand, startExtProcStand } from './support/ext-proc-stand.js'
import { type HttpAnswer, httpAnswer } from './support/http-answer.js'
import { protobuf } from './support/protobuf-bytes.js'

/** What Envoy and the ext_proc door make of each other, in every mode that a body can come in. */

const listeners = {
  none: {},
  buffered: { responses: 'BUFFERED' },
  streamed: { responses: 'STREAMED' },
  partial: { responses: 'BUFFERED_PARTIAL' },
  duplex: { responses: 'FULL_DUPLEX_STREAMED' },
  'both none': { requests: 'NONE' },
  'both buffered': { requests: 'BUFFERED', responses: 'BUFFERED' },
  'both streamed': { requests: 'STREAMED', responses: 'STREAMED' },
  'both partial': { requests: 'BUFFERED_PARTIAL', responses: 'BUFFERED_PARTIAL' },
  'both duplex': { requests: 'FULL_DUPLEX_STREAMED', responses: 'FULL_DUPLEX_STREAMED' },
  'no override': { modeOverride: false },
  'no override, buffered': { modeOverride: false, responses: 'BUFFERED' },
  'failure allows': { failureModeAllow: true },
  'failure allows, duplex': { failureModeAllow: true, responses: 'FULL_DUPLEX_STREAMED' },
  'behind ext_authz': { authz: true },
  'behind ext_authz, buffered': { authz: true, responses: 'BUFFERED' },
  'behind ext_authz, duplex': { authz: true, responses: 'FULL_DUPLEX_STREAMED' },
  'behind ext_authz, both': { authz: true, requests: 'NONE' },
} as const satisfies Record<string, Omit<ExtProcSettings, 'port'>>
type Name = keyof typeof listeners
const all = Object.keys(listeners) as readonly Name[]
/** Envoy 1.40 refuses what is larger than its buffer, also where an override asks for no body. */
const buffered: readonly Name[] = ['buffered', 'both buffered', 'no override, buffered', 'behind ext_authz, buffered']
/** Here it removes the length even if nothing is changed. */
const lengthless = (name: Name) => /streamed|partial|duplex/.test(name)
const modes = ['none', 'buffered', 'streamed', 'partial', 'duplex'] as const satisfies readonly Name[]
const bothModes = ['both none', 'both buffered', 'both streamed', 'both duplex'] as const satisfies readonly Name[]

let stand: ExtProcStand<Name>
beforeAll(async () => {
  stand = await startExtProcStand(listeners)
})
afterAll(() => stand?.stop())
beforeEach(() => {
  stand.forget()
  stand.checks.answer(() => protobuf([1, [[1, 0]]]))
})

const big = Buffer.alloc(3_000_000, 'a tool and another tool; ')
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const events = ['data: {"a":', '1}\n\nda', 'ta: {"b":2}\n', '\n', 'data: {"c":3}\n\n']
async function sendEvents(response: ServerResponse, pauseMs = 20): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const piece of events) {
    response.write(piece)
    await sleep(pauseMs)
  }
  response.end()
}

const answers: Record<string, (response: ServerResponse) => unknown> = {
  json: response => {
    const body = '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}'
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length,
      etag: '"v1"',
      'set-cookie': ['a=1', 'b=2'],
    })
    response.end(body)
  },
  chunked: response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"a":')
    setTimeout(() => response.end('1}'), 10)
  },
  events: response => sendEvents(response),
  'large, with a length': response => response.writeHead(200, { 'content-length': big.length }).end(big),
  'empty, with a length': response => response.writeHead(200, { 'content-length': 0 }).end(),
  204: response => response.writeHead(204).end(),
  304: response => response.writeHead(304, { etag: '"v1"' }).end(),
  trailers: response => {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  },
  'an error': response => response.writeHead(404, { 'content-type': 'text/plain' }).end('none'),
  compressed: response =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.from([0x1f, 0x8b, 0, 255])),
}

const get = (name: Name, more: Partial<Parameters<typeof httpAnswer>[0]> = {}) =>
  httpAnswer({ port: stand.port(name), ...more })

function serve(what: (response: ServerResponse) => unknown): void {
  stand.serve((_request, response) => void what(response))
}

const gone = () => expect.poll(() => stand.open()).toBe(0)

it('starts without a warning', () => {
  const warnings = stand.envoy.child.lines.filter(line => /\[(warning|error|critical)\]/.test(line))
  expect(warnings.filter(line => !line.includes('global_downstream_max_connections'))).toEqual([])
})

describe('a processor that passes everything leaves', () => {
  for (const name of all) {
    it.each(Object.keys(answers))(`${name}: %s`, async what => {
      const plain = await new Promise<HttpAnswer>((resolve, reject) => {
        serve(answers[what] ?? (() => undefined))
        get(name).then(resolve, reject)
      })
      if (what === 'large, with a length' && buffered.includes(name)) {
        expect(plain.status).toBe(500)
        return
      }
      const direct: { status: number; body: string; trailers: unknown } = await expected(what)
      expect({ status: plain.status, body: sha(plain.body), complete: plain.complete }).toEqual({
        status: direct.status,
        body: direct.body,
        complete: true,
      })
      expect(plain.trailers).toEqual(direct.trailers)
      expect(stand.errors).toEqual([])
      await gone()
    })
    it(`${name}: HEAD`, async () => {
      serve(answers.json ?? (() => undefined))
      const { status, headers, body } = await get(name, { method: 'HEAD' })
      expect([status, headers['content-length'], headers.etag, body.length]).toEqual([
        200,
        lengthless(name) ? undefined : '46',
        '"v1"',
        0,
      ])
      expect(stand.errors).toEqual([])
    })
  }

  async function expected(what: string) {
    const text: Record<string, string | Buffer> = {
      json: '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}',
      chunked: '{"a":1}',
      events: events.join(''),
      'large, with a length': big,
      trailers: 'body',
      'an error': 'none',
      compressed: Buffer.from([0x1f, 0x8b, 0, 255]),
    }
    const status = { 204: 204, 304: 304, 'an error': 404 }[what] ?? 200
    return {
      status,
      body: sha(Buffer.from(text[what] ?? '')),
      trailers: what === 'trailers' ? { 'x-sum': '42' } : {},
    }
  }

  it('requests with bodies, small and large, as they are', async () => {
    for (const name of bothModes) {
      for (const body of ['{"jsonrpc":"2.0"}', name === 'both buffered' ? big.subarray(0, 900_000) : big]) {
        let got = ''
        stand.serve((_request, response, received) => {
          got = sha(received)
          response.end('ok')
        })
        const answer = await get(name, { method: 'POST', body })
        expect([name, answer.status, got]).toEqual([name, 200, sha(Buffer.from(body))])
      }
    }
    expect(stand.errors).toEqual([])
    await gone()
  })

  it('an endless stream, open and in time', async () => {
    for (const name of modes) {
      serve(async response => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let at = 0; !response.destroyed && at < 100; at++) {
          response.write(`data: ${at}\n\n`)
          await sleep(30)
        }
      })
      const answer = await get(name, { onPiece: all => all.includes('data: 8\n\n') })
      const [first] = answer.pieces
      expect([name, answer.status, (first?.at ?? 9999) < 1000]).toEqual([name, 200, true])
      expect(answer.pieces.length).toBeGreaterThan(2)
      await gone()
    }
    expect(stand.errors).toEqual([])
  })
})

const upper = (chunk: Uint8Array) => Buffer.from(Buffer.from(chunk).toString('latin1').toUpperCase(), 'latin1')
const louder = (chunk: Uint8Array) => Buffer.concat([upper(chunk), Buffer.from('!')])

function changing(as: 'buffer' | 'stream', change: (chunk: Uint8Array, end: boolean) => Uint8Array): ExchangeProcessor {
  return {
    onResponseHeaders: () => ({ kind: 'body', as, changes: { set: [{ name: 'x-seen', value: 'yes' }] } }),
    onResponseBody: (chunk, end) => ({ kind: 'send', bytes: change(chunk, end) }),
  }
}

describe('a processor that changes bodies', () => {
  for (const name of [...modes, 'behind ext_authz', 'behind ext_authz, duplex'] as const) {
    it(`${name}: in one piece, with another length`, async () => {
      stand.use(() => changing('buffer', louder))
      for (const what of ['json', 'chunked', 'events', 'empty, with a length'] as const) {
        serve(answers[what] ?? (() => undefined))
        const { status, headers, body, complete } = await get(name)
        const original = { json: '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}', chunked: '{"a":1}' }
        const text = what === 'events' ? events.join('') : what === 'empty, with a length' ? '' : original[what]
        if (what === 'empty, with a length') {
          // There is nothing to change, and a processor that makes something of it is refused.
          expect([what, status]).toEqual([what, 503])
          continue
        }
        expect([what, status, complete, body.toString()]).toEqual([what, 200, true, `${text.toUpperCase()}!`])
        expect(headers['x-seen']).toBe('yes')
        expect(headers.etag).toBeUndefined()
        expect(headers['content-length'] ?? String(body.length)).toBe(String(body.length))
      }
      await gone()
    })

    it(`${name}: in one piece, to nothing and to the same`, async () => {
      for (const [change, expected] of [
        [() => new Uint8Array(0), ''],
        [(chunk: Uint8Array) => chunk, '{"a":1}'],
      ] as const) {
        stand.use(() => changing('buffer', change))
        serve(answers.chunked ?? (() => undefined))
        const { status, body, complete } = await get(name)
        expect([status, body.toString(), complete]).toEqual([200, expected, true])
      }
      expect(stand.errors).toEqual([])
    })

    it(`${name}: as it comes`, async () => {
      stand.use(() => changing('stream', upper))
      serve(answers.events ?? (() => undefined))
      const { status, body, complete } = await get(name)
      expect([status, complete, body.toString()]).toEqual([200, true, events.join('').toUpperCase()])
      expect(stand.errors).toEqual([])
    })

    it(`${name}: holding back and letting go`, async () => {
      // By events, as a filter of lists would: nothing leaves before its event is whole.
      stand.use(() => {
        let kept = ''
        return changing('stream', (chunk, end) => {
          kept += Buffer.from(chunk).toString()
          const cut = end ? kept.length : kept.lastIndexOf('\n\n') + 2
          const ready = cut < 2 ? '' : kept.slice(0, cut)
          kept = kept.slice(ready.length)
          return Buffer.from(ready.toUpperCase())
        })
      })
      serve(answers.events ?? (() => undefined))
      const { status, body, complete } = await get(name)
      expect([status, complete, body.toString()]).toEqual([200, true, events.join('').toUpperCase()])
      expect(stand.errors).toEqual([])
    })

    it(`${name}: three megabytes`, async () => {
      for (const as of ['buffer', 'stream'] as const) {
        stand.use(() => changing(as, upper))
        serve(answers['large, with a length'] ?? (() => undefined))
        const { status, body, complete } = await get(name)
        if (name === 'buffered') expect(status).toBe(500)
        else expect([as, status, complete, sha(body)]).toEqual([as, 200, true, sha(upper(big))])
      }
      expect(stand.errors).toEqual([])
    })

    it(`${name}: with trailers`, async () => {
      for (const as of ['buffer', 'stream'] as const) {
        stand.use(() => ({
          ...changing(as, upper),
          onResponseTrailers: () => ({ set: [{ name: 'x-mark', value: 'ours' }], remove: ['x-sum'] }),
        }))
        serve(answers.trailers ?? (() => undefined))
        const got = await get(name)
        expect([as, got.status, got.complete, got.body.toString()]).toEqual([as, 200, true, 'BODY'])
        expect([as, got.trailers]).toEqual([as, { 'x-mark': 'ours' }])
      }
    })
  }

  it('what we cannot hold is an error, never the original', async () => {
    stand.use(() => changing('buffer', upper))
    serve(response => response.writeHead(200).end(Buffer.alloc(6_000_000, 'a tool;')))
    for (const name of [...modes, 'failure allows', 'failure allows, duplex'] as const) {
      const { status, body, complete } = await get(name)
      expect(body.toString('latin1')).not.toContain('tool')
      expect([name, status >= 500 || !complete]).toEqual([name, true])
    }
    await gone()
  })

  it('a gateway that ignores overrides lets bodies pass, and is told of', async () => {
    await stand.killDoor()
    await stand.reopenDoor()
    stand.use(() => changing('buffer', upper))
    serve(answers.json ?? (() => undefined))
    expect((await get('no override')).body.toString()).toContain('tools')
    await expect.poll(() => stand.errors.join()).toContain('allow_mode_override')
  })
})

const no = (status = 502): Respond => ({
  kind: 'respond',
  reply: {
    status,
    headers: [
      { name: 'content-type', value: 'application/json' },
      { name: 'www-authenticate', value: 'A' },
      { name: 'www-authenticate', value: 'B' },
    ],
    body: '{"no":1}',
  },
})

describe('a processor that answers itself', () => {
  it.each([...modes, 'behind ext_authz', 'failure allows, duplex'] as const)('%s: at the headers', async name => {
    for (const status of [200, 403, 502]) {
      stand.use(() => ({ onResponseHeaders: () => no(status) }))
      serve(answers.json ?? (() => undefined))
      const { status: got, headers, body, complete } = await get(name)
      expect([got, body.toString(), complete]).toEqual([status, '{"no":1}', true])
      expect([headers['content-type'], headers['www-authenticate']]).toEqual(['application/json', 'A, B'])
    }
    expect(stand.errors).toEqual([])
    await gone()
  })

  it.each([...modes, 'failure allows, duplex'] as const)('%s: at the body', async name => {
    for (const as of ['buffer', 'stream'] as const) {
      stand.use(() => ({
        onResponseHeaders: () => ({ kind: 'body', as }),
        onResponseBody: () => no(),
      }))
      serve(answers.json ?? (() => undefined))
      const { status, body } = await get(name)
      expect([as, status, body.toString()]).toEqual([as, 502, '{"no":1}'])
    }
    expect(stand.errors).toEqual([])
  })

  it.each([...bothModes, 'behind ext_authz, both'] as const)('%s: before the server is reached', async name => {
    for (const when of ['headers', 'body'] as const) {
      stand.use(() => ({
        onRequestHeaders: () => (when === 'headers' ? no(403) : { kind: 'body', as: 'buffer' }),
        onRequestBody: () => no(403),
        onResponseHeaders: () => ({ kind: 'pass' }),
      }))
      stand.serve((_request, response) => response.end('reached'))
      for (const method of ['GET', 'POST']) {
        const answer = await get(name, { method, ...(method === 'POST' && { body: '{"a":1}' }) })
        expect([when, method, answer.status, answer.body.toString()]).toEqual([when, method, 403, '{"no":1}'])
      }
    }
    expect(stand.reached).toEqual([])
    expect(stand.errors).toEqual([])
    await gone()
  })
})

describe('a processor that judges requests by their bodies', () => {
  it.each(bothModes.filter(name => name !== 'both streamed'))('%s: sets headers, several of one name', async name => {
    const heads: RequestHead[] = []
    stand.use(() => ({
      onRequestHeaders: head => {
        heads.push(head)
        return { kind: 'body', as: 'buffer', changes: { remove: ['x-evil'] } }
      },
      onRequestBody: (bytes, end) => ({
        kind: 'send',
        bytes: louder(bytes),
        changes: {
          set: [
            { name: 'impersonate-group', value: 'a, with a comma' },
            { name: 'impersonate-group', value: 'gr\u00fc\u00df' },
            { name: 'x-whole', value: `${bytes.length} ${end}` },
          ],
        },
      }),
      onResponseHeaders: () => ({ kind: 'pass' }),
    }))
    let got: Buffer | undefined
    stand.serve((_request, response, body) => {
      got = body
      response.end('ok')
    })
    const headers = { 'Impersonate-Group': ['evil', 'evil too'], 'x-evil': '1', 'X-Whole': 'no' }
    const { status } = await get(name, { method: 'POST', path: '/mcp?a=b?c', headers, body: '{"a":1}' })
    expect([status, got?.toString()]).toEqual([200, '{"A":1}!'])
    const raw = stand.reached[0]?.rawHeaders ?? []
    const values = (wanted: string) => raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === wanted)
    expect(values('impersonate-group').map(value => Buffer.from(value, 'latin1').toString())).toEqual([
      'a, with a comma',
      'gr\u00fc\u00df',
    ])
    expect([values('x-evil'), values('x-whole')]).toEqual([[], ['7 true']])
    expect(heads).toMatchObject([
      { method: 'POST', path: '/mcp', query: 'a=b?c', endOfStream: false, peer: { address: '127.0.0.1' } },
    ])
    expect(heads[0]?.context.extensions.get('mcp-server')).toBe('kubernetes')
    expect(heads[0]?.headers.all('impersonate-group')).toEqual(['evil', 'evil too'])
    expect(stand.errors).toEqual([])
  })

  it('one that has no body, all the same', async () => {
    stand.use(() => ({
      onRequestHeaders: () => ({ kind: 'body', as: 'buffer' }),
      onRequestBody: (bytes, end) => ({
        kind: 'send',
        bytes,
        changes: { set: [{ name: 'x-whole', value: `${bytes.length} ${end}` }] },
      }),
      onResponseHeaders: () => ({ kind: 'pass' }),
    }))
    stand.serve((request, response) => response.end(request.headers['x-whole']))
    for (const name of bothModes) expect((await get(name)).body.toString()).toBe('0 true')
  })
})

describe('answers of filters before us', () => {
  const denied = protobuf(
    [1, [[1, 7]]],
    [
      2,
      [
        [1, [[1, 403]]],
        [3, '{"denied":1}'],
      ],
    ],
  )
  it.each([
    'behind ext_authz',
    'behind ext_authz, buffered',
    'behind ext_authz, duplex',
    'behind ext_authz, both',
  ] as const)('%s: go on as they are', async name => {
    const heads: ResponseHead[] = []
    stand.checks.answer(() => denied)
    stand.use(() => ({
      onResponseHeaders: head => {
        heads.push(head)
        return { kind: 'pass' }
      },
    }))
    const { status, body, complete } = await get(name, { method: 'POST', body: '{}' })
    expect([status, body.toString(), complete]).toEqual([403, '{"denied":1}', true])
    expect(heads).toMatchObject([{ status: 403, unannounced: true }])
    stand.checks.answer(() => ({ code: 14 }))
    expect((await get(name)).status).toBe(503)
    expect(stand.reached).toEqual([])
    expect(stand.errors).toEqual([])
    await gone()
  })

  it('bring the metadata of ext_authz along', async () => {
    // CheckResponse.dynamic_metadata: { "method": "tools/list" }
    const value = [
      [1, 'method'],
      [2, [[3, 'tools/list']]],
    ] as const
    stand.checks.answer(() => protobuf([1, [[1, 0]]], [4, [[1, [...value]]]]))
    let head: ResponseHead | undefined
    stand.use(() => ({
      onResponseHeaders: shown => {
        head = shown
        return { kind: 'pass' }
      },
    }))
    serve(answers.json ?? (() => undefined))
    expect((await get('behind ext_authz')).status).toBe(200)
    expect(head?.metadata.get('envoy.filters.http.ext_authz')?.get('method')).toBe('tools/list')
    expect(head).toMatchObject({ status: 200, unannounced: true, endOfStream: false })
  })
})

const never = () => new Promise<never>(() => undefined)

describe('a processor that is silent or fails', () => {
  const failures: readonly (readonly [string, () => ExchangeProcessor])[] = [
    ['silent at the headers', () => ({ onResponseHeaders: never })],
    ['silent at a body', () => ({ onResponseHeaders: () => ({ kind: 'body', as: 'buffer' }), onResponseBody: never })],
    ['silent at a chunk', () => ({ onResponseHeaders: () => ({ kind: 'body', as: 'stream' }), onResponseBody: never })],
    [
      'throwing',
      () => ({
        onResponseHeaders: () => {
          throw new Error('bug')
        },
      }),
    ],
    [
      'rejecting at a body',
      () => ({
        onResponseHeaders: () => ({ kind: 'body', as: 'buffer' }),
        onResponseBody: () => Promise.reject(new Error('bug')),
      }),
    ],
    [
      'setting a bad header',
      () => ({ onResponseHeaders: () => ({ kind: 'pass', changes: { set: [{ name: 'x-a', value: 'b\r\nc: d' }] } }) }),
    ],
  ]
  it.each(failures)('%s', async (_what, create) => {
    for (const name of [...modes, 'failure allows', 'failure allows, duplex'] as const) {
      stand.use(create)
      serve(answers.json ?? (() => undefined))
      const { status, body } = await get(name)
      expect([name, status]).toEqual([name, 503])
      expect(body.toString()).toContain('-31503')
      expect(body.toString()).not.toContain('tools')
    }
    expect(stand.errors.length).toBeGreaterThan(0)
    await gone()
  })
})

describe('a door that goes away', () => {
  it.each(['none', 'buffered', 'duplex', 'behind ext_authz'] as const)('%s', async name => {
    for (const as of ['buffer', 'stream'] as const) {
      stand.use(() => ({
        onResponseHeaders: () => ({ kind: 'body', as }),
        onResponseBody: (bytes, end) => (end ? never() : { kind: 'send', bytes: bytes.subarray(0, 0) }),
      }))
      serve(answers.json ?? (() => undefined))
      const pending = get(name)
      await expect.poll(() => stand.open()).toBe(1)
      await sleep(50)
      await stand.killDoor()
      const { status, body } = await pending
      expect(body.toString()).not.toContain('tools')
      expect([name, as, status]).toEqual([name, as, 503])
      await gone()
      expect((await get(name)).status).toBe(503)
      await stand.reopenDoor()
      stand.use(() => changing('buffer', upper))
      await expect.poll(async () => (await get(name)).status).toBe(200)
    }
  })

  it('drains: exchanges end, endless ones are counted', async () => {
    stand.use(() => changing('stream', upper))
    serve(async response => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      while (!response.destroyed) {
        response.write('data: x\n\n')
        await sleep(20)
      }
    })
    let stop = false
    await gone()
    let pieces = 0
    const endless = get('duplex', { onPiece: () => ++pieces > 0 && stop })
    await expect.poll(() => pieces).toBeGreaterThan(0)
    expect(await stand.door().drain(200)).toBe(1)
    stop = true
    await endless
    await gone()
    await stand.killDoor()
    await stand.reopenDoor()
  })
})

it('thousands of exchanges on few connections all succeed', async () => {
  serve(answers.json ?? (() => undefined))
  let left = 3000
  const failed: number[] = []
  const worker = async () => {
    while (left-- > 0) {
      const { status } = await get('none')
      if (status !== 200) failed.push(status)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  expect(failed).toEqual([])
  await gone()
})

describe('a gateway that buffers', () => {
  let small: ExtProcStand<'none' | 'streamed'>
  beforeAll(async () => {
    const settings = { buffering: 'gateway', bodyWithinMs: 1000 } as const
    small = await startExtProcStand({ none: {}, streamed: { responses: 'STREAMED' } }, settings)
  })
  afterAll(() => small?.stop())

  it.each(['none', 'streamed'] as const)('%s: changes headers and bodies together, and fails cleanly', async name => {
    const answered = () => httpAnswer({ port: small.port(name) })
    small.forget()
    small.use(() => ({
      onResponseHeaders: () => ({ kind: 'body', as: 'buffer' }),
      onResponseBody: bytes => ({
        kind: 'send',
        bytes: louder(bytes),
        changes: { set: [{ name: 'x-late', value: 'yes' }] },
      }),
    }))
    small.serve((_request, response) => void answers.json?.(response))
    const { status, headers, body } = await answered()
    expect([status, headers['x-late'], headers['content-length'], body.length]).toEqual([200, 'yes', '47', 47])
    expect(small.errors).toEqual([])
    // What is larger than its buffer hangs in Envoy 1.40: we end it.
    small.serve((_request, response) => void answers['large, with a length']?.(response))
    const large = await answered()
    expect([large.status, large.body.toString('latin1').includes('tool')]).toEqual([503, false])
  })
})

describe('a door that must not override', () => {
  let fixed: ExtProcStand<'none' | 'buffered' | 'streamed' | 'partial'>
  beforeAll(async () => {
    fixed = await startExtProcStand(
      {
        none: { modeOverride: false },
        buffered: { modeOverride: false, responses: 'BUFFERED' },
        streamed: { modeOverride: false, responses: 'STREAMED' },
        partial: { modeOverride: false, responses: 'BUFFERED_PARTIAL' },
      },
      { modeOverride: false },
    )
  })
  afterAll(() => fixed?.stop())
  beforeEach(() => fixed.forget())

  it.each(['buffered', 'streamed', 'partial'] as const)('%s: changes what it is shown', async name => {
    for (const as of ['buffer', 'stream'] as const) {
      fixed.use(() => changing(as, as === 'buffer' ? louder : upper))
      fixed.serve((_request, response) => void answers.events?.(response))
      const { status, body, complete } = await httpAnswer({ port: fixed.port(name) })
      const changed = `${events.join('').toUpperCase()}${as === 'buffer' ? '!' : ''}`
      expect([as, status, complete, body.toString()]).toEqual([as, 200, true, changed])
    }
    expect(fixed.errors).toEqual([])
  })

  it('none: refuses what it must see and cannot', async () => {
    fixed.use(() => changing('buffer', upper))
    fixed.serve((_request, response) => void answers.json?.(response))
    expect((await httpAnswer({ port: fixed.port('none') })).status).toBe(503)
    expect(fixed.errors.join()).toContain('allow_mode_override')
  })

  it('partial: refuses a part', async () => {
    fixed.use(() => changing('buffer', upper))
    fixed.serve((_request, response) => void answers['large, with a length']?.(response))
    const { status, body } = await httpAnswer({ port: fixed.port('partial') })
    expect([status, body.toString('latin1').includes('tool')]).toEqual([503, false])
  })

  it('streamed: cannot let go of what it held back when trailers come', async () => {
    fixed.use(() => changing('buffer', upper))
    fixed.serve((_request, response) => void answers.trailers?.(response))
    const { status, body, complete } = await httpAnswer({ port: fixed.port('streamed') })
    expect([complete && status < 500, body.toString('latin1').includes('BODY')]).toEqual([false, false])
  })
})
