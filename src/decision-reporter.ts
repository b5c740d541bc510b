import type { ConfigListener } from './config/config.js'
import type { AdminParts } from './create-admin.js'
import type { ShadowParts } from './create-shadow.js'
import type { OverloadCause, RefusedWork } from './decision/admission-refusals.js'
import type { Decided } from './decision/create-decide.js'
import type { Decision } from './decision/decision.js'
import { emergencyLine } from './decision/decision-record.js'
import { unreadLine } from './decision/emergency-decision.js'
import { resultLine, resultOutcome } from './decision/result-record.js'
import type { GuardedAnswer, RefusedExchange } from './decision/reviewed-exchange.js'
import { tracedEmergency } from './decision/traced-decision.js'
import type { InboundRequest } from './protocol/inbound-request.js'
import type { Compared } from './shadow/shadow-judge.js'
import type { DecisionLog } from './telemetry/decision-log.js'
import type { Metrics } from './telemetry/metrics.js'
import type { Tracing } from './telemetry/tracing/create-tracing.js'

export interface DecisionReporterOptions {
  readonly metrics: Metrics
  readonly records: readonly DecisionLog[]
  readonly tracing: Pick<Tracing, 'tracer'>
  /** undefined: there is none, or not yet. */
  admin(): AdminParts | undefined
  shadow(): ShadowParts | undefined
}

/** Of a door that denies for overload by itself. */
const waitingTooMany = { cause: 'in_flight', requests: 1 } as const

/** Tells everybody of what was decided: metrics, the decision log, traces, the admin listener and the shadow. */
export class DecisionReporter {
  readonly #parts: DecisionReporterOptions

  constructor(parts: DecisionReporterOptions) {
    this.#parts = parts
  }

  /** @param requests how many got this decision */
  decided(decided: Decided, requests = 1): void {
    const { decision, server, mode, elapsedMs } = decided
    this.#parts.metrics.decided({
      server,
      decision: decision.outcome,
      reason: decision.failure?.reason ?? '',
      mode: mode === 'audit' ? 'Audit' : 'Enforce',
      durationMs: elapsedMs,
      requests,
      decisionId: decision.id,
      traceId: decision.traceId,
      would: decision.would.length === 0 ? undefined : decision.would.map(one => one.reason),
    })
    this.#parts.shadow()?.decided(decided)
    const { records } = this.#parts
    const admin = this.#parts.admin()
    if (records.length === 0 && admin === undefined) return
    const line = decided.record()
    for (const log of records) log.write(line)
    admin?.decided(decided, line)
  }

  /** The policies of the shadow would have made it differently. */
  differs({ decided }: Compared, line: string): void {
    for (const log of this.#parts.records) log.write(line)
    this.#parts.admin()?.differs(decided.decision.id, line)
  }

  /** A worker of ours has written it. */
  recorded(line: string): void {
    for (const log of this.#parts.records) log.write(line)
    this.#parts.admin()?.recorded(line)
  }

  /** A denial that a door made by itself is recorded and counted like any other. */
  emergency(
    listener: Pick<InboundRequest['listener'], 'name' | 'door'>,
    decision: Decision,
    request: InboundRequest | undefined,
    { cause, requests }: Pick<RefusedWork, 'requests'> & { readonly cause: OverloadCause } = waitingTooMany,
  ): void {
    if (decision.failure?.reason === 'dependency.overloaded') {
      this.#parts.metrics.overloaded(cause, requests)
      this.#parts.shadow()?.overloaded()
    }
    const now = Date.now()
    const traceId = this.#traceEmergency(listener, decision, request)
    const record = () =>
      request === undefined
        ? unreadLine({ listener, decision, now, requests })
        : emergencyLine({ request, decision, now, traceId })
    this.decided({ decision, server: '', mode: 'enforce', elapsedMs: 0, record }, requests)
  }

  /** What the response door refused: a session of somebody else, or an answer that cannot be checked. */
  refused(listener: ConfigListener, { decision, request, server }: RefusedExchange): void {
    const now = Date.now()
    const traceId = this.#traceEmergency(listener, decision, request)
    const record = () =>
      request === undefined
        ? unreadLine({ listener, decision, now })
        : emergencyLine({ request, decision, now, server, traceId })
    this.decided({ decision, server, mode: 'enforce', elapsedMs: 0, record })
  }

  /** Such a denial is over when it is heard of. Returns the id of its trace if it is recorded. */
  #traceEmergency(
    listener: Pick<InboundRequest['listener'], 'door'>,
    decision: Decision,
    request: InboundRequest | undefined,
  ) {
    const span = this.#parts.tracing.tracer()?.start(request?.traceparent)
    span?.end(tracedEmergency(decision, listener.door))
    return span?.traceId
  }

  /** What Guardrails made of a result, or would have. */
  guarded(guarded: GuardedAnswer): void {
    const { notes, server } = guarded
    const count = notes.redactions.reduce((sum, one) => sum + one.count, 0)
    this.#parts.metrics.resultGuarded({ server, outcome: resultOutcome(notes), redactions: count })
    if (this.#parts.records.length === 0) return
    const line = resultLine(guarded, Date.now())
    for (const log of this.#parts.records) log.write(line)
  }
}
