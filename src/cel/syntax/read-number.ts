import { isDigit, isHexDigit } from './characters.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { Token } from './token.js'

/** 2^64 has 20 decimal and 16 hexadecimal digits; what is longer need not become a bigint to be refused. */
const longest = { decimal: 20, hex: 16 } as const
const tooLarge = 2n ** 64n

/**
 * A number, at a digit or at a point before one: `1`, `0x1F`, `1u`, `1.5e-3`, `.5` (langdef "Numeric Values"). Its range is
 * checked here for uint and double, and for int by the parser, which knows the sign.
 */
export function readNumber(source: string, at: number, issues: SyntaxIssues): Token {
  if (source.charCodeAt(at) === 0x30 && source[at + 1] === 'x' && isHexDigit(source.charCodeAt(at + 2))) {
    const end = skip(source, at + 2, isHexDigit)
    return integer(source, at, end, bigintOf(source.slice(at + 2, end), '0x', longest.hex), issues)
  }
  let end = skip(source, at, isDigit)
  const whole = end
  if (source[end] === '.' && isDigit(source.charCodeAt(end + 1))) end = skip(source, end + 1, isDigit)
  end = skipExponent(source, end)
  if (end === whole) {
    return integer(source, at, end, bigintOf(source.slice(at, end), '', longest.decimal), issues)
  }
  const value = Number(source.slice(at, end))
  if (!Number.isFinite(value)) issues.add(at, 'this number is too large for a double')
  return { kind: 'double', at, end, value }
}

function skip(source: string, from: number, accepts: (code: number) => boolean): number {
  let at = from
  while (accepts(source.charCodeAt(at))) at++
  return at
}

/** Without a digit it is no exponent, and the letter belongs to what follows. */
function skipExponent(source: string, at: number): number {
  if (source[at] !== 'e' && source[at] !== 'E') return at
  const digits = source[at + 1] === '+' || source[at + 1] === '-' ? at + 2 : at + 1
  return isDigit(source.charCodeAt(digits)) ? skip(source, digits, isDigit) : at
}

function bigintOf(digits: string, prefix: string, most: number): bigint {
  const zeros = skip(digits, 0, code => code === 0x30)
  const significant = digits.slice(zeros)
  if (significant.length > most) return tooLarge
  return significant === '' ? 0n : BigInt(prefix + significant)
}

function integer(source: string, at: number, end: number, value: bigint, issues: SyntaxIssues): Token {
  if (source[end] !== 'u' && source[end] !== 'U') return { kind: 'int', at, end, value }
  if (value >= tooLarge) issues.add(at, 'this uint needs more than 64 bits')
  return { kind: 'uint', at, end: end + 1, value }
}
