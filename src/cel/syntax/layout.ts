/**
 * What text is made of before its lines are broken. A group stands on one line if it fits there; if not, each `line` that is
 * directly in it breaks.
 */
export type LayoutToken =
  | string
  | { readonly kind: 'open'; readonly indent: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'line'; readonly flat: string; readonly indent: number }

/** Begins a group; lines in it, and in what it holds, are indented by so many columns more. */
export const open = (indent: number): LayoutToken => ({ kind: 'open', indent })

export const close: LayoutToken = { kind: 'close' }

/** Where a line may end; `flat` stands there if it does not. `indent` is that of the line after it alone. */
export const line = (flat: string, indent = 0): LayoutToken => ({ kind: 'line', flat, indent })

/** Lays text out in lines of at most `width` characters, where its groups allow that. Takes time linear in the tokens. */
export function layOut(tokens: readonly LayoutToken[], width: number): string {
  const needed = widthsOfGroups(tokens)
  const output: string[] = []
  const groups: Group[] = []
  let column = 0
  for (const [i, token] of tokens.entries()) {
    const around = groups.at(-1) ?? outermost
    if (typeof token === 'string') {
      output.push(token)
      column += lengthOf(token)
    } else if (token.kind === 'open') {
      // What is inside of a group on one line is on that line.
      const broken = around.broken && column + (needed[i] ?? 0) > width
      groups.push({ indent: around.indent + token.indent, broken })
    } else if (token.kind === 'close') groups.pop()
    else if (around.broken) {
      column = around.indent + token.indent
      output.push(`\n${' '.repeat(column)}`)
    } else {
      output.push(token.flat)
      column += token.flat.length
    }
  }
  return output.join('')
}

interface Group {
  readonly indent: number
  readonly broken: boolean
}

const outermost: Group = { indent: 0, broken: true }

/** At the beginning of each group: what it takes on one line, with all that follows it up to where the line could end. */
function widthsOfGroups(tokens: readonly LayoutToken[]): readonly number[] {
  const needed: number[] = []
  const ends: { readonly after: number; readonly width: number }[] = []
  let width = 0
  /** From here to the next place where a line could end. */
  let after = 0
  for (let i = tokens.length - 1; i >= 0; i--) {
    const token = tokens[i] ?? ''
    if (typeof token === 'string') {
      const length = lengthOf(token)
      width += length
      after += length
    } else if (token.kind === 'line') {
      width += token.flat.length
      after = 0
    } else if (token.kind === 'close') ends.push({ after, width })
    else {
      const end = ends.pop()
      if (end !== undefined) needed[i] = width - end.width + end.after
    }
  }
  return needed
}

/** In code points. */
function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length++
  return length
}
