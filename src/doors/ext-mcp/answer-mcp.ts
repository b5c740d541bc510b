import { abandon } from '../../decision/abandoned-requests.js'
import type { Decision } from '../../decision/decision.js'
import { type EmergencyReason, emergencyDecision } from '../../decision/emergency-decision.js'
import { recordedTrace } from '../../decision/recorded-trace.js'
import { waitMs } from '../../decision/wait-ms.js'
import type { InboundRequest } from '../../protocol/inbound-request.js'

export interface McpHandlerOptions {
  readonly listener: InboundRequest['listener']
  /** Larger messages are denied without being read. Bytes, default 5 MiB. */
  readonly maxMessageBytes?: number
  /** Answers that may wait at the same time; further ones that would have to are denied as overload. Default 1024. */
  readonly maxInFlight?: number
  /** How long a message may take that comes without a deadline. Milliseconds, default 2000. */
  readonly answerWithinMs?: number
  /** Something is broken, in us or in the gateway's configuration. `detail` holds nothing of a message. */
  onError(detail: string, error?: unknown): void
  /** The door denied by itself. For the log and the metrics. */
  onEmergency?(decision: Decision, request: InboundRequest | undefined): void
}

/** What both phases have in common: denials of the door's own, and waiting with an end. Nothing in it throws. */
export class AnswerMcp {
  readonly maxMessageBytes: number
  readonly #options: McpHandlerOptions
  readonly #maxInFlight: number
  readonly #answerWithinMs: number
  #inFlight = 0

  constructor(options: McpHandlerOptions) {
    this.#options = options
    this.maxMessageBytes = options.maxMessageBytes ?? 5 * 1024 * 1024
    this.#maxInFlight = options.maxInFlight ?? 1024
    this.#answerWithinMs = options.answerWithinMs ?? 2000
  }

  /** Milliseconds since the epoch. The gateway tells none. */
  deadline(stated: number | undefined): number {
    return stated ?? Date.now() + this.#answerWithinMs
  }

  report(detail: string, error?: unknown): void {
    try {
      this.#options.onError(detail, error)
    } catch {
      // A broken log must not change an answer.
    }
  }

  deny(reason: EmergencyReason, message: string, request: InboundRequest | undefined): Decision {
    const decision = emergencyDecision(reason, message, request && recordedTrace(request))
    if (request !== undefined) abandon(request)
    this.record(decision, request)
    return decision
  }

  record(decision: Decision, request: InboundRequest | undefined): void {
    try {
      this.#options.onEmergency?.(decision, request)
    } catch (error) {
      this.report('a denial of the door could not be recorded', error)
    }
  }

  /** What is settled in time, or a denial. Never rejects. The work itself goes on, so that what it looks up is cached. */
  wait<T>(pending: Promise<T>, request: InboundRequest): Promise<T | Decision> {
    if (this.#inFlight >= this.#maxInFlight) {
      pending.catch(error => this.report('a decision failed', error))
      const message = 'The authorization service has too many requests waiting'
      return Promise.resolve(this.deny('dependency.overloaded', message, request))
    }
    this.#inFlight++
    return new Promise<T | Decision>(resolve => {
      let late = false
      const timer = setTimeout(
        () => {
          late = true
          this.report('a decision was not there in time; the message was denied')
          resolve(this.deny('dependency.timeout', 'The authorization service could not decide in time', request))
        },
        waitMs(request.deadline, Date.now()),
      )
      const leave = () => {
        this.#inFlight--
        clearTimeout(timer)
      }
      pending.then(
        settled => {
          leave()
          resolve(settled)
        },
        error => {
          leave()
          this.report('a decision failed', error)
          if (!late) resolve(this.deny('internal.error', 'The authorization service failed', request))
        },
      )
    })
  }
}
