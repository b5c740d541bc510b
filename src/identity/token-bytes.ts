import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../protocol/json-value.js'
import { isWide } from './text-bytes.js'

/**
 * What hangs on every remembered token: its place in the cache (a digest, two objects, a slot of the table), the principal,
 * and what is made of that once per token (header values, the text of records, a key for access reviews). Measured.
 */
const base = 4300
/** A key: its own object, whether it is a copy or a part of the token's text. */
const perKey = 32
/** Any other text: the same, its places in lists of names, and now and then a prefix before it, which is another text. */
const perText = 44
/** Texts up to so many characters may be names, which come again in header values and records. */
const longestName = 256
const perBigint = 24
/** Smaller ones the reader of JSON takes from a table. */
const sharedBigints = 1024n
const perDouble = 16

/**
 * Bytes of memory that remembering a verified token costs, what is made of it later included: an estimate, from 0.7 to 1.5
 * times what a heap shows (test/token-bytes.test.ts). It is by no means the length of the token: six thousand characters can be
 * fifteen hundred empty objects of two hundred bytes each. Takes time in proportion to the claims; for new tokens only.
 * @param payloadBytes of the claims as JSON in UTF-8: names and texts of some length are parts of that text, and keep it
 */
export function tokenBytes(claims: JsonObject, payloadBytes: number): number {
  const sum = { bytes: base, names: 0, beyondAscii: 0, wide: false }
  weigh(claims, sum)
  // Engines keep a text with one or two bytes for each of its characters, whatever it was in UTF-8.
  const characters = Math.max(payloadBytes - sum.beyondAscii, 0)
  return Math.ceil(sum.bytes + (sum.wide ? 2 : 1) * (characters + sum.names))
}

interface Sum {
  bytes: number
  /** Characters of texts that may be names. */
  names: number
  /** Bytes that UTF-8 has beyond one for each character. */
  beyondAscii: number
  /** Whether there is a character that does not fit into one byte (Latin-1). */
  wide: boolean
}

/** As deep as the strict reader lets claims be. */
function weigh(value: JsonValue, sum: Sum): void {
  if (typeof value === 'string') weighText(value, perText, sum)
  else if (typeof value === 'bigint') sum.bytes += value >= 0n && value < sharedBigints ? 0 : perBigint
  else if (typeof value === 'number') sum.bytes += perDouble
  else if (isJsonArray(value)) {
    sum.bytes += arrayBytes(value.length)
    for (const item of value) weigh(item, sum)
  } else if (isJsonObject(value)) {
    sum.bytes += mapBytes(value.size)
    for (const [key, member] of value) {
      weighText(key, perKey, sum)
      weigh(member, sum)
    }
  }
}

function weighText(text: string, object: number, sum: Sum): void {
  const utf8 = Buffer.byteLength(text)
  sum.bytes += object
  sum.beyondAscii += utf8 - text.length
  if (text.length <= longestName) sum.names += text.length
  if (utf8 > text.length && !sum.wide) sum.wide = isWide(text)
}

/** V8: an object of 32 bytes, and room that grows with each push that finds none (by half, and 16). */
function arrayBytes(length: number): number {
  let room = Math.min(length, 1)
  while (room < length) room = Math.floor(1.5 * (room + 1)) + 16
  return 48 + 8 * room
}

/** V8: an object of 32 bytes, and a table of 3.5 words for each of a power of two of members, at least 4. */
function mapBytes(size: number): number {
  let room = 4
  while (room < size) room *= 2
  return 72 + 28 * room
}
