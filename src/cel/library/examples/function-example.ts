/** A row of the table of functions: what a function does in one line, and an expression with what it gives, which a test runs. */
export interface FunctionExample {
  /** Of one overload at least; all overloads of a function have a row, or share one. */
  readonly signature: string
  readonly says: string
  readonly example: string
  /** An expression that is equal to the example, or `error`. */
  readonly result: string
}

/** Rows as `[signature, says, example, result]`, which read better in a table. */
export function examples(
  rows: readonly (readonly [signature: string, says: string, example: string, result: string])[],
): readonly FunctionExample[] {
  return rows.map(([signature, says, example, result]) => ({ signature, says, example, result }))
}
