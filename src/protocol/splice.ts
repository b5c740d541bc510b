import { atOnce, type Sliced } from '../sliced.js'

/** Puts `text` in the place of the bytes from `start` to before `end`; with both alike it only adds. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Edits between two places where the work may be put aside. */
const stride = 4096

/**
 * The bytes with all edits made, and every other byte as it was. The edits are in order and do not overlap; without any,
 * the result is the very same array.
 */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return atOnce(spliceInSlices(bytes, edits))
}

/** The same, some of it at a time; the bytes must stay as they are meanwhile. */
export function* spliceInSlices(bytes: Uint8Array, edits: readonly Edit[]): Sliced<Uint8Array> {
  if (edits.length === 0) return bytes
  const done: Uint8Array[] = []
  let pieces: Uint8Array[] = []
  let from = 0
  for (const { start, end, text } of edits) {
    if (start < from || end < start) throw new RangeError('edits overlap or are out of order')
    pieces.push(bytes.subarray(from, start))
    if (text !== '') pieces.push(Buffer.from(text, 'utf8'))
    from = end
    if (pieces.length < stride) continue
    done.push(Buffer.concat(pieces))
    pieces = []
    yield
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat([...done, ...pieces])
}
