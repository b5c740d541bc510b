import type { Finding } from '../../documents/finding.js'
import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import { compileGlobs } from '../../policy/glob.js'
import { type MatchSpec, matchSchema } from '../../policy/match.js'
import type { Server } from '../../policy/server.js'
import type { PolicySnapshot } from '../../policy/snapshot.js'
import type { PolicyCode } from './check-codes.js'

/** Policies that compile, as `check` looks at them. */
export interface CheckedSet {
  readonly snapshot: PolicySnapshot
  /** Those in force. */
  readonly documents: readonly SourceDocument[]
  /** Names of the clusters whose permissions are the RBAC objects among the documents. */
  readonly fileClusters: ReadonlySet<string>
}

/** A document with a `match`, and the Servers that it can be about. */
export interface WrittenRule {
  readonly document: SourceDocument
  readonly match: MatchSpec
  readonly servers: readonly Server[]
}

export interface CheckFinding extends Finding {
  readonly code: string
}

export function found(
  document: SourceDocument,
  code: PolicyCode,
  path: readonly PathSegment[],
  message: string,
  hint: string,
): CheckFinding {
  return { ...document.finding('warning', path, message, { hint }), code }
}

/** The rules of a kind, in the order of their names. */
export function rulesOf({ snapshot, documents }: CheckedSet, kind: string): readonly WrittenRule[] {
  return documents
    .filter(document => document.kind === kind)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .flatMap(document => {
      const parsed = matchSchema.safeParse(valueAt(document.value, ['spec', 'match']) ?? {})
      if (!parsed.success) return []
      const servers = snapshot.servers.all.filter(({ name }) => isNamed(parsed.data.servers, name))
      return [{ document, match: parsed.data, servers }]
    })
}

/** Patterns that are left out match everything. */
function isNamed(patterns: readonly string[] | undefined, name: string): boolean {
  return patterns === undefined || compileGlobs(patterns)(name)
}

export function modeOf({ value }: SourceDocument): string {
  const mode = valueAt(value, ['spec', 'mode'])
  return typeof mode === 'string' ? mode : 'Enforce'
}

export function isAboutCalls({ value }: SourceDocument): boolean {
  return valueAt(value, ['spec', 'on']) !== 'response'
}

/** At most five names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - 5
  return `${names.slice(0, 5).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
