import { append } from '../documents/append.js'
import type { Finding } from '../documents/finding.js'
import { type ReadDocuments, readDocuments } from '../documents/read-documents.js'
import type { SourceDocument } from '../documents/source-document.js'
import { valueAt } from '../documents/value-at.js'
import { atOnce, forEachSliced, type Sliced } from '../sliced.js'
import { restrictingKinds } from './broken-document.js'
import { policyApiVersion } from './document-schema.js'
import type { PolicySource, SourceContents, SourceFile } from './source.js'

/** A document and where it came from; `key` is what makes two documents the same one. */
export interface GatheredDocument {
  readonly key: string
  readonly document: SourceDocument
  readonly source: PolicySource
  /** That of its file. */
  readonly parcel: string | undefined
}

export interface GatherOptions {
  /** Default: what the source says now. */
  contents?(source: PolicySource): SourceContents
  /** Default: anew, each time. */
  documents?(file: SourceFile): ReadDocuments
  /**
   * Which of several equally trusted documents counts while one takes the place of another; undefined: neither.
   * Asked only of documents that came in different parcels of one source.
   */
  handOver?(key: string, candidates: readonly GatheredDocument[]): GatheredDocument | undefined
}

export interface Gathered {
  readonly documents: readonly GatheredDocument[]
  /** Keys that two equally trusted sources give differently: neither counts. */
  readonly conflicts: readonly GatheredDocument[]
  /** Documents in whose place another counts. */
  readonly overridden: readonly GatheredDocument[]
  /** Documents that must not stand where they do. */
  readonly refused: readonly GatheredDocument[]
  /** Files with text that could not be read as documents: what they held before stays in force. */
  readonly brokenFiles: ReadonlySet<string>
  /** Those of them whose source may hold nothing whose absence would open something. */
  readonly harmlessFiles: ReadonlySet<string>
  /** Names of the sources that broken files stand in. */
  readonly brokenSources: ReadonlyMap<string, string>
  /** Files that were read whole. */
  readonly soundFiles: ReadonlySet<string>
  /** Names of the sources that could not be looked through: what they held before stays in force. */
  readonly lostSources: ReadonlySet<string>
  /** What findings call a lost source, and its name. */
  readonly lostFiles: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
}

/** Reads all sources, checks that each holds only what it may, and settles who wins where two say the same name. */
export function gatherDocuments(sources: readonly PolicySource[], options: GatherOptions = {}): Gathered {
  return atOnce(gatherInSlices(sources, options))
}

/** {@link gatherDocuments} in slices, for sources that hold much and change while requests are decided. */
export function* gatherInSlices(sources: readonly PolicySource[], options: GatherOptions = {}): Sliced<Gathered> {
  const { contents: contentsOf = source => source.read(), documents: documentsOf = readFile } = options
  const byKey = new Map<string, GatheredDocument[]>()
  const findings: Finding[] = []
  const refused: GatheredDocument[] = []
  const brokenFiles = new Set<string>()
  const harmlessFiles = new Set<string>()
  const brokenSources = new Map<string, string>()
  const soundFiles = new Set<string>()
  const lostSources = new Set<string>()
  const lostFiles = new Map<string, string>()
  for (const source of sources) {
    const contents = contentsOf(source)
    if (contents.lost === true) {
      lostSources.add(source.name)
      for (const { location } of contents.findings) lostFiles.set(location.file, source.name)
    }
    append(contents.findings, findings)
    const breaks = (file: string) => {
      brokenFiles.add(file)
      brokenSources.set(file, source.name)
      if (!mayClose(source)) harmlessFiles.add(file)
    }
    for (const { severity, location } of contents.findings) if (severity === 'error') breaks(location.file)
    for (const file of contents.files) {
      const { name, parcel } = file
      const read = documentsOf(file)
      append(read.findings, findings)
      if (read.findings.some(finding => finding.severity === 'error')) breaks(name)
      else soundFiles.add(name)
      for (const document of read.documents) {
        const one = { key: keyOf(document), document, source, parcel }
        const wrong = misplaced(one)
        if (wrong?.severity === 'error') refused.push(one)
        if (wrong !== undefined) findings.push(wrong)
        else {
          const others = byKey.get(one.key)
          if (others === undefined) byKey.set(one.key, [one])
          else others.push(one)
        }
      }
      yield
    }
  }
  const documents: GatheredDocument[] = []
  const conflicts: GatheredDocument[] = []
  const overridden: GatheredDocument[] = []
  const settled = { documents, conflicts, overridden, findings }
  yield* forEachSliced(byKey, ([key, candidates]) => settle(key, candidates, settled, options))
  return { ...settled, refused, brokenFiles, harmlessFiles, brokenSources, soundFiles, lostSources, lostFiles }
}

/** Whether the source may hold anything whose absence opens something: what restricts, or a Server, which hides another. */
function mayClose({ kinds }: PolicySource): boolean {
  return kinds === undefined || kinds.has('Server') || [...restrictingKinds].some(kind => kinds.has(kind))
}

/** The documents of a file as its source wants them read. */
export function readFile(file: SourceFile): ReadDocuments {
  return file.read?.() ?? readDocuments(file.name, file.text)
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
  'workers',
  'sources',
  'shadow',
  'listeners',
  'http',
  'admin',
  'clusters',
  'startup',
  'shutdown',
  'overload',
  'decisionLog',
  'identity',
  'signing',
  'tokenExchange',
  'sessions',
  'log',
])

interface Settled {
  readonly documents: GatheredDocument[]
  readonly conflicts: GatheredDocument[]
  readonly overridden: GatheredDocument[]
  readonly findings: Finding[]
}

function settle(
  key: string,
  candidates: readonly GatheredDocument[],
  { documents, conflicts, overridden, findings }: Settled,
  { handOver }: GatherOptions,
): void {
  const highest = candidates.reduce((most, { source }) => Math.max(most, source.trust), -Infinity)
  const equals = candidates.filter(candidate => candidate.source.trust === highest)
  const [first, second] = equals
  if (first === undefined) return
  const lose = (loser: GatheredDocument, message: string, hint?: string) => {
    overridden.push(loser)
    findings.push(loser.document.finding('warning', ['metadata', 'name'], message, hint === undefined ? {} : { hint }))
  }
  const winner = second === undefined ? first : winnerOf(key, equals, handOver)
  if (winner === undefined) {
    for (const one of equals) {
      const elsewhere = one === first ? second : first
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
  } else {
    documents.push(winner)
    for (const one of equals) {
      if (one === winner) continue
      const { file, text } = winner.document
      if (one.document.text === text) lose(one, `stands in ${file} in the same words, which is the one that counts`)
      else
        lose(
          one,
          `differs from the one in ${file}, which stays in force for a moment longer; then neither counts`,
          'delete or rename one of the two',
        )
    }
  }
  for (const loser of candidates) {
    if (loser.source.trust === highest) continue
    lose(loser, `overridden by ${(winner ?? first).document.file}, which comes from a more trusted source`)
  }
}

/**
 * Which of several equally trusted documents counts. Whoever renames a ConfigMap adds the new one before he deletes the
 * old: as long as both say the same, it does not matter which counts. undefined: neither.
 */
function winnerOf(
  key: string,
  equals: readonly GatheredDocument[],
  handOver: GatherOptions['handOver'],
): GatheredDocument | undefined {
  const [first] = equals
  const parcels = new Set(equals.flatMap(({ parcel }) => (parcel === undefined ? [] : [parcel])))
  const apart = parcels.size === equals.length && equals.every(one => one.source === first?.source)
  if (first === undefined || !apart || single.has(first.document.kind)) return undefined
  return equals.every(one => one.document.text === first.document.text) ? first : handOver?.(key, equals)
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
