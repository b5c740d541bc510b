import type { DocumentState } from './policy/document-state.js'
import type { LoadReport, PolicyStore } from './policy/policy-store.js'
import type { Server } from './policy/server.js'

/** What the admin listener tells of the policies, in force or not. */
export class PolicyHistory {
  /** Since when a document has been in its state, in milliseconds since the epoch. */
  #since: ReadonlyMap<string, number> = new Map()
  #lastSuccess: number | undefined

  /** To be told of each load. */
  loaded({ states, broken, inForce }: LoadReport, now: number): void {
    this.#since = new Map(states.map(state => [keyOf(state), this.#since.get(keyOf(state)) ?? now]))
    if (inForce && broken.length === 0) this.#lastSuccess = now
  }

  describe({ current, report }: Pick<PolicyStore, 'current' | 'report'>) {
    return {
      revision: current?.revision ?? '',
      inForce: current !== undefined,
      lastSuccess: this.#lastSuccess === undefined ? null : timestamp(this.#lastSuccess),
      servers: (current?.servers.all ?? []).map(describeServer),
      documents: (report?.states ?? []).map(state => ({
        ...state,
        since: timestamp(this.#since.get(keyOf(state)) ?? 0),
      })),
      findings: report?.findings ?? [],
    }
  }
}

/** A state that changes begins anew. */
function keyOf({ kind, name, file, document, source, state }: DocumentState): string {
  return [kind, name, file, document, source, state].join('\0')
}

function describeServer({ name, resource, mode, require, denial, catalog }: Server) {
  return { name, resource, mode, require, denial, catalog: catalog?.name ?? '' }
}

function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
