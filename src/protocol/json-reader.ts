import { hasControl, skipDigits, skipPlain } from './characters.js'
import type { JsonObject, JsonValue } from './json-value.js'
import type { MessageReason } from './reasons.js'

export interface JsonReaderLimits {
  readonly maxDepth: number
  readonly maxMembers: number
  readonly lexemeOf: string | undefined
  /** Default false. */
  readonly anyKeys?: boolean | undefined
}

/** Stands for what is behind the last character, and is none. */
const beyond = -1
const quote = 0x22
const backslash = 0x5c
const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n
/** Creating a bigint costs an allocation; the numbers of everyday arguments are taken from here. */
const smallInts: readonly bigint[] = Array.from({ length: 1024 }, (_, n) => BigInt(n))
/** Integers of so many digits are exact as a `number`. */
const exactDigits = 15
/** No number between int64 and uint64 has more digits; a longer lexeme is never handed to BigInt, which is quadratic. */
const maxDigits = 20
const loneSurrogate = /[\ud800-\udfff]/u

/**
 * Reads one JSON text (RFC 8259), strictly and in one pass. Use it through parseStrictJson, which checks the encoding.
 * A method that fails returns undefined, which is no JSON value, and leaves `reason` and `failedAt` behind: nothing here
 * throws. Recursion is bounded by `maxDepth`.
 */
export class JsonReader {
  reason: MessageReason = 'message.not_json'
  failedAt = 0
  /** Source text of the member `lexemeOf` of the top-level object, or of the element that was read last. */
  lexeme: string | undefined
  /** The same for each element of a top-level array, undefined where the element has no such member. */
  lexemes: (string | undefined)[] | undefined
  readonly #text: string
  /** The same, character by character: to look at one here takes half the time. */
  readonly #codes: Buffer
  readonly #maxDepth: number
  readonly #lexemeOf: string | undefined
  readonly #anyKeys: boolean
  /** Depth of the objects whose member `lexemeOf` is wanted: 2 within a top-level array. */
  #lexemeDepth = 1
  #membersLeft: number
  #at = 0

  /**
   * @param codes the UTF-16 units of `text`, any beyond U+00FF as 0xff, because JSON is made of ASCII. Of an ASCII text these
   * are its bytes; of others a Buffer too, because code that sees several kinds of arrays takes half as long again.
   */
  constructor(text: string, codes: Buffer, limits: JsonReaderLimits) {
    this.#text = text
    this.#codes = codes
    this.#maxDepth = limits.maxDepth
    this.#membersLeft = limits.maxMembers
    this.#lexemeOf = limits.lexemeOf
    this.#anyKeys = limits.anyKeys ?? false
  }

  /** The whole text as one value; anything but whitespace behind it fails. */
  read(): JsonValue | undefined {
    const value = this.#value(0)
    if (value === undefined) return undefined
    this.#next()
    return this.#at === this.#text.length ? value : this.#fail('message.not_json')
  }

  #value(depth: number): JsonValue | undefined {
    switch (this.#next()) {
      case quote:
        return this.#string()
      case 0x7b:
        return this.#object(depth + 1)
      case 0x5b:
        return this.#array(depth + 1)
      case 0x74:
        return this.#literal('true', true)
      case 0x66:
        return this.#literal('false', false)
      case 0x6e:
        return this.#literal('null', null)
      default:
        return this.#number()
    }
  }

  #object(depth: number): JsonObject | undefined {
    if (depth > this.#maxDepth) return this.#fail('message.too_deep')
    const codes = this.#codes
    const members = new Map<string, JsonValue>()
    this.#at++
    if (this.#next() === 0x7d) {
      this.#at++
      return members
    }
    for (;;) {
      const keyAt = this.#at
      if (codes[keyAt] !== quote) return this.#fail('message.not_json')
      if (--this.#membersLeft < 0) return this.#fail('message.too_many_members')
      const key = this.#key()
      if (key === undefined) return undefined
      if (this.#next() !== 0x3a) return this.#fail('message.not_json')
      this.#at++
      const value =
        depth === this.#lexemeDepth && key === this.#lexemeOf ? this.#valueWithLexeme(depth) : this.#value(depth)
      if (value === undefined) return undefined
      const size = members.size
      members.set(key, value)
      if (members.size === size) {
        // Which of the two a server would take differs between servers; so the lexeme is no longer known either.
        if (depth === this.#lexemeDepth && key === this.#lexemeOf) this.lexeme = undefined
        return this.#fail('message.duplicate_key', keyAt)
      }
      const next = this.#next()
      if (next === 0x2c) {
        this.#at++
        this.#next()
      } else if (next === 0x7d) {
        this.#at++
        return members
      } else return this.#fail('message.not_json')
    }
  }

  #array(depth: number): readonly JsonValue[] | undefined {
    if (depth > this.#maxDepth) return this.#fail('message.too_deep')
    let items: JsonValue[] | undefined
    const lexemes = depth === 1 && this.#lexemeOf !== undefined ? this.#beginBatch() : undefined
    this.#at++
    if (this.#next() === 0x5d) {
      this.#at++
      return []
    }
    for (;;) {
      if (--this.#membersLeft < 0) return this.#fail('message.too_many_members')
      const value = this.#value(depth)
      if (value === undefined) return undefined
      // The first push to an empty array makes room for sixteen more, which deep nesting never uses.
      if (items === undefined) items = [value]
      else items.push(value)
      if (lexemes !== undefined) {
        lexemes.push(this.lexeme)
        this.lexeme = undefined
      }
      const next = this.#next()
      if (next === 0x2c) this.#at++
      else if (next === 0x5d) {
        this.#at++
        return items
      } else return this.#fail('message.not_json')
    }
  }

  #beginBatch(): (string | undefined)[] {
    this.#lexemeDepth = 2
    this.lexemes = []
    return this.lexemes
  }

  #valueWithLexeme(depth: number): JsonValue | undefined {
    this.#next()
    const start = this.#at
    const value = this.#value(depth)
    if (value !== undefined) this.lexeme = this.#text.slice(start, this.#at)
    return value
  }

  /**
   * A key. Control characters are refused in any spelling, because servers have cut keys at NUL (GHSA-q382-vc8q-7jhj),
   * and so is `__proto__`, which reaches the prototype of objects in JavaScript servers.
   */
  #key(): string | undefined {
    const text = this.#text
    const codes = this.#codes
    const start = this.#at + 1
    for (let at = start; ; at++) {
      const code = codes[at] ?? beyond
      if (code >= 0x20 && code < 0x7f && code !== backslash) {
        if (code !== quote) continue
        this.#at = at + 1
        const key = text.slice(start, at)
        return key === '__proto__' && !this.#anyKeys ? this.#fail('message.forbidden_key', start) : key
      }
      const key = this.#string()
      if (key === undefined) return undefined
      if (this.#anyKeys) return key
      return key === '__proto__' || hasControl(key) ? this.#fail('message.forbidden_key', start) : key
    }
  }

  #string(): string | undefined {
    const codes = this.#codes
    const start = this.#at + 1
    for (let at = skipPlain(codes, start); ; at++) {
      const code = codes[at] ?? beyond
      if (code === quote) {
        this.#at = at + 1
        return this.#text.slice(start, at)
      }
      if (code === backslash) return this.#escapedString(start, at)
      if (!(code >= 0x20)) return this.#fail('message.not_json', at)
    }
  }

  /** A string with escapes: its end is found here, and the platform decodes the token. */
  #escapedString(start: number, firstEscape: number): string | undefined {
    const text = this.#text
    let end = text.indexOf('"', firstEscape)
    while (end >= 0 && isEscaped(text, end, firstEscape)) end = text.indexOf('"', end + 1)
    if (end < 0) return this.#fail('message.not_json', text.length)
    this.#at = end + 1
    const token = text.slice(start - 1, end + 1)
    const decoded = decodeToken(token)
    if (decoded === undefined) return this.#fail('message.not_json', start)
    // Half a surrogate pair can only come from a \u escape. Some servers refuse it, others replace it.
    if (token.includes('\\u') && loneSurrogate.test(decoded)) return this.#fail('message.encoding', start)
    return decoded
  }

  #number(): bigint | number | undefined {
    const text = this.#text
    const codes = this.#codes
    const start = this.#at
    const negative = codes[start] === 0x2d
    const firstDigit = negative ? start + 1 : start
    let at = firstDigit
    let magnitude = 0
    let code = codes[at] ?? beyond
    if (code === 0x30) code = codes[++at] ?? beyond
    else if (code >= 0x31 && code <= 0x39) {
      do {
        magnitude = magnitude * 10 + (code - 0x30)
        code = codes[++at] ?? beyond
      } while (code >= 0x30 && code <= 0x39)
    } else return this.#fail('message.not_json', at)
    if (code === 0x2e || code === 0x65 || code === 0x45) return this.#fraction(start, at, code)
    this.#at = at
    const digits = at - firstDigit
    if (digits <= exactDigits) {
      // "-0" is the integer 0: an integer has no signed zero, and no server acts on the sign.
      if (magnitude === 0 || (!negative && magnitude < smallInts.length)) return smallInts[magnitude]
      return BigInt(negative ? -magnitude : magnitude)
    }
    if (digits > maxDigits) return this.#fail('message.number_range', start)
    const integer = BigInt(text.slice(start, at))
    return integer < int64Min || integer > uint64Max ? this.#fail('message.number_range', start) : integer
  }

  /** The rest of a number from its "." or "e" on. */
  #fraction(start: number, from: number, mark: number): number | undefined {
    const text = this.#text
    const codes = this.#codes
    let at = from
    let code = mark
    if (code === 0x2e) {
      at = skipDigits(codes, from + 1)
      if (at === from + 1) return this.#fail('message.not_json', at)
      code = codes[at] ?? beyond
    }
    if (code === 0x65 || code === 0x45) {
      const sign = codes[at + 1] ?? beyond
      const digits = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
      at = skipDigits(codes, digits)
      if (at === digits) return this.#fail('message.not_json', at)
    }
    this.#at = at
    const value = Number(text.slice(start, at))
    return Number.isFinite(value) ? value : this.#fail('message.number_range', start)
  }

  #literal<T extends boolean | null>(word: string, value: T): T | undefined {
    const codes = this.#codes
    const start = this.#at
    for (let at = 1; at < word.length; at++) {
      if (codes[start + at] !== word.charCodeAt(at)) return this.#fail('message.not_json')
    }
    this.#at = start + word.length
    return value
  }

  /** Skips white space; the code of the character behind it. Most of the time there is none to skip. */
  #next(): number {
    const code = this.#codes[this.#at] ?? beyond
    return code > 0x20 ? code : this.#skipWhitespace()
  }

  #skipWhitespace(): number {
    const codes = this.#codes
    for (let at = this.#at; ; at++) {
      const code = codes[at] ?? beyond
      if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) continue
      this.#at = at
      return code
    }
  }

  #fail(reason: MessageReason, at: number = this.#at): undefined {
    this.reason = reason
    this.failedAt = at
    return undefined
  }
}

/** True if an odd number of backslashes stands before `at`. Runs of backslashes are looked at once each, so linear. */
function isEscaped(text: string, at: number, from: number): boolean {
  let first = at
  while (first > from && text.charCodeAt(first - 1) === backslash) first--
  return (at - first) % 2 === 1
}

/** Undefined for a bad escape or a raw control character. */
function decodeToken(token: string): string | undefined {
  try {
    const decoded: unknown = JSON.parse(token)
    return typeof decoded === 'string' ? decoded : undefined
  } catch {
    return undefined
  }
}
