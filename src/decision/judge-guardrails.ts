import type { AuthorizationRequest } from '../cel/authorizer-value.js'
import type { Activation } from '../cel/environment.js'
import { mostQuestions, type Purse } from '../policy/authorizer-questions.js'
import { activationOf } from '../policy/expression-environment.js'
import type { Guardrail, Judgement } from '../policy/guardrail.js'
import { kept } from '../policy/guardrail-validations.js'
import type { MatchedCall } from '../policy/match.js'
import type { DenialMode } from '../policy/server.js'
import type { BrokenRule } from '../policy/snapshot.js'
import { partsOf } from './call-parts.js'
import { authorizerOf, circumstancesOf } from './circumstances.js'
import type { Failure } from './decision.js'
import { andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { explainStep, type JudgedTrial } from './trial.js'
import {
  explainQuestions,
  type Missing,
  mostRounds,
  nothingMissing,
  unlookedUp,
  untilAnswered,
} from './until-answered.js'

export interface GuardrailVerdict {
  /** In the order of policy names. What replaces the verdict (`dependency.*`) goes before it. */
  readonly failures: readonly Failure[]
  /** Denial modes that the failing Guardrails ask for. */
  readonly denials: readonly DenialMode[]
}

/**
 * Stage 8: every guardrail that matches is evaluated, so that the message and the record are complete. Those in Audit
 * fill `trial.would`, those in Warn `trial.warnings`. A call of several targets is judged for each, and tells of each
 * broken rule once. Where their expressions ask the authorizer, all of them wait for its answers together.
 */
export function judgeGuardrails(trial: JudgedTrial, matched: MatchedCall): Eventually<GuardrailVerdict> {
  if (trial.call.alsoTargets.length === 0) return judgeParts(trial, [new Part(trial, matched)])
  const parts = partsOf(trial.call).map(call => new Part({ ...trial, call }, { ...matched, call }))
  return andThen(judgeParts(trial, parts), ({ failures, denials }) => ({ failures: eachOnce(failures), denials }))
}

function eachOnce(failures: readonly Failure[]): readonly Failure[] {
  const told = new Map<string, Failure>()
  for (const failed of failures) {
    const key = `${failed.policy} ${failed.reason} ${failed.message}`
    if (!told.has(key)) told.set(key, failed)
  }
  return [...told.values()]
}

/** One target of the call, and the documents that are about it. */
class Part {
  readonly matched: MatchedCall
  readonly broken: readonly BrokenRule[]
  readonly guardrails: readonly Guardrail[]
  readonly #trial: JudgedTrial
  /** Kept from round to round: what they hold must not change. */
  #deciding: Activation | undefined = undefined
  #observing: Activation | undefined = undefined

  constructor(trial: JudgedTrial, matched: MatchedCall) {
    const { broken, guardrails } = trial.snapshot
    this.#trial = trial
    this.matched = matched
    this.broken = broken.candidates(matched)
    // Whoever wants to know why is told of those that are about others as well.
    this.guardrails =
      trial.steps === undefined ? guardrails.candidatesFor(matched, trial.principal) : guardrails.candidates(matched)
  }

  /** What came of each; undefined of one that is not about this caller. Changes nothing but budgets. */
  evaluate(): readonly (Judgement | undefined)[] {
    const judgements: (Judgement | undefined)[] = []
    for (const guardrail of this.guardrails) judgements.push(this.#judge(guardrail))
    return judgements
  }

  #judge(guardrail: Guardrail): Judgement | undefined {
    const { principal, budgets } = this.#trial
    if (!guardrail.match.caller(principal, true)) return undefined
    if (guardrail.mode === 'Enforce') {
      this.#deciding ??= activationOf(circumstancesOf(this.#trial, 'deciding'))
      return guardrail.evaluate(this.#deciding, budgets.deciding)
    }
    this.#observing ??= activationOf(circumstancesOf(this.#trial, 'observing'))
    return guardrail.evaluate(this.#observing, budgets.observing)
  }
}

type Judged = readonly (readonly (Judgement | undefined)[])[]

function judgeParts(trial: JudgedTrial, parts: readonly Part[]): Eventually<GuardrailVerdict> {
  if (parts.every(part => part.broken.length === 0 && part.guardrails.length === 0) && trial.steps === undefined)
    return nothingToSay
  const evaluated = untilAnswered(
    trial,
    () => parts.map(part => part.evaluate()),
    judged => missing(parts, judged),
  )
  return evaluated instanceof Promise
    ? evaluated.then(judged => conclude(trial, parts, judged))
    : conclude(trial, parts, evaluated)
}

function conclude(trial: JudgedTrial, parts: readonly Part[], judged: Judged): GuardrailVerdict {
  explainQuestions(trial, 'guardrails')
  if (trial.steps !== undefined) for (const { matched } of parts) explainLater(trial, matched)
  const verdict = new VerdictBuilder(trial)
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]
    if (part === undefined) continue
    for (const { name } of part.broken) verdict.addBroken(name)
    // Of one target each rule is told of once; several may be about the same.
    const again = index > 0
    for (let at = 0; at < part.guardrails.length; at++) {
      const guardrail = part.guardrails[at]
      if (guardrail !== undefined) verdict.add(guardrail, judged[index]?.[at], again)
    }
  }
  return verdict.build()
}

const nothingToSay: GuardrailVerdict = { failures: [], denials: [] }

/** What is judged when the answer comes. */
function explainLater(trial: JudgedTrial, matched: MatchedCall): void {
  for (const { name, match, mode } of trial.snapshot.resultGuardrails.candidates(matched)) {
    if (!match.caller(trial.principal, true)) continue
    const detail = mode === 'Enforce' ? 'judges the result' : `judges the result; its mode is ${mode}`
    explainStep(trial, 'guardrails', `Guardrail/${name}`, 'info', detail)
  }
}

function missing(parts: readonly Part[], judged: Judged): Missing {
  let found: Record<Purse, AuthorizationRequest[]> | undefined
  for (let index = 0; index < parts.length; index++) {
    const guardrails = parts[index]?.guardrails ?? []
    for (let at = 0; at < guardrails.length; at++) {
      const judgement = judged[index]?.[at]
      if (judgement === undefined || judgement === kept) continue
      const { unanswered, unansweredMessages } = judgement
      if (unanswered.length === 0 && unansweredMessages.length === 0) continue
      found ??= { deciding: [], observing: [] }
      found[guardrails[at]?.mode === 'Enforce' ? 'deciding' : 'observing'].push(...unanswered, ...unansweredMessages)
    }
  }
  return found ?? nothingMissing
}

/** Notes in the trial what its guardrails said, once it is certain. */
class VerdictBuilder {
  readonly #trial: JudgedTrial
  readonly #failures: Failure[] = []
  readonly #dependencies: Failure[] = []
  readonly #denials: DenialMode[] = []

  constructor(trial: JudgedTrial) {
    this.#trial = trial
  }

  addBroken(name: string): void {
    this.#failures.push(
      failure('policy.error', 'a policy that governs this call does not compile, so the call cannot be judged', {
        policy: name,
        hints: ['Tell the platform team; nothing that you change in the call helps.'],
      }),
    )
    explainStep(this.#trial, 'guardrails', name, 'fail', 'does not compile; what it could restrict is denied')
  }

  /** `again`: it may have been added for another target. */
  add(guardrail: Guardrail, judgement: Judgement | undefined, again: boolean): void {
    const { policies } = this.#trial
    const { policy } = guardrail
    if (judgement === undefined) {
      explainStep(this.#trial, 'guardrails', policy, 'not matched', 'is not about this caller')
      return
    }
    if (!again || !policies.includes(policy)) policies.push(policy)
    if (judgement === kept) {
      explainStep(this.#trial, 'guardrails', policy, 'pass', '')
      return
    }
    const found = judgement.violations.map(({ reason, message, policyReason, hint }) =>
      failure(reason, message, { policy, policyReason, hints: hint === undefined ? [] : [hint] }),
    )
    if (judgement.unanswered.length > 0) found.unshift(this.#unjudged(policy, guardrail.name, judgement.unanswered))
    if (found.length === 0) explainStep(this.#trial, 'guardrails', policy, 'pass', '')
    for (const one of found) this.#note(guardrail, one)
  }

  build(): GuardrailVerdict {
    if (this.#dependencies.length === 0 && this.#failures.length === 0) return nothingToSay
    return { failures: [...this.#dependencies, ...this.#failures], denials: this.#denials }
  }

  /** Whatever the expression would make of it: `!authorizer.…allowed()` must not be true because nobody answers. */
  #unjudged(policy: string, name: string, requests: readonly AuthorizationRequest[]): Failure {
    const why = this.#trial.questions.asked(authorizerOf(this.#trial))?.whyUnanswered(requests)
    if (typeof why === 'object' && 'failed' in why) return unlookedUp(why.failed, policy)
    const what =
      typeof why === 'object'
        ? `something that is no question: ${why.problem}`
        : `more than ${mostQuestions} different questions, or some that hang on one another more than ${mostRounds} times`
    return failure(
      'guardrail.error',
      `the guardrail ${name} could not be judged: it would ask the authorizer ${what}`,
      {
        policy,
        hints: [
          'Send less, and plain names. If that does not help, the platform team can make the guardrail ask less.',
        ],
      },
    )
  }

  #note({ mode, denial }: Guardrail, found: Failure): void {
    const { would, warnings } = this.#trial
    const { policy, message } = found
    switch (mode) {
      case 'Enforce':
        if (found.stage === 'dependency') this.#dependencies.push(found)
        else this.#failures.push(found)
        if (denial) this.#denials.push(denial)
        explainStep(this.#trial, 'guardrails', policy, 'fail', message)
        break
      case 'Audit':
        if (!would.some(one => one.policy === policy && one.message === message)) would.push(found)
        explainStep(this.#trial, 'guardrails', policy, 'would fail', message)
        break
      case 'Warn':
        if (!warnings.includes(message)) warnings.push(message)
        explainStep(this.#trial, 'guardrails', policy, 'warn', message)
        break
    }
  }
}
