export interface Position {
  /** From 1; lines end with `\n`. */
  readonly line: number
  /** From 1, in code points. */
  readonly column: number
}

/** Line and column of an offset in UTF-16 units; what lies beyond the source is at its end. */
export function positionAt(source: string, at: number): Position {
  const end = Math.max(0, Math.min(at, source.length))
  let line = 1
  let start = 0
  for (let next = source.indexOf('\n'); next !== -1 && next < end; next = source.indexOf('\n', start)) {
    line++
    start = next + 1
  }
  return { line, column: codePoints(source, start, end) + 1 }
}

function codePoints(source: string, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; count++) at += (source.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return count
}
