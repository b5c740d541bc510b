import type { ResultPattern } from '../policy/result-guardrail-patterns.js'
import type { Sliced } from '../sliced.js'

/** Units of weight (see {@link ResultPattern.weightIn}) of one search that takes some 50 ms, whatever the text is. */
const mostWeight = 2_000_000
/** Of one search that may take longer, milliseconds that it is expected to take at most. */
const mostMs = 200

/** UTF-16 units of a text that the pattern may be searched for in at once. */
export function mostUnits(pattern: ResultPattern): number {
  return Math.max(1, Math.floor(mostWeight / pattern.weightIn('.')))
}

/**
 * Whether the pattern occurs in the text; undefined where to find out would take too long. Most patterns are searched for
 * with an automaton, in nanoseconds for each character. But the states of some grow with the text (`a[ab]{300}[cd]`), and
 * then each character takes a step for each of their instructions: 4 MiB have been seen to take 90 s. Which texts do that
 * cannot be told from the pattern, so long ones are tried in pieces, by which nothing is found but how long it takes.
 */
export function* occursIn(pattern: ResultPattern, text: string): Sliced<boolean | undefined> {
  const most = mostUnits(pattern)
  if (text.length <= most) return pattern.test(text)
  if (!pattern.staysOnLine) return yield* occursInLong(pattern, text)
  for (const lines of linesIn(text, most / 2)) {
    yield
    const occurs = lines.length <= most ? pattern.test(lines) : yield* occursInLong(pattern, lines)
    if (occurs !== false) return occurs
  }
  return false
}

function* occursInLong(pattern: ResultPattern, text: string): Sliced<boolean | undefined> {
  let ms = 0
  for (const piece of piecesOf(pattern, text)) {
    yield
    const begun = performance.now()
    pattern.test(piece)
    ms += performance.now() - begun
    if (ms > mostMs) return undefined
  }
  yield
  return pattern.test(text)
}

/**
 * Whether the next place can always be found within the time of one search. It takes some ten times as long as to learn that
 * there is one, and for some patterns a hundred times.
 */
export function* canBeFoundIn(pattern: ResultPattern, text: string): Sliced<boolean> {
  if (text.length <= mostUnits(pattern)) return true
  // Since the last place that was found.
  let ms = 0
  for (const piece of piecesOf(pattern, text)) {
    yield
    const begun = performance.now()
    const { done = false } = pattern.matches(piece)[Symbol.iterator]().next()
    ms = done ? ms + performance.now() - begun : 0
    if (ms > mostMs) return false
  }
  return true
}

function* piecesOf(pattern: ResultPattern, text: string): Generator<string> {
  // Shorter than the pattern, they would not tell.
  const most = Math.max(mostUnits(pattern), 2 * pattern.weightIn('.'))
  for (let at = 0; at < text.length; at += most) yield text.slice(at, at + most)
}

/** The text in blocks of whole lines, each of them no longer than the line in which it reaches so many units. */
export function linesIn(text: string, units: number): readonly string[] {
  const blocks: string[] = []
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from + Math.floor(units))
    const to = end < 0 ? text.length : end + 1
    blocks.push(text.slice(from, to))
    from = to
  }
  return blocks
}
