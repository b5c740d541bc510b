import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { envoy } from '../../../gen/wire.js'
import type { BidiStream, CallContext } from '../grpc/grpc-transport.js'
import { bodyModes } from './body-plan.js'
import type { BodyVerdict, ExchangeProcessor, HeaderChanges, HeadersVerdict } from './exchange-processor.js'
import { passThroughProcessor } from './pass-through-processor.js'
import { createProcessHandler, type ProcessHandlerOptions } from './process-handler.js'

const { ProcessingRequest, ProcessingResponse } = envoy.service.ext_proc.v3
const { NONE, STREAMED, BUFFERED, BUFFERED_PARTIAL, FULL_DUPLEX_STREAMED } = bodyModes
type Shown = envoy.service.ext_proc.v3.IProcessingRequest

const context: CallContext = { deadline: undefined, peer: '', cancelled: () => false, metadata: () => undefined }

interface Exchange {
  show(shown: Shown | Uint8Array): undefined | Promise<void>
  readonly said: envoy.service.ext_proc.v3.ProcessingResponse[]
  readonly errors: string[]
  readonly emergencies: (string | undefined)[]
  readonly ended: () => boolean
  leave(): void
}

function open(processor: ExchangeProcessor, options: Partial<ProcessHandlerOptions> = {}): Exchange {
  const said: envoy.service.ext_proc.v3.ProcessingResponse[] = []
  const errors: string[] = []
  const emergencies: (string | undefined)[] = []
  const listeners: (() => void)[] = []
  let ended = false
  const stream: BidiStream = {
    send: bytes => {
      said.push(ProcessingResponse.decode(bytes))
      return undefined
    },
    end: () => {
      ended = true
    },
    onClose: listener => listeners.push(listener),
  }
  const handler = createProcessHandler({
    createProcessor: () => processor,
    listener: { name: 'l', door: 'ext-proc', profile: 'envoy', trust: 'none' },
    onError: detail => errors.push(detail),
    onEmergency: decision => emergencies.push(decision.failure?.reason),
    ...options,
  })
  const receiver = handler(stream, context)
  return {
    ...{ said, errors, emergencies },
    show: shown =>
      receiver.onMessage(Buffer.from(shown instanceof Uint8Array ? shown : ProcessingRequest.encode(shown).finish())),
    ended: () => ended,
    leave: () => {
      for (const listener of listeners) listener()
    },
  }
}

const header = (key: string, value: string) => ({ key, rawValue: Buffer.from(value) })
const modes = (request: number, response: number) => ({
  protocolConfig: { requestBodyMode: request, responseBodyMode: response },
})
const requestHeaders = (endOfStream = false): Shown => ({
  requestHeaders: {
    headers: { headers: [header(':method', 'POST'), header(':path', '/mcp'), header(':authority', 'a')] },
    endOfStream,
  },
})
const responseHeaders = (endOfStream = false, status = '200'): Shown => ({
  responseHeaders: { headers: { headers: [header(':status', status)] }, endOfStream },
})
const responseBody = (text: string, endOfStream = false): Shown => ({
  responseBody: { body: Buffer.from(text), endOfStream },
})
const responseTrailers: Shown = { responseTrailers: { trailers: { headers: [header('x-sum', '1')] } } }

/** What was answered, in short. */
function short(exchange: Exchange): string[] {
  return exchange.said.map(said => {
    if (said.immediateResponse) return `immediate ${said.immediateResponse.status?.code}`
    const kind = said.response ?? 'nothing'
    const common = (said.requestHeaders ?? said.responseHeaders ?? said.requestBody ?? said.responseBody)?.response
    const mutation = common?.bodyMutation
    const override = said.modeOverride ? ` as ${said.modeOverride.responseBodyMode}` : ''
    if (mutation?.streamedResponse) {
      const { body, endOfStream } = mutation.streamedResponse
      return `${kind} "${Buffer.from(body ?? [])}"${endOfStream ? ' end' : ''}`
    }
    if (mutation?.clearBody) return `${kind} cleared`
    return `${kind}${override}${mutation?.body?.length ? ` "${Buffer.from(mutation.body)}"` : ''}`
  })
}

const looking = (as: 'buffer' | 'stream', body: (chunk: string, end: boolean) => string): ExchangeProcessor => ({
  onResponseHeaders: () => ({ kind: 'body', as }),
  onResponseBody: (chunk, end) => ({ kind: 'send', bytes: Buffer.from(body(Buffer.from(chunk).toString(), end)) }),
})
const upper = (text: string) => text.toUpperCase()

describe('what nobody can read', () => {
  const nothing = Uint8Array.of(0xff)
  const bodyOf = (exchange: Exchange) => Buffer.from(exchange.said.at(-1)?.immediateResponse?.body ?? []).toString()

  it('is not said to be of the request, once that has gone', () => {
    const before = open(passThroughProcessor)
    before.show(nothing)
    expect(short(before)).toEqual(['immediate 400'])
    const after = open(passThroughProcessor)
    after.show(requestHeaders())
    after.show(nothing)
    expect(short(after)).toEqual(['requestHeaders', 'immediate 503'])
    expect(bodyOf(after)).toContain("The server's answer could not be checked")
  })

  it('is of the request while that waits to be judged', () => {
    const exchange = open({ ...passThroughProcessor, onRequestHeaders: () => ({ kind: 'body', as: 'judge' }) })
    exchange.show({ ...requestHeaders(), ...modes(BUFFERED, NONE) })
    exchange.show(nothing)
    expect(short(exchange)).toEqual(['requestHeaders', 'immediate 400'])
  })
})

describe('a processor', () => {
  it('hears at once that the door has given up, and once', async () => {
    let closed = 0
    const never: ExchangeProcessor = {
      ...passThroughProcessor,
      onRequestHeaders: () => new Promise<never>(() => undefined),
      onClose: () => closed++,
    }
    const exchange = open(never, { answerWithinMs: 1 })
    await exchange.show(requestHeaders())
    expect([short(exchange), closed]).toEqual([['immediate 503'], 1])
    exchange.leave()
    expect(closed).toBe(1)
  })
})

describe('a request that is judged by its body', () => {
  const judging: ExchangeProcessor = {
    onRequestHeaders: () => ({ kind: 'body', as: 'judge' }),
    onRequestBody: bytes => ({ kind: 'send', bytes, changes: { set: [{ name: 'x-judged', value: '1' }] } }),
    onResponseHeaders: () => ({ kind: 'pass' }),
  }
  const requestBody = (text: string, endOfStream: boolean): Shown => ({
    requestBody: { body: Buffer.from(text), endOfStream },
  })

  it.each([
    ['NONE', NONE],
    ['STREAMED', STREAMED],
    ['BUFFERED_PARTIAL', BUFFERED_PARTIAL],
  ])('is refused where the gateway does not hold it back: %s', (_name, mode) => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(mode, NONE) })
    expect(short(exchange)).toEqual(['immediate 503'])
    expect(exchange.errors[0]).toContain('request_body_mode must be BUFFERED')
  })

  it('is refused where the gateway does not say what it does', () => {
    const exchange = open(judging)
    exchange.show(requestHeaders())
    expect(short(exchange)).toEqual(['immediate 503'])
  })

  it('waits in the gateway: BUFFERED', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(BUFFERED, NONE) })
    exchange.show(requestBody('ab', true))
    expect(short(exchange)).toEqual(['requestHeaders', 'requestBody'])
    expect(exchange.said[1]?.requestBody?.response?.headerMutation?.setHeaders?.[0]?.header?.key).toBe('x-judged')
  })

  it('waits here: FULL_DUPLEX_STREAMED', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(FULL_DUPLEX_STREAMED, NONE) })
    exchange.show(requestBody('a', false))
    exchange.show(requestBody('b', true))
    expect(short(exchange)).toEqual(['requestHeaders', 'requestBody "ab" end'])
    expect(exchange.said[0]?.requestHeaders?.response?.headerMutation?.setHeaders?.[0]?.header?.key).toBe('x-judged')
  })

  it('is judged without a body where there is none, whatever the mode', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(true), ...modes(NONE, NONE) })
    expect(short(exchange)).toEqual(['requestHeaders'])
    expect(exchange.said[0]?.requestHeaders?.response?.headerMutation?.setHeaders?.[0]?.header?.key).toBe('x-judged')
  })
})

describe('bodies of all exchanges together', () => {
  it('are bounded, and room comes back', () => {
    const receivers: ReturnType<ReturnType<typeof createProcessHandler>>[] = []
    const closers: (() => void)[] = []
    const said: envoy.service.ext_proc.v3.ProcessingResponse[][] = []
    const handler = createProcessHandler({
      createProcessor: () => looking('buffer', upper),
      listener: { name: 'l', door: 'ext-proc', profile: 'envoy', trust: 'none' },
      maxBufferedTotalBytes: 5,
      onError: () => {},
    })
    const exchange = () => {
      const answers: envoy.service.ext_proc.v3.ProcessingResponse[] = []
      said.push(answers)
      const stream: BidiStream = {
        send: bytes => {
          answers.push(ProcessingResponse.decode(bytes))
          return undefined
        },
        end: () => {},
        onClose: listener => closers.push(listener),
      }
      const receiver = handler(stream, context)
      receivers.push(receiver)
      const show = (shown: Shown) => receiver.onMessage(Buffer.from(ProcessingRequest.encode(shown).finish()))
      show({ ...requestHeaders(true), ...modes(NONE, FULL_DUPLEX_STREAMED) })
      show(responseHeaders())
      return { show, last: () => answers.at(-1) }
    }
    const [first, second, third] = [exchange(), exchange(), exchange()]
    first.show(responseBody('abc'))
    second.show(responseBody('def'))
    expect(second.last()?.immediateResponse?.status?.code).toBe(503)
    third.show(responseBody('gh'))
    third.show(responseBody('', true))
    expect(
      Buffer.from(third.last()?.responseBody?.response?.bodyMutation?.streamedResponse?.body ?? []).toString(),
    ).toBe('GH')
    first.show(responseBody('ij', true))
    expect(
      Buffer.from(first.last()?.responseBody?.response?.bodyMutation?.streamedResponse?.body ?? []).toString(),
    ).toBe('ABCIJ')
    for (const close of closers) close()
    const next = exchange()
    next.show(responseBody('klmno', true))
    expect(
      Buffer.from(next.last()?.responseBody?.response?.bodyMutation?.streamedResponse?.body ?? []).toString(),
    ).toBe('KLMNO')
  })
})

describe('answers by mode', () => {
  const body = [responseBody('ab'), responseBody('cd'), responseBody('', true)]
  const whole = [responseBody('abcd', true)]
  type Case = readonly [string, number, ExchangeProcessor, readonly Shown[], readonly string[]]
  const cases: readonly Case[] = [
    ['pass, NONE', NONE, passThroughProcessor, [], ['responseHeaders']],
    ['pass, BUFFERED', BUFFERED, passThroughProcessor, [], ['responseHeaders as 0']],
    [
      'pass, not followed',
      STREAMED,
      passThroughProcessor,
      body,
      ['responseHeaders as 0', ...Array(3).fill('responseBody')],
    ],
    [
      'pass, FULL_DUPLEX_STREAMED',
      FULL_DUPLEX_STREAMED,
      passThroughProcessor,
      [...body.slice(0, 2), responseTrailers],
      ['responseHeaders', 'responseBody "ab"', 'responseBody "cd"', 'responseTrailers'],
    ],
    ['buffer, NONE', NONE, looking('buffer', upper), body, ['responseHeaders as 4', 'responseBody "ABCD" end']],
    [
      'buffer, BUFFERED',
      BUFFERED,
      looking('buffer', upper),
      whole,
      ['responseHeaders as 4', 'responseBody "ABCD" end'],
    ],
    [
      'buffer, FULL_DUPLEX_STREAMED',
      FULL_DUPLEX_STREAMED,
      looking('buffer', upper),
      body,
      ['responseHeaders', 'responseBody "ABCD" end'],
    ],
    [
      'buffer with trailers',
      FULL_DUPLEX_STREAMED,
      looking('buffer', upper),
      [...body.slice(0, 2), responseTrailers],
      ['responseHeaders', 'responseBody "ABCD"', 'responseTrailers'],
    ],
    [
      'stream, NONE',
      NONE,
      looking('stream', upper),
      body,
      ['responseHeaders as 4', 'responseBody "AB"', 'responseBody "CD"', 'responseBody "" end'],
    ],
    [
      'stream, held back',
      FULL_DUPLEX_STREAMED,
      looking('stream', (_text, end) => (end ? 'all' : '')),
      body,
      ['responseHeaders', 'responseBody "all" end'],
    ],
    [
      'stream, STREAMED',
      STREAMED,
      looking('stream', text => (text === 'ab' ? '' : upper(text))),
      body,
      ['responseHeaders', 'responseBody cleared', 'responseBody "CD"', 'responseBody'],
    ],
  ]
  it.each(cases)('%s', (_name, mode, processor, shown, answers) => {
    const exchange = open(processor)
    exchange.show({ ...responseHeaders(), ...modes(NONE, mode) })
    for (const one of shown) exchange.show(one)
    expect(short(exchange)).toEqual(answers)
    exchange.leave()
    expect(exchange.errors.filter(error => !error.includes('allow_mode_override'))).toEqual([])
  })

  it('without overrides: BUFFERED in one piece, with its new length and without its validators', () => {
    const exchange = open(
      looking('buffer', text => `${text}!`),
      { modeOverride: false },
    )
    exchange.show({ ...responseHeaders(), ...modes(NONE, BUFFERED) })
    exchange.show(responseBody('abcd', true))
    const common = exchange.said[1]?.responseBody?.response
    expect(short(exchange)).toEqual(['responseHeaders', 'responseBody "abcd!"'])
    const [length] = common?.headerMutation?.setHeaders ?? []
    expect([length?.header?.key, String(length?.header?.rawValue), length?.append?.value]).toEqual([
      'content-length',
      '5',
      false,
    ])
    expect(common?.headerMutation?.removeHeaders).toContain('etag')
  })

  it('an override says both modes, and keeps that of the other side', () => {
    const exchange = open({
      ...passThroughProcessor,
      onRequestHeaders: () => ({ kind: 'body', as: 'buffer' }),
      onRequestBody: bytes => ({ kind: 'send', bytes }),
    })
    exchange.show({ ...requestHeaders(), ...modes(NONE, STREAMED) })
    expect(exchange.said[0]?.modeOverride).toMatchObject({ requestBodyMode: BUFFERED, responseBodyMode: STREAMED })
  })
})

describe('what breaks the protocol ends in an error', () => {
  const cases: readonly (readonly [string, readonly (Shown | Uint8Array)[], number])[] = [
    ['bytes that do not decode', [Uint8Array.of(0x12, 0x50, 1)], 400],
    ['an empty message', [new Uint8Array(0)], 400],
    ['two parts in one message', [{ ...requestHeaders(), ...responseHeaders() }], 400],
    ['an unknown mode', [{ ...responseHeaders(), ...modes(NONE, 5) }], 400],
    ['a request without a method', [{ requestHeaders: { headers: { headers: [] } } }], 400],
    ['a response without a status', [{ responseHeaders: { headers: { headers: [] } } }], 503],
    ['a status that is none', [responseHeaders(false, '2xx')], 503],
    ['a body before headers', [responseBody('x')], 503],
    ['trailers before headers', [responseTrailers], 503],
    ['headers twice', [responseHeaders(), responseHeaders()], 503],
    ['a body behind the end', [responseHeaders(true), responseBody('x')], 503],
    ['a body that nobody asked for', [responseHeaders(), responseBody('x')], 503],
    ['a request body behind its end', [requestHeaders(true), { requestBody: { body: Buffer.from('x') } }], 503],
    ['a message that is too large', [responseHeaders(), responseBody('x'.repeat(2000))], 503],
  ]
  it.each(cases)('%s', (_name, shown, status) => {
    const exchange = open(passThroughProcessor, { maxMessageBytes: 1000 })
    for (const one of shown) exchange.show(one)
    expect(short(exchange).at(-1)).toBe(`immediate ${status}`)
    expect(exchange.ended()).toBe(true)
    expect(exchange.errors).toHaveLength(1)
    expect(exchange.emergencies).toHaveLength(1)
    const before = exchange.said.length
    exchange.show(responseBody('more', true))
    expect(exchange.said).toHaveLength(before)
  })

  it('whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), messages => {
        const exchange = open(looking('stream', upper))
        for (const bytes of messages) expect(exchange.show(bytes)).toBeUndefined()
        // Never more answers than questions, and never silence.
        expect(exchange.said.length).toBeLessThanOrEqual(messages.length)
        expect(messages.length === 0 || exchange.said.length > 0).toBe(true)
        exchange.leave()
      }),
    )
  })

  it('and a correct message that was damaged', () => {
    const good = ProcessingRequest.encode({ ...responseHeaders(), ...modes(NONE, BUFFERED) }).finish()
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bytes = Uint8Array.from(good)
        bytes[at] = value
        const exchange = open(looking('buffer', upper))
        exchange.show(bytes)
        // Where the damage makes the mode a full duplex, the headers rightly wait for the body.
        if (exchange.said.length === 0) exchange.show(responseBody('x', true))
        expect(exchange.said.length).toBeGreaterThanOrEqual(1)
        exchange.leave()
      }),
    )
  })
})

describe('what a processor does wrong ends in an error', () => {
  const bad: readonly (readonly [string, HeaderChanges])[] = [
    ['a line break', { set: [{ name: 'a', value: 'b\r\nc: d' }] }],
    ['an empty value', { set: [{ name: 'a', value: '' }] }],
    ['capitals', { set: [{ name: 'A', value: 'b' }] }],
    ['a pseudo header', { set: [{ name: ':status', value: '200' }] }],
    ['host', { set: [{ name: 'host', value: 'b' }] }],
    ['a length', { set: [{ name: 'content-length', value: '1' }] }],
    ['a removed length', { remove: ['content-length'] }],
    ['x-envoy-', { remove: ['x-envoy-a'] }],
    ['set and removed', { set: [{ name: 'a', value: 'b' }], remove: ['a'] }],
    ['too many', { set: Array.from({ length: 65 }, (_, at) => ({ name: `a${at}`, value: 'b' })) }],
    ['too much', { set: [{ name: 'a', value: 'b'.repeat(30_000) }] }],
  ]
  it.each(bad)('headers: %s', (_name, changes) => {
    const exchange = open({ onResponseHeaders: () => ({ kind: 'pass', changes }) })
    exchange.show(responseHeaders())
    expect(short(exchange)).toEqual(['immediate 503'])
    expect(exchange.errors.join()).not.toContain('\n')
  })

  const verdicts: readonly (readonly [string, HeadersVerdict, BodyVerdict | undefined])[] = [
    ['a status of 302', { kind: 'respond', reply: { status: 302, headers: [], body: '' } }, undefined],
    ['half a character', { kind: 'respond', reply: { status: 200, headers: [], body: '\ud800' } }, undefined],
    ['a body asked for and not taken', { kind: 'body', as: 'buffer' }, undefined],
    [
      'headers changed behind their back',
      { kind: 'body', as: 'stream' },
      { kind: 'send', bytes: new Uint8Array(1), changes: { remove: ['a'] } },
    ],
  ]
  it.each(verdicts)('%s', (_name, verdict, answer) => {
    const exchange = open({
      onResponseHeaders: () => verdict,
      ...(answer !== undefined && { onResponseBody: () => answer }),
    })
    exchange.show({ ...responseHeaders(), ...modes(NONE, NONE) })
    exchange.show(responseBody('x', true))
    expect(short(exchange).at(-1)).toBe('immediate 503')
  })

  it('a body that is larger than may be held', () => {
    const exchange = open(looking('buffer', upper), { maxBufferedBytes: 5 })
    exchange.show({ ...responseHeaders(), ...modes(NONE, FULL_DUPLEX_STREAMED) })
    exchange.show(responseBody('abc'))
    exchange.show(responseBody('def'))
    expect(short(exchange)).toEqual(['immediate 503'])
  })

  it('a body that is only shown in part', () => {
    const exchange = open(looking('buffer', upper), { modeOverride: false })
    exchange.show({ ...responseHeaders(), ...modes(NONE, BUFFERED_PARTIAL) })
    exchange.show(responseBody('abc'))
    expect(short(exchange)).toEqual(['responseHeaders', 'immediate 503'])
  })

  it('a body that cannot be shown', () => {
    const exchange = open(looking('buffer', upper))
    exchange.show({ ...responseHeaders(), ...modes(FULL_DUPLEX_STREAMED, NONE) })
    expect(short(exchange)).toEqual(['immediate 503'])
    expect(exchange.errors.join()).toContain('allow_mode_override')
  })
})

describe('requests', () => {
  const judging: ExchangeProcessor = {
    ...passThroughProcessor,
    onRequestHeaders: () => ({ kind: 'body', as: 'buffer' }),
    onRequestBody: bytes => ({ kind: 'send', bytes, changes: { set: [{ name: 'x-n', value: String(bytes.length) }] } }),
  }

  it('are judged without a body, too', () => {
    const exchange = open(judging)
    exchange.show(requestHeaders(true))
    const [set] = exchange.said[0]?.requestHeaders?.response?.headerMutation?.setHeaders ?? []
    expect([short(exchange), String(set?.header?.rawValue)]).toEqual([['requestHeaders'], '0'])
  })

  it('that were not judged do not get a response of the server', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(NONE, NONE) })
    exchange.show(responseHeaders())
    expect(short(exchange).at(-1)).toBe('immediate 503')
    expect(exchange.errors.join()).toContain('allow_mode_override')
  })

  it('that the gateway refuses itself get its answer', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(BUFFERED, NONE) })
    exchange.show(responseHeaders(false, '413'))
    expect(short(exchange)).toEqual(['requestHeaders', 'responseHeaders'])
    expect(exchange.errors).toEqual([])
  })

  it('in FULL_DUPLEX_STREAMED get their headers with the body', () => {
    const exchange = open(judging)
    exchange.show({ ...requestHeaders(), ...modes(FULL_DUPLEX_STREAMED, FULL_DUPLEX_STREAMED) })
    exchange.show({ requestBody: { body: Buffer.from('ab') } })
    expect(exchange.said).toEqual([])
    exchange.show({ requestBody: { body: Buffer.from('c'), endOfStream: true } })
    expect(short(exchange)).toEqual(['requestHeaders', 'requestBody "abc" end'])
    const [set] = exchange.said[0]?.requestHeaders?.response?.headerMutation?.setHeaders ?? []
    expect(String(set?.header?.rawValue)).toBe('3')
  })
})

describe('time', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('a silent processor is not waited for', async () => {
    const exchange = open({ onResponseHeaders: () => new Promise(() => undefined) }, { answerWithinMs: 100 })
    const busy = exchange.show(responseHeaders())
    expect(busy).toBeInstanceOf(Promise)
    await vi.advanceTimersByTimeAsync(99)
    expect(exchange.said).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await busy
    expect([short(exchange), exchange.emergencies]).toEqual([['immediate 503'], ['dependency.timeout']])
  })

  it('an answer that is late changes nothing, nor does one after the gateway has gone', async () => {
    for (const leave of [false, true]) {
      let answer: (verdict: HeadersVerdict) => void = () => undefined
      const processor = { onResponseHeaders: () => new Promise<HeadersVerdict>(resolve => (answer = resolve)) }
      const exchange = open(processor, { answerWithinMs: 100 })
      const busy = exchange.show(responseHeaders())
      if (leave) exchange.leave()
      else await vi.advanceTimersByTimeAsync(100)
      const before = exchange.said.length
      answer({ kind: 'pass' })
      await busy
      expect(exchange.said).toHaveLength(before)
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it('a gateway that does not show what it was to buffer is not waited for', async () => {
    const exchange = open(looking('buffer', upper), { buffering: 'gateway', bodyWithinMs: 500 })
    exchange.show({ ...responseHeaders(), ...modes(NONE, NONE) })
    await vi.advanceTimersByTimeAsync(500)
    expect(short(exchange)).toEqual(['responseHeaders as 2', 'immediate 503'])
  })

  it('a gateway that waits for an answer to what is held back gets an empty one', async () => {
    const exchange = open(looking('buffer', upper))
    exchange.show({ ...responseHeaders(), ...modes(NONE, NONE) })
    exchange.show(responseBody('ab'))
    await vi.advanceTimersByTimeAsync(200)
    exchange.show(responseTrailers)
    expect(short(exchange)).toEqual([
      'responseHeaders as 4',
      'responseBody ""',
      'responseBody "AB"',
      'responseTrailers',
    ])
    exchange.leave()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the end', () => {
  it('is told to the processor once, and frees a place', () => {
    let closed = 0
    const options = { maxOpenStreams: 1 }
    const processor: ExchangeProcessor = { ...passThroughProcessor, onClose: () => closed++ }
    const opened: Exchange[] = []
    const handlerOptions: ProcessHandlerOptions = {
      createProcessor: () => processor,
      listener: { name: 'l', door: 'ext-proc', profile: 'envoy', trust: 'none' },
      onError: () => undefined,
      ...options,
    }
    const handler = createProcessHandler(handlerOptions)
    const closes: (() => void)[] = []
    const one = () => {
      const said: string[] = []
      const receiver = handler(
        {
          send: bytes => {
            said.push(String(ProcessingResponse.decode(bytes).immediateResponse?.status?.code))
            return undefined
          },
          end: () => undefined,
          onClose: listener => closes.push(listener),
        },
        context,
      )
      receiver.onMessage(Buffer.from(ProcessingRequest.encode(responseHeaders()).finish()))
      return said
    }
    expect(one()).toEqual(['undefined'])
    expect(one()).toEqual(['503'])
    for (const close of closes.splice(0)) close()
    expect(closed).toBe(1)
    expect(one()).toEqual(['undefined'])
    expect(opened).toEqual([])
  })

  it('a log or an end that fails changes nothing', () => {
    const exchange = open(
      {
        ...passThroughProcessor,
        onClose: () => {
          throw new Error('bug')
        },
      },
      {
        onError: () => {
          throw new Error('disk full')
        },
      },
    )
    exchange.show(new Uint8Array(0))
    expect(short(exchange)).toEqual(['immediate 400'])
    exchange.leave()
  })
})
