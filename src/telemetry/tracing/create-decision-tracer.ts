import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { DecisionFacts, DecisionSpan, DecisionTracer, TracedStage } from './decision-tracer.js'
import { PreciseClock } from './precise-clock.js'
import { parseTraceParent } from './trace-parent.js'

export interface DecisionTracerOptions {
  readonly tracer: Tracer
  /** The sampler follows the parent: what it does not record, nobody looks at further. */
  readonly parentBased: boolean
  /** A span could not be made; it is left out. Must not throw. */
  onError(error: unknown): void
}

/**
 * Spans of decisions. The span of a request is of kind SERVER, because its parent is the gateway's call; messages of a
 * batch and stages are INTERNAL. Whatever fails in here costs a span, never a decision.
 */
export function createDecisionTracer({ tracer, parentBased, onError }: DecisionTracerOptions): DecisionTracer {
  const clock = new PreciseClock()
  return {
    start(traceparent) {
      try {
        const parent = traceparent === undefined ? undefined : parseTraceParent(traceparent)
        if (parent === undefined) return begin(ROOT_CONTEXT, SpanKind.SERVER)
        if (parentBased && !parent.sampled) return undefined
        const { traceId, spanId, sampled } = parent
        const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
        const remote = { traceId, spanId, traceFlags, isRemote: true }
        return begin(trace.setSpanContext(ROOT_CONTEXT, remote), SpanKind.SERVER)
      } catch (error) {
        onError(error)
        return undefined
      }
    },
  }

  function begin(context: Context, kind: SpanKind): DecisionSpan | undefined {
    const tick = performance.now()
    clock.adjust(tick)
    const span = tracer.startSpan('mcp.authz', { kind, startTime: clock.at(tick) }, context)
    if (!span.isRecording()) return undefined
    const inner = trace.setSpan(context, span)
    const stages: { readonly name: TracedStage; readonly from: number; to: number }[] = []
    const endStage = (at: number) => {
      const last = stages.at(-1)
      if (last !== undefined && last.to < 0) last.to = at
    }
    return {
      traceId: span.spanContext().traceId,
      stage(name) {
        const at = performance.now()
        endStage(at)
        if (name !== undefined) stages.push({ name, from: at, to: -1 })
      },
      member() {
        try {
          return begin(inner, SpanKind.INTERNAL) ?? unrecorded(span.spanContext().traceId)
        } catch (error) {
          onError(error)
          return unrecorded(span.spanContext().traceId)
        }
      },
      end(facts) {
        try {
          const at = performance.now()
          endStage(at)
          describe(span, facts)
          // Before its parts, so that it is not what a full queue drops.
          span.end(clock.at(at))
          const failed = failedStage(stages, facts)
          for (const stage of stages) {
            const { name, from, to } = stage
            const part = tracer.startSpan(`mcp.authz.${name}`, { startTime: clock.at(from) }, inner)
            if (stage === failed && facts.reason !== undefined) part.setAttribute('error.type', facts.reason)
            part.end(clock.at(to))
          }
        } catch (error) {
          onError(error)
        }
      },
    }
  }
}

/** Stands where a span was wanted that is not to be had. */
function unrecorded(traceId: string): DecisionSpan {
  const none: DecisionSpan = { traceId, stage: () => undefined, member: () => none, end: () => undefined }
  return none
}

/** Longer texts are cut: methods, tools and names of policies are far shorter. */
const maxText = 256

function describe(span: Span, facts: DecisionFacts): void {
  if (facts.batchSize !== undefined) span.updateName('mcp.authz batch')
  else if (facts.method !== undefined) span.updateName(`mcp.authz ${facts.method.slice(0, maxText)}`)
  span.setAttributes(attributesOf(facts))
  const link = linkOf(facts.messageTraceparent)
  if (link !== undefined) span.addLink(link)
  if (facts.broken) span.setStatus({ code: SpanStatusCode.ERROR })
}

/** By the conventions for MCP and GenAI where they have a name for it; without what is not known. */
function attributesOf(facts: DecisionFacts): Attributes {
  const attributes: Attributes = {
    'mcp_authz.decision': facts.outcome,
    'mcp_authz.decision_id': facts.decisionId,
    'mcp_authz.mode': facts.mode,
    'mcp_authz.door': facts.door,
  }
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') attributes[name] = value.slice(0, maxText)
  }
  add('mcp_authz.server', facts.server)
  add('mcp_authz.policy_revision', facts.policyRevision)
  add('mcp_authz.reason', facts.reason)
  add('error.type', facts.reason)
  add('mcp_authz.policy', facts.policy)
  if (facts.mcp) add('mcp.method.name', facts.method)
  add('mcp.protocol.version', facts.protocolVersion)
  add('gen_ai.tool.name', facts.tool)
  add('gen_ai.prompt.name', facts.prompt)
  if (facts.wouldDeny.length > 0) attributes['mcp_authz.would_deny'] = [...facts.wouldDeny]
  if (facts.batchSize !== undefined) attributes['mcp_authz.batch_size'] = facts.batchSize
  if (facts.abandoned) attributes['mcp_authz.abandoned'] = true
  return attributes
}

/** What the message says of its own trace (SEP-414): told, but no parent of ours, because the caller wrote it. */
function linkOf(value: unknown): Link | undefined {
  const told = typeof value === 'string' ? parseTraceParent(value) : undefined
  if (told === undefined) return undefined
  const { traceId, spanId, sampled } = told
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return {
    context: { traceId, spanId, traceFlags, isRemote: true },
    attributes: { 'mcp_authz.link': 'params._meta.traceparent' },
  }
}

function failedStage<T extends { readonly name: TracedStage }>(stages: readonly T[], facts: DecisionFacts) {
  if (facts.outcome !== 'deny') return undefined
  return stages.find(stage => stage.name === facts.failedStage) ?? stages.at(-1)
}
