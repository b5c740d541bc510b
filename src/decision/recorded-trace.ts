import type { InboundRequest } from '../protocol/inbound-request.js'
import type { DecisionSpan } from '../telemetry/tracing/decision-tracer.js'

/**
 * Id of the trace that a request belongs to, if somebody records it: we, by the span of the decision, or who asked us, as
 * the flag `sampled` of its `traceparent` says (W3C Trace Context, section 3.2.2.5). An id that leads nowhere helps nobody.
 */
export function recordedTrace(
  { traceparent }: Pick<InboundRequest, 'traceparent'>,
  span?: Pick<DecisionSpan, 'traceId'>,
): string | undefined {
  if (span !== undefined) return span.traceId
  if (traceparent === undefined) return undefined
  // The lowest bit of two hex digits.
  return '13579bdf'.includes(traceparent.charAt(54)) ? traceparent.slice(3, 35) : undefined
}
