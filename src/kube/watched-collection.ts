import type { JsonObject } from '../protocol/json-value.js'

/** How well a copy of something in the API server is known to be true. */
export interface Freshness {
  /** Whether it was listed whole at least once. */
  readonly synced: boolean
  /** Milliseconds since the API server last confirmed it; Infinity before the first time. 0 while a watch is open and quiet for less than its silence limit would be a lie: what counts is the last byte, a bookmark included, or the opening of the watch. */
  readonly staleForMs: number
  /** Why it is behind, for readiness and the log; "" while all is well. */
  readonly problem: string
}

/** A copy of a collection of objects that follows the API server (list, then watch). */
export interface WatchedCollection {
  start(): void
  stop(): void
  freshness(): Freshness
  /** By `namespace/name` (`name` alone for what has no namespace); empty before the first sync. Replaced or changed in place: read it when told of a change. */
  readonly objects: ReadonlyMap<string, JsonObject>
  /** Grows with every change of `objects`. */
  readonly generation: number
}
