import type { Expr } from '../syntax/ast.js'
import { boundsOf } from './bounds.js'
import { keyOf, type Local } from './scope.js'
import { boundedBy } from './shapes/combined-shapes.js'
import type { Shape } from './shapes/shape.js'

/** The sizes of values that conditions around an expression bound, by the keys of the values (`Estimate.key`). */
export class KnownBounds {
  readonly #bounds = new Map<string, number>()

  /** The shape of the value with a key, as far as it is bounded here. */
  bounded(key: string | undefined, shape: Shape): Shape {
    const bound = key === undefined || this.#bounds.size === 0 ? undefined : this.#bounds.get(key)
    return bound === undefined ? shape : boundedBy(shape, bound)
  }

  /** Notes the bounds that a condition sets; what is returned takes them back, the last that was noted first. */
  assume(condition: Expr, whether: boolean, scope: Local | undefined): () => void {
    const undo = boundsOf(condition, whether).flatMap(({ of, size }) => {
      const key = keyOf(of, scope)
      if (key === undefined) return []
      const before = this.#bounds.get(key)
      if (before !== undefined && before <= size) return []
      this.#bounds.set(key, size)
      return [() => (before === undefined ? this.#bounds.delete(key) : this.#bounds.set(key, before))]
    })
    return () => {
      for (const each of undo.toReversed()) each()
    }
  }
}
