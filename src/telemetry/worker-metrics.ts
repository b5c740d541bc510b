import { Counter, Gauge, type Registry } from 'prom-client'

export const workerStates = ['ready', 'unready', 'starting', 'waiting'] as const

export interface WorkerCounts {
  /** ready: decides · unready: open, but lacks something · starting · waiting: it ended, and is about to be started again. */
  readonly states: Readonly<Record<(typeof workerStates)[number], number>>
  readonly restarts: number
  /** How often a worker did not tell its metrics in time. */
  readonly missedCollections: number
}

/** `read` is asked when scraped. */
export function registerWorkerMetrics(registry: Registry, read: () => WorkerCounts): void {
  const registers = [registry]
  new Gauge({
    name: 'mcp_authz_workers',
    help: 'Worker processes by state: ready, unready (open, but something is missing), starting, waiting (ended, about to be started again).',
    labelNames: ['state'] as const,
    registers,
    collect() {
      const { states } = read()
      for (const state of workerStates) this.set({ state }, states[state])
    },
  })
  new Counter({
    name: 'mcp_authz_worker_restarts_total',
    help: 'Worker processes that were started in place of one that had ended.',
    registers,
    collect() {
      this.reset()
      this.inc(read().restarts)
    },
  })
  new Counter({
    name: 'mcp_authz_worker_collections_missed_total',
    help: 'How often a worker did not tell its metrics within a second, so that its last ones were used.',
    registers,
    collect() {
      this.reset()
      this.inc(read().missedCollections)
    },
  })
}
