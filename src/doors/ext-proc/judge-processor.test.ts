import { describe, expect, it } from 'vitest'
import { isAbandoned } from '../../decision/abandoned-requests.js'
import type { Decide, Decision } from '../../decision/decision.js'
import { failure } from '../../decision/failure.js'
import { plainDenial } from '../../decision/plain-denial.js'
import type { ExchangeReview, ReviewedExchange } from '../../decision/reviewed-exchange.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import { RequestHeaders } from '../../protocol/request-headers.js'
import type { RequestHead, ResponseHead } from './exchange-processor.js'
import { JudgeProcessor } from './judge-processor.js'

const none: ReviewedExchange = {
  ...{ active: true, identified: true, provisional: false, bindsSessions: true, guardsResults: false },
  session: { kind: 'none' },
  target: undefined,
  endpoint: data => data,
  tag: id => `${id}~tag`,
  work: judged => ({ lists: judged === undefined, guarded: false, texts: judged?.texts ?? [] }),
  review: message => ({ ok: true, bytes: message }),
  reviewText: text => text,
  refuse: message => message,
  deny: (why, status): Decision => plainDenial(why, { status, code: -31000 }),
}

const allow: Decision = {
  id: 'd1',
  outcome: 'allow',
  failure: undefined,
  would: [],
  warnings: [],
  answer: {
    kind: 'allow',
    setHeaders: [
      { name: 'impersonate-group', value: 'a' },
      { name: 'impersonate-group', value: 'b' },
    ],
    removeHeaders: ['authorization'],
    responseHeaders: [{ name: 'x-mcp-authz-decision-id', value: 'd1' }],
  },
  metadata: new Map([
    ['decision', 'allow'],
    ['decision_id', 'd1'],
    ['method', 'tools/call'],
  ]),
}
const denial = plainDenial(failure('authorization.rbac', 'no'), { status: 403, code: -31403 })

function stand(decide: Decide, exchange: Partial<ReviewedExchange> = {}) {
  const asked: InboundRequest[] = []
  const errors: string[] = []
  let unseen = 0
  const review: ExchangeReview = {
    open: () => ({ ...none, ...exchange }),
    unseen: () => {
      unseen++
      return { ...none, identified: false, tag: () => undefined }
    },
  }
  const processor = new JudgeProcessor({
    review,
    decide: request => {
      asked.push(request)
      return decide(request)
    },
    decideWithinMs: 850,
    onError: detail => errors.push(detail),
  })
  return { processor, asked, errors, unseen: () => unseen }
}

function head(headers: Readonly<Record<string, string>> = {}, endOfStream = false): RequestHead {
  return {
    ...{ method: 'POST', scheme: 'https', authority: 'mcp.example.com', path: '/mcp', query: undefined },
    headers: RequestHeaders.from(Object.entries(headers)),
    peer: { address: '', principal: '' },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: 't', door: 'ext-proc', profile: 'envoy', trust: 'none' },
    endOfStream,
  }
}

const answerOf = (status: number, headers: Readonly<Record<string, string>> = {}): ResponseHead => ({
  status,
  headers: RequestHeaders.from(Object.entries({ 'content-type': 'application/json', ...headers })),
  metadata: new Map(),
  endOfStream: false,
  unannounced: false,
})

const body = Buffer.from('{}')

describe('a request', () => {
  it('waits for its body, is judged by it, and goes on with what was decided', async () => {
    const { processor, asked } = stand(() => allow, { session: { kind: 'own', id: 'raw', voucher: 'k1~hash' } })
    expect(await processor.onRequestHeaders(head({ 'mcp-session-id': 'raw~tag' }))).toEqual({
      kind: 'body',
      as: 'judge',
    })
    const verdict = await processor.onRequestBody(body)
    expect(verdict).toEqual({
      kind: 'send',
      bytes: body,
      changes: {
        set: [
          { name: 'mcp-session-id', value: 'raw' },
          { name: 'impersonate-group', value: 'a' },
          { name: 'impersonate-group', value: 'b' },
        ],
        remove: ['authorization'],
        tell: allow.metadata,
      },
    })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ body: { state: 'complete', bytes: body }, session: 'bound' })
    expect((asked[0]?.deadline ?? 0) - Date.now()).toBeLessThanOrEqual(850)
  })

  it('without a body is judged as one without', async () => {
    const { processor, asked } = stand(() => allow)
    await processor.onRequestHeaders(head({}, true))
    await processor.onRequestBody(new Uint8Array(0))
    expect(asked[0]?.body).toEqual({ state: 'absent' })
    expect(asked[0]?.session).toBeUndefined()
  })

  it('that is denied is answered here', async () => {
    const { processor } = stand(() => denial)
    await processor.onRequestHeaders(head())
    expect(await processor.onRequestBody(body)).toMatchObject({
      kind: 'respond',
      reply: { status: 403, tell: denial.metadata, details: 'mcp_authz_refused' },
    })
  })

  it('with a session of somebody else is not judged at all', async () => {
    const why = failure('session.foreign', 'not yours')
    const { processor, asked } = stand(() => allow, { session: { kind: 'refused', status: 404, why } })
    expect(await processor.onRequestHeaders(head({ 'mcp-session-id': 'x' }))).toMatchObject({
      kind: 'respond',
      reply: { status: 404 },
    })
    expect(asked).toEqual([])
  })

  it('whose gateway has gone before the decision is nobody’s', async () => {
    let settle: (decision: Decision) => void = () => {}
    const { processor, asked } = stand(
      () =>
        new Promise(resolve => {
          settle = resolve
        }),
    )
    await processor.onRequestHeaders(head())
    const verdict = processor.onRequestBody(body)
    processor.onClose()
    settle(allow)
    await verdict
    const [request] = asked
    expect(request !== undefined && isAbandoned(request)).toBe(true)
  })

  it('is not allowed by a decision that contradicts itself', async () => {
    const { processor } = stand(() => ({ ...allow, outcome: 'deny' }))
    await processor.onRequestHeaders(head())
    expect(() => processor.onRequestBody(body)).toThrow('outcome deny')
  })
})

describe('an answer', () => {
  const judged = async (exchange: Partial<ReviewedExchange> = {}) => {
    const one = stand(() => allow, exchange)
    await one.processor.onRequestHeaders(head())
    await one.processor.onRequestBody(body)
    return one
  }

  it('carries what the decision has for the client, and the bound session', async () => {
    const { processor } = await judged()
    expect(processor.onResponseHeaders(answerOf(200, { 'mcp-session-id': 's' }))).toMatchObject({
      kind: 'pass',
      changes: {
        set: [
          { name: 'x-mcp-authz-decision-id', value: 'd1' },
          { name: 'mcp-session-id', value: 's~tag' },
        ],
      },
    })
  })

  it('to a request that nobody judged does not pass', () => {
    const { processor, errors } = stand(() => allow)
    expect(processor.onResponseHeaders(answerOf(200))).toMatchObject({ kind: 'respond', reply: { status: 503 } })
    expect(errors).toEqual([expect.stringContaining('request_header_mode must be SEND')])
  })

  it('of a filter before us, such as a rate limit, passes without a session', async () => {
    const { processor, unseen } = stand(() => allow)
    expect(
      processor.onResponseHeaders(answerOf(429, { 'mcp-session-id': 's', 'content-type': 'text/plain' })),
    ).toMatchObject({
      kind: 'pass',
      changes: { remove: ['mcp-session-id'] },
    })
    expect(unseen()).toBe(1)
  })
})
