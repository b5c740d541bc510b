import { writeFileSync } from 'node:fs'
import type { ServerHttp2Stream } from 'node:http2'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { JsonValue } from '../protocol/json-value.js'
import {
  Authority,
  type Client,
  FakeApiServer,
  json,
  openssl,
  podClient,
  podFolder,
  statusObject,
  until,
  Wire,
} from './api-server.fixture.js'
import type { ApiFailure, FollowRequest } from './api-server.js'

let authority: Authority
let fake: FakeApiServer
let wire: Wire
let folder: string
const clients: Client[] = []

beforeAll(() => {
  if (openssl) authority = new Authority('cluster')
})
afterAll(() => authority?.remove())
beforeEach(async () => {
  if (!openssl) return
  fake = await new FakeApiServer(authority.issue('/CN=apiserver', 'IP:127.0.0.1')).listen()
  wire = new Wire(fake.port)
  folder = podFolder(authority, 'pod')
})
afterEach(async () => {
  for (const { api } of clients.splice(0)) api.close()
  wire?.close()
  await fake?.kill()
})

function client(options: Parameters<typeof podClient>[2] = {}, port = fake.port): Client {
  const made = podClient(port, folder, options)
  clients.push(made)
  return made
}

/** Follows, and keeps what comes. */
function listen({ api }: Client, request: Partial<FollowRequest> = {}) {
  const seen: { lines: JsonValue[]; opened: number; ends: (ApiFailure | undefined)[] } = {
    lines: [],
    opened: 0,
    ends: [],
  }
  const following = api.follow({
    path: '/api/v1/configmaps?watch=true',
    silenceMs: 5000,
    onOpen: () => seen.opened++,
    onLine: line => seen.lines.push(line),
    onEnd: failure => seen.ends.push(failure),
    ...request,
  })
  return Object.assign(seen, { close: () => following.close() })
}

function begin(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/json' })
}

describe.skipIf(!openssl)('follow', () => {
  it('gives line after line, whole, until the server ends it', async () => {
    fake.answer = stream => {
      begin(stream)
      const bytes = Buffer.from('{"type":"ADDED","object":"ü€😀"}\n{"type":"BOOKMARK"}\n')
      let at = 0
      const next = () => {
        if (at < bytes.length) stream.write(bytes.subarray(at, ++at), () => setImmediate(next))
        else stream.end()
      }
      next()
    }
    const seen = listen(client())
    await until(() => seen.ends.length === 1)
    expect(seen).toMatchObject({ opened: 1, ends: [undefined] })
    expect(seen.lines).toEqual([
      new Map([
        ['type', 'ADDED'],
        ['object', 'ü€😀'],
      ]),
      new Map([['type', 'BOOKMARK']]),
    ])
  })

  it('takes no places from requests, and shares a connection with other watches only', async () => {
    fake.answer = (stream, headers, body) => {
      if (String(headers[':path']).includes('watch')) begin(stream)
      else json(200, '{}')(stream, headers, body)
    }
    const made = client({ maxInFlight: 1 })
    const watches = Array.from({ length: 5 }, () => listen(made))
    await until(() => watches.every(watch => watch.opened === 1))
    expect(fake.connections).toBe(1)
    expect(await made.api.request({ method: 'GET', path: '/version' })).toMatchObject({ ok: true })
    expect(fake.connections).toBe(2)
    expect(made.api.state()).toMatchObject({ following: 5, inFlight: 0 })
    for (const watch of watches) watch.close()
    expect(made.api.state().following).toBe(0)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(watches.flatMap(watch => watch.ends)).toEqual([])
  })

  const failures: readonly [string, FakeApiServer['answer'], Partial<FollowRequest>, object][] = [
    [
      'it is refused',
      json(403, statusObject(403, 'no')),
      {},
      { reason: 'refused', status: 403, message: 'the API server answered 403: no' },
    ],
    ['it is too old', json(410, statusObject(410, 'too old')), {}, { reason: 'refused', status: 410 }],
    [
      '429',
      json(429, statusObject(429, 'no'), { 'retry-after': '2' }),
      {},
      { reason: 'throttled', retryAfterMs: 2000 },
    ],
    ['504', json(504, statusObject(504, 'Too large resource version')), {}, { reason: 'unavailable', status: 504 }],
    ['it is no JSON', json(200, '<html>', { 'content-type': 'text/html' }), {}, { reason: 'malformed' }],
    ['it never answers', () => {}, { timeoutMs: 100 }, { reason: 'timeout' }],
    [
      'it goes silent',
      begin,
      { silenceMs: 100 },
      { reason: 'unavailable', message: expect.stringContaining('silent') },
    ],
    [
      'a line is no JSON',
      stream => {
        begin(stream)
        stream.write('{}\n{"a":1,"a":2}\n{}\n')
      },
      {},
      { reason: 'malformed' },
    ],
    [
      'a line is too long',
      stream => {
        begin(stream)
        stream.write(`{}\n"${'x'.repeat(2000)}`)
      },
      { maxLineBytes: 1000 },
      { reason: 'malformed', message: expect.stringContaining('too long') },
    ],
    [
      'it ends within a line',
      stream => {
        begin(stream)
        stream.end('{}\n{"a"')
      },
      {},
      { reason: 'unavailable', message: expect.stringContaining('within a line') },
    ],
    [
      'it is reset',
      stream => {
        begin(stream)
        stream.write('{}\n', () => setTimeout(() => stream.destroy(new Error('reset')), 20))
      },
      {},
      { reason: 'unavailable' },
    ],
    [
      'the connection breaks',
      stream => {
        begin(stream)
        stream.write('{}\n', () => setTimeout(() => wire.cut(), 20))
      },
      {},
      { reason: 'unavailable' },
    ],
  ]
  it.each(failures)('says once that it failed: %s', async (_, answer, request, expected) => {
    fake.answer = answer
    const made = client({ timeoutMs: 2000 }, await wire.listen())
    const seen = listen(made, request)
    await until(() => seen.ends.length > 0)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(seen.ends).toEqual([expect.objectContaining(expected)])
    expect(seen.lines.length).toBeLessThanOrEqual(1)
    expect(made.api.state().following).toBe(0)
    const outcomes = made.events.filter(event => event.type === 'answered')
    expect(outcomes).toEqual([expect.objectContaining({ kind: 'watch', attempts: 1 })])
  })

  it('stays while something comes, however slowly', async () => {
    fake.answer = stream => {
      begin(stream)
      let count = 0
      const timer = setInterval(() => {
        stream.write('\n')
        if (++count === 20) stream.end('{}\n')
      }, 20)
      stream.on('close', () => clearInterval(timer))
    }
    const seen = listen(client(), { silenceMs: 200 })
    await until(() => seen.ends.length === 1)
    expect(seen).toMatchObject({ ends: [undefined], lines: [new Map()] })
  })

  it('notices within moments that the other end is gone without a word', async () => {
    fake.answer = begin
    const seen = listen(client({ pingAfterMs: 50, pingMs: 50 }, await wire.listen()), { silenceMs: 60_000 })
    await until(() => seen.opened === 1)
    wire.freeze()
    await until(() => seen.ends.length === 1)
    expect(seen.ends[0]).toMatchObject({ reason: 'unavailable' })
  })

  it('looks for new credentials when the old ones are refused, once', async () => {
    fake.answer = (stream, headers, body) => {
      if (headers.authorization === 'Bearer token-2') begin(stream)
      else {
        writeFileSync(join(folder, 'token'), 'token-2')
        json(401, statusObject(401, 'Unauthorized'))(stream, headers, body)
      }
    }
    const seen = listen(client())
    await until(() => seen.opened === 1)
    expect(fake.requests.map(request => request.authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
    fake.answer = json(401, statusObject(401, 'Unauthorized'))
    const refused = listen(client())
    await until(() => refused.ends.length === 1)
    expect(refused.ends[0]).toMatchObject({ reason: 'refused', status: 401 })
  })

  it('gives nothing more once it is closed, also from within a line', async () => {
    fake.answer = stream => {
      begin(stream)
      stream.write('1\n2\n3\n')
    }
    const made = client()
    const lines: JsonValue[] = []
    const seen = listen(made, {
      onLine: line => {
        lines.push(line)
        seen.close()
      },
    })
    await until(() => made.api.state().following === 0)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(lines).toEqual([1n])
    expect(seen.ends).toEqual([])
  })

  it('ends only itself when whoever listens fails', async () => {
    fake.answer = stream => {
      begin(stream)
      stream.write('1\n')
    }
    const made = client()
    const other = listen(made)
    const seen = listen(made, {
      onLine: () => {
        throw new Error('a bug')
      },
    })
    await until(() => seen.ends.length === 1 && other.lines.length === 1)
    expect(seen.ends[0]).toMatchObject({ reason: 'malformed', message: expect.stringContaining('failed') })
    expect(other.ends).toEqual([])
  })

  it('fails at once on a client that is closed, has too many, or gets a path that is none', async () => {
    fake.answer = begin
    const made = client()
    const watches = Array.from({ length: 65 }, () => listen(made))
    await until(() => watches.at(-1)?.ends.length === 1)
    expect(watches.at(-1)?.ends[0]).toMatchObject({ reason: 'overloaded' })
    watches[0]?.close()
    const odd = listen(made, { path: '/a b' })
    await until(() => odd.ends.length === 1)
    expect(odd.ends[0]).toMatchObject({ reason: 'refused' })
    made.api.close()
    const late = listen(made)
    await until(() => late.ends.length === 1)
    expect(late.ends[0]).toMatchObject({ reason: 'unavailable', message: 'the client is closed' })
    expect(watches[1]?.ends).toEqual([])
  })

  it('is not open before it is shown that nothing of its begin was held back', async () => {
    const times = { pingAfterMs: 60_000, pingMs: 200 }
    const port = await wire.listen()
    fake.answer = stream => {
      wire.mute()
      stream.respond({ ':status': 200, 'content-type': 'application/json' })
      stream.write('{}\n')
    }
    const seen = listen(client(times, port), { silenceMs: 60_000 })
    await until(() => seen.ends.length > 0)
    expect(seen.ends).toMatchObject([{ reason: 'unavailable' }])
    expect(seen.lines).toHaveLength(1)
    expect(seen.opened).toBe(0)
  })
})
