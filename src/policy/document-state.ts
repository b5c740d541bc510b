import type { SourceDocument } from '../documents/source-document.js'
import type { LoadedDocument } from './assemble-snapshot.js'
import type { Gathered } from './gather-documents.js'

/** What became of one document in a load. */
export interface DocumentState {
  readonly kind: string
  /** "" for kinds without names. */
  readonly name: string
  readonly file: string
  /** Which YAML document of the file, from 1. */
  readonly document: number
  /** Name of the source. */
  readonly source: string
  /**
   * loaded: as it stands. kept-last-good: an earlier version of it is in force. broken: nothing of it is in force, and
   * what it could restrict is denied. overridden: another document counts in its place.
   */
  readonly state: 'loaded' | 'kept-last-good' | 'broken' | 'overridden'
}

/** In the order of the sources; what only an earlier version is left of comes last. */
export function statesOf(
  { documents, conflicts, refused, overridden }: Gathered,
  inForce: ReadonlyMap<string, LoadedDocument>,
  notLoaded: ReadonlySet<SourceDocument>,
): readonly DocumentState[] {
  const gathered = [...documents, ...conflicts, ...refused, ...overridden]
  const seen = new Set(gathered.map(one => one.key))
  const lost = new Set(overridden)
  const stateOf = (document: SourceDocument, source: string, state: DocumentState['state']): DocumentState => {
    const { kind, name, file, index } = document
    return { kind, name, file, document: index, source, state }
  }
  return [
    ...gathered.map(one => {
      const state = lost.has(one)
        ? 'overridden'
        : !notLoaded.has(one.document)
          ? 'loaded'
          : inForce.has(one.key)
            ? 'kept-last-good'
            : 'broken'
      return stateOf(one.document, one.source.name, state)
    }),
    ...[...inForce.values()].flatMap(one =>
      seen.has(one.key) ? [] : [stateOf(one.document, one.source, 'kept-last-good')],
    ),
  ]
}
