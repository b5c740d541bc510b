import type { Finding } from '../documents/finding.js'

export interface SourceFile {
  /** As users know it: the path below the directory they named, or `ConfigMap/name key`. */
  readonly name: string
  readonly text: string
}

export interface SourceContents {
  readonly files: readonly SourceFile[]
  /** What could not be read. */
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
  /** Changes whenever the contents may have changed; cheap to ask. */
  fingerprint(): string
  read(): SourceContents
}
