import { BoundedCache } from '../identity/bounded-cache.js'
import type { UserInfo } from '../identity/principal.js'
import { textBytes } from '../identity/text-bytes.js'
import type { ApiResponse, ApiServer } from '../kube/api-server.js'
import type { Access, Authorizer } from './authorizer.js'
import type { AccessAttributes, UrlAttributes } from './operation.js'
import type { RbacWatch } from './rbac-watch.js'
import { readSarAnswer } from './sar-answer.js'
import { failedAccess, type SarEvent, SarFailures, unreadable } from './sar-failure.js'
import {
  resourceKey,
  resourceProblem,
  resourceSpec,
  type SarSpec,
  sarBody,
  urlKey,
  urlProblem,
  urlSpec,
} from './sar-question.js'
import { sarUser } from './sar-user.js'

export interface SarAuthorizerOptions {
  readonly api: ApiServer
  /** Says that nothing but RBAC decides in this cluster, so that a watch on RBAC sees every change. */
  readonly rbacOnly: boolean
  /** Answers are forgotten with every change that it sees. Somebody else starts and stops it. */
  readonly watch: RbacWatch | undefined
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Must not throw. Failures are told at most once a minute per kind. */
  onEvent?(event: SarEvent): void
  /** Answers that are kept. Default: as many as `maxBytes` are enough for. */
  readonly maxEntries?: number
  /** Bytes of memory that they may take, estimated. Default 32 MiB. */
  readonly maxBytes?: number
}

export interface SarAuthorizer extends Authorizer {
  stats(): SarStats
}

/** Counts since the start, but for the first two. */
export interface SarStats {
  readonly entries: number
  readonly bytes: number
  /** Answered from the cache. */
  readonly hits: number
  /** Questions that went out. */
  readonly asked: number
  /** Joined an equal question under way. */
  readonly joined: number
  /** Went out and came to nothing. */
  readonly failed: number
  /** Never asked, and denied. */
  readonly refused: number
  /** How often everything was forgotten because RBAC changed. */
  readonly flushes: number
}

/** Milliseconds that answers count, from when the question was sent. */
const allowMs = 10_000
const denyMs = 5_000
const watchedAllowMs = 5 * 60_000
/** A watch that was not confirmed for longer may have missed a change. */
const freshMs = 30_000
/** API servers of one cluster learn of a change one after the other: so soon after it, an answer may be of before. */
const settleMs = 10_000
/** What an entry takes beside its texts: its key in two forms, three objects, a number, and a slot of the table. Measured. */
const entryBytes = 230

const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict'

/**
 * Asks an API server, one SubjectAccessReview per question, and keeps the answers for a while: allows for 10 s, or for
 * 5 min while a fresh watch on RBAC, which is then the cluster's only authorizer (`rbacOnly`), would say if anything had
 * changed; denials for 5 s; failures not at all. Equal questions at the same time are one. A known answer comes at once.
 */
export function createSarAuthorizer(options: SarAuthorizerOptions): SarAuthorizer {
  const reviewer = new Reviewer(options)
  options.watch?.onChange(() => reviewer.flush())
  return reviewer
}

interface Kept {
  readonly access: Access
  /** When the question was sent. */
  readonly askedAt: number
  /** Whether it may outlive {@link allowMs} while the watch is fresh. */
  readonly lasting: boolean
}

class Reviewer implements SarAuthorizer {
  readonly #api: ApiServer
  readonly #watch: RbacWatch | undefined
  readonly #now: () => number
  readonly #failures: SarFailures
  readonly #newCache: () => BoundedCache<Kept>
  #cache: BoundedCache<Kept>
  #flights = new Map<string, Promise<Access>>()
  #changedAt = Number.NEGATIVE_INFINITY
  #hits = 0
  #asked = 0
  #joined = 0
  #failed = 0
  #refused = 0
  #flushes = 0

  constructor({ api, rbacOnly, watch, now, onEvent, maxEntries, maxBytes }: SarAuthorizerOptions) {
    this.#api = api
    this.#watch = rbacOnly ? watch : undefined
    this.#now = now ?? Date.now
    this.#failures = new SarFailures(api.cluster, onEvent ?? (() => undefined), this.#now)
    this.#newCache = () => new BoundedCache(maxEntries ?? Number.POSITIVE_INFINITY, maxBytes ?? 32 * 1024 * 1024)
    this.#cache = this.#newCache()
  }

  authorize(user: UserInfo, attributes: AccessAttributes): Access | Promise<Access> {
    const { key: userKey, problem: unnamed, fields } = sarUser(user)
    if (unnamed !== undefined) return this.#refuse(unnamed)
    const question = resourceKey(attributes)
    const key = question === undefined ? undefined : userKey + question
    const known = key === undefined ? undefined : this.#known(key)
    if (known !== undefined) return known
    const problem = resourceProblem(attributes)
    return problem === undefined ? this.#ask(key, resourceSpec(fields, attributes)) : this.#refuse(problem)
  }

  authorizeUrl(user: UserInfo, attributes: UrlAttributes): Access | Promise<Access> {
    const { key: userKey, problem: unnamed, fields } = sarUser(user)
    if (unnamed !== undefined) return this.#refuse(unnamed)
    const question = urlKey(attributes)
    const key = question === undefined ? undefined : userKey + question
    const known = key === undefined ? undefined : this.#known(key)
    if (known !== undefined) return known
    const problem = urlProblem(attributes)
    return problem === undefined ? this.#ask(key, urlSpec(fields, attributes)) : this.#refuse(problem)
  }

  /** Questions under way are of before the change: who asks from now on does not join them, and they are not kept. */
  flush(): void {
    this.#cache = this.#newCache()
    this.#flights = new Map()
    this.#changedAt = this.#now()
    this.#flushes++
  }

  stats(): SarStats {
    return {
      entries: this.#cache.size,
      bytes: this.#cache.weight,
      hits: this.#hits,
      asked: this.#asked,
      joined: this.#joined,
      failed: this.#failed,
      refused: this.#refused,
      flushes: this.#flushes,
    }
  }

  /** A kept answer that still counts, or the one that an equal question is about to get. */
  #known(key: string): Access | Promise<Access> | undefined {
    const kept = this.#cache.get(key)
    if (kept !== undefined) {
      if (this.#counts(kept)) {
        this.#hits++
        return kept.access
      }
      this.#cache.delete(key)
    }
    const flight = this.#flights.get(key)
    if (flight !== undefined) this.#joined++
    return flight
  }

  #counts({ access, askedAt, lasting }: Kept): boolean {
    const age = this.#now() - askedAt
    // A clock that was set back says nothing about age.
    if (age < 0) return false
    if (!access.allowed) return age < denyMs
    return age < allowMs || (lasting && age < watchedAllowMs && this.#isWatched())
  }

  #isWatched(): boolean {
    if (this.#watch === undefined) return false
    const { synced, staleForMs } = this.#watch.freshness()
    return synced && staleForMs < freshMs
  }

  #ask(key: string | undefined, spec: SarSpec): Promise<Access> {
    this.#asked++
    const askedAt = this.#now()
    const lasting = askedAt - this.#changedAt >= settleMs
    const cache = this.#cache
    const flights = this.#flights
    const flight = this.#request(spec).then(access => {
      if (key === undefined) return access
      if (flights.get(key) === flight) flights.delete(key)
      // After a change this is the cache of before it, which nobody reads.
      if (!('failed' in access))
        cache.set(key, { access, askedAt, lasting }, entryBytes + textBytes(key) + textBytes(access.reason))
      return access
    })
    if (key !== undefined) flights.set(key, flight)
    return flight
  }

  /** Never rejects. */
  async #request(spec: SarSpec): Promise<Access> {
    let response: ApiResponse
    try {
      response = await this.#api.request({ method: 'POST', path, body: sarBody(spec), repeatable: true })
    } catch {
      return this.#broken('asking for a SubjectAccessReview failed; this is a bug')
    }
    if (!response.ok) {
      this.#failed++
      this.#failures.failed(response)
      return failedAccess(response)
    }
    return (
      readSarAnswer(response.body, spec) ??
      this.#broken('the answer to a SubjectAccessReview is not one, or not to what was asked')
    )
  }

  #broken(message: string): Access {
    this.#failed++
    this.#failures.broken(message)
    return unreadable
  }

  #refuse(problem: string): Access {
    this.#refused++
    return { allowed: false, reason: `not asked: ${problem}` }
  }
}
