/**
 * An expression as a tree. `id` numbers the nodes of one tree from 1, in the order of their beginnings; `at` is the offset
 * in the source (UTF-16 units) that an error about the node points to. Macros are nodes of their own, not their expansion:
 * so that costs, findings and the formatter speak of what the author wrote.
 */
interface Place {
  readonly id: number
  readonly at: number
}

export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | MessageExpr
  | ComprehensionExpr
  | BindExpr
  | OptionalMapExpr

/** `int` and `uint` are 64 bits; what does not fit is refused by the parser. Strings are well-formed. */
export type Literal =
  | { readonly type: 'null' }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'uint'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }

export interface LiteralExpr extends Place {
  readonly kind: 'literal'
  readonly literal: Literal
}

/** A name; with a leading dot (`.a`) it is looked up in the root scope only. A dotted name is a chain of selects. */
export interface IdentExpr extends Place {
  readonly kind: 'ident'
  readonly name: string
  readonly root: boolean
}

/** `a.b`, `a.?b`, and `has(a.b)` (test). In backticks a field may have blanks and `.-/` too. */
export interface SelectExpr extends Place {
  readonly kind: 'select'
  readonly operand: Expr
  readonly field: string
  readonly test: boolean
  readonly optional: boolean
}

/**
 * Functions, methods, and operators under CEL's own names: `_&&_`, `_||_`, `_?_:_`, `!_`, `-_`, `_+_`, `_-_`, `_*_`, `_/_`,
 * `_%_`, `_==_`, `_!=_`, `_<_`, `_<=_`, `_>_`, `_>=_`, `@in`, `_[_]`, `_[?_]`. `_&&_`, `_||_`, `_+_` and `_-_` … chains are
 * left-deep, except that `&&` and `||` hold all operands of one chain in `args` (two or more), so that a long one is flat.
 * A function with a leading dot (`.f(x)`) keeps it in its name, as in cel-go. A run of `!` or `-` is one call or none.
 */
export interface CallExpr extends Place {
  readonly kind: 'call'
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
}

export interface ListExpr extends Place {
  readonly kind: 'list'
  readonly elements: readonly { readonly value: Expr; readonly optional: boolean }[]
}

export interface MapExpr extends Place {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[]
}

/** `Object.metadata{labels: …}`; the name is dotted as written, without a leading dot. */
export interface MessageExpr extends Place {
  readonly kind: 'message'
  readonly type: string
  readonly fields: readonly {
    readonly name: string
    readonly value: Expr
    readonly optional: boolean
    readonly at: number
  }[]
}

export type ComprehensionMacro =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'

/** `existsOne` is `exists_one`. */
export interface ComprehensionExpr extends Place {
  readonly kind: 'comprehension'
  readonly macro: ComprehensionMacro
  readonly range: Expr
  /** One: elements, or keys of a map. Two: index and element, or key and value. */
  readonly variables: readonly string[]
  /** The second form of map and the transforms: only what passes is looked at. For `filter` this is the predicate. */
  readonly filter: Expr | undefined
  /** What is computed for each; undefined for `filter`. */
  readonly body: Expr | undefined
}

/** `cel.bind(x, init, result)`. */
export interface BindExpr extends Place {
  readonly kind: 'bind'
  readonly variable: string
  readonly init: Expr
  readonly body: Expr
}

/** `o.optMap(x, body)` and `o.optFlatMap(x, body)`. */
export interface OptionalMapExpr extends Place {
  readonly kind: 'optional_map'
  readonly flat: boolean
  readonly operand: Expr
  readonly variable: string
  readonly body: Expr
}
