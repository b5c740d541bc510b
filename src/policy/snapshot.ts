import type { Finding } from '../documents/finding.js'
import type { Authenticator } from '../identity/authenticator.js'
import type { Enrichment } from './enrichment.js'
import type { Grant } from './grant.js'
import type { Guardrail } from './guardrail.js'
import type { Match } from './match.js'
import type { ResultGuardrail } from './result-guardrail.js'
import type { RuleIndex } from './rule-index.js'
import type { ServerTable } from './server-table.js'

/** A document that is not in force, and no version of which ever was: what it could restrict is denied (`policy.error`). */
export interface BrokenRule {
  readonly name: string
  /** Its own match where that could be read, else one that holds for every call. */
  readonly match: Match
  /** It could restrict answers as well as calls. */
  readonly aboutResults: boolean
}

/** Digests of what a Server was made of. */
export interface ServerVersion {
  readonly document: string
  /** "" without a catalogue. */
  readonly catalog: string
}

/** One consistent, immutable set of documents, compiled. A decision uses one snapshot from its first stage to its last. */
export interface PolicySnapshot {
  /** Hash of the compiled set: the same documents give the same revision on every replica. */
  readonly revision: string
  readonly servers: ServerTable
  /** By name: which version of each Server is in force. */
  readonly versions: ReadonlyMap<string, ServerVersion>
  readonly authenticator: Authenticator
  readonly grants: RuleIndex<Grant>
  /** About calls. */
  readonly guardrails: RuleIndex<Guardrail>
  /** About what comes back. */
  readonly resultGuardrails: RuleIndex<ResultGuardrail>
  readonly enrichments: RuleIndex<Enrichment>
  readonly broken: RuleIndex<BrokenRule>
  /**
   * Every header that leaves a request to the Server unless we set it: the x-mcp-authz-* names of all Enrichments, and
   * what the Server lets them set. The same array each time; for an unknown name, that of the x-mcp-authz-* names alone.
   */
  headersOf(server: string): readonly string[]
  /** Scopes that Grants name, by Server, for RFC 9728 `scopes_supported`. */
  readonly scopes: ReadonlyMap<string, readonly string[]>
  readonly documents: number
  readonly findings: readonly Finding[]
}
