import { createLineIndex } from '../../documents/line-index.js'

/** A change of a text that mends one finding. */
export interface Fix {
  readonly file: string
  /** Offsets in the text of the file, in UTF-16 units. */
  readonly start: number
  readonly end: number
  /** What stands there now, so that nobody changes something else. */
  readonly old: string
  readonly text: string
  /**
   * mends: `check --fix` makes it. suggests: it would give somebody something, or take a rule's say, so that a person has to
   * decide whether it was meant; it is shown, and never made.
   */
  readonly effect: 'mends' | 'suggests'
}

/** Makes changes that do not touch each other, and says which; of two that do, the first. */
export function applyFixes(
  text: string,
  fixes: readonly Fix[],
): { readonly text: string; readonly made: readonly Fix[] } {
  const made: Fix[] = []
  for (const fix of [...fixes].sort((a, b) => a.start - b.start)) {
    const last = made.at(-1)
    if (text.slice(fix.start, fix.end) !== fix.old || (last !== undefined && fix.start < last.end)) continue
    if (last?.start === fix.start) continue
    made.push(fix)
  }
  let changed = ''
  let at = 0
  for (const { start, end, text: replacement } of made) {
    changed += text.slice(at, start) + replacement
    at = end
  }
  return { text: changed + text.slice(at), made }
}

/** The lines that a change touches, before and after. */
export function diffOf(text: string, { start, end, text: replacement }: Fix): readonly string[] {
  const from = text.lastIndexOf('\n', start - 1) + 1
  const next = text.indexOf('\n', end)
  const to = next === -1 ? text.length : next
  const old = text.slice(from, to)
  const changed = text.slice(from, start) + replacement + text.slice(end, to)
  const lines = (all: string, mark: string) => all.split('\n').map(line => `${mark} ${line.replace(/\r$/, '')}`)
  return [...lines(old, '-'), ...lines(changed, '+')]
}

interface Position {
  readonly line: number
  readonly column: number
}

/** Lines and columns from 1, as those of findings; the end is the place behind the last character. */
export function regionOf(text: string, { start, end }: Fix): { readonly start: Position; readonly end: Position } {
  const lines = createLineIndex(text)
  return { start: lines.position(start), end: lines.position(end) }
}
