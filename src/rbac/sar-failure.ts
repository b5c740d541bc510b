import type { ApiFailure } from '../kube/api-server.js'
import type { Access } from './authorizer.js'

/** What an operator should know of questions that got no answer. Holds no names of users and no credential. */
export interface SarEvent {
  /** not_permitted: we may not ask, until somebody changes that. failed: anything else. */
  readonly kind: 'not_permitted' | 'failed'
  readonly cluster: string
  readonly message: string
  /** How many of the kind were left out since the last one. */
  readonly suppressed: number
}

type FailedAccess = Extract<Access, { readonly failed: unknown }>

/** A question without an answer: never a denial that stands, never kept. */
export function failedAccess({ reason, status }: Pick<ApiFailure, 'reason' | 'status'>): FailedAccess {
  if (reason === 'timeout')
    return { allowed: false, failed: 'dependency.timeout', reason: 'the API server did not answer in time' }
  const why = status === undefined ? reason : `${reason}, HTTP status ${status}`
  return { allowed: false, failed: 'dependency.api_server', reason: `the API server could not be asked (${why})` }
}

/** An answer that says nothing, or about something else. */
export const unreadable: FailedAccess = {
  allowed: false,
  failed: 'dependency.api_server',
  reason: 'the API server gave an answer that cannot be relied on',
}

const intervalMs = 60_000

/** Tells of the first failure of each kind per minute, and how many there were since. */
export class SarFailures {
  readonly #cluster: string
  readonly #onEvent: (event: SarEvent) => void
  readonly #now: () => number
  readonly #told = new Map<SarEvent['kind'], { at: number; suppressed: number }>()

  constructor(cluster: string, onEvent: (event: SarEvent) => void, now: () => number) {
    this.#cluster = cluster
    this.#onEvent = onEvent
    this.#now = now
  }

  failed(failure: ApiFailure): void {
    const { reason, status, message } = failure
    if (status === 403) {
      const help = 'bind the ClusterRole system:auth-delegator to its account (ClusterRoleBinding)'
      this.#tell('not_permitted', `it may not create SubjectAccessReviews; ${help}. The API server says: ${message}`)
    } else if (status === 401) {
      this.#tell('not_permitted', `the API server does not accept its credentials: ${message}`)
    } else this.#tell('failed', `${reason}${status === undefined ? '' : `, HTTP status ${status}`}: ${message}`)
  }

  broken(message: string): void {
    this.#tell('failed', message)
  }

  #tell(kind: SarEvent['kind'], message: string): void {
    const at = this.#now()
    const last = this.#told.get(kind)
    if (last !== undefined && at >= last.at && at - last.at < intervalMs) {
      last.suppressed++
      return
    }
    this.#told.set(kind, { at, suppressed: 0 })
    this.#onEvent({ kind, cluster: this.#cluster, message, suppressed: last?.suppressed ?? 0 })
  }
}
