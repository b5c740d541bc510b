import type { ApiFailure, ApiServer } from '../kube/api-server.js'
import { isJsonArray, type JsonObject } from '../protocol/json-value.js'
import type { Eventually } from './eventually.js'
import type { IdentityEvent } from './identity-event.js'
import { tooLong, tooMany } from './identity-limits.js'
import type { UserInfo } from './principal.js'
import { readTokenReview } from './read-token-review.js'
import { type ServiceAccountClaims, serviceAccountClaims } from './service-account-claims.js'
import type { Failed, VerifiedToken } from './token-verifier.js'

/** Whom the tokens of an issuer speak for is asked of the API server of a cluster. */
export interface TokenReviewRule {
  readonly cluster: string
  /** Before the names of its ServiceAccounts and their groups; "" for none. */
  readonly prefix: string
  /** Milliseconds for which a yes counts. */
  readonly keep: number
}

export interface TokenReviewerOptions {
  /** URL of the issuer, for events. */
  readonly issuer: string
  readonly rule: TokenReviewRule
  /** undefined: the cluster cannot be asked. */
  readonly api: ApiServer | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onEvent?: (event: IdentityEvent) => void
  /** Reviews under way; default 200. Beyond that, further ones are answered with dependency.timeout. */
  readonly maxPending?: number
  /** Requests that wait for them; default 4000. */
  readonly maxCallers?: number
}

/** A yes holds the same object as long as the API server says the same of the user. */
export type Reviewed = { readonly ok: true; readonly user: UserInfo } | Failed

interface Entry {
  /** undefined: the token is revoked. */
  readonly user: UserInfo | undefined
  readonly until: number
  /** When it is time to ask again beforehand, so that nobody waits for a token in steady use. */
  readonly renewAt: number
}

/** What is known of one token for one set of audiences. */
interface Memory {
  entry: Entry | undefined
  pending: Promise<Reviewed> | undefined
}

/** Milliseconds for which a no counts. */
const refusalTtl = 10_000
/** Milliseconds between tries to renew what still counts. */
const retry = 1000
/** The part of its time after which a yes is renewed, if somebody needs it. */
const renewAfter = 0.7
/** Sets of audiences per token, and audiences per question. */
const maxSets = 16
const maxAudiences = 16
/** A TokenReview comes back with the token in it. */
const maxAnswerBytes = 256 * 1024

const path = '/apis/authentication.k8s.io/v1/tokenreviews?fieldValidation=Strict'

const revoked: Failed = {
  ok: false,
  reason: 'identity.token_revoked',
  message:
    'The cluster does not take this access token any more: its ServiceAccount or pod is gone, or it was revoked. Get a new one.',
}
const notServiceAccount: Failed = {
  ok: false,
  reason: 'identity.claims',
  message: 'This is not a token of a ServiceAccount, or its claims contradict each other.',
}
const wrongAudience: Failed = {
  ok: false,
  reason: 'identity.audience',
  message: 'The access token is not meant for this server.',
}
const busy: Failed = {
  ok: false,
  reason: 'dependency.timeout',
  message: 'Too many new access tokens are being checked at once; try again.',
}
const late: Failed = {
  ok: false,
  reason: 'dependency.timeout',
  message: 'The cluster did not say in time whether the access token is still good; try again.',
}
const unavailable: Failed = {
  ok: false,
  reason: 'dependency.api_server',
  message: 'The cluster could not say whether the access token is still good; try again.',
}

/** One token, and where it shall be good. */
interface Question {
  readonly text: string
  readonly token: VerifiedToken
  readonly audiences: readonly string[]
}

/**
 * Asks the API server of a cluster whether tokens of its ServiceAccounts are still good, by TokenReview: they end with
 * their pod and ServiceAccount, which no signature shows. Tokens must be verified before (signature, time), so that
 * nobody but the cluster can make it ask. Remembers a yes for the rule's time, a no for ten seconds, and a failure never;
 * what is remembered belongs to the verified token, and goes with it. A token that comes many times at once is asked for
 * once; one in steady use is asked for beforehand, so that nobody waits. Never throws and never rejects.
 */
export class TokenReviewer {
  readonly #options: TokenReviewerOptions
  readonly #known = new WeakMap<JsonObject, Map<string, Memory>>()
  #pending = 0
  #callers = 0

  constructor(options: TokenReviewerOptions) {
    this.#options = options
  }

  /**
   * `text` is what the API server is to judge, `token` the same, verified; `accepted` are the audiences that are good here.
   * Synchronous when the answer is known.
   */
  review(text: string, token: VerifiedToken, accepted: readonly string[]): Eventually<Reviewed> {
    const audiences = intended(token.claims, accepted)
    if (audiences.length === 0) return wrongAudience
    const memory = this.#memory(token.claims, audiences.join('\n'))
    const { entry } = memory
    const now = this.#options.now()
    if (entry === undefined || now >= entry.until) return this.#wait(memory, { text, token, audiences })
    if (entry.user === undefined) return revoked
    if (now >= entry.renewAt && memory.pending === undefined) this.#ask(memory, { text, token, audiences })
    return { ok: true, user: entry.user }
  }

  #memory(claims: JsonObject, audiences: string): Memory {
    const sets = this.#known.get(claims) ?? new Map<string, Memory>()
    this.#known.set(claims, sets)
    const known = sets.get(audiences)
    if (known !== undefined) return known
    if (sets.size >= maxSets) sets.clear()
    const memory: Memory = { entry: undefined, pending: undefined }
    sets.set(audiences, memory)
    return memory
  }

  #wait(memory: Memory, question: Question): Eventually<Reviewed> {
    if (this.#callers >= (this.#options.maxCallers ?? 4000)) return busy
    const asked = memory.pending ?? this.#ask(memory, question)
    if (!(asked instanceof Promise)) return asked
    this.#callers++
    return asked.finally(() => this.#callers--)
  }

  #ask(memory: Memory, question: Question): Eventually<Reviewed> {
    const { rule, api, now, maxPending = 200 } = this.#options
    const account = serviceAccountClaims(question.token.claims)
    if (account === undefined) return notServiceAccount
    const expected = named(account.user, rule.prefix)
    if (!expected.ok) return expected
    if (api === undefined) return this.#failed('it has no connection')
    if (this.#pending >= maxPending) return busy
    this.#pending++
    // What it says was true when it was asked at the earliest, and so counts from then.
    const askedAt = now()
    const asked = this.#answer(api, question, account)
      .catch((): Reviewed => this.#failed('an internal error'))
      .then((reviewed): Reviewed => {
        this.#pending--
        memory.pending = undefined
        const before = memory.entry
        if (!reviewed.ok) {
          if (reviewed.reason === 'identity.token_revoked')
            memory.entry = { user: undefined, until: now() + refusalTtl, renewAt: Number.POSITIVE_INFINITY }
          else if (before !== undefined) memory.entry = { ...before, renewAt: now() + retry }
          return reviewed
        }
        const user = before?.user !== undefined && sameUser(before.user, reviewed.user) ? before.user : reviewed.user
        const until = Math.min(askedAt + rule.keep, question.token.expiresAt)
        memory.entry = { user, until, renewAt: askedAt + rule.keep * renewAfter }
        return { ok: true, user }
      })
    memory.pending = asked
    return asked
  }

  async #answer(api: ApiServer, { text, audiences }: Question, account: ServiceAccountClaims): Promise<Reviewed> {
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: text, audiences },
    }
    const body = JSON.stringify(review)
    const answer = await api.request({ method: 'POST', path, body, repeatable: true, maxBytes: maxAnswerBytes })
    if (!answer.ok) return this.#failed(problemOf(answer), answer.reason)
    const read = readTokenReview(answer.body, audiences, account)
    switch (read.kind) {
      case 'refused':
        return revoked
      case 'unusable':
        return this.#failed(`its answer to a TokenReview cannot be relied on: ${read.problem}`)
      case 'authenticated':
        return named(read.user, this.#options.rule.prefix)
    }
  }

  #failed(message: string, reason?: ApiFailure['reason']): Failed {
    const { issuer, rule, onEvent } = this.#options
    onEvent?.({ kind: 'review_failed', issuer, cluster: rule.cluster, message })
    return reason === 'timeout' ? late : reason === 'overloaded' ? busy : unavailable
  }
}

function problemOf({ reason, status, message }: ApiFailure): string {
  const said = `${reason}${status === undefined ? '' : ` (${status})`}: ${message}`
  return status === 403 ? `${said}; it needs the ClusterRole system:auth-delegator, by a ClusterRoleBinding` : said
}

/** The accepted audiences that the token has, by which it is judged. */
function intended(claims: JsonObject, accepted: readonly string[]): readonly string[] {
  const audience = claims.get('aud')
  const has = (one: string) => (isJsonArray(audience) ? audience.includes(one) : audience === one)
  return accepted.filter(has).slice(0, maxAudiences)
}

function named(user: UserInfo, prefix: string): Reviewed {
  const say = (name: string) => (name === 'system:authenticated' ? name : `${prefix}${name}`)
  const mapped = { ...user, username: say(user.username), groups: user.groups.map(say) }
  const oversized =
    tooLong('The user name of this token', mapped.username) ??
    tooLong('The uid of this token', mapped.uid) ??
    tooMany('groups', mapped.groups) ??
    [...user.extra]
      .map(([key, values]) => tooLong('A key', key) ?? tooMany('values of the extra', values))
      .find(Boolean)
  return oversized === undefined
    ? { ok: true, user: mapped }
    : { ok: false, reason: 'identity.claims', message: oversized }
}

/** Name, uid and groups are always those that the token says. */
function sameUser(one: UserInfo, other: UserInfo): boolean {
  return JSON.stringify([...one.extra]) === JSON.stringify([...other.extra])
}
