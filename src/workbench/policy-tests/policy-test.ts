import type { Finding, Location } from '../../documents/finding.js'
import type { PathSegment } from '../../documents/source-document.js'
import type { CallSpec, Expectation, PrincipalSpec, TokenSpec } from './policy-test-schema.js'

/** Who asks in a case. */
export type Asker =
  | { readonly kind: 'principal'; readonly name: string; readonly spec: PrincipalSpec }
  | { readonly kind: 'token'; readonly name: string; readonly spec: TokenSpec }
  /** A request without a token. */
  | { readonly kind: 'nobody'; readonly name: string }

export interface NamedCall {
  readonly name: string
  readonly spec: CallSpec
}

/** One thing to judge, and what should come of it. */
export interface TestCase {
  /** Of the test, or "who call" of a matrix; without the name of the document. */
  readonly name: string
  readonly asker: Asker
  readonly call: NamedCall
  readonly expectation: Expectation
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly location: Location
}

/** `kind: PolicyTest`, read and checked as far as that goes without policies. */
export interface PolicyTest {
  readonly name: string
  readonly file: string
  /** Directories and files of policies, relative to that of the test; undefined: those that the command line names. */
  readonly policies: readonly string[] | undefined
  /** Enforce: what is in Audit counts as if it were enforced. undefined: everything in its own mode. */
  readonly mode: 'Enforce' | undefined
  readonly cases: readonly TestCase[]
  finding(path: readonly PathSegment[], message: string, hint?: string): Finding
}
