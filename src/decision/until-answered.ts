import type { AuthorizationRequest } from '../cel/authorizer-value.js'
import { answerMargin } from '../identity/answer-margin.js'
import type { AuthorizerInquiry, Purse } from '../policy/authorizer-questions.js'
import type { AuthorizerReason } from '../rbac/authorizer.js'
import { isAbandoned } from './abandoned-requests.js'
import { authorizerOf } from './circumstances.js'
import type { Failure } from './decision.js'
import type { Eventually } from './eventually.js'
import { failure } from './failure.js'
import { explainStep, type JudgedTrial } from './trial.js'
import { waitMs } from './wait-ms.js'

/** How often a stage waits for answers that its expressions need: the questions of one round may hang on the last one's answers. */
export const mostRounds = 8

/** The questions without an answer that a result waits for, by what they are for. */
export type Missing = Readonly<Record<Purse, readonly AuthorizationRequest[]>>

export const nothingMissing: Missing = { deciding: [], observing: [] }

/**
 * Evaluates expressions that may ask the authorizer: when answers are missing, waits for all of them together and evaluates
 * again from the beginning, with what that cost given back. Now if everything is known. What is still unanswered in the
 * result then never will be in this decision (`whyUnanswered`).
 *
 * @param evaluate changes nothing but budgets; gives the same for the same answers
 */
export function untilAnswered<T>(
  trial: JudgedTrial,
  evaluate: () => T,
  missing: (result: T) => Missing,
  round = 0,
): Eventually<T> {
  const before = trial.budgets.remember()
  const result = evaluate()
  const needed = missing(result)
  if (needed === nothingMissing) return result
  const { deciding, observing } = needed
  if (deciding.length === 0 && observing.length === 0) return result
  const inquiry = trial.questions.asked(authorizerOf(trial))
  if (inquiry === undefined || round === mostRounds) return result
  const [first, others] = [inquiry.underWay(deciding), inquiry.underWay(observing)]
  if (first.length === 0 && others.length === 0) return result
  trial.budgets.giveBack(before)
  return waitFor(trial, inquiry, first, { promises: others, requests: observing }).then(() =>
    untilAnswered(trial, evaluate, missing, round + 1),
  )
}

/**
 * What only observes must change nothing: it is waited for no longer than half of the time that is left, so that there is
 * some for what is still to be done.
 */
async function waitFor(
  trial: JudgedTrial,
  inquiry: AuthorizerInquiry,
  deciding: readonly Promise<void>[],
  observing: { readonly promises: readonly Promise<void>[]; readonly requests: readonly AuthorizationRequest[] },
): Promise<void> {
  const half = observing.promises.length === 0 ? 1 : 0.5
  let inTime = await within(Promise.all([...deciding, ...observing.promises]), timeLeft(trial) * half)
  if (!inTime && half < 1) {
    inquiry.expireSome(observing.requests)
    inTime = deciding.length === 0 || (await within(Promise.all(deciding), timeLeft(trial)))
  }
  if (!inTime || isAbandoned(trial.request)) inquiry.expire()
}

/** Milliseconds that a decision may go on waiting, so that it is there before the door gives up on it. */
function timeLeft({ request, startedAt, startedTick }: JudgedTrial): number {
  const total = request.deadline === undefined ? waitMs(undefined, startedAt) : request.deadline - startedAt
  const left = total - (performance.now() - startedTick)
  return left - answerMargin(left)
}

/** Whether it came in time. Rejects as the promise does. */
function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), Math.max(0, ms))
    promise.then(() => resolve(true), reject).finally(() => clearTimeout(timer))
  })
}

/** The failure of a stage whose expressions read what nobody answers. */
export function unlookedUp(reason: AuthorizerReason, policy = ''): Failure {
  return failure(reason, 'permissions could not be looked up; try again shortly', { policy })
}

/** What was asked since the last time, for whoever wants to know why. */
export function explainQuestions(trial: JudgedTrial, stage: string): void {
  if (trial.steps === undefined) return
  for (const { request, access } of trial.questions.asked(authorizerOf(trial))?.news() ?? []) {
    const who = request.user === 'caller' ? trial.principal.user.username : request.user.name
    const answer = access.allowed ? 'allowed' : 'failed' in access ? `no answer (${access.failed})` : 'not allowed'
    const because = access.reason === '' ? '' : `: ${access.reason}`
    explainStep(trial, stage, 'authorizer', 'info', `"${who}" ${describe(request)}: ${answer}${because}`)
  }
}

function describe(request: AuthorizationRequest): string {
  if (request.kind === 'path') return `${request.verb} ${request.path}`
  const { verb, group, resource, subresource, namespace, name } = request
  const what = `${resource}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}`
  return `${verb} ${what}${name === '' ? '' : ` "${name}"`}${namespace === '' ? '' : ` in "${namespace}"`}`
}
