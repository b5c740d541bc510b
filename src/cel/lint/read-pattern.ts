export interface PatternEnds {
  /** `^` and `$` (or `\A` and `\z`). */
  readonly begins: boolean
  readonly ends: boolean
  /** What is left open on purpose: after a separator (`^/public/`, `[.]example[.]com$`), or with `.*`. */
  readonly beginsOpen: boolean
  readonly endsOpen: boolean
}

export interface PatternParts {
  /** Those of the outermost level. */
  readonly alternatives: readonly PatternEnds[]
  /** Whether there is a name of a host in it, with its dots escaped or not. */
  readonly host: boolean
  /** Whether a dot in such a name is not escaped. */
  readonly dotOfHost: boolean
}

/** What a regular expression says of the ends of the text. Reads as much as lint needs, and takes what is strange for open. */
export function readPattern(pattern: string): PatternParts {
  const alternatives = split(pattern).map(endsOf)
  const dotOfHost = unescapedHost.test(pattern)
  return { alternatives, dotOfHost, host: dotOfHost || escapedHost.test(pattern) }
}

const unescapedHost = /[a-z0-9]{2}\.[a-z]{2,}(?![\w*+?{])/i
const escapedHost = /[a-z0-9](?:\\\.|\[\.\])(?:com|net|org|io|dev|eu|cloud|internal|local)(?![\w*+?{])/i

/** At each `|` that stands in no brackets. */
function split(pattern: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let begin = 0
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '\\') at++
    else if (character === '[') at = endOfClass(pattern, at)
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === '|' && depth === 0) {
      parts.push(pattern.slice(begin, at))
      begin = at + 1
    }
  }
  return [...parts, pattern.slice(begin)]
}

function endOfClass(pattern: string, open: number): number {
  let at = open + 1
  if (pattern[at] === '^') at++
  // A bracket that comes first is a member.
  if (pattern[at] === ']') at++
  for (; at < pattern.length && pattern[at] !== ']'; at++) if (pattern[at] === '\\') at++
  return at
}

const flags = /^\(\?[a-zA-Z]+\)/
const separators = /[/:@_ -]$|\\\.$|\\s$|\.[*+]\??$/
const leadingSeparators = /^(?:[/:@_ -]|\\\.|\\s|\.[*+])/

/** Whether what comes after it may go on. */
function endsWithSeparator(text: string): boolean {
  if (text.endsWith(']')) return holdsSeparator(text.slice(text.lastIndexOf('[')))
  // `^/public(/|$)`
  if (text.endsWith(')')) return /[/$]/.test(text.slice(text.lastIndexOf('(')))
  return separators.test(text)
}

/** Whether what comes before it may be more. */
function beginsWithSeparator(text: string): boolean {
  return text.startsWith('[') ? holdsSeparator(text.slice(0, text.indexOf(']') + 1)) : leadingSeparators.test(text)
}

/** `[.]`, `[/-]`; the dash in `[a-z]` is none. */
function holdsSeparator(characters: string): boolean {
  return /[/:@._ ]|-\]/.test(characters)
}

function endsOf(alternative: string): PatternEnds {
  const text = alternative.replace(flags, '')
  const begins = /^(?:\^|\\A|\((?:\?:)?\^)/.test(text)
  const ends = /(?:^|[^\\])(?:\\\\)*(?:\$\)?|\\z)$/.test(text)
  const inner = text.replace(/^(?:\^|\\A)/, '').replace(/(?:\$|\\z)$/, '')
  return {
    begins,
    ends,
    beginsOpen: inner === '' || beginsWithSeparator(inner),
    endsOpen: inner === '' || endsWithSeparator(inner),
  }
}
