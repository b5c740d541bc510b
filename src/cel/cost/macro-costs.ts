import type { ComprehensionMacro } from '../syntax/ast.js'

/**
 * What cel-go charges for the expansion of a macro: once, for each iteration, and for each element that is taken into the
 * result. What the filter and the body cost comes on top.
 */
export const macroCosts: Readonly<Record<ComprehensionMacro, { once: number; each: number; taken: number }>> = {
  all: { once: 1, each: 3, taken: 0 },
  exists: { once: 1, each: 4, taken: 0 },
  exists_one: { once: 2, each: 1, taken: 1 },
  map: { once: 11, each: 1, taken: 11 },
  filter: { once: 11, each: 1, taken: 12 },
  transformList: { once: 11, each: 1, taken: 11 },
  transformMap: { once: 31, each: 1, taken: 2 },
  transformMapEntry: { once: 31, each: 1, taken: 1 },
}
