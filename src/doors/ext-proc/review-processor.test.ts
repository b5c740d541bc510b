import { describe, expect, it } from 'vitest'
import type { Decision } from '../../decision/decision.js'
import { failure } from '../../decision/failure.js'
import { plainDenial } from '../../decision/plain-denial.js'
import type { ExchangeReview, ReviewedExchange } from '../../decision/reviewed-exchange.js'
import type { JsonObject, JsonValue } from '../../protocol/json-value.js'
import { appendText } from '../../protocol/mcp/append-text.js'
import { responseFailure } from '../../protocol/mcp/response-failure.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import { ByteBudget } from '../envoy/byte-budget.js'
import type { BodyVerdict, HeadersVerdict, RequestHead, ResponseHead } from './exchange-processor.js'
import { ReviewProcessor } from './review-processor.js'

/** Of an exchange that removes the letter x; "broken" cannot be read. */
function exchangeOf(more: Partial<ReviewedExchange> = {}): ReviewedExchange {
  return {
    active: true,
    identified: true,
    bindsSessions: true,
    session: { kind: 'none' },
    target: undefined,
    endpoint: data => data,
    tag: id => `${id}~tag`,
    provisional: false,
    guardsResults: false,
    work: judged => ({
      lists: judged?.method === undefined || judged.method === 'tools/list',
      guarded: false,
      texts: judged?.texts ?? [],
    }),
    reviewText: text => text,
    review: async (message, judged) => {
      const texts = judged?.texts ?? []
      if (texts.length > 0) {
        const told = appendText(message, texts)
        return told.ok ? told : { ok: true, bytes: message }
      }
      const text = Buffer.from(message).toString()
      if (text.includes('broken')) return responseFailure('response.not_json', 0)
      return { ok: true, bytes: text.includes('x') ? Buffer.from(text.replaceAll('x', '')) : message }
    },
    refuse: () => Buffer.from('refused'),
    deny: (why, status): Decision => plainDenial(why, { status, code: -31000 }),
    ...more,
  }
}

function processorOf(more: Partial<ReviewedExchange> = {}): ReviewProcessor {
  const review: ExchangeReview = { open: () => exchangeOf(more), unseen: () => exchangeOf(more) }
  return new ReviewProcessor(review)
}

function requestHead(headers: Readonly<Record<string, string>> = {}): RequestHead {
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'mcp.example.com',
    path: '/mcp',
    query: undefined,
    headers: RequestHeaders.from(Object.entries(headers)),
    peer: { address: '', principal: '' },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: 't', door: 'ext-proc', profile: 'envoy', trust: 'none' },
    endOfStream: false,
  }
}

interface Answered {
  readonly headers?: Readonly<Record<string, string>>
  readonly said?: Readonly<Record<string, string>>
  readonly status?: number
  readonly endOfStream?: boolean
}

function responseHead({ headers = {}, said, status = 200, endOfStream = false }: Answered): ResponseHead {
  const decided: JsonObject = new Map(Object.entries(said ?? {}))
  return {
    status,
    headers: RequestHeaders.from(Object.entries({ 'content-type': 'application/json', ...headers })),
    metadata: new Map(said === undefined ? [] : [['envoy.filters.http.ext_authz', decided]]),
    endOfStream,
    unannounced: false,
  }
}

const list = { decision: 'allow', method: 'tools/list' }
const call = { decision: 'allow', method: 'tools/call' }
const sse = { 'content-type': 'text/event-stream; charset=utf-8' }
const gzip = { 'content-encoding': 'gzip' }
const brief = (verdict: HeadersVerdict) =>
  verdict.kind === 'body' ? verdict.as : verdict.kind === 'respond' ? verdict.reply.status : verdict.kind

describe('what Guardrails are to see', () => {
  const guarded = { work: () => ({ lists: false, guarded: true, texts: [] }), guardsResults: true }
  const typed = (type: string, status = 200) => responseHead({ said: call, status, headers: { 'content-type': type } })
  it.each<[string, Partial<ReviewedExchange>, ResponseHead, string | number]>([
    ['a text', {}, typed('text/plain'), 'buffer'],
    ['a text in Latin-1', {}, typed('text/html; charset=ISO-8859-1', 500), 'buffer'],
    ['a text in UTF-16', {}, typed('text/plain; charset=utf-16', 500), 503],
    ['a text in UTF-7', {}, typed('text/plain; charset="UTF-7"'), 503],
    ['an error for somebody', {}, typed('application/json', 401), 'buffer'],
    ['an error of the server for who is not known', { identified: false }, typed('application/json', 401), 'buffer'],
  ])('%s', (_name, exchange, head, expected) => {
    expect(brief(processorOf({ ...guarded, ...exchange }).onResponseHeaders(head))).toBe(expected)
  })
})

describe('a page in another encoding', () => {
  const guarded = {
    work: () => ({ lists: false, guarded: true, texts: [] }),
    review: () => responseFailure('response.encoding', 0),
    reviewText: () => Buffer.from('searched'),
  }
  it.each([
    ['an error page is searched', 500, 'text/html', 'searched'],
    ['JSON is refused', 500, 'application/json', 'refused'],
    ['what is no error is refused', 200, 'text/html', 'refused'],
  ])('%s', async (_name, status, type, expected) => {
    const processor = processorOf(guarded)
    processor.onResponseHeaders(responseHead({ said: call, status, headers: { 'content-type': type } }))
    const verdict = await processor.onResponseBody(Buffer.from([0xe9]), true)
    expect(verdict.kind === 'send' && Buffer.from(verdict.bytes).toString()).toBe(expected)
  })
})

describe('events that have not ended', () => {
  const streaming = (budget: ByteBudget) => {
    const review: ExchangeReview = { open: () => exchangeOf(), unseen: () => exchangeOf() }
    const processor = new ReviewProcessor(review, budget)
    processor.onResponseHeaders(responseHead({ said: list, headers: sse }))
    return processor
  }

  it('have a bound together', async () => {
    const budget = new ByteBudget(4096)
    const [one, other] = [streaming(budget), streaming(budget)]
    expect(await one.onResponseBody(Buffer.from(`data: ${'a'.repeat(3000)}`), false)).toMatchObject({ kind: 'send' })
    expect(await other.onResponseBody(Buffer.from(`data: ${'a'.repeat(3000)}`), false)).toMatchObject({
      reply: { status: 503, body: expect.stringContaining('dependency.overloaded') },
    })
    one.onClose()
    other.onClose()
    expect(budget.taken).toBe(0)
  })

  it('take no room when they have', async () => {
    const budget = new ByteBudget(4096)
    const processor = streaming(budget)
    await processor.onResponseBody(Buffer.from('data: {"a":'), false)
    expect(budget.taken).toBeGreaterThan(0)
    await processor.onResponseBody(Buffer.from('1}\n\n'), false)
    expect(budget.taken).toBe(0)
  })
})

describe('answers', () => {
  const cases: readonly (readonly [string, Answered, string | number])[] = [
    ['a list as JSON', { said: list }, 'buffer'],
    ['a list as a stream', { said: list, headers: sse }, 'stream'],
    ['a list with capitals in its type', { said: list, headers: { 'content-type': 'Application/JSON' } }, 'buffer'],
    ['a list without a body', { said: list, endOfStream: true }, 'pass'],
    ['a list that is compressed', { said: list, headers: gzip }, 503],
    ['a list in identity', { said: list, headers: { 'content-encoding': 'identity' } }, 'buffer'],
    ['a list with an unknown type', { said: list, headers: { 'content-type': 'text/html' } }, 503],
    ['a list with a type that cannot be read', { said: list, headers: { 'content-type': 'a/b, text/html' } }, 503],
    ['a list in UTF-8', { said: list, headers: { 'content-type': 'application/json; charset="UTF-8"' } }, 'buffer'],
    ['a list in UTF-7', { said: list, headers: { 'content-type': 'application/json; charset=utf-7' } }, 503],
    ['a stream in UTF-16', { said: list, headers: { 'content-type': 'text/event-stream;charset=utf-16' } }, 503],
    ['a batch in UTF-16', { headers: { 'content-type': 'application/json;charset=UTF-16LE' } }, 503],
    ['an error in Latin-1', { status: 500, headers: { 'content-type': 'application/json;charset=latin1' } }, 'pass'],
    ['a batch in JSON of a kind', { headers: { 'content-type': 'application/mcp+json' } }, 'buffer'],
    ['a batch in text/json', { headers: { 'content-type': 'text/json' } }, 'buffer'],
    ['an error in HTML', { said: list, status: 502, headers: { 'content-type': 'text/html' } }, 'pass'],
    ['an error that is compressed', { said: list, status: 502, headers: gzip }, 'pass'],
    ['an error in JSON', { said: list, status: 400 }, 'buffer'],
    ['a call', { said: call }, 'pass'],
    ['a call that is compressed', { said: call, headers: gzip }, 'pass'],
    ['a batch, or the stream of a session', { said: { decision: 'allow' }, headers: sse }, 'stream'],
    ['a page of a session', { said: { decision: 'allow' }, headers: { 'content-type': 'text/html' } }, 'pass'],
    ['a type that may be anything', { said: { decision: 'allow' }, headers: { 'content-type': 'a, b' } }, 503],
    ['what nobody decided about', {}, 'buffer'],
    ['a method that only the answer names', { said: { method: 'tools/call' } }, 'buffer'],
    ['a denial of ext_authz', { said: { decision: 'deny', method: 'tools/list' }, status: 401 }, 'pass'],
    ['a document of ours', { said: { decision: 'respond' } }, 'pass'],
  ]
  it.each(cases)('%s: %j is %s', (_what, answered, expected) => {
    expect(brief(processorOf().onResponseHeaders(responseHead(answered)))).toBe(expected)
  })

  it('of a Server in Audit pass', () => {
    const headers = { 'mcp-session-id': 'raw' }
    expect(processorOf({ active: false }).onResponseHeaders(responseHead({ said: list, headers }))).toEqual({
      kind: 'pass',
    })
  })
})

describe('requests', () => {
  it.each([
    ['asks for what can be read', { 'accept-encoding': 'gzip' }, [{ name: 'accept-encoding', value: 'identity' }]],
    [
      'does so for lists of the modern era',
      { 'accept-encoding': 'br', 'mcp-method': 'tools/list' },
      [{ name: 'accept-encoding', value: 'identity' }],
    ],
    ['not where the method is no list', { 'accept-encoding': 'gzip', 'mcp-method': 'tools/call' }, undefined],
    ['nor where nobody asks for more', {}, undefined],
  ])('%s', async (_what, headers, set) => {
    const verdict = await processorOf().onRequestHeaders(requestHead(headers))
    expect(verdict).toEqual(set === undefined ? { kind: 'pass' } : { kind: 'pass', changes: { set, remove: [] } })
  })

  it('go on with the id of the server', async () => {
    const processor = processorOf({ session: { kind: 'own', id: 'raw', voucher: 'k1~hash' } })
    const verdict = await processor.onRequestHeaders(requestHead({ 'mcp-session-id': 'raw~tag' }))
    const set = [
      { name: 'mcp-session-id', value: 'raw' },
      { name: 'x-mcp-authz-session', value: 'k1~hash' },
    ]
    expect(verdict).toMatchObject({ changes: { set } })
  })

  it('go on without what a client says of its session', async () => {
    const verdict = await processorOf().onRequestHeaders(requestHead({ 'x-mcp-authz-session': 'k1~hash' }))
    expect(verdict).toMatchObject({ changes: { remove: ['x-mcp-authz-session'] } })
  })

  it('go on without one where nobody knows whose it is', async () => {
    const verdict = await processorOf({ identified: false }).onRequestHeaders(requestHead({ 'mcp-session-id': 'raw' }))
    expect(verdict).toMatchObject({ changes: { remove: ['mcp-session-id'] } })
  })

  it('with a session of somebody else end here', async () => {
    const why = failure('session.foreign', 'not yours')
    const processor = processorOf({ session: { kind: 'refused', status: 404, why } })
    const verdict = await processor.onRequestHeaders(requestHead())
    expect(verdict).toMatchObject({ kind: 'respond', reply: { status: 404 } })
  })
})

describe('sessions over HTTP+SSE', () => {
  const stream = { headers: { 'content-type': 'text/event-stream' } }
  const endpoint = 'event: endpoint\ndata: /messages?sessionId=raw\n\n'

  it('go on in the query', () => {
    const session = { kind: 'own', id: 'raw', voucher: 'k1~hash', target: '/messages?sessionId=raw' } as const
    const verdict = processorOf({ session, target: session.target }).onRequestHeaders(requestHead())
    expect(verdict).toMatchObject({
      changes: { set: [{ name: 'x-mcp-authz-session', value: 'k1~hash' }], target: '/messages?sessionId=raw' },
    })
  })

  it.each<[string, (data: Uint8Array) => Uint8Array | undefined, string]>([
    ['with a tag', () => Buffer.from('/messages?sessionId=raw~tag'), endpoint.replace('raw', 'raw~tag')],
    ['as they are where none are bound', data => data, endpoint],
  ])('are told %s', async (_how, edit, expected) => {
    const processor = processorOf({ endpoint: edit })
    processor.onResponseHeaders(responseHead(stream))
    expect(await processor.onResponseBody(Buffer.from(endpoint), false)).toMatchObject({
      kind: 'send',
      bytes: Buffer.from(expected),
    })
  })

  it('that cannot be bound end the stream', async () => {
    const processor = processorOf({ endpoint: () => undefined })
    processor.onResponseHeaders(responseHead(stream))
    expect(await processor.onResponseBody(Buffer.from(endpoint), false)).toMatchObject({ kind: 'respond' })
  })

  it('have messages whose answer is no list, but comes on the stream', () => {
    const said = { decision: 'allow', method: 'tools/list' }
    const accepted = { ...responseHead({ said, headers: { 'content-type': 'text/plain' } }), status: 202 }
    expect(processorOf().onResponseHeaders(accepted)).toEqual({ kind: 'pass' })
  })
})

describe('sessions in answers', () => {
  it('are none where they are empty, and cannot be bound where there are two', () => {
    const said = { decision: 'allow', method: 'initialize' }
    const empty = responseHead({ said, headers: { 'mcp-session-id': '' } })
    expect(processorOf().onResponseHeaders(empty)).toMatchObject({ changes: { remove: ['mcp-session-id'] } })
    const pairs = ['a', 'b'].map(id => ['mcp-session-id', id] as const)
    const two = { ...responseHead({ said }), headers: RequestHeaders.from(pairs) }
    expect(processorOf().onResponseHeaders(two)).toMatchObject({ kind: 'respond', reply: { status: 503 } })
  })

  const given = responseHead({
    said: { decision: 'allow', method: 'initialize' },
    headers: { 'mcp-session-id': 'raw' },
  })

  it('are tagged, whatever the body is', () => {
    const set = [{ name: 'mcp-session-id', value: 'raw~tag' }]
    expect(processorOf().onResponseHeaders(given)).toEqual({ kind: 'pass', changes: { set } })
  })

  it('are kept from callers that nobody knows', () => {
    const verdict = processorOf({ identified: false, tag: () => undefined }).onResponseHeaders(given)
    expect(verdict).toMatchObject({ kind: 'pass', changes: { remove: ['mcp-session-id'] } })
  })

  it('that cannot be tagged fail', () => {
    expect(brief(processorOf({ tag: () => undefined }).onResponseHeaders(given))).toBe(503)
  })

  it('stay as they are without keys', () => {
    expect(processorOf({ bindsSessions: false }).onResponseHeaders(given)).toEqual({ kind: 'pass' })
  })
})

async function bodyOf(processor: ReviewProcessor, chunks: readonly string[]): Promise<string> {
  let text = ''
  for (const [index, chunk] of chunks.entries()) {
    const verdict: BodyVerdict = await processor.onResponseBody(Buffer.from(chunk), index === chunks.length - 1)
    if (verdict.kind === 'respond') return `status ${verdict.reply.status}`
    text += Buffer.from(verdict.bytes).toString()
  }
  return text
}

describe('bodies', () => {
  it.each([
    ['a list', 'axb', 200, 'ab'],
    ['what cannot be read', 'broken', 200, 'refused'],
    ['an error that is no JSON', 'broken', 502, 'broken'],
    ['nothing', '', 200, ''],
  ])('%s', async (_what, body, status, expected) => {
    const processor = processorOf()
    processor.onResponseHeaders(responseHead({ said: list, status }))
    expect(await bodyOf(processor, [body])).toBe(expected)
  })

  const stream = ': hello\n\nevent: message\nid: 1\ndata: axb\n\ndata: c\n\n'
  it.each([1, 2, 7, 1000])('streams cut every %i bytes', async size => {
    const processor = processorOf()
    processor.onResponseHeaders(responseHead({ said: list, headers: sse }))
    const chunks = stream.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    expect(await bodyOf(processor, [...chunks, ''])).toBe(stream.replace('axb', 'ab'))
  })

  it.each([
    ['an event that cannot be read', 'id: 1\ndata: broken\n\ndata: c\n\n', 'id: 1\ndata: refused\n\ndata: c\n\n'],
    ['an event that nothing ended', 'data: axb', 'data: ab'],
    ['the address of the old transport', 'event: endpoint\ndata: /broken\n\n', 'event: endpoint\ndata: /broken\n\n'],
  ])('streams with %s', async (_what, text, expected) => {
    const processor = processorOf()
    processor.onResponseHeaders(responseHead({ said: list, headers: sse }))
    expect(await bodyOf(processor, [text])).toBe(expected)
  })

  it('streams end at an event that is too large', async () => {
    const processor = processorOf()
    processor.onResponseHeaders(responseHead({ said: list, headers: sse }))
    expect(await bodyOf(processor, [`data: ${'a'.repeat(4 * 1024 * 1024)}`, '\n\n'])).toBe('status 503')
  })
})

describe('answers without a type', () => {
  const untyped: ResponseHead = { ...responseHead({}), headers: RequestHeaders.from([]) }
  const asked = async (method: string) => {
    const processor = processorOf()
    await processor.onRequestHeaders({ ...requestHead(), method })
    return processor
  }

  it.each([
    ['a message', 'axb', 'ab'],
    ['what is none', 'broken', 'broken'],
    ['nothing', '', ''],
  ])('are looked at where they may be %s', async (_what, body, expected) => {
    const processor = await asked('POST')
    expect(brief(processor.onResponseHeaders(untyped))).toBe('buffer')
    expect(await bodyOf(processor, [body])).toBe(expected)
  })

  it('pass where nothing was posted', async () => {
    for (const method of ['GET', 'DELETE']) expect(brief((await asked(method)).onResponseHeaders(untyped))).toBe('pass')
  })

  it('pass for GET where JSON of a kind is no message', async () => {
    const headers = { 'content-type': 'application/problem+json' }
    expect(brief((await asked('GET')).onResponseHeaders(responseHead({ headers })))).toBe('pass')
  })

  it('of lists fail', async () => {
    const decided = new Map<string, JsonObject>([['envoy.filters.http.ext_authz', new Map(Object.entries(list))]])
    expect(brief((await asked('POST')).onResponseHeaders({ ...untyped, metadata: decided }))).toBe(503)
  })
})

describe('a flood of events', () => {
  const flood = (review: ReviewedExchange['review']) => {
    const processor = processorOf({ review })
    processor.onResponseHeaders(responseHead({ said: list, headers: sse }))
    return processor
  }
  /** Takes long enough for turns of others, however fast the machine is. */
  const slow = (message: Uint8Array) => {
    const until = performance.now() + 1
    while (performance.now() < until);
    return { ok: true as const, bytes: message }
  }

  it('leaves others their turn and goes on in full', async () => {
    let turns = 0
    const text = 'data: a\n\n'.repeat(60)
    const ticking = setInterval(() => turns++, 1)
    const after = await bodyOf(flood(slow), [text])
    clearInterval(ticking)
    expect(after).toBe(text)
    expect(turns).toBeGreaterThan(0)
  })

  it('is not worked through when the gateway has gone', async () => {
    let looked = 0
    const processor = flood(message => {
      looked++
      return slow(message)
    })
    const verdict = processor.onResponseBody(Buffer.from('data: a\n\n'.repeat(1000)), false)
    processor.onClose()
    await verdict
    expect(looked).toBeLessThan(1000)
  })
})

describe('a proof that was only shown', () => {
  const opened = () => {
    let unseen = 0
    const review: ExchangeReview = {
      open: () => exchangeOf({ provisional: true }),
      unseen: () => {
        unseen++
        return exchangeOf({ identified: false })
      },
    }
    return { processor: new ReviewProcessor(review), unseen: () => unseen }
  }

  it('counts once ext_authz has allowed the request', async () => {
    const { processor, unseen } = opened()
    await processor.onRequestHeaders(requestHead({ dpop: 'proof' }))
    processor.onResponseHeaders(responseHead({ said: list }))
    expect(unseen()).toBe(0)
  })

  it('proves nothing where nobody says that the request was allowed', async () => {
    const { processor, unseen } = opened()
    await processor.onRequestHeaders(requestHead({ dpop: 'proof' }))
    processor.onResponseHeaders(responseHead({}))
    expect(unseen()).toBe(1)
  })
})

describe('an error for a caller of whom nobody knows', () => {
  const guarded = { identified: false, work: () => ({ lists: false, guarded: true, texts: [] }) }
  const error = { status: 500, headers: { 'content-type': 'text/plain' } }

  it('is looked at where the request was allowed: the server has made it', () => {
    expect(brief(processorOf(guarded).onResponseHeaders(responseHead({ ...error, said: call })))).not.toBe('pass')
  })

  it('passes where nobody allowed anything: the gateway has made it', () => {
    expect(brief(processorOf(guarded).onResponseHeaders(responseHead(error)))).toBe('pass')
  })
})

describe('texts beside results', () => {
  const told = new Map<string, JsonObject>([
    [
      'envoy.filters.http.ext_authz',
      new Map<string, JsonValue>([...Object.entries(call), ['result_context', ['one', 'two']]]),
    ],
  ])
  const given = (more: Answered = {}) => ({ ...responseHead(more), metadata: told })
  const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"x"}]}}'
  const expected = result.replace(
    ']}}',
    ',{"type":"text","text":"one\\ntwo","_meta":{"mcp-authz.dev/context":true}}]}}',
  )

  it.each([
    ['JSON', {}, result, expected],
    ['a stream', { headers: sse }, `data: ${result}\n\n`, `data: ${expected}\n\n`],
    ['what is no message', {}, 'broken', 'broken'],
    ['an error', {}, '{"jsonrpc":"2.0","id":1,"error":{}}', '{"jsonrpc":"2.0","id":1,"error":{}}'],
  ])('are added to %s', async (_what, answered, body, after) => {
    const processor = processorOf()
    processor.onResponseHeaders(given(answered))
    expect(await bodyOf(processor, [body])).toBe(after)
  })

  it.each([
    ['what is compressed', { headers: gzip }],
    ['an error of HTTP', { status: 500 }],
    ['another type', { headers: { 'content-type': 'text/plain' } }],
    ['what has no body', { endOfStream: true }],
  ])('leave %s alone', (_what, answered) => {
    expect(processorOf().onResponseHeaders(given(answered))).toEqual({ kind: 'pass' })
  })
})
