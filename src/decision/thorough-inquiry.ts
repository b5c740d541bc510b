import type { Inquiry } from './ask-in-order.js'
import { andThen, type Eventually } from './eventually.js'
import type { Verdict } from './trial.js'

/**
 * Goes on behind a refusal, up to a failure to ask: of a Server in Audit the log has to hold all that a call needs, so that
 * policies can be written from it. What is refused first is kept.
 */
export class ThoroughInquiry<Question, Answer> implements Inquiry<Question, Answer> {
  readonly #inquiry: Inquiry<Question, Answer>
  refusal: Verdict

  constructor(inquiry: Inquiry<Question, Answer>) {
    this.#inquiry = inquiry
  }

  ask(question: Question): Eventually<Answer> {
    return this.#inquiry.ask(question)
  }

  judge(question: Question, answer: Answer): Eventually<Verdict> {
    return andThen(this.#inquiry.judge(question, answer), verdict => this.#keep(verdict))
  }

  late(): Verdict {
    return this.#inquiry.late()
  }

  #keep(verdict: Verdict): Verdict {
    if (verdict === undefined || verdict.stage === 'dependency') return verdict
    this.refusal ??= verdict
    return undefined
  }
}
