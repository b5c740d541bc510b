import type { Literal } from './ast.js'

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

/** A literal in its one canonical spelling: numbers in decimal, texts in the quotes that need fewer escapes. */
export function formatLiteral(literal: Literal): string {
  switch (literal.type) {
    case 'null':
      return 'null'
    case 'bool':
    case 'int':
      return String(literal.value)
    case 'uint':
      return `${literal.value}u`
    case 'double':
      return formatDouble(literal.value)
    case 'string':
      return formatString(literal.value)
    case 'bytes':
      return `b${quoted(Array.from(literal.value, octet => String.fromCharCode(octet)).join(''), octetEscape)}`
  }
}

function formatDouble(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** Backslashes stay readable (`r"\d+"`), if nothing else has to be escaped. */
function formatString(text: string): string {
  if (text.includes('\\') && !text.includes('"') && !needsEscape.test(text)) return `r"${text}"`
  return quoted(text, codePointEscape)
}

function quoted(text: string, spell: (character: string) => string): string {
  const quote = text.includes('"') && !text.includes("'") ? "'" : '"'
  const escaped = text.replace(/["'\\]|[^ -~]/gu, character => {
    if (character === '\\' || character === quote) return `\\${character}`
    return character === '"' || character === "'" ? character : spell(character)
  })
  return `${quote}${escaped}${quote}`
}

/**
 * What a reader would not see, or would see elsewhere than it stands: controls, characters of formatting (bidirectional
 * marks, joiners), line separators, blanks other than the blank, private and unassigned characters.
 */
const needsEscape = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

const named: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

function codePointEscape(character: string): string {
  const short = named.get(character)
  if (short !== undefined) return short
  if (!needsEscape.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

const octetEscape = (character: string): string => named.get(character) ?? `\\x${hex(character.charCodeAt(0), 2)}`
