import { isAscii, isUtf8 } from 'node:buffer'
import { atOnce, type Sliced } from '../sliced.js'
import { JsonOutlineScanner } from './json-outline-scanner.js'

export interface OutlineLimits {
  /** Bytes; default 16 MiB: logs and manifests come back in one piece. */
  readonly maxBytes?: number
  /** Nested objects and arrays; default 200, which is as deep as the strictest clients read. */
  readonly maxDepth?: number
  /** Values and keys, all together; default 1,000,000. Each takes 12 bytes for as long as the outline lives. */
  readonly maxNodes?: number
}

export const defaultOutlineLimits = { maxBytes: 16 * 1024 * 1024, maxDepth: 200, maxNodes: 1_000_000 } as const

export type OutlineProblem = 'too_large' | 'encoding' | 'not_json' | 'too_deep' | 'too_many_nodes'

export type JsonOutlineResult =
  | { readonly ok: true; readonly outline: JsonOutline }
  | {
      readonly ok: false
      readonly problem: OutlineProblem
      /** Bytes before the fault. */
      readonly at: number
    }

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'literal'

/** A value or a key of the text: its number in the order of the text. The whole text is node 0. */
export type JsonNode = number

/**
 * Where each value and each key of a JSON text stands, byte by byte, so that parts can be read, removed and replaced while
 * the rest stays as it was written. Nothing is decoded before it is asked for. A key is a node of its own, directly before
 * its value.
 */
export class JsonOutline {
  readonly bytes: Buffer
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #nexts: Int32Array
  readonly #encoding: 'latin1' | 'utf8'

  constructor(bytes: Buffer, ascii: boolean, scanner: JsonOutlineScanner) {
    this.bytes = bytes
    this.#encoding = ascii ? 'latin1' : 'utf8'
    this.#starts = scanner.starts
    this.#ends = scanner.ends
    this.#nexts = scanner.nexts
  }

  /** The first byte of the value. */
  start(node: JsonNode): number {
    return at(this.#starts, node)
  }

  /** The byte behind the value. */
  end(node: JsonNode): number {
    return at(this.#ends, node)
  }

  /** The node behind this one and all that is in it: the next sibling, unless that is `next` of the parent. */
  next(node: JsonNode): JsonNode {
    return at(this.#nexts, node)
  }

  kind(node: JsonNode): JsonKind {
    switch (this.bytes[this.start(node)]) {
      case 0x7b:
        return 'object'
      case 0x5b:
        return 'array'
      case 0x22:
        return 'string'
      case 0x74:
      case 0x66:
      case 0x6e:
        return 'literal'
      default:
        return 'number'
    }
  }

  /** The text of a string or key, decoded. Half of a surrogate pair, written as an escape, stays half. */
  string(node: JsonNode): string {
    const raw = this.bytes.toString(this.#encoding, this.start(node) + 1, this.end(node) - 1)
    if (!raw.includes('\\')) return raw
    const decoded: unknown = JSON.parse(`"${raw}"`)
    return String(decoded)
  }

  /** A value as it was written. */
  lexeme(node: JsonNode): string {
    return this.bytes.toString(this.#encoding, this.start(node), this.end(node))
  }

  /** The elements of an array. */
  elements(array: JsonNode): readonly JsonNode[] {
    const elements: JsonNode[] = []
    const end = this.next(array)
    for (let node = array + 1; node < end; node = this.next(node)) elements.push(node)
    return elements
  }
}

/**
 * Reads the outline of a JSON text (RFC 8259). The syntax is checked to the letter, the meaning is not: keys may come twice
 * and numbers may be of any size, because that is for those to judge who read a part. A byte order mark is passed over, as
 * the clients do that take one. Time is linear in the size of the text; it never throws.
 */
export function readJsonOutline(bytes: Uint8Array, limits: OutlineLimits = {}): JsonOutlineResult {
  return atOnce(outlineJson(bytes, limits))
}

/** Bytes between two places where the work may be put aside: a few milliseconds. */
const portionBytes = 256 * 1024

/** The same as {@link readJsonOutline}, some of it at a time; the bytes must stay as they are meanwhile. */
export function* outlineJson(bytes: Uint8Array, limits: OutlineLimits = {}): Sliced<JsonOutlineResult> {
  const { maxBytes, maxDepth, maxNodes } = { ...defaultOutlineLimits, ...limits }
  if (bytes.length > maxBytes) return { ok: false, problem: 'too_large', at: 0 }
  const ascii = isAscii(bytes)
  if (!ascii && !isUtf8(bytes)) return { ok: false, problem: 'encoding', at: 0 }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const scanner = new JsonOutlineScanner(buffer, maxDepth, maxNodes)
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  scanner.at = marked ? 3 : 0
  let failure = scanner.scan(portionBytes)
  while (failure === 'paused') {
    yield
    failure = scanner.scan(scanner.at + portionBytes)
  }
  if (failure !== undefined) return { ok: false, problem: failure, at: scanner.at }
  return { ok: true, outline: new JsonOutline(buffer, ascii, scanner) }
}

function at(numbers: Int32Array, node: JsonNode): number {
  const number = numbers[node]
  if (number === undefined) throw new RangeError(`the text has no node ${node}`)
  return number
}
