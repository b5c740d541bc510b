import { readUint32 } from './http2-codes.js'

/** Messages up to this size get their room at once; larger ones as they come, because a peer may announce what it never sends. Bytes. */
const firstRoom = 256 * 1024

/** Why the bytes of a call cannot be read. `tooMuchHeld`: this message alone would do, but too many are unfinished. */
export type MessageProblem = 'compressed' | 'flags' | 'tooLarge' | 'tooMuchHeld'

/** Puts together a message that comes in pieces: five bytes (compressed or not, and the length), and the message. */
export class MessageReader {
  readonly #maxBytes: number
  readonly #hold: (bytes: number) => boolean
  #head: Buffer | undefined
  #headLength = 0
  #length = -1
  #body: Buffer = empty
  #have = 0
  #problem: MessageProblem | undefined

  /** @param hold asks whether so many more bytes may be held */
  constructor(maxBytes: number, hold: (bytes: number) => boolean) {
    this.#maxBytes = maxBytes
    this.#hold = hold
  }

  get problem(): MessageProblem | undefined {
    return this.#problem
  }

  /** Something has come of a message that has not ended. */
  get begun(): boolean {
    return this.#headLength > 0
  }

  /** Bytes that are missing; 0 while that is not known. */
  get missing(): number {
    return this.#length < 0 ? 0 : this.#length - this.#have
  }

  /** Takes what it can use; a message is {@link take}n before more is read. @returns where it stopped */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.#length < 0) {
      this.#head ??= Buffer.allocUnsafe(prefixBytes)
      const copied = bytes.copy(this.#head, this.#headLength, at, Math.min(end, at + prefixBytes - this.#headLength))
      this.#headLength += copied
      at += copied
      if (this.#headLength < prefixBytes) return at
      this.#problem = prefixProblem(this.#head, 0, this.#maxBytes)
      if (this.#problem !== undefined) return at
      this.#length = readUint32(this.#head, 1)
    }
    const part = Math.min(end - at, this.#length - this.#have)
    if (this.#have + part > this.#body.length && !this.#grow(this.#have + part)) {
      this.#problem = 'tooMuchHeld'
      return at
    }
    bytes.copy(this.#body, this.#have, at, at + part)
    this.#have += part
    return at + part
  }

  /** The message, if it is whole. */
  take(): Buffer | undefined {
    if (this.#length < 0 || this.#have < this.#length) return undefined
    const message = this.#body.subarray(0, this.#length)
    this.#headLength = 0
    this.#length = -1
    this.#body = empty
    this.#have = 0
    return message
  }

  /** Room grows fourfold, so that little is copied twice. */
  #grow(needed: number): boolean {
    const room = Math.min(this.#length, Math.max(needed, firstRoom, this.#body.length * 4))
    if (!this.#hold(room - this.#body.length)) return false
    const body = Buffer.allocUnsafeSlow(room)
    this.#body.copy(body, 0, 0, this.#have)
    this.#body = body
    return true
  }
}

const empty = Buffer.alloc(0)

export const prefixBytes = 5

/** What is wrong with the five bytes at `at`, which must be there. */
export function prefixProblem(bytes: Uint8Array, at: number, maxBytes: number): MessageProblem | undefined {
  const flag = bytes[at]
  if (flag !== 0) return flag === 1 ? 'compressed' : 'flags'
  return readUint32(bytes, at + 1) > maxBytes ? 'tooLarge' : undefined
}
