/** Where in a file something stands. Lines and columns count from 1. */
export interface Location {
  readonly file: string
  /** Which YAML document of the file, from 1. */
  readonly document: number
  readonly line: number
  readonly column: number
}

/**
 * Something wrong with a document that a user wrote. `error` does not compile; `warning` compiles and most likely does
 * not do what its author wanted.
 */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly location: Location
  /** e.g. `Guardrail/replica-cap`; "" when it is not known which. */
  readonly subject: string
  /** JSONPath-like, e.g. `spec.validations[0].expression`; "" for the document as a whole. */
  readonly path: string
  readonly message: string
  /** What to write instead; undefined when we cannot know. */
  readonly hint: string | undefined
  /** A stable name for what was found, where there is one. */
  readonly code?: string
}
