import type { ReasonCode, Stage } from './reason-codes.js'

/** One reason why a call is, or in Audit would be, denied. */
export interface Failure {
  readonly stage: Stage
  readonly reason: ReasonCode
  /** For the caller and its model: says what was refused and why, holds no secrets and no control characters. */
  readonly message: string
  readonly hints: readonly string[]
  /** `Kind/name` of the policy that decided, "" for built-in rules. */
  readonly policy: string
  /** The policy's own reason (Guardrail `validations[].reason`), "" without. */
  readonly policyReason: string
}

/** A header for the server behind the gateway or for the client; names lower-case, values checked by the builder. */
export interface HeaderValue {
  readonly name: string
  readonly value: string
}

export type MetadataValue = string | boolean | number | readonly string[]

/** What the door must tell the gateway. */
export type Answer =
  | {
      readonly kind: 'allow'
      /** Overwrite whatever the client sent under these names. */
      readonly setHeaders: readonly HeaderValue[]
      /** Remove every copy; never holds a name of `setHeaders`. */
      readonly removeHeaders: readonly string[]
      readonly responseHeaders: readonly HeaderValue[]
    }
  | {
      /** The gateway answers the client itself: a denial, or a document of ours (RFC 9728 metadata). */
      readonly kind: 'respond'
      /** 200, 202, 204 or 400 to 599. */
      readonly status: number
      readonly headers: readonly HeaderValue[]
      readonly body: string
    }

export interface Decision {
  /** UUID; the same in denial, record, response header and metadata. */
  readonly id: string
  /** `respond` is a document of ours that was asked for; it passes nothing on. */
  readonly outcome: 'allow' | 'deny' | 'respond'
  /** Why it was denied; undefined unless `outcome` is deny. */
  readonly failure: Failure | undefined
  /** What Audit policies or a Server in Audit would have denied. */
  readonly would: readonly Failure[]
  readonly warnings: readonly string[]
  readonly answer: Answer
  /** For the gateway's access log and later filters; no claims, no arguments. */
  readonly metadata: ReadonlyMap<string, MetadataValue>
  /** 32 hex digits, of a trace that somebody records. */
  readonly traceId?: string | undefined
}

/** The one function behind every door. Synchronous on warm caches. Never throws and never rejects. */
export type Decide = (request: import('../protocol/inbound-request.js').InboundRequest) => Decision | Promise<Decision>
