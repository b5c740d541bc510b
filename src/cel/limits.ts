/** What one expression may be, and cost. */
export const limits = {
  /** UTF-8 bytes of an expression. */
  sourceBytes: 10 * 1024,
  /** Expressions inside one another. */
  depth: 64,
  nodes: 5000,
  /** Links of a chain to the left (`a.b.c…`, `a + b + c…`), over all levels. */
  chain: 500,
  /**
   * Units per evaluation, as Kubernetes counts: a call or a step is one, a list 10, a map 30, and so is each element that
   * is looked at, and every ten characters that are copied or compared. Kubernetes allows an expression ten times as many,
   * and waits seconds for it if need be.
   */
  budget: 100_000,
  /** The same for the sets of functions of Kubernetes (its PerCallLimit). */
  kubernetesBudget: 1_000_000,
} as const
