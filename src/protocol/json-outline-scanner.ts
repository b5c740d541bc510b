import { hexDigit, skipDigits } from './characters.js'

export type ScanProblem = 'not_json' | 'too_deep' | 'too_many_nodes'

/** Stands for what is behind the last byte, and is none. */
const beyond = -1
const quote = 0x22
const backslash = 0x5c
const words = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')] as const
/** What may follow a backslash, `u` aside. */
const escapable: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))

/** Finds where each value and key of a JSON text begins and ends. Use it through readJsonOutline, which checks the encoding. */
export class JsonOutlineScanner {
  starts: Int32Array
  ends: Int32Array
  nexts: Int32Array
  /** Where the scan has come to; after a failure, about where the fault is. */
  at = 0
  #count = 0
  #depth = 0
  readonly #bytes: Uint8Array
  readonly #maxNodes: number
  /** The objects and arrays that are open, outermost first. No recursion: depth costs nothing of the call stack. */
  readonly #open: Int32Array

  constructor(bytes: Uint8Array, maxDepth: number, maxNodes: number) {
    this.#bytes = bytes
    this.#maxNodes = maxNodes
    this.#open = new Int32Array(maxDepth)
    // Ordinary messages have a node for every ten to twenty bytes.
    const room = Math.min(maxNodes, Math.ceil(bytes.length / 16) + 8)
    this.starts = new Int32Array(room)
    this.ends = new Int32Array(room)
    this.nexts = new Int32Array(room)
  }

  /**
   * Undefined if the text is one JSON value and nothing else, from where `at` was at first. `paused` at a value that begins
   * at or behind the byte `pause`: scan again to go on.
   */
  scan(pause: number): ScanProblem | 'paused' | undefined {
    const bytes = this.#bytes
    const open = this.#open
    let depth = this.#depth
    for (;;) {
      if (this.at >= pause) {
        this.#depth = depth
        return 'paused'
      }
      // A value begins here.
      const code = this.#next()
      const node = this.#add()
      if (node < 0) return 'too_many_nodes'
      if (code === 0x7b || code === 0x5b) {
        if (depth === open.length) return 'too_deep'
        this.at++
        if (this.#next() !== code + 2) {
          open[depth++] = node
          if (code === 0x7b) {
            const problem = this.#key()
            if (problem !== undefined) return problem
          }
          continue
        }
        this.at++
      } else if (!this.#leaf(code)) return 'not_json'
      this.ends[node] = this.at
      this.nexts[node] = this.#count

      // A value has ended, and with it perhaps what it is the last of.
      for (;;) {
        const next = this.#next()
        if (depth === 0) return this.at === bytes.length ? undefined : 'not_json'
        const parent = open[depth - 1] ?? 0
        const opened = bytes[this.starts[parent] ?? 0] ?? beyond
        if (next === 0x2c) {
          this.at++
          if (opened === 0x7b) {
            const problem = this.#key()
            if (problem !== undefined) return problem
          }
          break
        }
        if (next !== opened + 2) return 'not_json'
        this.at++
        depth--
        this.ends[parent] = this.at
        this.nexts[parent] = this.#count
      }
    }
  }

  /** A new node that begins here, or -1 if there are too many. */
  #add(): number {
    const node = this.#count
    if (node === this.starts.length) {
      if (node >= this.#maxNodes) return -1
      const room = Math.min(this.#maxNodes, node * 2)
      this.starts = grown(this.starts, room)
      this.ends = grown(this.ends, room)
      this.nexts = grown(this.nexts, room)
    }
    this.starts[node] = this.at
    this.#count = node + 1
    return node
  }

  /** A key and its colon. */
  #key(): ScanProblem | undefined {
    if (this.#next() !== quote) return 'not_json'
    const node = this.#add()
    if (node < 0) return 'too_many_nodes'
    if (!this.#string()) return 'not_json'
    this.ends[node] = this.at
    this.nexts[node] = this.#count
    if (this.#next() !== 0x3a) return 'not_json'
    this.at++
    return undefined
  }

  #leaf(code: number): boolean {
    if (code === quote) return this.#string()
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.#number()
    const bytes = this.#bytes
    const word = words.find(one => one[0] === code)
    if (word === undefined) return false
    for (const [index, expected] of word.entries()) if (bytes[this.at + index] !== expected) return false
    this.at += word.length
    return true
  }

  #string(): boolean {
    const bytes = this.#bytes
    for (let at = this.at + 1; ; at++) {
      const code = bytes[at] ?? beyond
      if (code >= 0x20 && code !== quote && code !== backslash) continue
      if (code === quote) {
        this.at = at + 1
        return true
      }
      if (code !== backslash) {
        this.at = at
        return false
      }
      at++
      const escaped = bytes[at] ?? beyond
      if (escapable.has(escaped)) continue
      for (let digit = 1; digit <= 4; digit++) {
        if (escaped !== 0x75 || hexDigit(bytes[at + digit] ?? beyond) < 0) {
          this.at = at
          return false
        }
      }
      at += 4
    }
  }

  #number(): boolean {
    const bytes = this.#bytes
    const first = bytes[this.at] === 0x2d ? this.at + 1 : this.at
    // No digit may follow a zero.
    let at = bytes[first] === 0x30 ? first + 1 : skipDigits(bytes, first)
    if (at === first) return false
    if (bytes[at] === 0x2e) {
      const fraction = at + 1
      at = skipDigits(bytes, fraction)
      if (at === fraction) return false
    }
    const code = bytes[at] ?? beyond
    if (code === 0x65 || code === 0x45) {
      const sign = bytes[at + 1] ?? beyond
      const digits = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
      at = skipDigits(bytes, digits)
      if (at === digits) return false
    }
    this.at = at
    return true
  }

  /** Skips white space; the code behind it. */
  #next(): number {
    const bytes = this.#bytes
    for (let at = this.at; ; at++) {
      const code = bytes[at] ?? beyond
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) continue
      this.at = at
      return code
    }
  }
}

function grown(numbers: Int32Array, room: number): Int32Array {
  const larger = new Int32Array(room)
  larger.set(numbers)
  return larger
}
