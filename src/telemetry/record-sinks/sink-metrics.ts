import { Counter, type Registry } from 'prom-client'
import type { ExportCounts } from '../otlp/export-queue.js'

/** What a sink that is reached over the network has made of records. */
export interface SinkSample extends ExportCounts {
  readonly sink: 'otlp' | 'events' | 'invocations'
}

/** Registers what is told of such sinks; `samples` is read when scraped. */
export function registerSinkMetrics(registry: Registry, samples: () => readonly SinkSample[]): void {
  new Counter({
    name: 'mcp_authz_record_sink_total',
    help: 'Decision records (of the sink events: Events about them) by sink and what became of them: exported, dropped (too many waited) or failed (they were not taken).',
    labelNames: ['sink', 'result'] as const,
    registers: [registry],
    collect() {
      this.reset()
      for (const { sink, exported, dropped, failed } of samples()) {
        this.inc({ sink, result: 'exported' }, exported)
        this.inc({ sink, result: 'dropped' }, dropped)
        this.inc({ sink, result: 'failed' }, failed)
      }
    },
  })
}
