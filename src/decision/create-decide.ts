import type { Authenticated } from '../identity/authenticator.js'
import type { Enriched } from '../policy/enrichment.js'
import type { MatchedCall } from '../policy/match.js'
import type { Server } from '../policy/server.js'
import { serverExtension } from '../policy/server-table.js'
import type { PolicySnapshot } from '../policy/snapshot.js'
import type { CallResult } from '../protocol/call-result.js'
import { checkFraming } from '../protocol/framing.js'
import type { InboundRequest } from '../protocol/inbound-request.js'
import { readCalls } from '../protocol/mcp/classify.js'
import { headerMismatchCode } from '../protocol/mcp/header-rules.js'
import type { SessionKeys } from '../protocol/session-tag.js'
import { matchWellKnown } from '../protocol/well-known.js'
import type { StageTimer } from '../telemetry/stage-timer.js'
import type { DecisionSpan, DecisionTracer } from '../telemetry/tracing/decision-tracer.js'
import { isAbandoned } from './abandoned-requests.js'
import { allowAnswer, auditAnswer, preflightAnswer } from './allow-headers.js'
import { answerWellKnown } from './answer-well-known.js'
import { authorizeCall, catalogEntry } from './authorize-call.js'
import { memberTrial, mergeAllowed, refuseSiblings, renderBatchDenial } from './batch.js'
import { checkArguments } from './check-arguments.js'
import { checkParameterHeaders } from './check-parameter-headers.js'
import type { Answer, Decide, Decision, Failure } from './decision.js'
import { metadataOf } from './decision-metadata.js'
import { emergencyLine, recordLine } from './decision-record.js'
import { agentMissing } from './each-principal.js'
import { emergencyDecision } from './emergency-decision.js'
import { enrich } from './enrich.js'
import { allOf, andThen, type Eventually } from './eventually.js'
import { failure } from './failure.js'
import { findServer, unknownServer } from './find-server.js'
import { type GuardrailVerdict, judgeGuardrails } from './judge-guardrails.js'
import { nameTool } from './name-tool.js'
import type { Outcome, Refusal, Refused } from './outcome.js'
import type { ReasonCode } from './reason-codes.js'
import type { RecordArguments } from './record-arguments.js'
import { recordedTrace } from './recorded-trace.js'
import { renderDenial } from './render-denial.js'
import { resultContextOf } from './result-context.js'
import { tellTools } from './tell-tools.js'
import { tracedBatch, tracedDecision, tracedEmergency } from './traced-decision.js'
import { enterStage, explainStep, isJudged, type JudgedTrial, newTrial, type Step, type Trial } from './trial.js'
import { checkUpstreamIdentity, refuseUntrusted, type UpstreamSource, upstreamHeaders } from './upstream-headers.js'

export interface DecideOptions {
  /** The snapshot in force; undefined until a first one compiled. */
  snapshot(): PolicySnapshot | undefined
  /** What makes the credentials of servers. Default: nothing does, so that calls that need some are denied. */
  readonly upstream?: UpstreamSource
  /** A listener adds texts to results, which reach it with the metadata of the decision. Default false. */
  readonly seesAnswers?: boolean
  /** Those of the response door, for the record: which sessions it bound. Default: none are. */
  readonly sessions?: SessionKeys
  /** What records tell of arguments beside their digest. Default: nothing. */
  readonly recordArguments?: RecordArguments
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?(): number
  /** Called once per decision, after it was made. Must not throw and must not block. */
  onDecided?(decided: Decided): void
  /** Called when a part of ours threw; the request is denied. Must not throw. */
  onBug?(error: unknown, denied: { readonly decisionId: string; readonly traceId: string | undefined }): void
  /** What makes spans of decisions. Default: none are made. */
  tracer?(): DecisionTracer | undefined
  /** What times the stages of the decision that begins. Default: nothing does. */
  stageTimer?(): StageTimer | undefined
}

/** A decision with what the log and the metrics need of its making. */
export interface Decided {
  readonly decision: Decision
  /** Name of the Server, "" when none was found. */
  readonly server: string
  readonly mode: 'enforce' | 'audit'
  readonly elapsedMs: number
  /** All that was known at the end; undefined where it was not judged at all. Must not be changed. */
  readonly trial?: Trial
  /** Builds the record's line; called at most once. */
  record(): string
}

export type ExplainedDecide = (request: InboundRequest, steps: Step[]) => Decision | Promise<Decision>

/** Puts the stages together: the one function that every door calls. See {@link Decide} for what it promises. */
export function createDecide(options: DecideOptions): Decide & ExplainedDecide {
  const pipeline = new Pipeline(options)
  return (request: InboundRequest, steps?: Step[]) => pipeline.decide(request, steps)
}

class Pipeline {
  readonly #options: DecideOptions
  readonly #now: () => number
  readonly #upstream: UpstreamSource

  constructor(options: DecideOptions) {
    this.#options = options
    this.#upstream = options.upstream ?? { signer: undefined, exchangers: new Map() }
    this.#now = options.now ?? Date.now
  }

  decide(request: InboundRequest, steps: Step[] | undefined): Decision | Promise<Decision> {
    let span: DecisionSpan | undefined
    try {
      span = this.#options.tracer?.()?.start(request.traceparent)
      const snapshot = this.#options.snapshot()
      if (snapshot === undefined) {
        const decision = emergencyDecision(
          'policy.not_loaded',
          'the policies are not loaded yet, so nothing can be allowed',
          recordedTrace(request, span),
        )
        return this.#emergency(request, decision, span)
      }
      const trial = newTrial(request, snapshot, this.#now(), steps)
      trial.span = span
      trial.timer = this.#options.stageTimer?.()
      const decision = this.#judge(trial)
      return decision instanceof Promise ? decision.catch(error => this.#broken(request, error, span)) : decision
    } catch (error) {
      return this.#broken(request, error, span)
    }
  }

  /** An exception is a bug of ours: it denies, and it is told. */
  #broken(request: InboundRequest, error: unknown, span: DecisionSpan | undefined): Decision {
    const message = 'the call could not be judged because of an internal error, so it is denied'
    const decision = emergencyDecision('internal.error', message, recordedTrace(request, span))
    this.#options.onBug?.(error, { decisionId: decision.id, traceId: span?.traceId ?? traceIdOf(request) })
    return this.#emergency(request, decision, span)
  }

  #emergency(request: InboundRequest, decision: Decision, span: DecisionSpan | undefined): Decision {
    span?.end(tracedEmergency(decision, request.listener.door))
    const record = () => emergencyLine({ request, decision, now: this.#now(), traceId: span?.traceId })
    this.#options.onDecided?.({ decision, server: '', mode: 'enforce', elapsedMs: 0, record })
    return decision
  }

  /** Stages 1 and 2, and what needs no identity. */
  #judge(trial: Trial): Eventually<Decision> {
    enterStage(trial, 'framing')
    const document = matchWellKnown(trial.request.path)
    // Documents can be asked for by HEAD as well; nothing that stands behind us can.
    const asGet = document !== undefined && trial.request.method === 'HEAD'
    const framing = checkFraming(asGet ? { ...trial.request, method: 'GET' } : trial.request)
    const found = findServer(trial)
    if (found.server) trial.server = found.server
    const wellKnown = framing === undefined ? document : undefined
    // In Audit a server may go on answering such documents itself, as far as they are not ours.
    const ours = wellKnown?.document === 'oauth-protected-resource' || trial.server?.mode !== 'Audit'
    if (wellKnown !== undefined && ours) return this.#respond(trial, answerWellKnown(trial, wellKnown))
    if (framing !== undefined) {
      const refusal = { failure: failure(framing.reason, framing.message), shape: { status: framing.status } }
      if (!this.#tolerate(trial, refusal)) return this.#deny(trial, refusal)
    }
    explainStep(trial, 'framing', '', framing ? 'fail' : 'pass', framing?.message ?? '')
    const { server } = trial
    if (server === undefined || found.refusal !== undefined) {
      const refusal = { failure: found.refusal ?? unknownServer(), shape: {} }
      explainStep(trial, 'server', '', 'fail', refusal.failure.message)
      if (server === undefined || !this.#tolerate(trial, refusal)) return this.#deny(trial, refusal)
    }
    if (trial.steps !== undefined) explainStep(trial, 'server', `Server/${server.name}`, 'pass', '')
    if (trial.request.method === 'OPTIONS' && framing === undefined)
      return this.#allow(trial, preflightAnswer(trial), [])
    enterStage(trial, 'identity')
    const authenticated = trial.snapshot.authenticator.authenticate(trial.request, server.audience)
    return andThen(authenticated, settled => this.#identified(trial, server, settled))
  }

  /** Stage 3, and the reading of the message or messages. */
  #identified(trial: Trial, server: Server, authenticated: Authenticated): Eventually<Decision> {
    if (authenticated.ok) trial.principal = authenticated.principal
    enterStage(trial, 'message')
    const read = readCalls(trial.request, server, server.batches === 'legacy')
    if (!('batch' in read)) {
      trial.knownId = read.ok ? read.call.id : read.id
      trial.era = read.ok ? read.call.era : read.era
    }
    const unknown = this.#refuseIdentity(trial, server, authenticated)
    if (unknown !== undefined) {
      if (read.ok && !('batch' in read)) trial.call = read.call
      if (!this.#tolerate(trial, unknown)) return this.#deny(trial, unknown)
    }
    if ('batch' in read) {
      enterStage(trial, undefined)
      const members = read.batch.map(call => {
        const member = memberTrial(trial, call, read.batch.length)
        member.span = trial.span?.member()
        return this.#judgeMessage(member, server, { ok: true, call })
      })
      return andThen(allOf(members), outcomes => this.#concludeBatch(trial, outcomes))
    }
    return andThen(this.#judgeMessage(trial, server, read), outcome =>
      outcome.refusal === undefined
        ? this.#allow(trial, outcome.answer, outcome.enriched)
        : this.#deny(trial, outcome.refusal),
    )
  }

  #refuseIdentity(trial: Trial, server: Server, authenticated: Authenticated): Refusal | undefined {
    if (!authenticated.ok) {
      explainStep(trial, 'identity', '', 'fail', authenticated.message)
      const { reason, message, nonce } = authenticated
      return { failure: failure(reason, message), shape: nonce === undefined ? {} : { dpopNonce: nonce } }
    }
    const { kind, user, agentUser } = authenticated.principal
    if (trial.steps !== undefined) explainStep(trial, 'identity', '', 'pass', `${kind} "${user.username}"`)
    const untrusted = refuseUntrusted(trial, server, this.#upstream)
    if (untrusted !== undefined) return { failure: untrusted, shape: {} }
    return server.principals.includes('agent') && agentUser === undefined
      ? { failure: agentMissing(), shape: {} }
      : undefined
  }

  /** Stages 4 to 7. */
  #judgeMessage(trial: Trial, server: Server, read: CallResult): Eventually<Outcome> {
    if (trial.batch !== undefined) enterStage(trial, 'message')
    const refusal = this.#readMessage(trial, server, read)
    if (refusal !== undefined) {
      explainStep(trial, refusal.failure.stage, '', 'fail', refusal.failure.message)
      if (!this.#tolerate(trial, refusal)) return { trial, refusal }
    }
    // In Audit a request may have come here without identity or message: nothing more can be judged.
    if (!isJudged(trial)) return passed(trial, auditAnswer(trial))
    const { call, tool, catalogTool } = trial
    const matched: MatchedCall = { server: server.name, call, tool, catalogTool }
    enterStage(trial, 'authorization')
    return andThen(authorizeCall(trial, matched), verdict =>
      this.#authorized(trial, matched, verdict ?? checkUpstreamIdentity(trial)),
    )
  }

  #readMessage(trial: Trial, server: Server, read: CallResult): Refusal | undefined {
    if (!read.ok) {
      const { reason, message, status, jsonRpcCode } = read
      return { failure: failure(reason, message), shape: { status, jsonRpcCode } }
    }
    trial.call = read.call
    const named = nameTool(server, read.call)
    if (!named.ok) return named.refusal
    const { call, tool } = named
    trial.call = call
    if (call !== read.call) trial.sent = read.call
    trial.tool = tool
    trial.catalogTool = catalogEntry(server, call, tool)
    const matched: MatchedCall = { server: server.name, call, tool, catalogTool: trial.catalogTool }
    const { guardrails, grants } = trial.snapshot
    const wrong = checkArguments(call, trial.catalogTool, () => [guardrails.members(matched), grants.members(matched)])
    if (wrong !== undefined) return { failure: wrong, shape: { jsonRpcCode: -32602 } }
    const mismatch = checkParameterHeaders(trial.request.headers, call, trial.catalogTool)
    if (mismatch !== undefined) return { failure: mismatch, shape: { jsonRpcCode: headerMismatchCode } }
    if (trial.steps !== undefined) explainStep(trial, 'message', '', 'pass', `${call.kind} ${call.method}`)
    return undefined
  }

  /** Stage 8, and the answer. */
  #authorized(trial: JudgedTrial, matched: MatchedCall, verdict: Failure | undefined): Eventually<Outcome> {
    if (verdict !== undefined) {
      explainStep(trial, 'authorization', '', 'fail', verdict.message)
      const refusal = { failure: verdict, shape: {} }
      if (!this.#tolerate(trial, refusal)) return { trial, refusal }
    } else {
      trial.authorized = true
      if (trial.steps !== undefined) explainStep(trial, 'authorization', '', 'pass', trial.server.require.join(' and '))
    }
    enterStage(trial, 'guardrails')
    return andThen(judgeGuardrails(trial, matched), verdict => this.#guarded(trial, matched, verdict))
  }

  #guarded(trial: JudgedTrial, matched: MatchedCall, { failures, denials }: GuardrailVerdict): Eventually<Outcome> {
    const [worst, ...others] = failures
    if (worst !== undefined) {
      if (trial.server.mode !== 'Audit') {
        // A dependency's form of answer hides nothing: what the rules said would be told to those from whom they hide.
        const told = worst.stage === 'dependency' ? {} : { others, denials }
        return { trial, refusal: { failure: worst, shape: told } }
      }
      trial.would.push(...failures)
    }
    enterStage(trial, 'upstream')
    if (trial.server.mode === 'Audit') return andThen(tellTools(trial), () => passed(trial, auditAnswer(trial)))
    const enriched = enrich(trial, matched)
    return andThen(upstreamHeaders(trial, this.#upstream), made =>
      made.ok
        ? andThen(tellTools(trial), () => passed(trial, allowAnswer(trial, enriched, made.headers), enriched))
        : { trial, refusal: { failure: made.failure, shape: {} } },
    )
  }

  /** A batch passes as a whole or not at all; each of its messages has a record of its own. */
  #concludeBatch(trial: Trial, outcomes: readonly Outcome[]): Decision {
    const first = outcomes.find(outcome => outcome.refusal !== undefined)
    if (first?.refusal !== undefined) return this.#denyBatch(trial, refuseSiblings(outcomes), first)
    const allowed = outcomes.filter(outcome => outcome.refusal === undefined)
    const answer = mergeAllowed(trial, allowed)
    if (answer === undefined) {
      const text = 'the messages of the batch would need different headers; send them one by one'
      const refusal = { failure: failure('message.batch', text), shape: {} }
      const refused = allowed.map(one => ({ trial: one.trial, refusal }))
      return this.#denyBatch(trial, refused, { trial, refusal })
    }
    for (const one of allowed) this.#allow(one.trial, one.answer, one.enriched)
    const decision = decisionOf(trial, 'allow', undefined, answer, notesOf(allowed))
    trial.span?.end(tracedBatch(trial, decision, outcomes.length))
    return decision
  }

  #denyBatch(trial: Trial, refused: readonly Refused[], first: Refused): Decision {
    for (const one of refused) this.#deny(one.trial, one.refusal)
    const answer = renderBatchDenial(trial, refused, first)
    const decision = decisionOf(trial, 'deny', first.refusal.failure, answer, notesOf(refused))
    trial.span?.end(tracedBatch(trial, decision, refused.length))
    return decision
  }

  /** In Audit a refusal is noted and the request goes on. */
  #tolerate(trial: Trial, refusal: Refusal): boolean {
    if (trial.server?.mode !== 'Audit') return false
    // Which Server this is was read from the address; where that is in doubt, it may be another one's request.
    const named = trial.request.context.extensions.has(serverExtension)
    if (!named && addressReasons.has(refusal.failure.reason)) return false
    trial.would.push(refusal.failure)
    return true
  }

  #deny(trial: Trial, { failure: why, shape }: Refusal): Decision {
    return this.#close(trial, 'deny', why, renderDenial(trial, why, shape), [])
  }

  #allow(trial: Trial, answer: Answer, enriched: readonly Enriched[]): Decision {
    return this.#close(trial, 'allow', undefined, answer, enriched)
  }

  #respond(trial: Trial, answer: Answer): Decision {
    return this.#close(trial, 'respond', undefined, answer, [])
  }

  #close(
    trial: Trial,
    outcome: Decision['outcome'],
    why: Failure | undefined,
    answer: Answer,
    enriched: readonly Enriched[],
  ): Decision {
    const tells = outcome === 'allow' && this.#options.seesAnswers === true
    const decision = decisionOf(trial, outcome, why, answer, trial, tells ? resultContextOf(trial, enriched) : [])
    trial.span?.end(tracedDecision(trial, decision))
    trial.timer?.stage(undefined)
    if (isAbandoned(trial.request)) return decision
    const elapsedMs = performance.now() - trial.startedTick
    this.#options.onDecided?.({
      decision,
      server: trial.server?.name ?? '',
      mode: trial.server?.mode === 'Audit' ? 'audit' : 'enforce',
      elapsedMs,
      trial,
      record: () => recordLine(trial, decision, enriched, elapsedMs, this.#options),
    })
    return decision
  }
}

function decisionOf(
  trial: Trial,
  outcome: Decision['outcome'],
  why: Failure | undefined,
  answer: Answer,
  { would, warnings }: Pick<Trial, 'would' | 'warnings'>,
  resultContext: readonly string[] = [],
): Decision {
  return {
    id: trial.id,
    outcome,
    failure: why,
    would,
    warnings,
    answer,
    metadata: metadataOf(trial, outcome, why, would, resultContext),
    traceId: recordedTrace(trial.request, trial.span),
  }
}

/** What was noted of the messages of a batch; what is true of all of them is noted once. */
function notesOf(outcomes: readonly Outcome[]): Pick<Trial, 'would' | 'warnings'> {
  const would = new Set(outcomes.flatMap(({ trial }) => trial.would))
  const warnings = new Set(outcomes.flatMap(({ trial }) => trial.warnings))
  return { would: [...would], warnings: [...warnings] }
}

function passed(trial: Trial, answer: Answer, enriched: readonly Enriched[] = []): Outcome {
  return { trial, refusal: undefined, answer, enriched }
}

/** As the gateway told it. */
function traceIdOf({ traceparent }: InboundRequest): string | undefined {
  return traceparent?.slice(3, 35)
}

const addressReasons: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'server.path',
  'framing.path_ambiguous',
  'framing.authority_ambiguous',
])
