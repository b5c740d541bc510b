import type { Result } from '../values/value.js'
import type { Frame } from './frame.js'
import type { Part, Whole } from './read-attribute.js'

/** What a macro or a bind declares, innermost first. Each has a slot of its own in `Frame.locals`. */
export interface Scope {
  readonly name: string
  /** Reads it, or named parts of it. */
  read<T>(parts: readonly Part[], whole: Whole<T>): (frame: Frame) => Result | T
  readonly outer: Scope | undefined
}

export function findLocal(scope: Scope | undefined, name: string): Scope | undefined {
  for (let found = scope; found !== undefined; found = found.outer) if (found.name === name) return found
  return undefined
}
