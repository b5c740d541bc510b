import type { Finding, Location } from './finding.js'

export type PathSegment = string | number

/** What a finding may say beside where and what. */
export interface FindingExtra {
  readonly hint?: string
  /** For expressions: the position inside the scalar's text, from 1. */
  readonly offset?: { readonly line: number; readonly column: number }
  /** `key` points at the key that the last segment names instead of at its value; default `value`. */
  readonly at?: 'key' | 'value'
}

/** One YAML document as read: plain values and a way back to where each of them stands. */
export interface SourceDocument {
  readonly file: string
  /** From 1. */
  readonly index: number
  readonly apiVersion: string
  readonly kind: string
  /** `metadata.name`; "" for kinds without metadata (AuthenticationConfiguration). */
  readonly name: string
  /** Plain objects (null prototype), arrays and scalars; integers are numbers. */
  readonly value: unknown
  /** Text of this document, for revision hashes. */
  readonly text: string
  /** Location of the value at a path, or of its nearest ancestor that exists. */
  locate(path: readonly PathSegment[]): Location
  /** A finding at a path; for expressions, `offset` is the position inside the scalar's text. */
  finding(severity: Finding['severity'], path: readonly PathSegment[], message: string, extra?: FindingExtra): Finding
}
