import type { Finding } from '../documents/finding.js'
import type { ReadDocuments } from '../documents/read-documents.js'

export interface SourceFile {
  /** As users know it: the path below the directory they named, or `ConfigMap/<namespace>/<name>/<key>`. */
  readonly name: string
  readonly text: string
  /**
   * What it came with and goes with, where files do not come alone: of one ConfigMap. Documents that two of these give
   * alike are a hand-over, of which one counts. Default: none, so that the same document twice is a quarrel.
   */
  readonly parcel?: string
  /** How its documents are read. Default: as a file of YAML documents. */
  read?(): ReadDocuments
}

export interface SourceContents {
  readonly files: readonly SourceFile[]
  /** What could not be read (errors), and what has no effect (warnings). */
  readonly findings: readonly Finding[]
  /** Whether the source could not be looked through at all, so that `files` says nothing of what it holds. Default false. */
  readonly lost?: boolean
}

/** Where documents come from. */
export interface PolicySource {
  readonly name: string
  /** Of two documents with one kind and name, that of the higher trust wins; of equal trust neither loads. */
  readonly trust: number
  /** Kinds that it may hold; undefined = all. */
  readonly kinds: ReadonlySet<string> | undefined
  /**
   * Whether each of its states is one that somebody meant, so that a change may be loaded at once. What is written file
   * by file has states in between. Default false.
   */
  readonly atomic?: boolean
  /** Changes whenever the contents may have changed; cheap to ask. */
  fingerprint(): string
  read(): SourceContents
}
