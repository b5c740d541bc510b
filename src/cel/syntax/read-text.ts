import { isHexDigit } from './characters.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { Token } from './token.js'

const encoder = new TextEncoder()

/** What stands for one character after a backslash (langdef "String and Bytes Values"). */
const simpleEscapes: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['v', 0x0b],
  ['\\', 0x5c],
  ['?', 0x3f],
  ['"', 0x22],
  ["'", 0x27],
  ['`', 0x60],
])

const hexLengths: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['X', 2],
  ['u', 4],
  ['U', 8],
])

/**
 * A string or bytes, at its prefix (`r`, `b`, `br`) or quote; undefined when there is none. In strings an escape is a code
 * point, in bytes an octet. Line ends within triple quotes are `\n`, however the file ends its lines (as in cel-go).
 */
export function readText(source: string, at: number, issues: SyntaxIssues): Token | undefined {
  let open = at
  const bytes = isLetter(source, open, 'b', 'B')
  if (bytes) open++
  const raw = isLetter(source, open, 'r', 'R')
  if (raw) open++
  const quote = source[open]
  if (quote !== '"' && quote !== "'") return undefined
  const triple = source[open + 1] === quote && source[open + 2] === quote
  const close = triple ? quote.repeat(3) : quote
  const start = open + close.length
  const end = findClose(source, start, close, raw)
  if (end === -1) {
    const hint = triple ? undefined : 'a text over several lines is written in """triple quotes"""'
    issues.stop(at, `this text has no closing ${close}`, hint)
    return { kind: 'end', at, end: source.length }
  }
  const span = { at, end: end + close.length }
  const reader = raw ? undefined : new Unescaper(source, bytes, issues)
  if (bytes) {
    const value = reader?.bytes(start, end) ?? encoder.encode(withPlainLineEnds(source.slice(start, end)))
    return { kind: 'bytes', ...span, value }
  }
  return { kind: 'string', ...span, text: reader?.text(start, end) ?? withPlainLineEnds(source.slice(start, end)) }
}

const isLetter = (source: string, at: number, lower: string, upper: string): boolean =>
  source[at] === lower || source[at] === upper

function findClose(source: string, start: number, close: string, raw: boolean): number {
  const quote = close.charCodeAt(0)
  const triple = close.length > 1
  for (let at = start; at < source.length; at++) {
    const code = source.charCodeAt(at)
    if (code === quote && (!triple || source.startsWith(close, at))) return at
    if (!triple && (code === 0x0a || code === 0x0d)) return -1
    if (code === 0x5c && !raw) at++
  }
  return -1
}

const withPlainLineEnds = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text)

class Unescaper {
  readonly #source: string
  readonly #octets: boolean
  readonly #issues: SyntaxIssues
  /** After the escape that was read last. */
  #next = 0

  constructor(source: string, octets: boolean, issues: SyntaxIssues) {
    this.#source = source
    this.#octets = octets
    this.#issues = issues
  }

  text(start: number, end: number): string {
    let text = ''
    this.#read(
      start,
      end,
      run => {
        text += run
      },
      code => {
        text += String.fromCodePoint(code)
      },
    )
    return text
  }

  bytes(start: number, end: number): Uint8Array {
    const octets: number[] = []
    this.#read(
      start,
      end,
      run => {
        for (const octet of encoder.encode(run)) octets.push(octet)
      },
      code => octets.push(code),
    )
    return Uint8Array.from(octets)
  }

  #read(start: number, end: number, onRun: (run: string) => void, onEscape: (code: number) => void): void {
    let from = start
    for (let at = this.#source.indexOf('\\', from); at !== -1 && at < end; at = this.#source.indexOf('\\', from)) {
      if (at > from) onRun(withPlainLineEnds(this.#source.slice(from, at)))
      onEscape(this.#escape(at, end))
      from = this.#next
    }
    if (from < end) onRun(withPlainLineEnds(this.#source.slice(from, end)))
  }

  /** The escape at a backslash; a wrong one is reported and stands for U+FFFD (0 in bytes). */
  #escape(at: number, end: number): number {
    const letter = this.#source[at + 1] ?? ''
    const simple = simpleEscapes.get(letter)
    this.#next = at + 2
    if (simple !== undefined) return simple
    const digits = hexLengths.get(letter)
    if (digits !== undefined) return this.#hex(at, letter, digits, end)
    if (letter >= '0' && letter <= '7') return this.#octal(at, end)
    // Past a whole character, of which half must not be left behind.
    if ((this.#source.codePointAt(at + 1) ?? 0) > 0xffff) this.#next = at + 3
    return this.#wrong(at, 'this is no escape of CEL', 'for a backslash itself write \\\\, or the text as r"…"')
  }

  #hex(at: number, letter: string, digits: number, end: number): number {
    const from = at + 2
    let to = from
    while (to < from + digits && to < end && isHexDigit(this.#source.charCodeAt(to))) to++
    this.#next = to
    if (to - from < digits) return this.#wrong(at, `\\${letter} needs ${digits} hexadecimal digits`)
    if (this.#octets && digits > 2) {
      return this.#wrong(at, `bytes have no \\${letter}`, 'write the character itself, or its octets as \\x..')
    }
    const code = Number.parseInt(this.#source.slice(from, to), 16)
    if (code > 0x10ffff) return this.#wrong(at, 'this is no code point: the last one is \\U0010FFFF')
    if (code >= 0xd800 && code <= 0xdfff) {
      return this.#wrong(at, 'this is half of a surrogate pair', 'write the whole code point: \\U and 8 digits')
    }
    return code
  }

  #octal(at: number, end: number): number {
    const digits = this.#source.slice(at + 1, Math.min(at + 4, end))
    if (!/^[0-3][0-7]{2}$/.test(digits)) {
      return this.#wrong(at, 'an octal escape has 3 digits, from \\000 to \\377', 'for U+0000 write \\000 or \\x00')
    }
    this.#next = at + 4
    return Number.parseInt(digits, 8)
  }

  #wrong(at: number, message: string, hint?: string): number {
    this.#issues.add(at, message, hint)
    return this.#octets ? 0 : 0xfffd
  }
}
