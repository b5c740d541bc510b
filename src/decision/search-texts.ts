import type { ResultPattern } from '../policy/result-guardrail-patterns.js'
import type { Sliced } from '../protocol/sliced.js'

/** Texts by number. */
export interface SearchedTexts {
  readonly from: number
  readonly to: number
  /** undefined: it is not to be looked into. */
  read(index: number): string | undefined
}

/** By pattern, the numbers of the texts that it occurs in; of one that denies the first is enough. */
export type Hits = ReadonlyMap<ResultPattern, readonly number[]>

/** UTF-16 units that are searched together. */
const chunkUnits = 64 * 1024
/** Units (see {@link ResultPattern.weightIn}) of one search for places, during which nobody else gets a turn. */
const mostWeight = 100_000_000
/** As long as the text may become, beside eight times what it was. */
const growth = 64 * 1024
/** A replacement may complete what another pattern looks for, and so on. */
const mostRounds = 8

/**
 * Which patterns occur where. Short texts are first searched together: of a million there may be none with a match, and to
 * begin a search for each takes longer than the search.
 */
export function* findHits(texts: SearchedTexts, patterns: readonly ResultPattern[]): Sliced<Hits> {
  const hits = new Map<ResultPattern, number[]>()
  if (patterns.length === 0) return hits
  let chunk: { readonly index: number; readonly text: string }[] = []
  let units = 0
  for (let index = texts.from; index < texts.to; index++) {
    const text = texts.read(index)
    if (text === undefined || text === '') continue
    chunk.push({ index, text })
    units += text.length
    if (units < chunkUnits) continue
    yield* searchChunk(chunk, patterns, hits)
    chunk = []
    units = 0
  }
  if (chunk.length > 0) yield* searchChunk(chunk, patterns, hits)
  return hits
}

function* searchChunk(
  chunk: readonly { readonly index: number; readonly text: string }[],
  patterns: readonly ResultPattern[],
  hits: Map<ResultPattern, number[]>,
): Sliced<void> {
  const joined = chunk.map(({ text }) => text).join('\n')
  for (const pattern of patterns) {
    yield
    const known = hits.get(pattern)
    if (known !== undefined && pattern.action === 'Deny') continue
    if (chunk.length > 1 && !pattern.maybeIn(joined)) continue
    const found = chunk.filter(({ text }) => pattern.test(text)).map(({ index }) => index)
    if (found.length > 0) hits.set(pattern, [...(known ?? []), ...found])
  }
}

export interface RedactedText {
  readonly text: string
  /** How often each pattern was replaced. */
  readonly counts: ReadonlyMap<ResultPattern, number>
}

/**
 * The text without what the patterns look for, each applied to what the ones before it have left, again and again until none
 * matches. Those that are known not to be in it come in when something has changed. undefined where that does not come to an end, makes the text too long, or would take too long.
 */
export function* redactText(
  original: string,
  patterns: readonly ResultPattern[],
  occurs: (pattern: ResultPattern) => boolean,
): Sliced<RedactedText | undefined> {
  const counts = new Map<ResultPattern, number>()
  const longest = 8 * original.length + growth
  let text = original
  for (let round = 0; round < mostRounds; round++) {
    let found = 0
    for (const pattern of patterns) {
      yield
      if (round === 0 ? !occurs(pattern) : !pattern.test(text)) continue
      const replaced = yield* replaceAll(text, pattern, longest)
      if (replaced === undefined) return undefined
      text = replaced.text
      found += replaced.count
      counts.set(pattern, (counts.get(pattern) ?? 0) + replaced.count)
    }
    if (found === 0) return { text, counts }
  }
  return undefined
}

function* replaceAll(
  text: string,
  pattern: ResultPattern,
  longest: number,
): Sliced<{ readonly text: string; readonly count: number } | undefined> {
  const pieces: string[] = []
  let length = 0
  let count = 0
  const blocks = pattern.staysOnLine ? blocksOf(text) : [text]
  for (const block of blocks) {
    yield
    if (blocks.length > 1 && !pattern.test(block)) {
      pieces.push(block)
      continue
    }
    if (pattern.weightIn(block) > mostWeight) return undefined
    let at = 0
    for (const { start, end } of pattern.matches(block)) {
      pieces.push(block.slice(at, start), pattern.replacement)
      length += start - at + pattern.replacement.length
      if (length > longest) return undefined
      count++
      at = end
      yield
    }
    pieces.push(block.slice(at))
    length += block.length - at
  }
  return { text: pieces.join(''), count }
}

/** Lines that a search for places goes through at once: it takes some ten times as long as to learn that there is none. */
const blockUnits = 8 * 1024

/** The text in blocks of whole lines. */
function blocksOf(text: string): readonly string[] {
  if (text.length <= 2 * blockUnits) return [text]
  const blocks: string[] = []
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from + blockUnits)
    const to = end < 0 ? text.length : end + 1
    blocks.push(text.slice(from, to))
    from = to
  }
  return blocks
}
