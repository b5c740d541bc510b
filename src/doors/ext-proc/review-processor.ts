import { andThen, type Eventually } from '../../decision/eventually.js'
import { judgedRequestOf } from '../../decision/judged-request.js'
import type { ExchangeReview, ReviewedExchange } from '../../decision/reviewed-exchange.js'
import type { ByteBudget } from '../envoy/byte-budget.js'
import { AnswerReview } from './answer-review.js'
import type { BodyVerdict, ExchangeProcessor, HeadersVerdict, RequestHead, ResponseHead } from './exchange-processor.js'
import { openSession } from './open-session.js'

/** Where ext_authz leaves what it decided. */
export const decisionNamespace = 'envoy.filters.http.ext_authz'

/**
 * One exchange beside ext_authz, which decides about the request: binds legacy sessions, and takes from answers what their
 * reader may not have. Stands before ext_authz in the chain, so that it sees the client's own headers and the last form of
 * the answer.
 */
export class ReviewProcessor implements ExchangeProcessor {
  readonly #review: ExchangeReview
  readonly #budget: ByteBudget | undefined
  #exchange: ReviewedExchange | undefined
  #answer: AnswerReview | undefined
  /** Of the request; "" where it was not shown. */
  #method = ''

  /** @param budget see {@link AnswerReview} */
  constructor(review: ExchangeReview, budget?: ByteBudget) {
    this.#review = review
    this.#budget = budget
  }

  onRequestHeaders(head: RequestHead): Eventually<HeadersVerdict> {
    this.#method = head.method
    return andThen(this.#review.open({ ...head, body: { state: 'absent' } }), exchange => {
      this.#exchange = exchange
      return openSession(exchange, head.headers, 'next')
    })
  }

  onResponseHeaders(head: ResponseHead): HeadersVerdict {
    const said = head.metadata.get(decisionNamespace)
    const judged = judgedRequestOf(said)
    const opened = this.#exchange ?? this.#review.unseen()
    // An answer of ext_authz itself.
    if (said?.get('decision') === 'deny' || said?.get('decision') === 'respond') return { kind: 'pass' }
    // A proof that was only shown proves nothing until somebody has used it up and allowed the request.
    const exchange = opened.provisional && opened.active && judged === undefined ? this.#review.unseen() : opened
    this.#answer = new AnswerReview({ exchange, judged, method: this.#method, budget: this.#budget })
    return this.#answer.onHeaders(head)
  }

  onResponseBody(chunk: Uint8Array, end: boolean): Eventually<BodyVerdict> {
    if (this.#answer === undefined) throw new Error('a body comes after its headers')
    return this.#answer.onBody(chunk, end)
  }

  onClose(): void {
    this.#answer?.onClose()
  }
}
