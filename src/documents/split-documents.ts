/** One stretch of a YAML stream that holds at most one document. */
export interface DocumentText {
  /** Where the stretch begins in the file, in UTF-16 units. */
  readonly offset: number
  readonly text: string
  /** Begins with a `---` line; a stretch without one counts as a document only if it holds something. */
  readonly marked: boolean
}

/**
 * Cuts a YAML stream at its `---` and `...` lines. YAML 1.2.2 §9.1.2 forbids these markers at column 1 inside every
 * kind of scalar (`c-forbidden`), so the cut is right without parsing, and a broken document cannot swallow its siblings.
 */
export function splitDocuments(text: string): readonly DocumentText[] {
  const stretches: DocumentText[] = []
  let start = text.startsWith('\uFEFF') ? 1 : 0
  let marked = false
  const cut = (end: number) => {
    if (end > start || marked) stretches.push({ offset: start, text: text.slice(start, end), marked })
  }
  for (let line = start; line < text.length; ) {
    const newline = text.indexOf('\n', line)
    const next = newline === -1 ? text.length : newline + 1
    if (isMarker(text, line, '---')) {
      cut(line)
      start = line
      marked = true
    } else if (isMarker(text, line, '...')) {
      cut(line)
      start = next
      marked = false
    }
    line = next
  }
  cut(text.length)
  return stretches
}

function isMarker(text: string, at: number, marker: string): boolean {
  if (!text.startsWith(marker, at)) return false
  const after = text.charAt(at + marker.length)
  return after === '' || after === ' ' || after === '\t' || after === '\n' || after === '\r'
}
