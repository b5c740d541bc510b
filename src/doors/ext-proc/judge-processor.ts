import { abandon } from '../../decision/abandoned-requests.js'
import type { Answer, Decide, Decision } from '../../decision/decision.js'
import { andThen, type Eventually } from '../../decision/eventually.js'
import { failure } from '../../decision/failure.js'
import { judgedRequestOf } from '../../decision/judged-request.js'
import type { ExchangeReview, ReviewedExchange } from '../../decision/reviewed-exchange.js'
import type { InboundRequest, RequestBody } from '../../protocol/inbound-request.js'
import type { ByteBudget } from '../envoy/byte-budget.js'
import { AnswerReview } from './answer-review.js'
import type {
  BodyVerdict,
  ExchangeProcessor,
  HeaderChanges,
  HeadersVerdict,
  RequestHead,
  ResponseHead,
} from './exchange-processor.js'
import { mergeChanges } from './merge-changes.js'
import { openSession } from './open-session.js'
import { respondWith } from './respond-with.js'

export interface JudgeProcessorOptions {
  readonly review: ExchangeReview
  readonly decide: Decide
  /** Milliseconds that a decision may take; less than what the door waits for one part of an exchange. */
  readonly decideWithinMs: number
  /** See {@link AnswerReview}. */
  readonly budget?: ByteBudget
  /** Something is broken in the gateway's configuration. */
  onError(detail: string): void
}

/**
 * One exchange without ext_authz: decides about the request, and does with the answer what {@link ReviewProcessor} does.
 * Nothing goes on before the whole request was judged.
 */
export class JudgeProcessor implements ExchangeProcessor {
  readonly #options: JudgeProcessorOptions
  #head: RequestHead | undefined
  #exchange: ReviewedExchange | undefined
  /** Of the session, for the request that is allowed. */
  #changes: HeaderChanges | undefined
  /** Waits for its decision. */
  #pending: InboundRequest | undefined
  #allowed: (Answer & { readonly kind: 'allow' }) | undefined
  #metadata: Decision['metadata'] | undefined
  #answer: AnswerReview | undefined

  constructor(options: JudgeProcessorOptions) {
    this.#options = options
  }

  onRequestHeaders(head: RequestHead): Eventually<HeadersVerdict> {
    this.#head = head
    return andThen(this.#options.review.open({ ...head, body: { state: 'absent' } }), exchange => {
      this.#exchange = exchange
      const opened = openSession(exchange, head.headers, 'us')
      if (opened.kind === 'respond') return opened
      this.#changes = opened.changes
      return { kind: 'body', as: 'judge' }
    })
  }

  onRequestBody(bytes: Uint8Array): Eventually<BodyVerdict> {
    const head = this.#head
    if (head === undefined) throw new Error('a body comes after its headers')
    const body: RequestBody = head.endOfStream ? { state: 'absent' } : { state: 'complete', bytes }
    const until = Date.now() + this.#options.decideWithinMs
    const bound = this.#exchange?.session.kind === 'own'
    const request: InboundRequest = {
      ...head,
      body,
      deadline: Math.min(head.deadline ?? until, until),
      ...(bound && { session: 'bound' }),
    }
    this.#pending = request
    return andThen(this.#options.decide(request), decision => {
      this.#pending = undefined
      return this.#decided(decision, bytes)
    })
  }

  #decided(decision: Decision, bytes: Uint8Array): BodyVerdict {
    const { answer, metadata, outcome } = decision
    if (answer.kind === 'respond') return respondWith(decision)
    if (outcome !== 'allow') throw new Error(`outcome ${outcome} with an answer of kind ${answer.kind}`)
    this.#allowed = answer
    this.#metadata = metadata
    const changes = mergeChanges(this.#changes, {
      set: answer.setHeaders,
      remove: answer.removeHeaders,
      tell: metadata,
    })
    return { kind: 'send', bytes, ...(changes !== undefined && { changes }) }
  }

  onResponseHeaders(head: ResponseHead): HeadersVerdict {
    const { review, budget } = this.#options
    const judged = this.#allowed !== undefined
    if (!judged && head.status < 400) {
      this.#options.onError(
        'an answer came to a request that was not shown: request_header_mode must be SEND, and filters that answer by themselves, such as cors, must stand behind this one',
      )
      const why = failure('internal.error', 'the request was not judged, so its answer is not passed on')
      return respondWith(review.unseen().deny(why, 503))
    }
    // What was not judged is the answer of a filter before us.
    const exchange = (judged ? this.#exchange : undefined) ?? review.unseen()
    this.#answer = new AnswerReview({
      exchange,
      judged: judgedRequestOf(this.#metadata),
      method: this.#head?.method ?? '',
      headers: { set: this.#allowed?.responseHeaders ?? [] },
      budget,
    })
    return this.#answer.onHeaders(head)
  }

  onResponseBody(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict> {
    if (this.#answer === undefined) throw new Error('a body comes after its headers')
    return this.#answer.onBody(chunk, end)
  }

  onClose(): void {
    // Nobody hears of it any more: it must not be recorded as if it had been followed.
    if (this.#pending !== undefined) abandon(this.#pending)
    this.#answer?.onClose()
  }
}
