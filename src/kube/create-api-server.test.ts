import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  Authority,
  type Client,
  FakeApiServer,
  json,
  type KeyPair,
  openssl,
  podClient,
  podFolder,
  portOf,
  statusObject,
  until,
  Wire,
} from './api-server.fixture.js'
import type { ApiRequest, ApiResponse } from './api-server.js'

let authority: Authority
let pair: KeyPair
let fake: FakeApiServer
let folder: string
let wire: Wire
const opened: Client[] = []
const servers: FakeApiServer[] = []

beforeAll(() => {
  if (!openssl) return
  authority = new Authority('cluster')
  pair = authority.issue('/CN=apiserver', 'IP:127.0.0.1')
})
afterAll(() => authority?.remove())
beforeEach(async () => {
  if (!openssl) return
  fake = await start()
  folder = podFolder(authority, 'pod')
  wire = new Wire(fake.port)
})
afterEach(async () => {
  for (const { api } of opened.splice(0)) api.close()
  wire?.close()
  for (const server of servers.splice(0)) await server.kill()
})

async function start(options?: ConstructorParameters<typeof FakeApiServer>[1], port = 0): Promise<FakeApiServer> {
  const server = await new FakeApiServer(pair, options).listen(port)
  servers.push(server)
  return server
}

function client(options: Parameters<typeof podClient>[2] = {}, port = fake.port, directory = folder): Client {
  const made = podClient(port, directory, options)
  opened.push(made)
  return made
}

const get: ApiRequest = { method: 'GET', path: '/api/v1/pods' }
const ask: ApiRequest = {
  method: 'POST',
  path: '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict',
  body: '{"spec":{}}',
  repeatable: true,
}

describe.skipIf(!openssl)('a request', () => {
  it('brings JSON there and back, with the token of the pod, over one connection', async () => {
    const { api, events } = client()
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => api.request(n % 2 === 0 ? get : ask)))
    expect(answers.filter(answer => answer.ok)).toHaveLength(64)
    expect(answers.filter(answer => !answer.ok && answer.reason === 'overloaded')).toHaveLength(136)
    expect(fake.connections).toBe(1)
    expect(fake.requests[0]).toMatchObject({ authorization: 'Bearer token-1' })
    expect(fake.requests.filter(({ path, body }) => path === ask.path && body === ask.body)).toHaveLength(32)
    expect(answers[0]).toMatchObject({ ok: true, status: 200, body: new Map([['kind', 'Pod']]) })
    const kinds = events.flatMap(event => (event.type === 'answered' && event.outcome === 'ok' ? [event.kind] : []))
    expect(new Set(kinds)).toEqual(new Set(['read', 'sar']))
    expect(api.state()).toMatchObject({ connected: true, everConnected: true, inFlight: 0, waiting: 0, connects: 1 })
  })

  const answers: readonly [string, Parameters<typeof json>, object][] = [
    [
      'no',
      [403, statusObject(403, 'pods is forbidden: User "x" cannot list')],
      {
        reason: 'refused',
        status: 403,
        message: 'the API server answered 403: pods is forbidden: User "x" cannot list',
      },
    ],
    ['gone', [410, statusObject(410, 'too old')], { reason: 'refused', status: 410 }],
    ['an error of its own', [500, statusObject(500, 'etcd')], { reason: 'unavailable', status: 500 }],
    ['a redirect', [302, '{}', { location: 'https://evil.example.com' }], { reason: 'malformed', status: 302 }],
    ['garbage', [200, '{"kind":'], { reason: 'malformed', status: 200 }],
    ['nothing', [200, ''], { reason: 'malformed' }],
    ['too much of nothing', [200, `[${'[],'.repeat(300_000)}[]]`], { reason: 'malformed' }],
    ['a key twice', [200, '{"allowed":false,"allowed":true}'], { reason: 'malformed' }],
    ['HTML', [200, '<html>', { 'content-type': 'text/html' }], { reason: 'malformed' }],
    ['a proxy error in HTML', [502, '<html>', { 'content-type': 'text/html' }], { reason: 'unavailable', status: 502 }],
    ['something packed', [200, '{}', { 'content-encoding': 'gzip' }], { reason: 'malformed' }],
    [
      'the token sent back',
      [400, statusObject(400, `bad token-1\n${'x'.repeat(900)}`)],
      { reason: 'refused', message: `the API server answered 400: bad [credential] ${'x'.repeat(482)}…` },
    ],
    [
      'a JWT',
      [400, statusObject(400, 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln is bad')],
      { message: 'the API server answered 400: [token] is bad' },
    ],
  ]
  it.each(answers)('tells what the API server answered: %s', async (_, answer, expected) => {
    fake.answer = json(...answer)
    expect(await client().api.request({ ...get, repeatable: false })).toMatchObject({ ok: false, ...expected })
  })

  it('refuses an answer that is larger than asked for, while reading it', async () => {
    let written = 0
    let closed = false
    fake.answer = stream => {
      stream.respond({ ':status': 200, 'content-type': 'application/json' })
      stream.on('close', () => {
        closed = true
      })
      const more = () => {
        while (!closed && stream.write(' '.repeat(16_384))) written += 16_384
      }
      stream.on('drain', more)
      more()
    }
    const answer = await client().api.request({ ...get, maxBytes: 100_000 })
    expect(answer).toMatchObject({ reason: 'malformed', message: expect.stringContaining('100000 bytes') })
    await until(() => closed)
    expect(written).toBeLessThan(4 * 1024 * 1024)
  })

  const slow: readonly [string, FakeApiServer['answer']][] = [
    ['no headers', () => {}],
    ['headers and nothing more', stream => stream.respond({ ':status': 200, 'content-type': 'application/json' })],
    [
      'a body that drips',
      stream => {
        stream.respond({ ':status': 200, 'content-type': 'application/json' })
        const timer = setInterval(() => stream.write(' '), 10)
        stream.on('close', () => clearInterval(timer))
      },
    ],
  ]
  it.each(slow)('ends with its time: %s', async (_, answer) => {
    let reset = -1
    fake.answer = (stream, ...rest) => {
      stream.on('close', () => {
        reset = stream.rstCode ?? 0
      })
      answer(stream, ...rest)
    }
    const { api } = client()
    const slowly = fake.answer
    fake.answer = json(200, '{}')
    await api.request(get)
    fake.answer = slowly
    const startedAt = performance.now()
    expect(await api.request({ ...get, timeoutMs: 200 })).toMatchObject({ reason: 'timeout' })
    const took = performance.now() - startedAt
    expect(took).toBeGreaterThan(195)
    expect(took).toBeLessThan(1500)
    await until(() => reset === 8) // CANCEL: the API server need not go on
    fake.answer = json(200, '{}')
    expect(await api.request(get)).toMatchObject({ ok: true })
    expect(fake.connections).toBe(1)
  })

  it('waits for a place in turn, and no longer than its time', async () => {
    const held: (() => void)[] = []
    fake.answer = (stream, headers, body) => held.push(() => json(200, '{}')(stream, headers, body))
    const { api } = client({ maxInFlight: 2 })
    const first = [api.request(get), api.request(get)]
    const late = api.request({ ...get, timeoutMs: 50 })
    const next = api.request(get)
    expect(await api.request(get)).toMatchObject({
      reason: 'overloaded',
      message: expect.stringContaining('maxInFlight'),
    })
    expect(await late).toMatchObject({ reason: 'timeout', message: expect.stringContaining('waiting') })
    await until(() => held.length === 2)
    for (const answer of held.splice(0)) answer()
    await until(() => held.length === 1)
    held[0]?.()
    for (const answer of await Promise.all([...first, next])) expect(answer).toMatchObject({ ok: true })
  })

  it('opens no more streams than the server allows', async () => {
    const few = await start({ maxStreams: 3 })
    let open = 0
    let most = 0
    few.answer = (stream, headers, body) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        json(200, '{}')(stream, headers, body)
      }, 5)
    }
    const { api } = client({ maxInFlight: 20 }, few.port)
    expect(await api.request(get)).toMatchObject({ ok: true })
    const all = await Promise.all(Array.from({ length: 20 }, () => api.request(get)))
    expect(all.every(answer => answer.ok)).toBe(true)
    expect(most).toBeLessThanOrEqual(3)
  })

  it('asks for the type of JSON that is wanted', async () => {
    fake.answer = (stream, headers, body) =>
      json(200, '{}', { 'content-type': String(headers.accept) })(stream, headers, body)
    const { api } = client()
    for (const accept of [
      'application/jwk-set+json',
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    ]) {
      expect(await api.request({ ...get, accept })).toMatchObject({ ok: true })
    }
    expect(await api.request({ ...get, accept: 'application/json; charset=utf-16' })).toMatchObject({
      reason: 'malformed',
    })
  })

  it.each(['api/v1', '', '/a b', '/ä', '/a\r\nx: y'])('refuses the path %j', async path => {
    expect(await client().api.request({ ...get, path })).toMatchObject({ reason: 'refused', status: undefined })
  })
})

describe.skipIf(!openssl)('what goes wrong on the way', () => {
  function failOnce(fault: FakeApiServer['answer']): void {
    let failed = false
    fake.answer = (stream, headers, body) => {
      if (failed) return json(200, '{}')(stream, headers, body)
      failed = true
      fault(stream, headers, body)
    }
  }
  const faults: readonly [string, FakeApiServer['answer']][] = [
    ['503', json(503, statusObject(503, 'not yet'))],
    ['500', json(500, 'oops')],
    ['the connection dies', stream => stream.session?.destroy()],
    [
      'the connection dies within the body',
      stream => {
        stream.respond({ ':status': 200, 'content-type': 'application/json' })
        stream.write('{}', () => setTimeout(() => wire.cut(), 20))
      },
    ],
    [
      'the stream is reset within the body',
      stream => {
        stream.respond({ ':status': 200, 'content-type': 'application/json' })
        stream.write('{}', () => setTimeout(() => stream.destroy(new Error('reset')), 20))
      },
    ],
    ['the stream is reset', stream => stream.close(2)],
    [
      'there are more and more informational answers',
      stream => {
        for (let at = 0; at < 100; at++) stream.additionalHeaders({ ':status': 103 })
      },
    ],
  ]
  it.each(faults)('is tried once more where that does no harm: %s', async (_, fault) => {
    const { api } = client({}, await wire.listen())
    failOnce(fault)
    expect(await api.request(ask)).toMatchObject({ ok: true })
    failOnce(fault)
    expect(await api.request({ ...ask, repeatable: false })).toMatchObject({ reason: 'unavailable' })
    fake.answer = fault
    fake.requests = []
    expect(await api.request(get)).toMatchObject({ reason: 'unavailable' })
    expect(fake.requests).toHaveLength(2)
  })

  it('is tried once more in any case if the server says that it did nothing', async () => {
    failOnce(stream => stream.close(7))
    expect(await client().api.request({ ...ask, repeatable: false })).toMatchObject({ ok: true })
  })

  it('429 is tried once more if its Retry-After fits, whatever the method', async () => {
    failOnce(json(429, statusObject(429, 'slow down'), { 'retry-after': '1' }))
    const startedAt = performance.now()
    expect(await client().api.request({ ...ask, repeatable: false })).toMatchObject({ ok: true })
    expect(performance.now() - startedAt).toBeGreaterThan(990)
  })

  it.each([
    ['999999999999', 3_600_000],
    ['30', 30_000],
    ['-1', undefined],
    ['1e9', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ])('429 with Retry-After %s is told at once', async (header, retryAfterMs) => {
    const { api } = client({ timeoutMs: 900, maxInFlight: 8 })
    await api.request({ ...get, timeoutMs: 5000 })
    fake.answer = json(429, statusObject(429, 'slow down'), { 'retry-after': header })
    const startedAt = performance.now()
    const answer = await api.request(ask)
    expect(answer).toMatchObject({ reason: 'throttled', status: 429 })
    expect(answer.ok ? undefined : answer.retryAfterMs).toBe(retryAfterMs)
    expect(performance.now() - startedAt).toBeLessThan(850)
    expect(api.state().limit).toBe(4)
    fake.answer = json(200, '{}')
    for (let n = 0; n < 40; n++) await api.request(get)
    expect(api.state().limit).toBe(8)
  })

  it('GOAWAY lets finish what is under way, and the next request connects anew', async () => {
    const held: (() => void)[] = []
    fake.answer = (stream, headers, body) => held.push(() => json(200, '{}')(stream, headers, body))
    const { api, events } = client()
    const first = api.request(ask)
    await until(() => held.length === 1)
    for (const session of fake.sessions) session.goaway(0)
    await until(() => events.some(event => event.type === 'disconnected'))
    const second = api.request(ask)
    await until(() => held.length === 2)
    for (const answer of held) answer()
    expect(await first).toMatchObject({ ok: true })
    expect(await second).toMatchObject({ ok: true })
    expect(fake.connections).toBe(2)
    expect(fake.requests).toHaveLength(2)
  })

  it('a connection that served long enough is replaced, and nobody notices', async () => {
    const { api } = client({ maxAgeMs: 30 })
    const answers: ApiResponse[] = []
    await until(() => {
      void api.request({ ...ask, repeatable: false }).then(answer => answers.push(answer))
      return fake.connections > 2
    })
    await until(() => api.state().inFlight === 0)
    expect(answers.filter(answer => !answer.ok)).toEqual([])
    await until(() => fake.sessions.size <= 1)
  })

  it('a server that sends everybody away is not connected to without end', async () => {
    fake.server.on('session', session => session.goaway(0))
    const { api } = client({ timeoutMs: 600 })
    const answers = await Promise.all(Array.from({ length: 30 }, () => api.request(ask)))
    for (const answer of answers) expect(answer.ok || ['unavailable', 'timeout'].includes(answer.reason)).toBe(true)
    expect(fake.connections).toBeLessThan(12)
  })

  it('a server that comes back is found again', async () => {
    const { api, events } = client({ timeoutMs: 3000 })
    expect(await api.request(ask)).toMatchObject({ ok: true })
    await fake.kill()
    servers.splice(0)
    expect(await api.request(ask)).toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('nobody listens there'),
    })
    expect(api.state()).toMatchObject({
      connected: false,
      everConnected: true,
      problem: expect.stringContaining('nobody'),
    })
    const waiting = api.request(ask)
    fake = await start({}, fake.port)
    expect(await waiting).toMatchObject({ ok: true })
    expect(events.map(event => event.type)).toContain('connectFailed')
    expect(api.state().problem).toBe('')
  })

  it('while the last attempt to connect failed that is the answer, whatever the time ran out on', async () => {
    const { api, events } = client({ connectMs: 400 }, await wire.listen())
    const failures = () => events.filter(({ type }) => type === 'connectFailed').length
    wire.freeze()
    const late = { reason: 'timeout', message: expect.stringContaining('it was spent on connecting') }
    expect(await api.request({ ...ask, timeoutMs: 250 })).toMatchObject(late)
    await until(() => failures() > 0)
    // In pauses before attempts, and in attempts.
    for (let asked = 0; asked < 10 || failures() < 4; asked++) {
      const answer = await api.request({ ...ask, timeoutMs: 60 })
      expect(answer).toMatchObject({ reason: 'unavailable', message: expect.stringContaining('nothing within 400 ms') })
    }
    wire.thaw()
    expect(await api.request({ ...ask, timeoutMs: 10_000 })).toMatchObject({ ok: true })
    // A session that is younger when it ends counts as a failure.
    await new Promise(resolve => setTimeout(resolve, 1050))
    wire.freeze()
    wire.cut()
    await until(() => !api.state().connected)
    expect(await api.request({ ...ask, timeoutMs: 250 })).toMatchObject(late)
  })

  it('a connection that hears nothing is given up, and what was under way goes elsewhere', async () => {
    const { api, events } = client({ pingAfterMs: 50, pingMs: 100 }, await wire.listen())
    expect(await api.request(ask)).toMatchObject({ ok: true })
    wire.freeze()
    const under = api.request(ask)
    await until(() =>
      events.some(event => event.type === 'disconnected' && event.message.includes('no longer answers')),
    )
    wire.thaw()
    expect(await under).toMatchObject({ ok: true })
    expect(wire.connections).toBe(2)
  })

  it('a request that got no answer in time has the connection looked at', async () => {
    const { api, events } = client({ pingMs: 50 }, await wire.listen())
    expect(await api.request(ask)).toMatchObject({ ok: true })
    wire.freeze()
    expect(await api.request({ ...ask, timeoutMs: 100 })).toMatchObject({ reason: 'timeout' })
    await until(() => events.some(event => event.type === 'disconnected'))
    wire.thaw()
    expect(await api.request(ask)).toMatchObject({ ok: true })
  })

  it('everything ends when it is closed', async () => {
    fake.answer = () => {}
    const { api } = client({ maxInFlight: 1 })
    const [one, two] = [api.request(ask), api.request(ask)]
    await until(() => fake.requests.length === 1)
    api.close()
    for (const answer of [await one, await two, await api.request(ask)]) {
      expect(answer).toMatchObject({ reason: 'unavailable', message: 'the client is closed' })
    }
    await until(() => fake.sessions.size === 0)
  })
})

describe.skipIf(!openssl)('credentials', () => {
  const files: readonly [string, (folder: string) => void, string][] = [
    ['no token', folder => writeFileSync(join(folder, 'token'), ''), 'is empty'],
    ['a token of blanks', folder => writeFileSync(join(folder, 'token'), ' \n'), 'is empty'],
    ['a token with a line break', folder => writeFileSync(join(folder, 'token'), 'a\r\nx: y'), 'characters'],
    ['a token that is too large', folder => writeFileSync(join(folder, 'token'), 'a'.repeat(40_000)), 'larger than'],
    ['no authority', folder => writeFileSync(join(folder, 'ca.crt'), 'nothing'), 'holds no PEM'],
    [
      'a broken authority',
      folder => writeFileSync(join(folder, 'ca.crt'), '-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n'),
      'holds no certificate',
    ],
  ]
  it.each(files)('that are not there make it unavailable: %s', async (_, spoil, message) => {
    spoil(folder)
    expect(await client().api.request(ask)).toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining(message),
    })
    expect(fake.requests).toHaveLength(0)
  })

  it('outside a cluster there are none', async () => {
    const { api } = client({ variables: {} })
    expect(await api.request(ask)).toMatchObject({ message: expect.stringContaining('not in a cluster') })
    expect(api.state()).toMatchObject({ everConnected: false, problem: expect.stringContaining('not in a cluster') })
  })

  it('are read anew when the API server no longer takes them', async () => {
    const accepted = new Set(['Bearer token-1'])
    fake.answer = (stream, headers, body) => {
      const known = accepted.has(String(headers.authorization))
      json(known ? 200 : 401, known ? '{}' : statusObject(401, 'Unauthorized'))(stream, headers, body)
    }
    const { api } = client()
    expect(await api.request(ask)).toMatchObject({ ok: true })
    writeFileSync(join(folder, 'token'), 'token-2\n')
    accepted.clear()
    accepted.add('Bearer token-2')
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.request({ ...ask, repeatable: false })))
    expect(answers.every(answer => answer.ok)).toBe(true)
    expect(fake.connections).toBe(1)
    accepted.clear()
    fake.requests = []
    expect(await api.request(ask)).toMatchObject({ reason: 'refused', status: 401 })
    expect(fake.requests).toHaveLength(1) // there is no newer token, so asking again would not help
  })

  it('are followed while they are in use', async () => {
    const { api } = client({ checkMs: 10 })
    expect(await api.request(ask)).toMatchObject({ ok: true })
    writeFileSync(join(folder, 'token'), 'token-2')
    await until(() => {
      void api.request(ask)
      return fake.requests.at(-1)?.authorization === 'Bearer token-2'
    })
    // Such as a volume that is not there for a moment: what was good stays in use.
    writeFileSync(join(folder, 'token'), '')
    await until(() => {
      void api.request(ask)
      return api.state().problem.includes('is empty')
    })
    expect(await api.request(ask)).toMatchObject({ ok: true })
  })

  it('a new authority counts for the next request, and the old connection finishes', async () => {
    const other = new Authority('other')
    try {
      const held: (() => void)[] = []
      fake.answer = (stream, headers, body) => held.push(() => json(200, '{}')(stream, headers, body))
      const { api } = client({ checkMs: 10 })
      const first = api.request(ask)
      await until(() => held.length === 1)
      writeFileSync(join(folder, 'ca.crt'), other.ca)
      let answer = await api.request({ ...ask, timeoutMs: 100 })
      for (let n = 0; n < 100 && !answer.ok && answer.reason === 'timeout'; n++) {
        answer = await api.request({ ...ask, timeoutMs: 100 })
      }
      expect(answer).toMatchObject({ reason: 'unavailable', message: expect.stringContaining('not signed by') })
      held[0]?.()
      expect(await first).toMatchObject({ ok: true })
    } finally {
      other.remove()
    }
  })
})

describe.skipIf(!openssl)('a connection', () => {
  it('is refused to a server that is not the one', async () => {
    const other = new Authority('other')
    try {
      const pod = podFolder(other, 'pod')
      const { api, events } = client({}, fake.port, pod)
      expect(await api.request(ask)).toMatchObject({ message: expect.stringContaining('not signed by') })
      expect(events).toContainEqual({ type: 'connectFailed', purpose: 'requests', message: expect.any(String) })
      expect(fake.requests).toHaveLength(0)
    } finally {
      other.remove()
    }
  })

  it('is refused to a server whose certificate is for another name', async () => {
    const { api } = client({ host: 'localhost' })
    expect(await api.request(ask)).toMatchObject({ message: expect.stringContaining('not for localhost') })
  })

  it('needs HTTP/2', async () => {
    const { createServer } = await import('node:https')
    const server = createServer({ ...pair }, (_, response) => response.end('{}'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { api } = client({}, portOf(server))
      expect(await api.request(ask)).toMatchObject({
        reason: 'unavailable',
        message: expect.stringContaining('HTTP/2'),
      })
    } finally {
      server.close()
    }
  })

  it('needs TLS, and somebody who speaks', async () => {
    const { createServer } = await import('node:net')
    for (const [greeting, message] of [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', 'no TLS'],
      ['', 'nothing within 200 ms'],
    ] as const) {
      const server = createServer(socket => {
        socket.on('error', () => {})
        if (greeting !== '') socket.write(greeting)
      })
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const { api } = client({ connectMs: 200 }, portOf(server))
      const answer = await api.request({ ...ask, repeatable: false })
      expect(answer).toMatchObject({ reason: 'unavailable', message: expect.stringContaining(message) })
      api.close()
      server.close()
    }
  })
})
