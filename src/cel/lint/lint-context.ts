import type { Expr } from '../syntax/ast.js'

/** What JSON values are, as far as an author of an expression can know. */
export type KnownKind = 'text' | 'number' | 'bool' | 'list' | 'map' | 'timestamp'

/** What is known of the values at a path. */
export interface PathFacts {
  readonly kind?: KnownKind
  /** All texts that it can be. */
  readonly values?: readonly string[]
  /** All members that it can have. */
  readonly members?: readonly string[]
  /** It holds scopes: several in one text with blanks between them, or one. */
  readonly scopes?: 'several' | 'one'
}

/** What lint may be told beyond the types. All of it is optional: what is not known is not judged. */
export interface LintContext {
  /** By path: a variable and the members behind it, with `*` for any element of a list (`mcp.tool.access`, `scopes.*`). */
  readonly facts?: ReadonlyMap<string, PathFacts>
  /** The value of an expression that reads no variable; undefined where it fails, or is no bool. */
  readonly evaluate?: (constant: Expr) => boolean | undefined
  /** What an expression costs at most, in units; undefined if that cannot be said. */
  readonly costOf?: (node: Expr) => number | undefined
  /** Units that one evaluation may cost. */
  readonly budget?: number
}
