import { append } from '../documents/append.js'
/**
 * Of many name patterns (as in `glob.ts`), those that can match a name, without trying each. A pattern is found by what must
 * stand in the name: all of it, or the longer of what is before its first star and what is behind its last.
 */
export class PatternIndex {
  readonly #exact = new Map<string, number[]>()
  readonly #heads = new Map<string, number[]>()
  readonly #tails = new Map<string, number[]>()
  /** Lengths that heads and tails have: so many looks does a name take. */
  readonly #headLengths = new Set<number>()
  readonly #tailLengths = new Set<number>()
  readonly #anywhere: number[] = []

  add(pattern: string, id: number): void {
    const star = pattern.indexOf('*')
    const tail = pattern.slice(pattern.lastIndexOf('*') + 1)
    if (star === -1) push(this.#exact, pattern, id)
    else if (star === 0 && tail === '') this.#anywhere.push(id)
    else if (star >= tail.length) {
      this.#headLengths.add(star)
      push(this.#heads, pattern.slice(0, star), id)
    } else {
      this.#tailLengths.add(tail.length)
      push(this.#tails, tail, id)
    }
  }

  /** Adds the ids of the patterns that can match; some that do not match as well, and some twice. */
  collect(name: string, into: number[]): void {
    append(this.#exact.get(name), into)
    append(this.#anywhere, into)
    for (const length of this.#headLengths)
      if (length <= name.length) append(this.#heads.get(name.slice(0, length)), into)
    for (const length of this.#tailLengths)
      if (length <= name.length) append(this.#tails.get(name.slice(name.length - length)), into)
  }
}

function push(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key)
  if (ids === undefined) map.set(key, [id])
  else ids.push(id)
}
