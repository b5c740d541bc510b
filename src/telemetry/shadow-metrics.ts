import { Counter, Gauge, type Registry } from 'prom-client'

export const shadowResults = ['same', 'tightened', 'weakened', 'changed', 'failed'] as const
export const shadowDrops = ['queue', 'overload', 'reload'] as const

export interface ShadowMetrics {
  /** `server`: a label, which the configuration has. */
  compared(server: string, result: (typeof shadowResults)[number]): void
  dropped(cause: (typeof shadowDrops)[number]): void
  loaded(state: { readonly documents: number; readonly broken: number }): void
}

export function registerShadowMetrics(registry: Registry): ShadowMetrics {
  const registers = [registry]
  const decisions = new Counter({
    name: 'mcp_authz_shadow_decisions_total',
    help: 'Decisions that were judged again by the policies of the shadow, by server and by what would be different.',
    labelNames: ['server', 'result'] as const,
    registers,
  })
  const dropped = new Counter({
    name: 'mcp_authz_shadow_dropped_total',
    help: 'Decisions that were not judged again: too many waited, requests were refused, or policies changed meanwhile.',
    labelNames: ['cause'] as const,
    registers,
  })
  for (const cause of shadowDrops) dropped.inc({ cause }, 0)
  const documents = new Gauge({
    name: 'mcp_authz_shadow_documents',
    help: 'Documents of the shadow that are laid over those in force.',
    registers,
  })
  const broken = new Gauge({
    name: 'mcp_authz_shadow_broken_documents',
    help: 'Documents and files of the shadow that are broken, and change nothing there.',
    registers,
  })
  return {
    compared: (server, result) => decisions.inc({ server, result }),
    dropped: cause => dropped.inc({ cause }),
    loaded: state => {
      documents.set(state.documents)
      broken.set(state.broken)
    },
  }
}
