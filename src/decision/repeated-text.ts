import { inOnePiece } from './record-text.js'

/** What a text is made of. */
export type Part = string | boolean | undefined

/** A text that is mostly the one before: it is written again only where what it is made of has changed. */
export class RepeatedText<Parts extends readonly Part[]> {
  readonly #write: (parts: Parts) => string
  readonly #longestKept: number
  #parts: readonly Part[] | undefined
  #text = ''
  #isJoined = true

  /**
   * @param write makes the text, of its parts alone
   * @param longestKept characters of all parts together; what is longer is not kept, neither text nor parts. Default 1024
   */
  constructor(write: (parts: Parts) => string, longestKept = 1024) {
    this.#write = write
    this.#longestKept = longestKept
  }

  of(parts: Parts): string {
    if (this.#parts === undefined || !areSame(parts, this.#parts)) return this.#writeAgain(parts)
    if (this.#isJoined) {
      // Not before it is wanted again, because this costs as much as writing it.
      this.#text = inOnePiece(this.#text)
      this.#isJoined = false
    }
    return this.#text
  }

  #writeAgain(parts: Parts): string {
    const text = this.#write(parts)
    const isKept = lengthOf(parts) <= this.#longestKept
    this.#parts = isKept ? [...parts] : undefined
    this.#text = isKept ? text : ''
    this.#isJoined = true
    return text
  }
}

function areSame(some: readonly Part[], others: readonly Part[]): boolean {
  if (some.length !== others.length) return false
  for (let at = 0; at < some.length; at++) if (some[at] !== others[at]) return false
  return true
}

function lengthOf(parts: readonly Part[]): number {
  let length = 0
  for (const part of parts) if (typeof part === 'string') length += part.length
  return length
}
