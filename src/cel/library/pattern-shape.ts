/** What a pattern costs, known before it is compiled. */
export interface PatternShape {
  /** An upper bound of RE2's instructions: `(a{100}){10}` is short and large. */
  readonly size: number
  /** Has *, + or {n,}. */
  readonly unbounded: boolean
  /**
   * No alternatives and no repeated groups: characters and classes one after another, each perhaps repeated. What a search
   * for such a pattern has looked at beyond its match holds no further match, so that all searches of a text together are
   * linear. With `x*z|x` each search may look at the whole rest and settle for less.
   */
  readonly chain: boolean
}

/** One walk over the text. What it does not know (`\Q…\E`, `\pL`) counts as its characters; flags do not matter. */
export function patternShape(pattern: string): PatternShape {
  /** Sizes of the groups that are open: all before the last atom, and the last atom. */
  const open: { readonly before: number; readonly last: number }[] = []
  let before = 0
  let last = 0
  let unbounded = false
  let chain = true
  for (let at = 0; at < pattern.length; at++) {
    const repeated = repetitionAt(pattern, at)
    if (repeated !== undefined) {
      last *= repeated.times
      if (!repeated.bounded) unbounded = true
      if (pattern[at - 1] === ')') chain = false
      at = repeated.end
      continue
    }
    switch (pattern[at]) {
      case '(':
        open.push({ before, last })
        before = 2
        last = 0
        if (pattern[at + 1] === '?') at++
        continue
      case ')': {
        const outer = open.pop()
        if (outer === undefined) continue
        const group = before + last
        before = outer.before + outer.last
        last = group
        continue
      }
      case '|':
        chain = false
        break
      case '[':
        at = endOfClass(pattern, at)
        break
      case '\\':
        at++
        break
    }
    before += last
    last = 1
  }
  return { size: open.reduce((sum, group) => sum + group.before + group.last, before + last), unbounded, chain }
}

interface Repetition {
  readonly times: number
  readonly bounded: boolean
  readonly end: number
}

/** `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`; RE2 refuses more than 1000 times. Each copy may need a branch of its own. */
function repetitionAt(pattern: string, at: number): Repetition | undefined {
  const sign = pattern[at]
  if (sign === '*' || sign === '+' || sign === '?') return { times: 2, bounded: sign === '?', end: at }
  if (sign !== '{') return undefined
  const match = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(pattern.slice(at, at + 12))
  if (match === null) return undefined
  const [text, from, comma, to = ''] = match
  const bounded = comma === undefined || to !== ''
  return { times: 2 * Math.max(Number(from), Number(to), 1), bounded, end: at + text.length - 1 }
}

/** The bracket that ends a class; one that comes first stands for itself. */
function endOfClass(pattern: string, start: number): number {
  let at = pattern[start + 1] === '^' ? start + 2 : start + 1
  if (pattern[at] === ']') at++
  for (; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern.startsWith('[:', at)) at = Math.max(at, pattern.indexOf(':]', at) + 1)
    else if (pattern[at] === ']') return at
  }
  return pattern.length
}
