import type { Eventually } from './eventually.js'
import type { Verdict } from './trial.js'

/** Questions of one call that are under way at once: one call must not take all places of the API client. */
const mostAtOnce = 16

/** What is asked of an authorizer, and what its answer means for the call. */
export interface Inquiry<Question, Answer> {
  ask(question: Question): Eventually<Answer>
  /** undefined: go on with the next question. */
  judge(question: Question, answer: Answer): Eventually<Verdict>
  /** Why there is no time left to go on; undefined while there is. */
  late(): Verdict
}

/**
 * Judges the answers to questions in their order until one ends it, whatever order they come in. While the answers are
 * known they are taken one by one, and all of it happens now; from the first one on that is not, the next questions are
 * asked ahead.
 */
export function askInOrder<Question, Answer>(
  questions: readonly Question[],
  inquiry: Inquiry<Question, Answer>,
): Eventually<Verdict> {
  for (let at = 0; at < questions.length; at++) {
    const question = questions[at]
    if (question === undefined) continue
    const answer = inquiry.ask(question)
    if (answer instanceof Promise) return askAhead(questions, inquiry, at, answer)
    const verdict = inquiry.judge(question, answer)
    if (verdict instanceof Promise) return andGoOn(questions, inquiry, at, verdict)
    if (verdict !== undefined) return verdict
  }
  return undefined
}

/** `verdict` is that on the answer to question `at`. */
async function andGoOn<Question, Answer>(
  questions: readonly Question[],
  inquiry: Inquiry<Question, Answer>,
  at: number,
  verdict: Promise<Verdict>,
): Promise<Verdict> {
  return (await verdict) ?? inquiry.late() ?? askInOrder(questions.slice(at + 1), inquiry)
}

/** `first` is the answer to question `from`, which is under way. */
async function askAhead<Question, Answer>(
  questions: readonly Question[],
  inquiry: Inquiry<Question, Answer>,
  from: number,
  first: Promise<Answer>,
): Promise<Verdict> {
  const answers: Eventually<Answer>[] = [first]
  for (let at = from; at < questions.length; at++) {
    for (let next = from + answers.length; next < Math.min(questions.length, at + mostAtOnce); next++) {
      const question = questions[next]
      if (question !== undefined) answers.push(askQuietly(inquiry, question))
    }
    const question = questions[at]
    const answer = answers[at - from]
    if (question === undefined || answer === undefined) continue
    const settled = await answer
    const verdict = inquiry.late() ?? (await inquiry.judge(question, settled))
    if (verdict !== undefined) return verdict
  }
  return undefined
}

/** Nobody may come to look at an answer; an exception in it would then be nobody's and end the program. */
function askQuietly<Question, Answer>(inquiry: Inquiry<Question, Answer>, question: Question): Eventually<Answer> {
  const answer = inquiry.ask(question)
  if (answer instanceof Promise) answer.catch(() => undefined)
  return answer
}
