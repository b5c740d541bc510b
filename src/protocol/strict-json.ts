import { isAscii, isUtf8 } from 'node:buffer'
import { JsonReader } from './json-reader.js'
import type { JsonValue } from './json-value.js'
import type { MessageReason } from './reasons.js'

export interface JsonLimits {
  /** Bytes; default 4 MiB, which is what most MCP servers accept. */
  readonly maxBytes?: number
  /** Nested objects and arrays; default 64. Servers differ between 200 and "until the stack ends". */
  readonly maxDepth?: number
  /** Members of objects and elements of arrays, all together; default 10,000. */
  readonly maxMembers?: number
  /**
   * Name of a member of the top-level object whose source text is wanted beside its value; with an array at the top, of
   * each of its elements.
   */
  readonly lexemeOf?: string
  /**
   * Whether keys may be `__proto__` or hold control characters: for texts that no other parser is to read, such as objects
   * of an API server, where one key that somebody chose must not make all of them unreadable. Default false.
   */
  readonly anyKeys?: boolean
}

export const defaultJsonLimits = { maxBytes: 4 * 1024 * 1024, maxDepth: 64, maxMembers: 10_000 } as const

export type StrictJson =
  | {
      readonly ok: true
      readonly value: JsonValue
      /** The member named by `lexemeOf`, byte for byte as it was written. */
      readonly lexeme: string | undefined
      /** The same for each element of a top-level array; undefined if the text is no array. */
      readonly lexemes: readonly (string | undefined)[] | undefined
    }
  | {
      readonly ok: false
      readonly reason: MessageReason
      /** For the caller; holds nothing of the text. */
      readonly message: string
      /** Characters before the fault. */
      readonly at: number
      /** As above, if it was read before the fault. */
      readonly lexeme: string | undefined
    }

/**
 * Reads a JSON text that every server reads alike, or refuses it: UTF-8 without BOM and without lone surrogates, one
 * value and nothing behind it, no key twice in one object (after unescaping), no `__proto__`, no control characters in
 * keys, no integer outside int64 to uint64, no number that is not finite. Integers written without fraction or exponent
 * are `bigint`, `-0` among them as `0n`. Time is linear in the size of the text; it never throws.
 *
 * Strings may share memory with the text they come from: copy what you keep (see detached-string.ts).
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = {}): StrictJson {
  const maxBytes = limits.maxBytes ?? defaultJsonLimits.maxBytes
  if (bytes.length > maxBytes) {
    return refuse('message.too_large', `The JSON text is larger than ${maxBytes} bytes; send less.`, 0)
  }
  const ascii = isAscii(bytes)
  if (!ascii && !isUtf8(bytes)) {
    return refuse('message.encoding', 'The JSON text is not valid UTF-8; send UTF-8 without a byte order mark.', 0)
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refuse('message.encoding', 'The JSON text begins with a byte order mark; send UTF-8 without it.', 0)
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString(ascii ? 'latin1' : 'utf8')
  const reader = new JsonReader(text, ascii ? buffer : codesOf(text), {
    maxDepth: limits.maxDepth ?? defaultJsonLimits.maxDepth,
    maxMembers: limits.maxMembers ?? defaultJsonLimits.maxMembers,
    lexemeOf: limits.lexemeOf,
    anyKeys: limits.anyKeys,
  })
  const value = reader.read()
  if (value === undefined) {
    const problem = problems[reader.reason] ?? 'The JSON text was refused'
    // The member of an element names nothing that a refusal of the whole text could be about.
    const lexeme = reader.lexemes === undefined ? reader.lexeme : undefined
    return refuse(reader.reason, `${problem} (at character ${reader.failedAt}).`, reader.failedAt, lexeme)
  }
  return { ok: true, value, lexeme: reader.lexeme, lexemes: reader.lexemes }
}

/** As the reader wants them. */
function codesOf(text: string): Buffer {
  const codes = Buffer.allocUnsafe(text.length)
  for (let at = 0; at < text.length; at++) codes[at] = Math.min(text.charCodeAt(at), 0xff)
  return codes
}

const problems: { readonly [reason in MessageReason]?: string } = {
  'message.not_json': 'This is not one complete JSON text',
  'message.encoding': 'A \\u escape names half of a surrogate pair; write both halves or the character itself',
  'message.too_deep': 'Objects and arrays are nested too deeply; flatten them',
  'message.too_many_members': 'There are too many object members and array elements; split the request',
  'message.duplicate_key':
    'A key occurs twice in one object; servers would disagree about which one counts, so send it once',
  'message.forbidden_key': 'A key is "__proto__" or holds a control character; rename it',
  'message.number_range': 'A number is too large to be exact; integers must fit into 64 bits, so send it as a string',
}

function refuse(reason: MessageReason, message: string, at: number, lexeme?: string): StrictJson {
  return { ok: false, reason, message, at, lexeme }
}
