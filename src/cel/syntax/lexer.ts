import { isDigit, isNamePart, isNameStart, isQuotedNamePart } from './characters.js'
import { readNumber } from './read-number.js'
import { readText } from './read-text.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { SymbolKind, Token } from './token.js'

const words: ReadonlyMap<string, SymbolKind> = new Map([
  ['true', 'true'],
  ['false', 'false'],
  ['null', 'null'],
  ['in', 'in'],
])

/** The longer ones first. */
const pairs: ReadonlyMap<string, SymbolKind> = new Map([
  ['==', '=='],
  ['!=', '!='],
  ['<=', '<='],
  ['>=', '>='],
  ['&&', '&&'],
  ['||', '||'],
])

const singles: ReadonlyMap<string, SymbolKind> = new Map([
  ['(', '('],
  [')', ')'],
  ['[', '['],
  [']', ']'],
  ['{', '{'],
  ['}', '}'],
  [',', ','],
  [':', ':'],
  ['?', '?'],
  ['.', '.'],
  ['+', '+'],
  ['-', '-'],
  ['*', '*'],
  ['/', '/'],
  ['%', '%'],
  ['!', '!'],
  ['<', '<'],
  ['>', '>'],
])

/** What other languages have. */
const strangers: ReadonlyMap<string, readonly [message: string, hint: string]> = new Map([
  ['=', ["'=' is no operator of CEL", 'to compare write ==']],
  ['&', ["'&' is no operator of CEL", 'for "and" write &&']],
  ['|', ["'|' is no operator of CEL", 'for "or" write ||']],
  [';', ["';' has no meaning in CEL", 'an expression is one value; join conditions with &&']],
  ['#', ["'#' does not begin a comment", 'write // instead']],
  ['“', ['typographic quotes do not quote', 'write " or \'']],
  ['”', ['typographic quotes do not quote', 'write " or \'']],
  ['‘', ['typographic quotes do not quote', 'write " or \'']],
  ['’', ['typographic quotes do not quote', 'write " or \'']],
])

/** Reads one token at a time; each character of the source is looked at a bounded number of times. */
export class Lexer {
  readonly #source: string
  readonly #issues: SyntaxIssues
  #at = 0
  /** How many were skipped. */
  comments = 0

  constructor(source: string, issues: SyntaxIssues) {
    this.#source = source
    this.#issues = issues
  }

  /** The next token. After something that is none, an issue is reported and everything ends. */
  next(): Token {
    this.#skipBlanks()
    const token = this.#read()
    this.#at = token.end
    return token
  }

  /** Blanks, tabs, line ends, form feeds, and comments up to the end of their line. */
  #skipBlanks(): void {
    for (;;) {
      const code = this.#source.charCodeAt(this.#at)
      if (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d || code === 0x0c) this.#at++
      else if (code === 0x2f && this.#source.charCodeAt(this.#at + 1) === 0x2f) {
        const newline = this.#source.indexOf('\n', this.#at)
        this.comments++
        this.#at = newline === -1 ? this.#source.length : newline + 1
      } else return
    }
  }

  #read(): Token {
    const source = this.#source
    const at = this.#at
    if (at >= source.length) return { kind: 'end', at, end: at }
    const code = source.charCodeAt(at)
    if (isNameStart(code)) return this.#name(at)
    if (isDigit(code) || (code === 0x2e && isDigit(source.charCodeAt(at + 1)))) {
      return readNumber(source, at, this.#issues)
    }
    if (code === 0x22 || code === 0x27) return readText(source, at, this.#issues) ?? this.#unknown(at)
    if (code === 0x60) return this.#quoted(at)
    const pair = pairs.get(source.slice(at, at + 2))
    if (pair !== undefined) {
      if (source[at + 2] === '=' && (pair === '==' || pair === '!=')) {
        return this.#end(at, `'${pair}=' is no operator of CEL`, `write ${pair}`)
      }
      return { kind: pair, at, end: at + 2 }
    }
    if (code === 0x2f && source[at + 1] === '*') {
      return this.#end(at, "'/*' does not begin a comment", 'write // on each line')
    }
    const single = singles.get(source.charAt(at))
    return single === undefined ? this.#unknown(at) : { kind: single, at, end: at + 1 }
  }

  #name(at: number): Token {
    let end = at + 1
    while (isNamePart(this.#source.charCodeAt(end))) end++
    // The longest match wins: a prefix of a text is one or two letters long, and a quote follows.
    const after = this.#source.charCodeAt(end)
    if (end - at <= 2 && (after === 0x22 || after === 0x27)) {
      const text = readText(this.#source, at, this.#issues)
      if (text !== undefined) return text
    }
    const text = this.#source.slice(at, end)
    const word = words.get(text)
    return word === undefined ? { kind: 'name', at, end, text } : { kind: word, at, end }
  }

  #quoted(at: number): Token {
    let end = at + 1
    while (isQuotedNamePart(this.#source.charCodeAt(end))) end++
    if (this.#source[end] === '`' && end > at + 1) {
      return { kind: 'quoted', at, end: end + 1, text: this.#source.slice(at + 1, end) }
    }
    return this.#end(
      at,
      'a field in backticks holds letters, digits, blanks, and _ . - / only',
      'for any other key write m["key"]',
    )
  }

  #unknown(at: number): Token {
    const character = String.fromCodePoint(this.#source.codePointAt(at) ?? 0)
    const [message, hint] = strangers.get(character) ?? [`${shown(character)} has no meaning in CEL`, undefined]
    return this.#end(at, message, hint)
  }

  #end(at: number, message: string, hint?: string): Token {
    this.#issues.stop(at, message, hint)
    return { kind: 'end', at, end: this.#source.length }
  }
}

/** Characters that a terminal would hide or act on are shown by their number. */
function shown(character: string): string {
  const number = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `'${character}'` : `the character U+${number}`
}
