import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { Decide, Decision } from '../../decision/decision.js'
import type { CallContext } from '../grpc/grpc-transport.js'
import { createCheckHandler } from './check-handler.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const message = Buffer.from(
  CheckRequest.encode({ attributes: { request: { http: { method: 'GET', path: '/' } } } }).finish(),
)

const allowed: Decision = {
  id: 'd1',
  outcome: 'allow',
  failure: undefined,
  would: [],
  warnings: [],
  answer: { kind: 'allow', setHeaders: [], removeHeaders: [], responseHeaders: [] },
  metadata: new Map(),
}

const context = (deadline?: number): CallContext => ({
  deadline,
  peer: '',
  cancelled: () => false,
  metadata: () => undefined,
})

function handlerOf(decide: Decide) {
  const errors: string[] = []
  const handler = createCheckHandler({
    decide,
    listener: { name: 't', door: 'ext-authz', profile: 'envoy', trust: 'none' },
    onError: detail => errors.push(detail),
  })
  return { handler, errors }
}

function read(bytes: Uint8Array) {
  const { status, deniedResponse } = CheckResponse.decode(bytes)
  return { code: status?.code, http: deniedResponse?.status?.code, body: deniedResponse?.body ?? '' }
}

describe('createCheckHandler', () => {
  it('answers in the same turn when the decision is there', () => {
    const { handler } = handlerOf(() => allowed)
    const answer = handler(message, context())
    expect(answer).toBeInstanceOf(Uint8Array)
    if (answer instanceof Uint8Array) expect(read(answer).code).toBe(0)
  })

  it('denies before the deadline when the decision is not there', async () => {
    const { handler } = handlerOf(() => new Promise(() => undefined))
    const answer = read(await handler(message, context(Date.now() + 100)))
    expect(answer).toMatchObject({ code: 7, http: 503 })
    expect(answer.body).toContain('dependency.timeout')
  })

  it('denies when the deadline has passed already, unless the decision is there', async () => {
    const late = handlerOf(async () => new Promise(() => undefined))
    expect(read(await late.handler(message, context(Date.now() - 1000)))).toMatchObject({ code: 7, http: 503 })
    const warm = handlerOf(() => allowed)
    expect(read(await warm.handler(message, context(Date.now() - 1000))).code).toBe(0)
  })

  it('reports a decision that fails after its time, and answers once', async () => {
    let fail: (error: Error) => void = () => undefined
    const { handler, errors } = handlerOf(() => new Promise((_resolve, reject) => (fail = reject)))
    const answer = read(await handler(message, context(Date.now() + 20)))
    expect(answer.body).toContain('dependency.timeout')
    fail(new Error('late'))
    await new Promise(resolve => setImmediate(resolve))
    expect(errors).toEqual(['a decision failed'])
  })

  it('has a body for the caller also when the decision is nonsense', async () => {
    const { handler } = handlerOf(() => JSON.parse('{"outcome":"allow"}'))
    expect(read(await handler(message, context()))).toMatchObject({
      code: 7,
      http: 503,
      body: expect.stringContaining('jsonrpc'),
    })
  })
})
