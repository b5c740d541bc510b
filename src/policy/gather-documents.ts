import type { Finding } from '../documents/finding.js'
import { readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import { policyApiVersion } from './document-schema.js'
import type { PolicySource } from './source.js'

/** A document and where it came from; `key` is what makes two documents the same one. */
export interface GatheredDocument {
  readonly key: string
  readonly document: SourceDocument
  readonly source: PolicySource
}

export interface Gathered {
  readonly documents: readonly GatheredDocument[]
  /** Keys that two equally trusted sources give differently: neither counts. */
  readonly conflicts: readonly GatheredDocument[]
  /** Files with text that could not be read as documents: what they held before stays in force. */
  readonly brokenFiles: ReadonlySet<string>
  readonly findings: readonly Finding[]
}

/** Reads all sources, checks that each holds only what it may, and settles who wins where two say the same name. */
export function gatherDocuments(sources: readonly PolicySource[]): Gathered {
  const byKey = new Map<string, GatheredDocument[]>()
  const findings: Finding[] = []
  const brokenFiles = new Set<string>()
  for (const source of sources) {
    const contents = source.read()
    findings.push(...contents.findings)
    for (const finding of contents.findings) brokenFiles.add(finding.location.file)
    for (const { name, text } of contents.files) {
      const read = readDocuments(name, text)
      findings.push(...read.findings)
      if (read.findings.some(finding => finding.severity === 'error')) brokenFiles.add(name)
      for (const document of read.documents) {
        if (document.kind === 'Config' && document.apiVersion === policyApiVersion) {
          findings.push(
            document.finding('warning', ['kind'], 'a Config in a source has no effect', {
              hint: 'name it with --config, and keep it outside the policies',
            }),
          )
          continue
        }
        if (source.kinds !== undefined && !source.kinds.has(document.kind)) {
          findings.push(
            document.finding('error', ['kind'], `the source ${source.name} may not hold a ${document.kind}`, {
              hint: `it may hold: ${[...source.kinds].join(', ')}`,
            }),
          )
          continue
        }
        const key = keyOf(document)
        byKey.set(key, [...(byKey.get(key) ?? []), { key, document, source }])
      }
    }
  }
  const documents: GatheredDocument[] = []
  const conflicts: GatheredDocument[] = []
  for (const candidates of byKey.values()) settle(candidates, documents, conflicts, findings)
  return { documents, conflicts, brokenFiles, findings }
}

function settle(
  candidates: readonly GatheredDocument[],
  documents: GatheredDocument[],
  conflicts: GatheredDocument[],
  findings: Finding[],
): void {
  const highest = Math.max(...candidates.map(candidate => candidate.source.trust))
  const [winner, ...equals] = candidates.filter(candidate => candidate.source.trust === highest)
  if (winner === undefined) return
  if (equals.length === 0) documents.push(winner)
  else {
    for (const one of [winner, ...equals]) {
      const elsewhere = one === winner ? equals[0] : winner
      conflicts.push(one)
      findings.push(
        one.document.finding(
          'error',
          ['metadata', 'name'],
          `the same ${one.document.kind} stands in ${elsewhere?.document.file ?? ''}, so neither is used`,
          {
            hint: 'delete or rename one of the two',
          },
        ),
      )
    }
  }
  for (const loser of candidates) {
    if (loser.source.trust === highest) continue
    findings.push(
      loser.document.finding(
        'warning',
        ['metadata', 'name'],
        `overridden by ${winner.document.file}, which comes from a more trusted source`,
      ),
    )
  }
}

/**
 * Kind, namespace and name; NUL is in none of them. Documents that have no name, such as AuthenticationConfiguration,
 * are told apart by where they stand.
 */
export function keyOf(document: SourceDocument): string {
  if (unnamed.has(document.kind)) return `${document.kind}\0${document.file}\0${document.index}`
  return `${document.kind}\0${namespaceOf(document)}\0${document.name}`
}

const unnamed: ReadonlySet<string> = new Set(['AuthenticationConfiguration', 'List'])
const namespaced: ReadonlySet<string> = new Set(['Role', 'RoleBinding'])

function namespaceOf(document: SourceDocument): string {
  if (!namespaced.has(document.kind)) return ''
  const { value } = document
  const metadata: unknown = isRecord(value) ? value.metadata : undefined
  return isRecord(metadata) && typeof metadata.namespace === 'string' ? metadata.namespace : ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
