import { createDecide } from '../decision/create-decide.js'
import type { Decision } from '../decision/decision.js'
import type { Step } from '../decision/trial.js'
import type { Principal } from '../identity/principal.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { assume } from './assumed-principal.js'

export interface JudgeOptions {
  readonly snapshot: PolicySnapshot
  /** Default: whoever the request's token is about. */
  readonly principal?: Principal
  /** Milliseconds since the epoch at which the request is judged. Default: the system's clock. */
  readonly now?: () => number
}

export interface Judged {
  readonly decision: Decision
  readonly steps: readonly Step[]
}

/** A judge for commands: the pipeline of the service, no credential made, nothing recorded. */
export function createJudge({ snapshot, principal, now }: JudgeOptions): (request: InboundRequest) => Promise<Judged> {
  const judgedBy = principal === undefined ? snapshot : { ...snapshot, authenticator: assume(principal) }
  const decide = createDecide({ snapshot: () => judgedBy, upstream: 'withheld', ...(now !== undefined && { now }) })
  return async request => {
    const steps: Step[] = []
    return { decision: await decide(request, steps), steps }
  }
}
