import { Failure } from '../values/value.js'

export type ClauseVerb = 's' | 'd' | 'f' | 'e' | 'b' | 'o' | 'x' | 'X'

/** A text as it is, or a place for the next argument. `precision` is undefined where none is written. */
export type FormatPiece = string | { readonly verb: ClauseVerb; readonly precision: number | undefined }

/** Go's own limit; more digits than any double has. */
const largestPrecision = 1_000_000

const endsEarly = new Failure('the format ends inside of a % clause')
const noPrecision = new Failure('a precision in a format needs digits: %.2f')
const largePrecision = new Failure('a precision in a format is too large')
const noVerb = new Failure('a format knows only %s %d %f %e %b %o %x %X and %%')

const verbs: ReadonlyMap<string, ClauseVerb> = new Map(
  (['s', 'd', 'f', 'e', 'b', 'o', 'x', 'X'] as const).map(verb => [verb, verb]),
)

/** A digit's run is read to its end; the text has at most as many pieces as characters. */
export function parseFormat(format: string): readonly FormatPiece[] | Failure {
  const pieces: FormatPiece[] = []
  let at = 0
  while (at < format.length) {
    const percent = format.indexOf('%', at)
    if (percent < 0) break
    if (percent > at) pieces.push(format.slice(at, percent))
    at = percent + 1
    if (format[at] === '%') {
      pieces.push('%')
      at++
      continue
    }
    let precision: number | undefined
    if (format[at] === '.') {
      const start = at + 1
      at = start
      while (isDigit(format.charCodeAt(at))) at++
      if (at === format.length) return endsEarly
      if (at === start) return noPrecision
      precision = Number(format.slice(start, at))
      if (precision > largestPrecision) return largePrecision
    }
    const letter = format[at]
    if (letter === undefined) return endsEarly
    const verb = verbs.get(letter)
    if (verb === undefined) return noVerb
    pieces.push({ verb, precision })
    at++
  }
  if (at < format.length) pieces.push(format.slice(at))
  return pieces
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57
}
