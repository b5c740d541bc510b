import type { ResultPattern } from '../policy/result-guardrail-patterns.js'
import type { Sliced } from '../sliced.js'
import { canBeFoundIn, linesIn, mostUnits, occursIn } from './occurs-in.js'

/** Texts by number. */
export interface SearchedTexts {
  readonly from: number
  readonly to: number
  /** undefined: it is not to be looked into. */
  read(index: number): string | undefined
}

export interface Hits {
  /** By pattern, the numbers of the texts that it occurs in, from the first on; of one that denies the first is enough. */
  readonly places: ReadonlyMap<ResultPattern, readonly number[]>
  /** Nobody knows where these occur: to find out would take too long. */
  readonly tooHeavy: ReadonlySet<ResultPattern>
}

/** UTF-16 units that are searched together. */
const chunkUnits = 64 * 1024
/** Texts between two places where the work may be put aside. */
const stride = 1024
/** As long as the text may become, beside eight times what it was. */
const growth = 64 * 1024
/** A replacement may complete what another pattern looks for, and so on. */
const mostRounds = 8

interface Numbered {
  readonly index: number
  readonly text: string
}

/**
 * Which patterns occur where. Short texts are first searched together: of a million there may be none with a match, and to
 * begin a search for each takes longer than the search.
 */
export function* findHits(texts: SearchedTexts, patterns: readonly ResultPattern[]): Sliced<Hits> {
  const search = new HitSearch()
  if (patterns.length === 0) return search
  let chunk: Numbered[] = []
  let units = 0
  for (let index = texts.from; index < texts.to; index++) {
    if ((index - texts.from) % stride === stride - 1) yield
    const text = texts.read(index)
    if (text === undefined || text === '') continue
    chunk.push({ index, text })
    units += text.length
    if (units < chunkUnits) continue
    for (const pattern of patterns) yield* search.chunk(chunk, pattern)
    chunk = []
    units = 0
  }
  for (const pattern of patterns) yield* search.chunk(chunk, pattern)
  return search
}

class HitSearch implements Hits {
  readonly places = new Map<ResultPattern, number[]>()
  readonly tooHeavy = new Set<ResultPattern>()

  #isKnown(pattern: ResultPattern): boolean {
    return this.tooHeavy.has(pattern) || (pattern.action === 'Deny' && this.places.has(pattern))
  }

  /** In groups as large as the weight of the pattern lets one search be; what is larger by itself is searched by itself. */
  *chunk(chunk: readonly Numbered[], pattern: ResultPattern): Sliced<void> {
    const most = Math.min(chunkUnits, mostUnits(pattern))
    let group: Numbered[] = []
    let units = 0
    for (const one of chunk) {
      if (this.#isKnown(pattern)) return
      if (units + one.text.length > most && group.length > 0) {
        yield
        yield* this.#group(group, pattern)
        group = []
        units = 0
      }
      group.push(one)
      units += one.text.length
    }
    yield
    yield* this.#group(group, pattern)
  }

  *#group(group: readonly Numbered[], pattern: ResultPattern): Sliced<void> {
    if (group.length > 1 && !pattern.maybeIn(group.map(({ text }) => text).join('\n'))) return
    let tried = 0
    for (const { index, text } of group) {
      if (++tried % stride === 0) yield
      if (this.#isKnown(pattern)) return
      const occurs = yield* occursIn(pattern, text)
      if (occurs === undefined) this.tooHeavy.add(pattern)
      else if (occurs) this.#add(pattern, index)
    }
  }

  #add(pattern: ResultPattern, index: number): void {
    const known = this.places.get(pattern)
    if (known === undefined) this.places.set(pattern, [index])
    else known.push(index)
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
      const isThere = round === 0 ? occurs(pattern) : yield* occursIn(pattern, text)
      if (isThere === undefined) return undefined
      if (!isThere) continue
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
    const isThere = blocks.length === 1 || (yield* occursIn(pattern, block))
    if (isThere === undefined) return undefined
    if (!isThere) {
      pieces.push(block)
      length += block.length
      continue
    }
    if (!(yield* canBeFoundIn(pattern, block))) return undefined
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

function blocksOf(text: string): readonly string[] {
  return text.length <= 2 * blockUnits ? [text] : linesIn(text, blockUnits)
}
