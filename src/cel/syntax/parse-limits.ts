/** How much an expression may ask of us. Every limit is a refusal with a position, never a slow parse. */
export interface ParseLimits {
  /** Of the source, in bytes of UTF-8. Default 10 KiB. */
  readonly bytes: number
  /**
   * How deep expressions may be nested: parentheses, arguments, elements, values, indexes, and each `: else` of a ternary
   * chain. Default 64, never more than `mostDepth`. Chains to the left (`a.b.c`, `a + b + c`) are not nesting.
   */
  readonly depth: number
  /** Of the tree. Default 20,000. */
  readonly nodes: number
}

export const defaultParseLimits: ParseLimits = { bytes: 10 * 1024, depth: 64, nodes: 20_000 }

/** What `depth` may be raised to (cel-go's own default): the parser recurses, and so do readers of the tree. */
export const mostDepth = 250
