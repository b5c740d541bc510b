/** Texts of one pattern at most. */
const mostSamples = 8
const deepest = 12

/**
 * Some texts that a regular expression most likely matches, one for each of its alternatives; none where it is beyond us. A
 * wrong one costs a judgement and nothing else.
 */
export function sampleTexts(pattern: string): readonly string[] {
  try {
    const reader = new PatternReader(pattern)
    const samples = reader.alternatives(0)
    return reader.done ? [...new Set(samples)].slice(0, mostSamples) : []
  } catch (error) {
    if (error instanceof BeyondUs) return []
    throw error
  }
}

class BeyondUs extends Error {}

class PatternReader {
  readonly #pattern: string
  #at = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  get done(): boolean {
    return this.#at >= this.#pattern.length
  }

  alternatives(depth: number): readonly string[] {
    if (depth > deepest) throw new BeyondUs()
    const found = [...this.#sequence(depth)]
    while (this.#take('|')) found.push(...this.#sequence(depth))
    return found.slice(0, mostSamples)
  }

  #sequence(depth: number): readonly string[] {
    let texts: readonly string[] = ['']
    while (!this.done && this.#peek() !== '|' && this.#peek() !== ')') {
      const part = this.#repeated(this.#atom(depth))
      texts = texts.flatMap(text => part.map(more => text + more)).slice(0, mostSamples)
    }
    return texts
  }

  #atom(depth: number): readonly string[] {
    const char = this.#next()
    switch (char) {
      case '(': {
        if (this.#take('?')) {
          // Non-capturing, flags and names of groups.
          while (!this.done && this.#peek() !== ':' && this.#peek() !== '>' && this.#peek() !== ')') this.#at++
          if (!this.#take(':') && !this.#take('>')) {
            if (this.#take(')')) return ['']
            throw new BeyondUs()
          }
        }
        const inside = this.alternatives(depth + 1)
        if (!this.#take(')')) throw new BeyondUs()
        return inside
      }
      case '[':
        return [this.#fromClass()]
      case '\\':
        return [escaped(this.#next())]
      case '.':
        return ['a']
      case '^':
      case '$':
        return ['']
      default:
        return [char]
    }
  }

  #repeated(texts: readonly string[]): readonly string[] {
    let times = 1
    if (this.#take('?') || this.#take('*') || this.#take('+')) times = 1
    else if (this.#take('{')) {
      const from = /^\d{1,3}/.exec(this.#pattern.slice(this.#at, this.#at + 4))?.[0]
      const end = this.#pattern.indexOf('}', this.#at)
      if (from === undefined || end < 0) throw new BeyondUs()
      times = Number(from)
      this.#at = end + 1
    } else return texts
    this.#take('?')
    return texts.map(text => text.repeat(times))
  }

  /** The first character of a class; of one that excludes, the first of some that is not in it. */
  #fromClass(): string {
    const excludes = this.#take('^')
    let inside = ''
    let first = true
    while (first || this.#peek() !== ']') {
      const char = this.#next()
      inside += char === '\\' ? escaped(this.#next()) : char
      first = false
    }
    this.#at++
    if (!excludes) return inside.charAt(0)
    return ['a', '0', '-', '_', ' '].find(char => !inside.includes(char)) ?? '~'
  }

  #peek(): string {
    return this.#pattern.charAt(this.#at)
  }

  #next(): string {
    if (this.done) throw new BeyondUs()
    return this.#pattern.charAt(this.#at++)
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at++
    return true
  }
}

function escaped(char: string): string {
  switch (char) {
    case 'd':
      return '1'
    case 'w':
      return 'a'
    case 's':
    case 'W':
    case 'D':
      return ' '
    case 'S':
      return 'a'
    case 'b':
    case 'A':
    case 'z':
      return ''
    case 'n':
      return '\n'
    case 't':
      return '\t'
    case 'p':
    case 'P':
      throw new BeyondUs()
    default:
      return char
  }
}
