/** What the build read of a file that comes with the program, so that no start has to read its YAML. */
export interface PreparedFile {
  /** Of its text, as `digestOf` makes it. */
  readonly digest: string
  /** Of its text, in UTF-16 units. */
  readonly length: number
  readonly documents: readonly PreparedDocument[]
}

export interface PreparedDocument {
  /** From 1. */
  readonly index: number
  /** Where its text begins and ends in that of the file, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** What a SourceDocument has, made anew each time. */
  value(): unknown
}
