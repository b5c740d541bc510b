import { Counter, type Registry } from 'prom-client'

/** What became of spans that were recorded, since the start. */
export interface SpanCounts {
  readonly exported: number
  /** Lost because the queue was full, or at the end. */
  readonly dropped: number
  /** Lost because the collector did not take them. */
  readonly failed: number
}

/** Registers what is told of spans; `counts` is read when scraped. */
export function registerSpanMetrics(registry: Registry, counts: () => SpanCounts): void {
  new Counter({
    name: 'mcp_authz_trace_spans_total',
    help: 'Spans by what became of them: exported, dropped (the queue was full) or failed (the collector did not take them).',
    labelNames: ['result'] as const,
    registers: [registry],
    collect() {
      const { exported, dropped, failed } = counts()
      this.reset()
      this.inc({ result: 'exported' }, exported)
      this.inc({ result: 'dropped' }, dropped)
      this.inc({ result: 'failed' }, failed)
    },
  })
}
