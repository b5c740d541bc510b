import {
  type AuthorizationDecision,
  type AuthorizationRequest,
  type AuthorizationUser,
  type AuthorizerHost,
  authorizationKey,
} from '../cel/authorizer-value.js'
import type { UserInfo } from '../identity/principal.js'
import type { Access, Authorizer, AuthorizerReason } from '../rbac/authorizer.js'
import type { AccessAttributes, UrlAttributes } from '../rbac/operation.js'
import { resourceProblem, urlProblem } from '../rbac/sar-question.js'
import { accessAttributes } from './access-attributes.js'

/** What the rule that asks is for: those that only observe must not use up what those that decide need. */
export type Purse = 'deciding' | 'observing'

/**
 * Distinct questions that the expressions of one decision may ask, each kind of rule as many. One evaluation of all rules can
 * pay for 28 checks; while answers are missing, more may be asked than turn out to be needed.
 */
export const mostQuestions = 64

/** Why questions have no answer. */
export type NoAnswer =
  /** The authorizer could not be asked. */
  | { readonly failed: AuthorizerReason }
  /** One of them is no question: it was not asked, because "not allowed" would be an answer. */
  | { readonly problem: string }
  /** A decision does not ask so many, or not so many that hang on one another. */
  | 'limit'

/** A question and its answer, for explanations. */
export interface Told {
  readonly request: AuthorizationRequest
  readonly access: Access
}

interface Question {
  readonly request: AuthorizationRequest
  /** Why it is not asked. */
  readonly problem: string | undefined
  /** undefined: under way, or not asked. */
  access: Access | undefined
  flight: Promise<void> | undefined
}

/**
 * What the variable `authorizer` was asked in one decision. Each distinct question is asked once, so that its answer is the
 * same wherever it is read; what the expressions read of a failure is no answer at all, so that none of them can make an
 * allow of it.
 */
export class AuthorizerQuestions {
  /** Made when the first question is asked: most decisions ask none. */
  #inquiries: Map<Authorizer, AuthorizerInquiry> | undefined = undefined
  #left: Record<Purse, number> | undefined = undefined

  /** Those about `user`, who is the same throughout a decision; the messages of a batch may be about several clusters. */
  of(authorizer: Authorizer, user: UserInfo): AuthorizerInquiry {
    this.#inquiries ??= new Map()
    this.#left ??= { deciding: mostQuestions, observing: mostQuestions }
    let inquiry = this.#inquiries.get(authorizer)
    if (inquiry === undefined) {
      inquiry = new AuthorizerInquiry(authorizer, user, this.#left)
      this.#inquiries.set(authorizer, inquiry)
    }
    return inquiry
  }

  /** The same, if anybody has asked. */
  asked(authorizer: Authorizer | undefined): AuthorizerInquiry | undefined {
    return authorizer && this.#inquiries?.get(authorizer)
  }
}

/** The questions to one authorizer. */
export class AuthorizerInquiry {
  readonly #authorizer: Authorizer
  readonly #user: UserInfo
  readonly #left: Record<Purse, number>
  readonly #questions = new Map<string, Question>()
  #expired = false
  #told = 0

  constructor(authorizer: Authorizer, user: UserInfo, left: Record<Purse, number>) {
    this.#authorizer = authorizer
    this.#user = user
    this.#left = left
  }

  /** Asks when it is checked, so that all that one round of evaluations asks is under way at once. */
  host(purse: Purse): AuthorizerHost {
    return { check: request => this.#check(request, purse) }
  }

  /** What must be waited for before these are answered. Empty: nothing will ever answer those that are not. */
  underWay(requests: readonly AuthorizationRequest[]): readonly Promise<void>[] {
    return requests.flatMap(request => {
      const question = this.#questions.get(authorizationKey(request))
      return question?.flight === undefined || question.access !== undefined ? [] : [question.flight]
    })
  }

  /** Why these have no answer. That nobody answers is said first: nobody can tell then what the rest would come to. */
  whyUnanswered(requests: readonly AuthorizationRequest[]): NoAnswer {
    const questions = requests.map(request => this.#questions.get(authorizationKey(request)))
    for (const question of questions) {
      if (question?.access !== undefined && 'failed' in question.access) return { failed: question.access.failed }
    }
    const problem = questions.find(question => question?.problem !== undefined)?.problem
    return problem === undefined ? 'limit' : { problem }
  }

  /** There is no time left: what has no answer will not get one, now and later on. */
  expire(): void {
    this.#expired = true
    for (const question of this.#questions.values()) giveUp(question)
  }

  /** There is no time left for these. */
  expireSome(requests: readonly AuthorizationRequest[]): void {
    for (const request of requests) giveUp(this.#questions.get(authorizationKey(request)))
  }

  /** What was answered since this was last called, in the order in which it was asked. */
  news(): readonly Told[] {
    const all = [...this.#questions.values()].slice(this.#told)
    this.#told += all.length
    return all.flatMap(({ request, access }) => (access === undefined ? [] : [{ request, access }]))
  }

  #check(request: AuthorizationRequest, purse: Purse): AuthorizationDecision | 'pending' {
    const key = authorizationKey(request)
    let question = this.#questions.get(key)
    if (question === undefined) {
      if (this.#left[purse] === 0) return 'pending'
      this.#left[purse]--
      question = this.#ask(request)
      this.#questions.set(key, question)
    }
    const { access } = question
    if (access === undefined || 'failed' in access) return 'pending'
    return { allowed: access.allowed, reason: access.reason, error: undefined }
  }

  #ask(request: AuthorizationRequest): Question {
    const attributes = attributesOf(request)
    const problem = 'path' in attributes ? urlProblem(attributes) : resourceProblem(attributes)
    if (problem !== undefined) return { request, problem, access: undefined, flight: undefined }
    const user = this.#userOf(request.user)
    const answer =
      'path' in attributes
        ? this.#authorizer.authorizeUrl(user, attributes)
        : this.#authorizer.authorize(user, attributes)
    if (!(answer instanceof Promise)) return { request, problem, access: answer, flight: undefined }
    const question: Question = { request, problem, access: this.#expired ? late : undefined, flight: undefined }
    question.flight = answer.then(access => {
      question.access ??= access
    })
    // Nobody may come to wait for it; who does still learns of a bug.
    question.flight.catch(() => undefined)
    return question
  }

  #userOf(user: AuthorizationUser): UserInfo {
    if (user === 'caller') return this.#user
    return { username: user.name, uid: '', groups: user.groups, extra: new Map() }
  }
}

function giveUp(question: Question | undefined): void {
  if (question !== undefined && question.problem === undefined) question.access ??= late
}

function attributesOf(request: AuthorizationRequest): AccessAttributes | UrlAttributes {
  return request.kind === 'path' ? { verb: request.verb, path: request.path } : accessAttributes(request)
}

const late: Access = { allowed: false, failed: 'dependency.timeout', reason: '' }
