import { isJsonArray, isJsonObject, type JsonValue } from '../../../src/protocol/json-value.js'
import type { MessageReason } from '../../../src/protocol/reasons.js'
import { defaultJsonLimits, type StrictJson } from '../../../src/protocol/strict-json.js'
import { decodeUtf8, type ExactJson, readExactly } from './exact-json.js'

/**
 * Compares a strict reading with `JSON.parse` and with our rules, written down a second time. What is accepted must be
 * JSON, break no rule and have the same value; what is refused must break the rule that is named, or be no JSON.
 */
export function judgeJson(bytes: Uint8Array, read: StrictJson): string | undefined {
  const text = decodeUtf8(bytes)
  const exact = text === undefined ? undefined : readExactly(text)
  if (read.ok) {
    if (text === undefined) return 'accepted what is no UTF-8'
    if (exact === undefined) return 'accepted what JSON.parse refuses'
    const broken = [...brokenRules(exact)]
    if (broken.length > 0) return `accepted what breaks ${broken.join(', ')}`
    return sameAsWritten(read.value, exact) ? undefined : 'read another value than was written'
  }
  if (text === undefined)
    return read.reason === 'message.encoding' ? undefined : `no UTF-8, but refused as ${read.reason}`
  if (text.startsWith('\ufeff')) {
    return read.reason === 'message.encoding' ? undefined : `a byte order mark, but refused as ${read.reason}`
  }
  // Without JSON there is no telling which fault comes first.
  if (exact === undefined) return undefined
  return brokenRules(exact).has(read.reason) ? undefined : `refused as ${read.reason} what does not break that rule`
}

const loneSurrogate = /\p{Cs}/u

function brokenRules(root: ExactJson): ReadonlySet<MessageReason> {
  const broken = new Set<MessageReason>()
  let members = 0
  const visit = (value: ExactJson, depth: number): void => {
    switch (value.kind) {
      case 'number':
        if (!isInRange(value.lexeme)) broken.add('message.number_range')
        return
      case 'string':
        if (loneSurrogate.test(value.value)) broken.add('message.encoding')
        return
      case 'word':
        return
      case 'array':
        members += value.items.length
        if (depth >= defaultJsonLimits.maxDepth) broken.add('message.too_deep')
        for (const item of value.items) visit(item, depth + 1)
        return
      case 'object':
        members += value.members.length
        if (depth >= defaultJsonLimits.maxDepth) broken.add('message.too_deep')
        if (new Set(value.members.map(([key]) => key)).size < value.members.length) broken.add('message.duplicate_key')
        for (const [key, member] of value.members) {
          if (loneSurrogate.test(key)) broken.add('message.encoding')
          if (key === '__proto__' || /\p{Cc}/u.test(key)) broken.add('message.forbidden_key')
          visit(member, depth + 1)
        }
    }
  }
  visit(root, 0)
  if (members > defaultJsonLimits.maxMembers) broken.add('message.too_many_members')
  return broken
}

function isInRange(lexeme: string): boolean {
  if (/[.eE]/.test(lexeme)) return Number.isFinite(Number(lexeme))
  // BigInt of a text of megabytes takes minutes.
  if (lexeme.length > 30) return false
  const value = BigInt(lexeme)
  return value >= -(2n ** 63n) && value < 2n ** 64n
}

/** Same members in the same order, numbers by how they are written. */
function sameAsWritten(read: JsonValue, written: ExactJson): boolean {
  switch (written.kind) {
    case 'number':
      return /[.eE]/.test(written.lexeme)
        ? Object.is(read, Number(written.lexeme))
        : typeof read === 'bigint' && read === BigInt(written.lexeme)
    case 'string':
    case 'word':
      return read === written.value
    case 'array':
      return (
        isJsonArray(read) &&
        read.length === written.items.length &&
        read.every((item, at) => sameAt(item, written.items[at]))
      )
    case 'object':
      return (
        isJsonObject(read) &&
        read.size === written.members.length &&
        [...read].every(
          ([key, value], at) => key === written.members[at]?.[0] && sameAt(value, written.members[at]?.[1]),
        )
      )
  }
}

function sameAt(read: JsonValue, written: ExactJson | undefined): boolean {
  return written !== undefined && sameAsWritten(read, written)
}
