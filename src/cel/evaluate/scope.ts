import type { Code } from './frame.js'

/** What a macro or a bind declares, innermost first. Each has a slot of its own in `Frame.locals`. */
export interface Scope {
  readonly name: string
  readonly read: Code
  readonly outer: Scope | undefined
}

export function findLocal(scope: Scope | undefined, name: string): Scope | undefined {
  for (let found = scope; found !== undefined; found = found.outer) if (found.name === name) return found
  return undefined
}
