import type { CelJson, UnknownPattern } from '../../src/cel/environment.js'
import type { Variable } from './engine.js'

export const trackNames = ['lexer', 'parser', 'checker', 'evaluator', 'formatter'] as const
export type TrackName = (typeof trackNames)[number]

export type Inputs = Readonly<Partial<Record<Variable, CelJson>>>

/** What one iteration tries; only the evaluator looks at more than the source. */
export interface FuzzCase {
  readonly source: string
  readonly inputs: Inputs
  readonly unknowns: readonly UnknownPattern[]
  /** What the unknown parts may turn out to be; `undefined` is nothing. */
  readonly completions: readonly Inputs[]
  /** Units of an evaluation with a tight budget. */
  readonly budget: number
}

/** What came of a case: an outcome to count, and what is wrong, if anything is. */
export interface Judged {
  readonly outcome: string
  readonly problem?: string
}
