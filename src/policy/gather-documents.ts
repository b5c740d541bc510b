import type { Finding } from '../documents/finding.js'
import { readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
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
  /** Documents that must not stand where they do. */
  readonly refused: readonly GatheredDocument[]
  /** Files with text that could not be read as documents: what they held before stays in force. */
  readonly brokenFiles: ReadonlySet<string>
  /** Files that were read whole. */
  readonly soundFiles: ReadonlySet<string>
  /** Names of the sources that could not be looked through: what they held before stays in force. */
  readonly lostSources: ReadonlySet<string>
  /** What findings call a lost source, and its name. */
  readonly lostFiles: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
}

/** Reads all sources, checks that each holds only what it may, and settles who wins where two say the same name. */
export function gatherDocuments(sources: readonly PolicySource[]): Gathered {
  const byKey = new Map<string, GatheredDocument[]>()
  const findings: Finding[] = []
  const refused: GatheredDocument[] = []
  const brokenFiles = new Set<string>()
  const soundFiles = new Set<string>()
  const lostSources = new Set<string>()
  const lostFiles = new Map<string, string>()
  for (const source of sources) {
    const contents = source.read()
    if (contents.lost === true) {
      lostSources.add(source.name)
      for (const { location } of contents.findings) lostFiles.set(location.file, source.name)
    }
    findings.push(...contents.findings)
    for (const finding of contents.findings) brokenFiles.add(finding.location.file)
    for (const { name, text } of contents.files) {
      const read = readDocuments(name, text)
      findings.push(...read.findings)
      if (read.findings.some(finding => finding.severity === 'error')) brokenFiles.add(name)
      else soundFiles.add(name)
      for (const document of read.documents) {
        const one = { key: keyOf(document), document, source }
        const wrong = misplaced(one)
        if (wrong?.severity === 'error') refused.push(one)
        if (wrong !== undefined) findings.push(wrong)
        else byKey.set(one.key, [...(byKey.get(one.key) ?? []), one])
      }
    }
  }
  const documents: GatheredDocument[] = []
  const conflicts: GatheredDocument[] = []
  for (const candidates of byKey.values()) settle(candidates, documents, conflicts, findings)
  return { documents, conflicts, refused, brokenFiles, soundFiles, lostSources, lostFiles, findings }
}

/** Why a document counts for nothing where it stands; undefined when it may stand there. */
function misplaced({ document, source }: GatheredDocument): Finding | undefined {
  if (document.kind === 'Config' && document.apiVersion === policyApiVersion) {
    const spec = valueAt(document.value, ['spec'])
    const foreign = isRecord(spec) ? Object.keys(spec).find(field => !configFields.has(field)) : undefined
    if (foreign !== undefined)
      return document.finding('error', ['spec', foreign], 'unknown field of a Config', {
        at: 'key',
        hint: 'if this is a policy, mend its kind; a Config is named with --config and kept outside the policies',
      })
    return document.finding('warning', ['kind'], 'a Config in a source has no effect', {
      hint: 'name it with --config, and keep it outside the policies',
    })
  }
  if (source.kinds === undefined || source.kinds.has(document.kind)) return undefined
  return document.finding('error', ['kind'], `the source ${source.name} may not hold a ${document.kind}`, {
    hint: `it may hold: ${[...source.kinds].join(', ')}`,
  })
}

/** The fields of `spec` of a Config. What has others is a policy whose kind its author mistook. */
export const configFields: ReadonlySet<string> = new Set([
  'sources',
  'listeners',
  'http',
  'admin',
  'clusters',
  'startup',
  'shutdown',
  'decisionLog',
  'identity',
  'signing',
  'tokenExchange',
  'log',
])

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
          single.has(one.document.kind)
            ? `there may be only one ${one.document.kind}; another stands in ${elsewhere?.document.file ?? ''}, so neither is used`
            : `the same ${one.document.kind} stands in ${elsewhere?.document.file ?? ''}, so neither is used`,
          {
            hint: single.has(one.document.kind) ? 'write all into one of them' : 'delete or rename one of the two',
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
 * are told apart by where they stand; those of which there may be one only are all the same.
 */
export function keyOf(document: SourceDocument): string {
  if (single.has(document.kind)) return `${document.kind}\0\0`
  if (unnamed.has(document.kind)) return `${document.kind}\0${document.file}\0${document.index}`
  return `${document.kind}\0${namespaceOf(document)}\0${document.name}`
}

const single: ReadonlySet<string> = new Set(['Identity'])
const unnamed: ReadonlySet<string> = new Set(['AuthenticationConfiguration', 'List'])
const namespaced: ReadonlySet<string> = new Set(['Role', 'RoleBinding'])

function namespaceOf(document: SourceDocument): string {
  if (!namespaced.has(document.kind)) return ''
  const namespace = valueAt(document.value, ['metadata', 'namespace'])
  return typeof namespace === 'string' ? namespace : ''
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
