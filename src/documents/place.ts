/** How a scalar is written; decides how a position in its value maps to the file. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'block'

/** Where a value stands: the position side of a converted YAML node. Offsets count in the file, in UTF-16 units. */
export interface Place {
  readonly offset: number
  readonly entries?: ReadonlyMap<string, { readonly key: number; readonly value: Place }>
  readonly items?: readonly Place[]
  readonly scalar?: { readonly style: ScalarStyle; readonly source: string; readonly value: string }
}
