import { lookupKey } from '../values/map-key.js'
import { Failure } from '../values/value.js'
import { type AttributePath, type Code, type Frame, type PathStep, Unknown, type UnknownPattern } from './frame.js'

/** A step of an attribute: a field by name, or an index. */
export type Qualifier = { readonly field: string } | { readonly index: Code }

/**
 * Whether an attribute is unknown: if it is what a pattern names, inside of it, or around it. Then also what its index
 * answers where that failed. undefined: it is known.
 */
export function unknownAttribute(name: string, qualifiers: readonly Qualifier[], frame: Frame): Failure | undefined {
  const patterns = frame.unknowns?.get(name)
  if (patterns === undefined) return undefined
  frame.left -= patterns.length + qualifiers.length
  const steps: PathStep[] = []
  for (const qualifier of qualifiers) {
    if ('field' in qualifier) {
      steps.push(qualifier.field)
      continue
    }
    const index = qualifier.index(frame)
    if (index instanceof Failure) return index
    const key = lookupKey(index)
    if (key === undefined) break
    steps.push(key)
  }
  const path: AttributePath = [name, ...steps]
  return patterns.some(pattern => overlap(pattern, path)) ? new Unknown(path) : undefined
}

function overlap(pattern: UnknownPattern, path: AttributePath): boolean {
  const length = Math.min(pattern.length, path.length)
  for (let i = 1; i < length; i++) if (pattern[i] !== '*' && pattern[i] !== path[i]) return false
  return true
}

/** Of lists of patterns seen lately: many expressions are evaluated with the same part of the input unknown. */
const known = new WeakMap<readonly UnknownPattern[], ReadonlyMap<string, readonly UnknownPattern[]>>()

/** Patterns by their variable. The list must not change from then on. */
export function patternsByName(patterns: readonly UnknownPattern[]): ReadonlyMap<string, readonly UnknownPattern[]> {
  const before = known.get(patterns)
  if (before !== undefined) return before
  const byName = new Map<string, UnknownPattern[]>()
  for (const pattern of patterns) {
    const [name] = pattern
    byName.set(name, [...(byName.get(name) ?? []), pattern])
  }
  known.set(patterns, byName)
  return byName
}
