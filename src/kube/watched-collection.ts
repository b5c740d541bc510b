import type { JsonObject } from '../protocol/json-value.js'

/** How well a copy of something in the API server is known to be true. */
export interface Freshness {
  /** Whether it was listed whole, and is no larger than what may be kept. While it is not, what it holds is worth nothing. */
  readonly synced: boolean
  /**
   * Milliseconds since the API server last confirmed it; Infinity before the first time. An open connection confirms
   * nothing: what counts is a list, an event, a bookmark, the opening of a watch.
   */
  readonly staleForMs: number
  /** Why it is behind, for readiness and the log; "" while all is well. */
  readonly problem: string
}

/** A copy of a collection of objects that follows the API server (list, then watch). */
export interface WatchedCollection {
  start(): void
  stop(): void
  freshness(): Freshness
  /** By `namespace/name` (`name` alone for what has no namespace); empty before the first sync, and as it last was when the sync is lost. Replaced or changed in place: read it when told of a change. */
  readonly objects: ReadonlyMap<string, JsonObject>
  /** Grows with every change of `objects`. */
  readonly generation: number
}
