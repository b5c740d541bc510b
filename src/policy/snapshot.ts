import type { Finding } from '../documents/finding.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Enrichment } from './enrichment.js'
import type { Grant } from './grant.js'
import type { Guardrail } from './guardrail.js'
import type { Match } from './match.js'
import type { RuleIndex } from './rule-index.js'
import type { ServerTable } from './server-table.js'

/** A document that does not compile and never did: what it could restrict is denied (`policy.error`). */
export interface BrokenRule {
  readonly name: string
  /** Its own match where that could be read; undefined governs every call. */
  readonly match: Match
}

/** One consistent, immutable set of documents, compiled. A decision uses one snapshot from its first stage to its last. */
export interface PolicySnapshot {
  /** Hash of the compiled set: the same documents give the same revision on every replica. */
  readonly revision: string
  readonly servers: ServerTable
  readonly authenticator: Authenticator
  readonly grants: RuleIndex<Grant>
  readonly guardrails: RuleIndex<Guardrail>
  readonly enrichments: RuleIndex<Enrichment>
  readonly broken: RuleIndex<BrokenRule>
  /** Every header that any loaded Enrichment can set, and every one that a Server lets them set. */
  readonly enrichmentHeaders: readonly string[]
  /** Scopes that Grants name, by Server, for RFC 9728 `scopes_supported`. */
  readonly scopes: ReadonlyMap<string, readonly string[]>
  readonly documents: number
  readonly findings: readonly Finding[]
}
