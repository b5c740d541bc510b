/** An expression as a tree, macros already told apart from functions. `at` is the offset in the source. */
export type Node =
  | { readonly kind: 'constant'; readonly at: number; readonly value: Constant }
  | { readonly kind: 'name'; readonly at: number; readonly name: string }
  | { readonly kind: 'select'; readonly at: number; readonly operand: Node; readonly field: string }
  | { readonly kind: 'has'; readonly at: number; readonly operand: Node; readonly field: string }
  | CallNode
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Node[] }
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly (readonly [Node, Node])[] }
  | ComprehensionNode

/** Operators are calls too, with CEL's names for them (`_&&_`, `_[_]`, `@in`, …). */
export interface CallNode {
  readonly kind: 'call'
  readonly at: number
  readonly name: string
  readonly target: Node | undefined
  readonly args: readonly Node[]
}

export interface ComprehensionNode {
  readonly kind: 'comprehension'
  readonly at: number
  readonly macro: Macro
  readonly range: Node
  /** One variable: elements, or keys of a map. Two: index and element, or key and value. */
  readonly variables: readonly string[]
  /** Only what passes is looked at; for filter this is the predicate. */
  readonly filter: Node | undefined
  /** What is computed for each; undefined for filter. */
  readonly body: Node | undefined
}

export type Macro = 'all' | 'exists' | 'exists_one' | 'map' | 'filter' | 'transformMap'

/** Literals; an `unsigned` or `bytes` literal keeps its type through its wrapper. */
export type Constant =
  | null
  | boolean
  | bigint
  | number
  | string
  | { readonly unsigned: bigint }
  | { readonly bytes: Uint8Array }
