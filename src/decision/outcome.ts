import type { Enriched } from '../policy/enrichment.js'
import type { Answer, Failure } from './decision.js'
import type { DenialShape } from './render-denial.js'
import type { Trial } from './trial.js'

/** What a stage found wrong, and how it wants to be answered. */
export interface Refusal {
  readonly failure: Failure
  readonly shape: DenialShape
}

export interface Refused {
  readonly trial: Trial
  readonly refusal: Refusal
}

export interface Passed {
  readonly trial: Trial
  readonly refusal: undefined
  readonly answer: Answer
  readonly enriched: readonly Enriched[]
}

/** What came of judging one message. */
export type Outcome = Refused | Passed
