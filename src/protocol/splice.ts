/** Puts `text` in the place of the bytes from `start` to before `end`; with both alike it only adds. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * The bytes with all edits made, and every other byte as it was. The edits are in order and do not overlap; without any,
 * the result is the very same array.
 */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  if (edits.length === 0) return bytes
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { start, end, text } of edits) {
    if (start < from || end < start) throw new RangeError('edits overlap or are out of order')
    pieces.push(bytes.subarray(from, start))
    if (text !== '') pieces.push(Buffer.from(text, 'utf8'))
    from = end
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat(pieces)
}
