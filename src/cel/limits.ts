/**
 * What one expression may cost. Nesting is bounded before parsing, size after it, and work while it runs: an evaluation
 * that has spent its budget stops with an error, so no list that a caller sends can stall the process.
 */
export const limits = {
  /** UTF-8 bytes of an expression. */
  sourceBytes: 10 * 1024,
  /** Open brackets at any point of the source. */
  brackets: 64,
  depth: 100,
  nodes: 5000,
  /** Comprehensions inside one another. */
  comprehensions: 4,
  /**
   * Units per evaluation; about 10 to 50 ns each. An iteration costs as many units as its body has nodes; functions
   * that look at a whole text or list cost in proportion to its size.
   */
  budget: 250_000,
  /** UTF-16 units of a text that an expression builds. */
  text: 1024 * 1024,
  /** Characters of a regular expression, constant or not. */
  pattern: 1024,
} as const
