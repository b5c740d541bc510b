/** Operators and brackets are their own kind, and so are the four keywords. */
export type SymbolKind =
  | '('
  | ')'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | ':'
  | '?'
  | '.'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '!'
  | '<'
  | '<='
  | '>'
  | '>='
  | '=='
  | '!='
  | '&&'
  | '||'
  | 'in'
  | 'true'
  | 'false'
  | 'null'
  | 'end'

interface Span {
  readonly at: number
  readonly end: number
}

/** `name` may be a reserved word; `quoted` is a field in backticks; `int` is without its sign, and of any size. */
export type Token =
  | (Span & { readonly kind: SymbolKind })
  | (Span & { readonly kind: 'name' | 'quoted' | 'string'; readonly text: string })
  | (Span & { readonly kind: 'int' | 'uint'; readonly value: bigint })
  | (Span & { readonly kind: 'double'; readonly value: number })
  | (Span & { readonly kind: 'bytes'; readonly value: Uint8Array })
