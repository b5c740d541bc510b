import { Counter, Gauge, type Registry } from 'prom-client'

/**
 * same: caller and server would notice nothing. tightened: what was allowed would be denied; weakened: the other way
 * round. changed: the outcome would be the same, for another reason, by another policy, with other notes of Audit and
 * Warn, with other headers for the server, or with other tools in a list. failed: one of the two could not be decided
 * because something did not answer, so that they cannot be compared.
 */
export type ShadowResult = 'same' | 'tightened' | 'weakened' | 'changed' | 'failed'

const shadowDrops = ['queue', 'overload', 'reload'] as const

/**
 * Why a decision was not compared. queue: too many, or too large ones, waited. overload: the service refused requests.
 * reload: the policies changed meanwhile.
 */
export type ShadowDrop = (typeof shadowDrops)[number]

export interface ShadowMetrics {
  /** `server`: a label, which the configuration has. */
  compared(server: string, result: ShadowResult): void
  dropped(cause: ShadowDrop): void
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
