import type { Draft } from './draft.js'

/** One way in which calls differ. */
export interface Dimension {
  readonly name: string
  /** Whether it is about who asks, and not about what. */
  readonly who: boolean
  /** Whether permissions hang on it: these are tried with one another before anything else is. */
  readonly opens: boolean
  /** What expressions call it: paths, joined by dots. */
  readonly read: readonly string[]
  /** The plainest first: what an example has unless another one is needed. At least one. */
  readonly choices: readonly Choice[]
}

export interface Choice {
  /** Of who asks: how people call them. "" where nothing is to be said. */
  readonly label: string
  /** What expressions then read. undefined: it is not one value. */
  readonly value: unknown
  apply(draft: Draft): void
}

/** Which choice each dimension takes; as many as there are dimensions. */
export type Vector = readonly number[]

export const nothing: Choice = { label: '', value: undefined, apply: () => undefined }

/** Choices of one dimension at most: beyond them a search would be about nothing else. */
export const mostChoices = 40

export interface DimensionOptions {
  readonly who?: boolean
  readonly opens?: boolean
  readonly read?: readonly string[]
}

export function dimension(name: string, choices: readonly Choice[], options: DimensionOptions = {}): Dimension {
  const { who = false, opens = false, read = [] } = options
  return { name, who, opens, read, choices: choices.slice(0, mostChoices) }
}

export function choice(label: string, value: unknown, apply: (draft: Draft) => void): Choice {
  return { label, value, apply }
}
