/** Turns offsets of a text (UTF-16 units from 0) into lines and columns from 1. */
export interface LineIndex {
  position(offset: number): { readonly line: number; readonly column: number }
}

/** Built once per file; a look-up is a binary search. A byte order mark at the start takes no column. */
export function createLineIndex(text: string): LineIndex {
  const starts = [text.startsWith('\uFEFF') ? 1 : 0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return {
    position(offset) {
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((starts[middle] ?? 0) <= offset) low = middle
        else high = middle - 1
      }
      return { line: low + 1, column: Math.max(1, Math.min(offset, text.length) - (starts[low] ?? 0) + 1) }
    },
  }
}
