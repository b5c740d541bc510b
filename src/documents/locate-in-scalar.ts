import type { Place } from './place.js'

/**
 * The file offset of a position (line and column from 1, in code points) in the value of a scalar.
 *
 * Folding, quoting and indentation only ever change blanks, so the n-th character that is not blank in the value is the
 * n-th one in the source, whatever the style. A position on a blank counts on from the character before it.
 */
export function locateInScalar(place: Place, at: { readonly line: number; readonly column: number }): number {
  const scalar = place.scalar
  if (scalar === undefined) return place.offset
  const target = indexOf(scalar.value, at.line, at.column)
  const value = scalar.value
  const before = countSolid(value, target)
  if (target < value.length && !isBlank(value.charAt(target))) return place.offset + nthSolid(scalar, before).start
  if (before === 0) return place.offset + contentStart(scalar)
  let distance = 0
  for (let i = target - 1; i >= 0 && isBlank(value.charAt(i)); i--) distance++
  const end = nthSolid(scalar, before - 1).end
  const lineEnd = scalar.source.indexOf('\n', end)
  return place.offset + Math.min(end + distance, lineEnd === -1 ? scalar.source.length : lineEnd)
}

type Scalar = NonNullable<Place['scalar']>

function indexOf(value: string, line: number, column: number): number {
  let start = 0
  for (let n = 1; n < line; n++) {
    const newline = value.indexOf('\n', start)
    if (newline === -1) break
    start = newline + 1
  }
  let at = start
  for (let n = 1; n < column && at < value.length; n++) at += (value.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return at
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r'
}

function countSolid(value: string, end: number): number {
  let count = 0
  for (let i = 0; i < end; i++) if (!isBlank(value.charAt(i))) count++
  return count
}

/** Block scalars start after their header line (`|2- # comment`), quoted ones after the quote. */
function contentStart(scalar: Scalar): number {
  if (scalar.style === 'plain') return 0
  if (scalar.style !== 'block') return 1
  const newline = scalar.source.indexOf('\n')
  return newline === -1 ? scalar.source.length : newline + 1
}

function nthSolid(scalar: Scalar, n: number): { readonly start: number; readonly end: number } {
  let left = n
  let at = contentStart(scalar)
  while (at < scalar.source.length) {
    const length = unitLength(scalar, at)
    if (!isBlankUnit(scalar, at)) {
      const units = isAstralEscape(scalar, at) ? 2 : 1
      if (left < units) return { start: at, end: at + length }
      left -= units
    }
    at += length
  }
  return { start: at, end: at }
}

/** How many characters of the source make one character of the value here. */
function unitLength(scalar: Scalar, at: number): number {
  const character = scalar.source.charAt(at)
  if (scalar.style === 'single') return character === "'" ? 2 : 1
  if (scalar.style !== 'double' || character !== '\\') return 1
  const kind = scalar.source.charAt(at + 1)
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2
}

/** `"\U0001F600"` stands for two units of the value, and `\u` and what is not escaped for one. */
function isAstralEscape(scalar: Scalar, at: number): boolean {
  if (scalar.style !== 'double' || !scalar.source.startsWith('\\U', at)) return false
  return Number.parseInt(scalar.source.slice(at + 2, at + 10), 16) > 0xffff
}

function isBlankUnit(scalar: Scalar, at: number): boolean {
  const character = scalar.source.charAt(at)
  if (scalar.style !== 'double' || character !== '\\') return isBlank(character)
  const escaped = scalar.source.charAt(at + 1)
  return escaped === 'n' || escaped === 'r' || escaped === 't' || isBlank(escaped)
}
