import type { Place } from './place.js'

/**
 * The file offset of a position (line and column from 1) in the value of a scalar.
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
  return Math.min(value.length, start + Math.max(0, column - 1))
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
      if (left === 0) return { start: at, end: at + length }
      left--
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

function isBlankUnit(scalar: Scalar, at: number): boolean {
  const character = scalar.source.charAt(at)
  if (scalar.style !== 'double' || character !== '\\') return isBlank(character)
  const escaped = scalar.source.charAt(at + 1)
  return escaped === 'n' || escaped === 'r' || escaped === 't' || isBlank(escaped)
}
