import { Counter, Gauge, type Registry } from 'prom-client'

/** How the process stands with its limits; read when scraped. */
export interface OverloadSample {
  /** Decisions that wait for something. */
  readonly inFlight: number
  readonly memoryUsedBytes: number
  readonly memoryLimitBytes: number
}

export interface OverloadMetrics {
  /** `cause` is one of a closed set. */
  refused(cause: 'event_loop' | 'memory' | 'in_flight', requests: number): void
}

export function registerOverloadMetrics(registry: Registry, read: () => OverloadSample): OverloadMetrics {
  const registers = [registry]
  const refused = new Counter({
    name: 'mcp_authz_overload_refused_total',
    help: 'Requests that were refused because there was too much to do, by cause.',
    labelNames: ['cause'] as const,
    registers,
  })
  for (const cause of ['event_loop', 'memory', 'in_flight'] as const) refused.inc({ cause }, 0)
  const gauge = (name: string, help: string, value: (sample: OverloadSample) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()))
      },
    })
  gauge('mcp_authz_decisions_in_flight', 'Decisions that wait for something.', sample => sample.inFlight)
  gauge(
    'mcp_authz_memory_used_bytes',
    'Memory that counts towards overload.memoryBytes: of objects and of buffers, some of it garbage.',
    sample => sample.memoryUsedBytes,
  )
  gauge(
    'mcp_authz_memory_limit_bytes',
    'overload.memoryBytes: above it new work is refused.',
    sample => sample.memoryLimitBytes,
  )
  return { refused: (cause, requests) => refused.inc({ cause }, requests) }
}
