import type { AttributePath } from '../cel/environment.js'
import type { AuthorizerReason } from '../rbac/authorizer.js'
import type { Failure } from './decision.js'
import type { ForeseenCall, HypotheticalCall } from './hypothetical-call.js'
import type { PossibleAccess } from './possible-access.js'
import { explainStep } from './trial.js'

/** A call that nobody has made yet while it is judged, and what is noted on the way. */
export interface Outlook extends HypotheticalCall {
  readonly access: PossibleAccess
  foresight(): ForeseenCall
  /** Set where somebody could not be asked. */
  unasked: AuthorizerReason | undefined
  /** Set where nothing but scopes is missing. */
  unscoped: Failure | undefined
}

const mostPaths = 5

/** Notes what an expression hangs on. */
export function explainOpen({ trial }: Outlook, stage: string, rule: string, on: readonly AttributePath[]): void {
  if (trial.steps === undefined) return
  const paths = [...new Set(on.map(path => path.join('.')))]
  const more = paths.length > mostPaths ? ` and ${paths.length - mostPaths} more` : ''
  const what = paths.length === 0 ? 'the call' : `${paths.slice(0, mostPaths).join(', ')}${more}`
  explainStep(trial, stage, rule, 'info', `depends on ${what}`)
}
