import type { Finding } from '../documents/finding.js'

/** What became of a document: a value, or none and the findings that say why. A value may come with warnings. */
export interface Compilation<T> {
  readonly value: T | undefined
  readonly findings: readonly Finding[]
}
