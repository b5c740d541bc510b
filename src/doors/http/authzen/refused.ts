import type { ReasonCode } from '../../../decision/reason-codes.js'

/** Why an evaluation was not even put to the decision. */
export interface Refused {
  readonly ok: false
  /** undefined: it is not well-formed. Else it was understood, and is denied by us. */
  readonly reason: ReasonCode | undefined
  /** For the gateway; holds nothing of the request beside what names its fields. */
  readonly message: string
}
