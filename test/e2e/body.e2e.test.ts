import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { errorOf, resultOf } from './support/answers.js'
import { type Http2Request, http2Request } from './support/http2-request.js'
import { initialize, toolsCall } from './support/messages.js'
import { needsEnvoy } from './support/needs-envoy.js'
import { rawRequest } from './support/raw-request.js'
import { type Stand, startStand } from './support/stand.js'

/** max_request_bytes in envoy/ext-authz.yaml. */
const LIMIT = 1_048_576

let stand: Stand
let alice: string
beforeAll(async () => {
  stand = await startStand({ upstream: 'kubernetes-stateless' })
  alice = await stand.idp.login('alice')
})
afterAll(() => stand?.stop())
beforeEach(() => stand.proxy.forget())

interface Sent {
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

/** The ways in which a body can travel. */
const transports: readonly {
  readonly how: string
  /** The frame that crosses the limit can be the last one: without body_size_limit, Envoy asks with a part of the body. */
  readonly endsBeyond?: true
  readonly send: (sent: Sent) => Promise<RawAnswer>
}[] = [
  { how: 'HTTP/1.1', send: sent => rawPost({ url: stand.url, token: alice, ...sent }) },
  { how: 'HTTP/1.1, chunked', send: sent => rawPost({ url: stand.url, token: alice, chunked: true, ...sent }) },
  { how: 'HTTP/2', endsBeyond: true, send: sent => over2({ ...sent }) },
  {
    how: 'HTTP/2 without content-length',
    endsBeyond: true,
    send: sent => over2({ ...sent, contentLength: false }),
  },
  { how: 'HTTP/2, ended by an empty frame', send: sent => over2({ ...sent, end: 'apart', contentLength: false }) },
]

function over2(sent: Omit<Http2Request, 'url' | 'token'>): Promise<RawAnswer> {
  return http2Request({ url: stand.url, token: alice, ...sent })
}

/** A valid message of exactly `length` bytes. */
function padded(length: number): string {
  return initialize.padEnd(length, ' ')
}

const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8')

describe.each(transports)('over $how', ({ send, endsBeyond }) => {
  it('an ordinary message passes', async () => {
    expect(resultOf(await send({ body: initialize }))).toMatchObject({ serverInfo: {} })
    expect(stand.proxy.count()).toBe(1)
  })

  it('a message of exactly the limit passes', async () => {
    expect((await send({ body: padded(LIMIT) })).status).toBe(200)
    expect(stand.proxy.count()).toBe(1)
  })

  it.each([1, 20_000, LIMIT])('%i bytes more than the limit: 413, and nobody is asked', async more => {
    const answer = await send({ body: padded(LIMIT + more) })
    expect(answer.status).toBe(413)
    expect(stand.proxy.count()).toBe(0)
    if (endsBeyond && more === 1) needsEnvoy('1.40', 'body_size_limit')
    expect(answer.headers['x-mcp-authz-decision-id']).toBeUndefined()
  })

  const call = toolsCall('pods_list_in_namespace', { namespace: 'team-a' })
  const refused: readonly ({ readonly what: string; readonly status: number; readonly reason: string } & Sent)[] = [
    { what: 'an empty body', body: '', status: 400, reason: 'framing.body_missing' },
    {
      what: 'gzip',
      body: gzipSync(initialize),
      headers: { 'content-encoding': 'gzip' },
      status: 415,
      reason: 'framing.content_encoding',
    },
    {
      what: 'gzip that is none',
      body: initialize,
      headers: { 'content-encoding': 'gzip' },
      status: 415,
      reason: 'framing.content_encoding',
    },
    {
      what: 'UTF-16, declared',
      body: Buffer.from(initialize, 'utf16le'),
      headers: { 'content-type': 'application/json; charset=utf-16' },
      status: 415,
      reason: 'framing.content_type',
    },
    {
      what: 'UTF-8, declared as UTF-16',
      body: initialize,
      headers: { 'content-type': 'application/json; charset=utf-16' },
      status: 415,
      reason: 'framing.content_type',
    },
    { what: 'UTF-16', body: Buffer.from(initialize, 'utf16le'), status: 400, reason: 'message.not_json' },
    { what: 'a byte order mark', body: `\ufeff${initialize}`, status: 400, reason: 'message.encoding' },
    {
      what: 'invalid UTF-8',
      body: Buffer.concat([utf8(call.slice(0, -4)), Buffer.from([0xff, 0xc3, 0x28]), utf8(call.slice(-4))]),
      status: 400,
      reason: 'message.encoding',
    },
    {
      what: 'text',
      body: initialize,
      headers: { 'content-type': 'text/plain' },
      status: 415,
      reason: 'framing.content_type',
    },
    {
      what: 'a form',
      body: initialize,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      reason: 'framing.content_type',
    },
    {
      what: 'a key twice',
      body: call.replace('"name":', '"name":"pods_list","name":'),
      status: 400,
      reason: 'message.duplicate_key',
    },
    {
      what: 'a key twice, once escaped',
      body: call.replace('"name":', '"n\\u0061me":"pods_list","name":'),
      status: 400,
      reason: 'message.duplicate_key',
    },
    {
      what: 'a key in two cases',
      body: call.replace('"name":', '"Name":"pods_list","name":'),
      status: 400,
      reason: 'message.folded_key',
    },
    { what: 'a second message after the first', body: `${call}\n${call}`, status: 400, reason: 'message.not_json' },
    { what: 'a NUL after the message', body: `${call}\0`, status: 400, reason: 'message.not_json' },
    { what: 'half a message', body: call.slice(0, -10), status: 400, reason: 'message.not_json' },
    { what: 'a batch', body: `[${call}]`, status: 400, reason: 'message.batch' },
    { what: 'no object', body: '"tools/call"', status: 400, reason: 'message.not_jsonrpc' },
    { what: 'a bottomless pit', body: '['.repeat(100_000), status: 400, reason: 'message.too_deep' },
    { what: 'a GET with a body', method: 'GET', body: initialize, status: 400, reason: 'framing.body_unexpected' },
    {
      what: 'a DELETE with a body',
      method: 'DELETE',
      body: initialize,
      status: 400,
      reason: 'framing.body_unexpected',
    },
    { what: 'a PUT', method: 'PUT', body: initialize, status: 405, reason: 'framing.http_method' },
  ]
  it.each(refused)('$what: $status $reason', async ({ status, reason, what: _, ...sent }) => {
    const answer = await send(sent)
    expect(answer.status).toBe(status)
    expect(errorOf(answer).data.reason).toBe(reason)
    expect(stand.proxy.count()).toBe(0)
  })

  it("a client's word on whether the body is complete does not count", async () => {
    const headers = { 'x-envoy-auth-partial-body': 'true' }
    expect((await send({ body: initialize, headers })).status).toBe(200)
    const empty = await send({ body: '', headers: { 'x-envoy-auth-partial-body': 'false' } })
    expect(errorOf(empty).data.reason).toBe('framing.body_missing')
  })

  it.each(['application/grpc', 'application/grpc+json', 'application/grpc-web'])(
    '%s: denied, though the client chooses how it is told',
    async type => {
      const answer = await send({ body: initialize, headers: { 'content-type': type } })
      // Envoy tells a gRPC client in its own way: 200, a status of gRPC, and our body as the message.
      if (answer.status === 200) {
        expect(answer.headers['grpc-status']).toMatch(/^[1-9]/)
        expect(decodeURIComponent(String(answer.headers['grpc-message']))).toContain('framing.content_type')
      } else expect(errorOf(answer).data.reason).toBe('framing.content_type')
      expect(stand.proxy.count()).toBe(0)
    },
  )
})

describe('what only HTTP/1.1 can say', () => {
  const head = (...lines: string[]): string =>
    [
      'POST /mcp HTTP/1.1',
      `Host: ${new URL(stand.url).host}`,
      `Authorization: Bearer ${alice}`,
      'Content-Type: application/json',
      ...lines,
    ]
      .map(line => `${line}\r\n`)
      .join('')
  const length = `Content-Length: ${initialize.length}`

  const cases: readonly { readonly what: string; readonly status: number; readonly lines: readonly string[] }[] = [
    { what: 'an upgrade to WebSocket', status: 403, lines: ['Connection: Upgrade', 'Upgrade: websocket', length] },
    { what: 'one in other letters', status: 403, lines: ['Connection: upgrade', 'Upgrade: WebSocket', length] },
    { what: 'an upgrade to something', status: 403, lines: ['Connection: Upgrade', 'Upgrade: foo', length] },
    { what: 'two lengths', status: 400, lines: [length, 'Content-Length: 5'] },
    { what: 'a length and chunks', status: 400, lines: [length, 'Transfer-Encoding: chunked'] },
    { what: 'chunks in chunks', status: 501, lines: ['Transfer-Encoding: chunked, chunked'] },
    { what: 'a space before the colon', status: 400, lines: [length, 'X-Colour : red'] },
  ]
  it.each(cases)('$what: $status', async ({ lines, status }) => {
    const { port } = new URL(stand.url)
    expect(await rawRequest(Number(port), `${head(...lines)}\r\n${initialize}`)).toBe(status)
    expect(stand.proxy.count()).toBe(0)
  })

  it('a second content type: 400', async () => {
    const headers = ['content-type', 'application/json', 'content-type', 'text/plain']
    const answer = await rawPost({ url: stand.url, token: alice, body: initialize, headers })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(errorOf(answer).data.reason).toMatch(/^framing\.(content_type|header_repeated)$/)
    expect(stand.proxy.count()).toBe(0)
  })

  it('Expect: 100-continue passes, and is answered', async () => {
    const { port } = new URL(stand.url)
    const accept = 'Accept: application/json, text/event-stream'
    const bytes = `${head(length, accept, 'Expect: 100-continue')}\r\n${initialize}`
    expect(await rawRequest(Number(port), bytes)).toBe(200)
    expect(stand.proxy.count()).toBe(1)
  })
})

describe('what only HTTP/2 can say', () => {
  it.each([
    { what: 'less', length: initialize.length + 5 },
    { what: 'more', length: initialize.length - 5 },
  ])('$what than content-length: the stream is reset', async ({ length }) => {
    const sent = over2({ body: initialize, contentLength: false, headers: { 'content-length': length } })
    await expect(sent).rejects.toThrow()
    expect(stand.proxy.count()).toBe(0)
  })
})

describe('a gateway without body_size_limit', () => {
  let bare: Stand
  let token: string
  beforeAll(async () => {
    bare = await startStand({ upstream: 'kubernetes-stateless', withoutBodySizeLimit: true })
    token = await bare.idp.login('alice')
  })
  afterAll(() => bare?.stop())
  beforeEach(() => bare.proxy.forget())

  it('asks with a part of an HTTP/2 body that ends beyond the limit, and is told no', async () => {
    const answer = await http2Request({ url: bare.url, token, body: padded(LIMIT + 1000), contentLength: false })
    expect(answer.status).toBe(413)
    expect(errorOf(answer).data.reason).toBe('framing.body_incomplete')
    expect(bare.proxy.count()).toBe(0)
  })

  it('answers all others 413 on its own', async () => {
    const body = padded(LIMIT + 1000)
    expect((await rawPost({ url: bare.url, token, body })).status).toBe(413)
    expect((await http2Request({ url: bare.url, token, body, end: 'apart' })).status).toBe(413)
    expect(bare.proxy.count()).toBe(0)
  })
})
