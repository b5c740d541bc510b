import { describe, expect, it } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { Decide, Decision } from '../../decision/decision.js'
import { emergencyDecision } from '../../decision/emergency-decision.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { CallContext } from '../grpc/grpc-transport.js'
import { type CheckHandlerOptions, createCheckHandler } from './check-handler.js'

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

function handlerOf(decide: Decide, more: Partial<CheckHandlerOptions> = {}) {
  const errors: string[] = []
  const emergencies: { readonly decision: Decision; readonly request: InboundRequest | undefined }[] = []
  const handler = createCheckHandler({
    decide,
    listener: { name: 't', door: 'ext-authz', profile: 'envoy', trust: 'none' },
    onError: detail => errors.push(detail),
    onEmergency: (decision, request) => emergencies.push({ decision, request }),
    ...more,
  })
  return { handler, errors, emergencies }
}

function read(bytes: Uint8Array) {
  const { status, deniedResponse } = CheckResponse.decode(bytes)
  const id = deniedResponse?.headers?.find(({ header }) => header?.key === 'x-mcp-authz-decision-id')?.header?.value
  return { code: status?.code, http: deniedResponse?.status?.code, body: deniedResponse?.body ?? '', id }
}

describe('createCheckHandler', () => {
  it('answers in the same turn when the decision is there', () => {
    const { handler } = handlerOf(() => allowed)
    const answer = handler(message, context())
    expect(answer).toBeInstanceOf(Uint8Array)
    if (answer instanceof Uint8Array) expect(read(answer).code).toBe(0)
  })

  it('sets a deadline of its own where the gateway has none', async () => {
    const deadlines: (number | undefined)[] = []
    const decide: Decide = ({ deadline }) => {
      deadlines.push(deadline)
      return new Promise(() => undefined)
    }
    const { handler } = handlerOf(decide, { answerWithinMs: 60 })
    const before = Date.now()
    expect(read(await handler(message, context()))).toMatchObject({ code: 7, http: 503 })
    expect(deadlines[0]).toBeGreaterThanOrEqual(before + 60)
    const stated = before + 100
    await handler(message, context(stated))
    expect(deadlines[1]).toBe(stated)
  })

  it('denies before the deadline when the decision is not there', async () => {
    const { handler } = handlerOf(() => new Promise(() => undefined))
    const answer = read(await handler(message, context(Date.now() + 100)))
    expect(answer).toMatchObject({ code: 7, http: 503 })
    expect(answer.body).toContain('dependency.timeout')
  })

  it.each([
    ['a trace that somebody records', '01', { traceId: '0af7651916cd43dd8448eb211c80319c' }],
    ['no trace that nobody records', '00', {}],
  ])('names %s in denials of its own', async (_name, flags, told) => {
    const { handler, emergencies } = handlerOf(() => new Promise(() => undefined))
    const asking = `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`
    const metadata = (name: string) => (name === 'traceparent' ? asking : undefined)
    const answer = read(await handler(message, { ...context(Date.now() + 20), metadata }))
    const data = { reason: 'dependency.timeout', decisionId: answer.id, ...told }
    expect(JSON.parse(answer.body).error.data).toEqual(data)
    expect(emergencies.map(({ decision }) => decision.traceId)).toEqual([data.traceId])
  })

  it('denies when the deadline has passed already, unless the decision is there', async () => {
    const late = handlerOf(async () => new Promise(() => undefined))
    expect(read(await late.handler(message, context(Date.now() - 1000)))).toMatchObject({ code: 7, http: 503 })
    const warm = handlerOf(() => allowed)
    expect(read(await warm.handler(message, context(Date.now() - 1000))).code).toBe(0)
  })

  it('reports a decision that fails after its time, and answers once', async () => {
    let fail: (error: Error) => void = () => undefined
    const { handler, errors, emergencies } = handlerOf(() => new Promise((_resolve, reject) => (fail = reject)))
    const answer = read(await handler(message, context(Date.now() + 20)))
    expect(answer.body).toContain('dependency.timeout')
    fail(new Error('late'))
    await new Promise(resolve => setImmediate(resolve))
    expect(errors).toEqual(['a decision was not there in time; the request was denied', 'a decision failed'])
    expect(emergencies).toHaveLength(1)
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

describe('somebody who makes all waiting places busy', () => {
  const flooded = (decide: Decide) => {
    let cold = 2
    const opened = handlerOf(request => (cold-- > 0 ? new Promise(() => undefined) : decide(request)), {
      maxInFlight: 2,
    })
    for (let i = 0; i < 2; i++) opened.handler(message, context(Date.now() + 60_000))
    return opened
  }

  it('keeps nobody out whose decision needs no waiting', () => {
    const { handler, emergencies } = flooded(() => allowed)
    const answer = handler(message, context())
    expect(answer).toBeInstanceOf(Uint8Array)
    if (answer instanceof Uint8Array) expect(read(answer).code).toBe(0)
    expect(emergencies).toEqual([])
  })

  it('makes others fail at once, who are told and recorded as such', async () => {
    const { handler, emergencies } = flooded(() => new Promise(() => undefined))
    const answer = read(await handler(message, context(Date.now() + 60_000)))
    expect(answer.body).toContain('dependency.overloaded')
    expect(emergencies).toMatchObject([{ decision: { id: answer.id }, request: { method: 'GET' } }])
  })

  it('brings nothing down when what nobody waits for fails', async () => {
    const { handler, errors } = flooded(() => Promise.reject(new Error('late')))
    expect(read(await handler(message, context()))).toMatchObject({ code: 7, http: 503 })
    await new Promise(resolve => setImmediate(resolve))
    expect(errors).toEqual(['a decision failed'])
  })
})

describe('every denial of the door is told, under the id that the client gets', () => {
  const unsendable: Decision = {
    ...allowed,
    answer: { kind: 'allow', setHeaders: [{ name: 'a', value: '\n' }], removeHeaders: [], responseHeaders: [] },
  }
  const throws: Decide = () => {
    throw new Error('bug')
  }
  it.each<[string, Decide, Buffer, number | undefined, string, boolean]>([
    ['a time-out', () => new Promise(() => undefined), message, 0, 'dependency.timeout', true],
    ['an exception', throws, message, undefined, 'internal.error', true],
    ['a rejection', () => Promise.reject(new Error('bug')), message, undefined, 'internal.error', true],
    ['an allow that cannot be sent', () => unsendable, message, undefined, 'internal.error', true],
    ['one that came late and cannot be sent', async () => unsendable, message, undefined, 'internal.error', true],
    ['bytes that do not decode', () => allowed, Buffer.of(0x0a, 0x50, 1), undefined, 'message.encoding', false],
    ['a message that is too large', () => allowed, Buffer.alloc(1000), undefined, 'message.too_large', false],
  ])('%s', async (_name, decide, bytes, deadline, reason, hasRequest) => {
    const { handler, emergencies } = handlerOf(decide, { maxMessageBytes: 500 })
    const answer = read(await handler(bytes, context(deadline)))
    expect(answer).toMatchObject({ code: 7, body: expect.stringContaining(reason) })
    expect(emergencies).toHaveLength(1)
    expect(emergencies[0]).toMatchObject({ decision: { id: answer.id, outcome: 'deny', failure: { reason } } })
    expect(emergencies[0]?.request !== undefined).toBe(hasRequest)
  })

  it('and a log that throws changes nothing', async () => {
    const { handler, errors } = handlerOf(throws, {
      onEmergency: () => {
        throw new Error('disk full')
      },
    })
    expect(read(await handler(message, context()))).toMatchObject({ code: 7, http: 503 })
    expect(errors).toEqual(['a decision failed', 'a denial of the door could not be recorded'])
  })

  it('and what was decided is not told twice', () => {
    const { handler, emergencies } = handlerOf(() => allowed)
    handler(message, context())
    expect(emergencies).toEqual([])
  })
})

describe('while there is too much to do', () => {
  const overloaded = emergencyDecision('dependency.overloaded', 'too much to do')
  const asked = () => {
    throw new Error('must not be asked')
  }

  it('answers without reading the message', () => {
    const garbage = Buffer.from('no CheckRequest')
    const { handler, errors, emergencies } = handlerOf(asked, { refusal: () => overloaded })
    const answer = handler(garbage, context())
    expect(answer instanceof Uint8Array && read(answer)).toMatchObject({ code: 7, http: 503, id: overloaded.id })
    expect({ errors, emergencies }).toEqual({ errors: [], emergencies: [] })
  })

  it('encodes an answer that many get once', () => {
    const { handler } = handlerOf(asked, { refusal: () => overloaded })
    expect(handler(message, context())).toBe(handler(message, context()))
  })

  it('never gives one the answer of another', () => {
    const decisions = [overloaded, emergencyDecision('dependency.overloaded', 'too much to do'), overloaded]
    const ids = decisions.map(({ id }) => id)
    const { handler } = handlerOf(asked, { refusal: () => decisions.shift() })
    const answers = Array.from({ length: 3 }, () => handler(message, context()))
    expect(answers.map(answer => answer instanceof Uint8Array && read(answer).id)).toEqual(ids)
  })

  it('reads the request for the record, if that can be done', () => {
    const seen: (InboundRequest | undefined)[] = []
    const options: Partial<CheckHandlerOptions> = {
      maxMessageBytes: 200,
      refusal: read => {
        seen.push(read())
        return overloaded
      },
    }
    const { handler, errors } = handlerOf(asked, options)
    for (const bytes of [message, Buffer.from('no CheckRequest'), Buffer.alloc(201)]) handler(bytes, context())
    expect(seen.map(request => request?.path)).toEqual(['/', undefined, undefined])
    expect(errors).toEqual([])
  })

  it('decides as ever otherwise', () => {
    const { handler } = handlerOf(() => allowed, { refusal: () => undefined })
    const answer = handler(message, context())
    expect(answer instanceof Uint8Array && read(answer).code).toBe(0)
  })
})
