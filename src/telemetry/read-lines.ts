const newline = 0x0a

/** One line: its bytes without the line end, or why they are not there. */
export type ReadLine =
  | { readonly line: number; readonly bytes: Uint8Array; readonly ended: boolean; readonly problem?: undefined }
  | { readonly line: number; readonly bytes?: undefined; readonly ended: boolean; readonly problem: string }

/**
 * Cuts a stream into lines, which are at most `maxBytes` long: of a longer one nothing is kept. `ended` is false for a last
 * line without line end.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): AsyncGenerator<ReadLine, void, undefined> {
  let line = 1
  let held: Uint8Array[] = []
  let size = 0
  const take = (ended: boolean): ReadLine => {
    const taken: ReadLine =
      size > maxBytes
        ? { line, ended, problem: `longer than ${maxBytes} bytes` }
        : { line, ended, bytes: held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held) }
    line++
    held = []
    size = 0
    return taken
  }
  const hold = (part: Uint8Array) => {
    size += part.length
    if (size > maxBytes) held = []
    else if (part.length > 0) held.push(part)
  }
  for await (const piece of stream) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    let from = 0
    for (;;) {
      const end = chunk.indexOf(newline, from)
      if (end < 0) break
      hold(chunk.subarray(from, end))
      yield take(true)
      from = end + 1
    }
    hold(chunk.subarray(from))
  }
  if (size > 0) yield take(false)
}
