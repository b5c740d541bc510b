import type { Freshness } from '../kube/watched-collection.js'
import type { Sliced } from '../sliced.js'
import type { RbacObject } from './rbac-objects.js'

/** The RBAC objects of a cluster, as a watch on its API server knows them. */
export interface RbacWatch {
  start(): void
  stop(): void
  /** Of the four kinds together: the worst. */
  freshness(): Freshness
  /** All objects; empty before the first sync. The same array until something changes. */
  objects(): readonly RbacObject[]
  /** {@link objects} as they are when it begins, read in slices. */
  read(): Sliced<readonly RbacObject[]>
  /** Another text with every change, also before anybody is told of it. */
  version(): string
  /** Called after every change, at most every 50 ms or so. Must not throw. */
  onChange(listener: () => void): void
}
