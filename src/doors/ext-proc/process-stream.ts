import type { Decision } from '../../decision/decision.js'
import type { EmergencyReason } from '../../decision/emergency-decision.js'
import { waitMs } from '../../decision/wait-ms.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'
import type { ByteBudget } from '../envoy/byte-budget.js'
import type { BidiReceiver, BidiStream, CallContext } from '../grpc/grpc-transport.js'
import { type BodyMode, bodyModes, planBody, type Wanted } from './body-plan.js'
import type {
  BodyVerdict,
  Eventually,
  ExchangeProcessor,
  HeaderChanges,
  HeadersVerdict,
  ImmediateReply,
} from './exchange-processor.js'
import { Flow } from './flow.js'
import { inTime } from './in-time.js'
import { mergeChanges } from './merge-changes.js'
import { readRequestHead, readResponseHead } from './read-heads.js'
import { type Modes, type Part, readProcessingRequest, type Side } from './read-processing-request.js'
import { requestError, responseError } from './stream-error.js'
import {
  lastResort,
  type ModeOverride,
  type WrittenResponse,
  writeBodyAnswer,
  writeHeadersAnswer,
  writeImmediate,
  writeStreamed,
  writeTrailersAnswer,
} from './write-processing-response.js'

const { NONE, STREAMED, BUFFERED, BUFFERED_PARTIAL, FULL_DUPLEX_STREAMED } = bodyModes

export interface ProcessStreamOptions {
  readonly listener: InboundRequest['listener']
  /** Milliseconds that a processor may take for one part of an exchange. */
  readonly answerWithinMs: number
  /** Larger messages of the gateway end the exchange with an error. Bytes. */
  readonly maxMessageBytes: number
  /** Bytes of one body that the door collects where the gateway does not. */
  readonly maxBufferedBytes: number
  /** Of all bodies that the door collects at the same time. */
  readonly budget: ByteBudget
  /** The gateway follows overrides of its modes. */
  readonly modeOverride: boolean
  /** The mode that is asked for where a processor wants the body of a response in one piece. */
  readonly bufferAs: BodyMode
  /** How long a gateway that was asked to buffer may take to show the body. Milliseconds. */
  readonly bodyWithinMs: number
  /** Must not throw. */
  report(detail: string, error?: unknown): void
  /** Must not throw. */
  onEmergency(decision: Decision): void
  /** A body was shown that an override asked for: the gateway follows overrides. */
  onOverrideFollowed(): void
  /** The gateway went away and never showed the body that an override asked for. */
  onOverrideUnseen(): void
}

type Busy = undefined | Promise<void>

/** Milliseconds after which the gateway is told that a chunk is held back. */
const nudgeMs = 200

const noBytes = new Uint8Array(0)
const noModes: Modes = { request: NONE, response: NONE, overridable: true }
const pass: HeadersVerdict = { kind: 'pass' }

/**
 * One stream of ext_proc, which is one HTTP exchange: what the gateway shows, in its order, against what it must be
 * answered in the mode that it is in. Every failure is an immediate response, never a gRPC error, which a gateway with
 * failure_mode_allow takes for a permission; once headers have gone, gateways cut the exchange off for it.
 */
export class ProcessStream implements BidiReceiver {
  readonly #stream: BidiStream
  readonly #context: CallContext
  readonly #processor: ExchangeProcessor
  readonly #options: ProcessStreamOptions
  readonly #flows: Readonly<Record<Side, Flow>>
  #configured: Modes | undefined
  readonly #timers: NodeJS.Timeout[] = []
  #finished = false
  /** The processor knows that it is over. */
  #closed = false
  /** The request has been let on. */
  #went = false

  constructor(stream: BidiStream, context: CallContext, processor: ExchangeProcessor, options: ProcessStreamOptions) {
    this.#stream = stream
    this.#context = context
    this.#processor = processor
    this.#options = options
    this.#flows = { request: new Flow('request', options), response: new Flow('response', options) }
    stream.onClose(() => this.#close())
  }

  onMessage(message: Buffer): Busy {
    if (this.#finished) return undefined
    try {
      return this.#read(message)
    } catch (error) {
      return this.#fail('internal.error', 'processing failed', error)
    }
  }

  onEnd(): void {
    this.#finished = true
    this.#stream.end()
  }

  #read(message: Buffer): Busy {
    if (message.length > this.#options.maxMessageBytes) {
      return this.#fail('message.too_large', 'a ProcessingRequest is larger than maxMessageBytes')
    }
    const read = readProcessingRequest(message)
    if (!read.ok) return this.#fail('message.encoding', read.detail)
    if (this.#configured === undefined) {
      this.#configured = read.modes ?? noModes
      this.#flows.request.mode = this.#configured.request
      this.#flows.response.mode = this.#configured.response
      if (read.observability) {
        this.#options.report(
          'the gateway only shows exchanges (observability_mode): nothing that we answer is followed',
        )
      }
    }
    const { part } = read
    const flow = this.#flows[part.side]
    clearTimeout(flow.nudge)
    switch (part.kind) {
      case 'headers':
        return this.#headers(flow, part)
      case 'body':
        return this.#body(flow, part.bytes, part.end)
      case 'trailers':
        return this.#trailers(flow, part)
    }
  }

  // --- headers

  #headers(flow: Flow, part: Part & { kind: 'headers' }): Busy {
    if (flow.at !== 'start') return this.#violated('it showed headers twice')
    flow.at = part.endOfStream ? 'ended' : 'body'
    const asked = flow.side === 'request' ? this.#askRequest(part) : this.#askResponse(part)
    if (asked === undefined) return undefined
    return this.#ask(asked, verdict => this.#judged(flow, verdict, part.endOfStream))
  }

  #askRequest(part: Part & { kind: 'headers' }): (() => Eventually<HeadersVerdict>) | undefined {
    const { deadline } = this.#context
    const metadata = (name: string) => this.#context.metadata(name)
    const head = readRequestHead(part, { listener: this.#options.listener, deadline, metadata })
    if (head === undefined) {
      this.#fail('message.encoding', 'the gateway showed a request without its pseudo headers, or with several')
      return undefined
    }
    return () => this.#processor.onRequestHeaders?.(head) ?? pass
  }

  #askResponse(part: Part & { kind: 'headers' }): (() => Eventually<HeadersVerdict>) | undefined {
    const { request } = this.#flows
    const head = readResponseHead(part, request.at === 'start')
    if (head === undefined) {
      this.#fail('message.encoding', 'the gateway showed a response without a status')
      return undefined
    }
    if (request.wanted === 'buffer' && request.at === 'body') {
      // The gateway's own answer to a request that is too large or too slow may pass. One of the server shows that the
      // request went on without being judged.
      if (head.status >= 400) return () => pass
      this.#violated('it showed a response before the request body that was asked for; is allow_mode_override on?')
      return undefined
    }
    return () => this.#processor.onResponseHeaders(head)
  }

  #judged(flow: Flow, verdict: HeadersVerdict, endOfStream: boolean): Busy {
    if (verdict.kind === 'respond') return this.#respond(verdict.reply)
    const { changes } = verdict
    if (verdict.kind === 'pass') return this.#answerHeaders(flow, 'pass', changes, endOfStream)
    if (!endOfStream) return this.#answerHeaders(flow, verdict.as, changes, false)
    // What is judged by the body is judged without one, too.
    return this.#askBody(flow, noBytes, true, (bytes, more) => {
      if (bytes.length > 0) return this.#fail('internal.error', 'a processor made a body for a message that has none')
      return this.#answerHeaders(flow, 'pass', mergeChanges(changes, more), true)
    })
  }

  #answerHeaders(flow: Flow, wanted: Wanted, changes: HeaderChanges | undefined, endOfStream: boolean): Busy {
    flow.wanted = wanted === 'judge' ? 'buffer' : wanted
    if (endOfStream) return this.#say(writeHeadersAnswer(flow.side, { changes, ...plain }))
    const configured = this.#configured ?? noModes
    const plan = planBody({
      configured: flow.mode,
      wanted,
      overridable: this.#options.modeOverride && configured.overridable,
      // What is decided by the body of a request goes into its headers, which must wait for it.
      bufferAs: flow.side === 'request' ? BUFFERED : this.#options.bufferAs,
    })
    if (plan === undefined) {
      const setting =
        wanted === 'judge'
          ? `${flow.side}_body_mode must be BUFFERED`
          : 'set allow_mode_override, and no other mode to FULL_DUPLEX_STREAMED'
      return this.#fail('internal.error', `a body must be looked at, but the gateway does not show it: ${setting}`)
    }
    if (flow.mode === FULL_DUPLEX_STREAMED && flow.wanted === 'buffer') {
      // The gateway does not wait for this answer, so that it can say what the body made of it.
      flow.held = { changes }
      return undefined
    }
    if (plan.override) flow.mode = plan.mode
    flow.overridden = plan.override && wanted !== 'pass'
    const override: ModeOverride | undefined = plan.override
      ? { request: this.#flows.request.mode, response: this.#flows.response.mode }
      : undefined
    if (flow.overridden && flow.mode === BUFFERED) this.#watch(flow)
    const bodyMayChange = wanted !== 'pass' && flow.mode !== BUFFERED
    return this.#say(writeHeadersAnswer(flow.side, { changes, bodyMayChange, override }))
  }

  /** A body larger than the gateway's buffer that came before the override was followed is never shown (Envoy 1.40). */
  #watch(flow: Flow): void {
    const { bodyWithinMs } = this.#options
    const late = () => {
      if (flow.at === 'body') {
        this.#fail(
          'dependency.timeout',
          'the gateway did not show a body that it was to buffer: raise its buffer limit',
        )
      }
    }
    this.#timers.push(setTimeout(late, bodyWithinMs))
  }

  // --- bodies

  #body(flow: Flow, bytes: Uint8Array, end: boolean): Busy {
    if (flow.at === 'start') return this.#violated('it showed a body without its headers; set the header mode to SEND')
    if (flow.at === 'ended') return this.#violated('it showed more of a body than there is')
    if (flow.overridden) this.#options.onOverrideFollowed()
    flow.overridden = false
    if (end || flow.mode === BUFFERED) flow.at = 'ended'
    if (flow.wanted === 'pass') return this.#passBody(flow, bytes, end)
    switch (flow.mode) {
      case NONE:
        return this.#violated('it showed a body that it was not to show')
      case BUFFERED_PARTIAL:
        if (!end) return this.#fail('message.too_large', 'the gateway showed a part of a body; use BUFFERED')
        return this.#whole(flow, bytes, end)
      case BUFFERED:
        return this.#whole(flow, bytes, end)
      case STREAMED:
      case FULL_DUPLEX_STREAMED:
        return flow.wanted === 'buffer' ? this.#collect(flow, bytes, end) : this.#chunk(flow, bytes, end)
    }
  }

  #passBody(flow: Flow, bytes: Uint8Array, end: boolean): Busy {
    const configured = this.#configured ?? noModes
    // An override that asked for less was not followed.
    const mode = flow.mode === NONE ? configured[flow.side] : flow.mode
    if (mode === NONE) return this.#violated('it showed a body that it was not to show')
    if (mode === FULL_DUPLEX_STREAMED) return this.#say(writeStreamed(flow.side, bytes, end))
    return this.#say(writeBodyAnswer(flow.side, { kind: 'same' }))
  }

  /** A body in one piece, whose headers wait in the gateway; those of a partial one may have gone. */
  #whole(flow: Flow, bytes: Uint8Array, end: boolean): Busy {
    return this.#askBody(flow, bytes, true, (sent, changes) => {
      if (changes !== undefined && flow.mode !== BUFFERED) return this.#tooLateForHeaders()
      if (sameBytes(sent, bytes)) return this.#say(writeBodyAnswer(flow.side, { kind: 'same' }, changes))
      if (flow.mode !== BUFFERED) return this.#say(writeBodyAnswer(flow.side, { kind: 'chunk', bytes: sent }))
      // Without the end trailers follow.
      return this.#say(writeBodyAnswer(flow.side, { kind: 'whole', bytes: sent, trailers: !end }, changes))
    })
  }

  #chunk(flow: Flow, bytes: Uint8Array, end: boolean): Busy {
    return this.#askBody(flow, bytes, end, (sent, changes) => {
      if (changes !== undefined) return this.#tooLateForHeaders()
      if (flow.mode === STREAMED) {
        const change = sameBytes(sent, bytes) ? ({ kind: 'same' } as const) : ({ kind: 'chunk', bytes: sent } as const)
        return this.#say(writeBodyAnswer(flow.side, change))
      }
      if (sent.length === 0 && !end) return this.#holdBack(flow)
      return this.#say(writeStreamed(flow.side, sent, end))
    })
  }

  /**
   * In FULL_DUPLEX_STREAMED no chunk needs an answer of its own. But where an override asked for it, and the whole response
   * was there by then, Envoy 1.40 shows trailers only after an answer to what it showed before: it gets an empty one.
   * Not at once: the headers leave with it, and an error after that is a cut.
   */
  #holdBack(flow: Flow): undefined {
    if (flow.mode !== FULL_DUPLEX_STREAMED || flow.held !== undefined) return
    flow.nudge = setTimeout(() => this.#say(writeStreamed(flow.side, noBytes, false)), nudgeMs)
  }

  #collect(flow: Flow, bytes: Uint8Array, end: boolean): Busy {
    switch (flow.collect(bytes)) {
      case 'too large':
        return this.#fail('message.too_large', 'a body is larger than maxBufferedBytes')
      case 'overloaded':
        return this.#fail('dependency.overloaded', 'the bodies of all exchanges are larger than maxBufferedTotalBytes')
      case 'kept':
    }
    if (!end) {
      if (flow.mode === STREAMED) return this.#say(writeBodyAnswer(flow.side, { kind: 'chunk', bytes: noBytes }))
      return this.#holdBack(flow)
    }
    return this.#collected(flow, sent => {
      if (flow.mode === STREAMED) return this.#say(writeBodyAnswer(flow.side, { kind: 'chunk', bytes: sent }))
      return this.#say(writeStreamed(flow.side, sent, true))
    })
  }

  /** Everything is there: headers that waited for it go first. */
  #collected(flow: Flow, use: (sent: Uint8Array) => Busy): Busy {
    const bytes = flow.collected()
    return this.#askBody(flow, bytes, true, (sent, changes) => {
      flow.giveBack()
      const { held } = flow
      if (held === undefined) return changes === undefined ? use(sent) : this.#tooLateForHeaders()
      flow.held = undefined
      const bodyMayChange = !sameBytes(sent, bytes)
      const all = mergeChanges(held.changes, changes)
      this.#say(writeHeadersAnswer(flow.side, { changes: all, bodyMayChange, override: undefined }))
      return use(sent)
    })
  }

  // --- trailers

  #trailers(flow: Flow, part: Part & { kind: 'trailers' }): Busy {
    if (flow.at === 'start') return this.#violated('it showed trailers without headers')
    const first = flow.at === 'body'
    flow.at = 'ended'
    const answer = () => this.#answerTrailers(flow, part)
    if (!first || flow.wanted === 'pass') return answer()
    if (flow.overridden) this.#options.onOverrideFollowed()
    flow.overridden = false
    // The body has ended without saying so.
    const last = (sent: Uint8Array): Busy => {
      if (sent.length === 0) return answer()
      if (flow.mode !== FULL_DUPLEX_STREAMED) {
        return this.#fail('internal.error', 'the end of a body was held back, and trailers leave no room for it')
      }
      const busy = this.#say(writeStreamed(flow.side, sent, false))
      return busy === undefined ? answer() : busy.then(answer)
    }
    if (flow.wanted === 'buffer') return this.#collected(flow, last)
    return this.#askBody(flow, noBytes, true, (sent, changes) =>
      changes === undefined ? last(sent) : this.#tooLateForHeaders(),
    )
  }

  #answerTrailers(flow: Flow, part: Part & { kind: 'trailers' }): Busy {
    const { headers } = part.trailers
    const ask = () =>
      flow.side === 'request'
        ? this.#processor.onRequestTrailers?.(headers)
        : this.#processor.onResponseTrailers?.(headers)
    return this.#ask(ask, changes => this.#say(writeTrailersAnswer(flow.side, changes)))
  }

  // --- asking and saying

  #askBody(
    flow: Flow,
    chunk: Uint8Array,
    end: boolean,
    use: (bytes: Uint8Array, changes: HeaderChanges | undefined) => Busy,
  ): Busy {
    const ask = (): Eventually<BodyVerdict> => {
      const verdict =
        flow.side === 'request'
          ? this.#processor.onRequestBody?.(chunk, end)
          : this.#processor.onResponseBody?.(chunk, end)
      if (verdict === undefined) throw new Error('the processor asked for a body and does not take it')
      return verdict
    }
    return this.#ask(ask, verdict =>
      verdict.kind === 'respond' ? this.#respond(verdict.reply) : use(verdict.bytes, verdict.changes),
    )
  }

  /** Asks the processor, and does not wait for ever. */
  #ask<T>(ask: () => Eventually<T>, use: (value: T) => Busy): Busy {
    const answer = ask()
    if (!(answer instanceof Promise)) return use(answer)
    const { answerWithinMs } = this.#options
    const left = Math.min(answerWithinMs, waitMs(this.#context.deadline, Date.now()))
    return inTime(answer, left).then(settled => {
      if (this.#finished) return undefined
      try {
        if (settled.ok) return use(settled.value)
        if (settled.late) return this.#fail('dependency.timeout', 'a processor did not answer in time')
        return this.#fail('internal.error', 'a processor failed', settled.error)
      } catch (error) {
        return this.#fail('internal.error', 'processing failed', error)
      }
    })
  }

  #say(written: WrittenResponse): Busy {
    if (this.#finished) return undefined
    if (!written.ok) return this.#fail('internal.error', `an answer could not be sent: ${written.detail}`)
    const { request } = this.#flows
    if (request.at === 'ended' || (request.at === 'body' && request.wanted === 'pass')) this.#went = true
    return this.#stream.send(written.bytes)
  }

  #respond(reply: ImmediateReply): Busy {
    const written = writeImmediate(reply)
    if (!written.ok) return this.#fail('internal.error', `an answer could not be sent: ${written.detail}`)
    this.#finish(written.bytes)
    return undefined
  }

  #violated(what: string): Busy {
    return this.#fail('internal.error', `the gateway broke the protocol: ${what}`)
  }

  #tooLateForHeaders(): Busy {
    return this.#fail('internal.error', 'a processor changes headers that have gone: the gateway must buffer the body')
  }

  /** Ends the exchange with an error that the client sees, or, once headers have gone, by cutting it off. */
  #fail(reason: EmergencyReason, detail: string, error?: unknown): Busy {
    if (this.#finished) return undefined
    this.#options.report(detail, error)
    const isOfRequest = this.#flows.response.at === 'start' && !this.#went
    const decision = isOfRequest ? requestError(reason) : responseError(reason)
    this.#options.onEmergency(decision)
    const { answer } = decision
    const written =
      answer.kind === 'respond'
        ? writeImmediate({ ...answer, details: `mcp_authz_${reason.replace('.', '_')}` })
        : undefined
    this.#finish(written?.ok ? written.bytes : lastResort)
    return undefined
  }

  #finish(last: Uint8Array): void {
    this.#forget()
    this.#stream.send(last)
    this.#stream.end()
    // What it still comes to is nobody's any more, and must not be recorded.
    this.#closeProcessor()
  }

  #close(): void {
    if (!this.#finished && Object.values(this.#flows).some(flow => flow.overridden)) this.#options.onOverrideUnseen()
    this.#forget()
    this.#closeProcessor()
  }

  #closeProcessor(): void {
    if (this.#closed) return
    this.#closed = true
    try {
      this.#processor.onClose?.()
    } catch (error) {
      this.#options.report('a processor failed at the end of an exchange', error)
    }
  }

  #forget(): void {
    this.#finished = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const flow of Object.values(this.#flows)) flow.forget()
  }
}

const plain = { bodyMayChange: false, override: undefined } as const

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0)
}
