import { codePointIndex, unitOffset } from '../values/code-points.js'
import { Failure, type Result, type Value } from '../values/value.js'
import { type FormatStyle, kubernetesStyle, specStyle } from './format-style.js'
import {
  binary,
  isInt,
  isList,
  isText,
  noSuchOverload,
  outOfBudget,
  quaternary,
  ternary,
  textUnits,
  unary,
} from './implement.js'
import type { CallContext, FunctionOverload, Library } from './library.js'
import { quote } from './quote.js'
import { createFormat } from './string-format.js'

/** UTF-16 units of the longest text that these functions make; the budget refuses sooner, this keeps V8 from throwing. */
const longestText = 1 << 26

const outOfRange = new Failure('index out of range')
const badRange = new Failure('invalid substring range: the start is after the end')
const tooLong = new Failure('the text would be too long')

/** What Go's unicode.IsSpace takes for white space; JavaScript's trim() differs in U+0085 and U+FEFF. */
const spaces = new Set(
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
)

function charAt(text: string, index: bigint, context: CallContext): Result {
  if (!context.charge(textUnits(text.length))) return outOfBudget
  const offset = unitOffset(text, Number(index))
  if (offset === undefined) return outOfRange
  const point = text.codePointAt(offset)
  return point === undefined ? '' : String.fromCodePoint(point)
}

/** Searching may compare every character with every character; as `contains` in cel-go, each ten with each ten. */
function chargeSearch(text: string, part: string, context: CallContext): boolean {
  return context.charge(textUnits(text.length) * Math.max(1, textUnits(part.length)))
}

/** From an offset at the end or beyond, nothing is found in cel-go; the specification wants an error. */
type Beyond = -1n | Failure

function indexOf(text: string, part: string, from: bigint, beyond: Beyond, context: CallContext): Result {
  if (part === '') return from
  if (from < 0n) return outOfRange
  if (!chargeSearch(text, part, context)) return outOfBudget
  const offset = unitOffset(text, Number(from))
  if (offset === undefined || offset === text.length) return beyond
  const found = text.indexOf(part, offset)
  return BigInt(found < 0 ? -1 : codePointIndex(text, found))
}

function lastIndexOf(text: string, part: string, context: CallContext): Result {
  if (!chargeSearch(text, part, context)) return outOfBudget
  const found = text.lastIndexOf(part)
  return BigInt(found < 0 ? -1 : codePointIndex(text, found))
}

function lastIndexFrom(text: string, part: string, from: bigint, beyond: Beyond, context: CallContext): Result {
  if (part === '') return from
  if (from < 0n) return outOfRange
  if (!chargeSearch(text, part, context)) return outOfBudget
  const offset = unitOffset(text, Number(from))
  if (offset === undefined || offset === text.length) return beyond
  const found = text.lastIndexOf(part, offset)
  return BigInt(found < 0 ? -1 : codePointIndex(text, found))
}

function substring(text: string, start: bigint, end: bigint | undefined, context: CallContext): Result {
  if (!context.charge(textUnits(text.length))) return outOfBudget
  if (end !== undefined && start > end) return badRange
  const from = unitOffset(text, Number(start))
  const to = end === undefined ? text.length : unitOffset(text, Number(end))
  return from === undefined || to === undefined ? outOfRange : text.slice(from, to)
}

/** Offsets where `part` occurs without overlap, at most `limit`; an empty part occurs before each code point and at the end. */
function occurrences(text: string, part: string, limit: number): number[] {
  const found: number[] = []
  let at = 0
  while (found.length < limit) {
    const next = part === '' ? at : text.indexOf(part, at)
    if (next < 0 || next > text.length) break
    found.push(next)
    at = part === '' ? next + ((text.codePointAt(next) ?? 0) > 0xffff ? 2 : 1) : next + part.length
  }
  return found
}

/** A negative limit is none (Go's strings.Replace and SplitN). */
function limitOf(limit: bigint, text: string): number {
  return limit < 0n || limit > BigInt(text.length) ? text.length + 1 : Number(limit)
}

function replace(text: string, part: string, by: string, limit: bigint, context: CallContext): Result {
  const count = limitOf(limit, text)
  if (!context.charge(2 * textUnits(text.length) * Math.max(1, textUnits(part.length)))) return outOfBudget
  if (part === by || count === 0) return text
  const found = occurrences(text, part, count)
  const growth = found.length * Math.max(0, by.length - part.length)
  if (!context.charge(textUnits(growth))) return outOfBudget
  if (text.length + growth > longestText) return tooLong
  const pieces: string[] = []
  let at = 0
  for (const offset of found) {
    pieces.push(text.slice(at, offset), by)
    at = offset + part.length
  }
  pieces.push(text.slice(at))
  return pieces.join('')
}

function split(text: string, separator: string, limit: bigint, context: CallContext): Result {
  const count = limitOf(limit, text)
  if (!context.charge(2 * textUnits(text.length) * Math.max(1, textUnits(separator.length)))) return outOfBudget
  if (count === 0 || (text === '' && separator === '')) return []
  const found = occurrences(text, separator, separator === '' ? count : count - 1)
  // Kubernetes counts characters alone; a part of one character is a text of its own all the same.
  if (!context.charge(Math.floor(found.length / 2))) return outOfBudget
  const parts: string[] = []
  let at = 0
  for (const offset of found) {
    if (separator === '' && (offset === 0 || offset === text.length || parts.length === count - 1)) continue
    parts.push(text.slice(at, offset))
    at = offset + separator.length
  }
  parts.push(text.slice(at))
  return parts
}

function trim(text: string, context: CallContext): Result {
  if (!context.charge(textUnits(text.length))) return outOfBudget
  let start = 0
  let end = text.length
  while (start < end && spaces.has(text.charAt(start))) start++
  while (end > start && spaces.has(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

function join(list: readonly Value[], separator: string, context: CallContext): Result {
  if (!context.charge(textUnits(list.length))) return outOfBudget
  let length = separator.length * Math.max(0, list.length - 1)
  const texts: string[] = []
  for (const item of list) {
    if (!isText(item)) return noSuchOverload
    length += item.length
    texts.push(item)
  }
  if (!context.charge(textUnits(2 * length))) return outOfBudget
  return length > longestText ? tooLong : texts.join(separator)
}

function mapText(change: (text: string) => string) {
  return unary(isText, (text, context) => (context.charge(textUnits(text.length)) ? change(text) : outOfBudget))
}

const lower = mapText(text => text.replace(/[A-Z]+/g, letters => letters.toLowerCase()))
const upper = mapText(text => text.replace(/[a-z]+/g, letters => letters.toUpperCase()))

const common: readonly FunctionOverload[] = [
  { id: 'string_char_at_int', signature: 'string.charAt(int) -> string', call: binary(isText, isInt, charAt) },
  {
    id: 'string_index_of_string',
    signature: 'string.indexOf(string) -> int',
    call: binary(isText, isText, (text, part, context) => indexOf(text, part, 0n, -1n, context)),
  },
  {
    id: 'string_last_index_of_string',
    signature: 'string.lastIndexOf(string) -> int',
    call: binary(isText, isText, lastIndexOf),
  },
  {
    id: 'list_join',
    signature: 'list(string).join() -> string',
    call: unary(isList, (list, context) => join(list, '', context)),
  },
  { id: 'list_join_string', signature: 'list(string).join(string) -> string', call: binary(isList, isText, join) },
  { id: 'string_lower_ascii', signature: 'string.lowerAscii() -> string', call: lower },
  { id: 'string_upper_ascii', signature: 'string.upperAscii() -> string', call: upper },
  {
    id: 'string_replace_string_string',
    signature: 'string.replace(string, string) -> string',
    call: ternary(isText, isText, isText, (text, part, by, context) => replace(text, part, by, -1n, context)),
  },
  {
    id: 'string_replace_string_string_int',
    signature: 'string.replace(string, string, int) -> string',
    call: quaternary(isText, isText, isText, isInt, replace),
  },
  {
    id: 'string_split_string',
    signature: 'string.split(string) -> list(string)',
    call: binary(isText, isText, (text, separator, context) => split(text, separator, -1n, context)),
  },
  {
    id: 'string_split_string_int',
    signature: 'string.split(string, int) -> list(string)',
    call: ternary(isText, isText, isInt, split),
  },
  {
    id: 'string_substring_int',
    signature: 'string.substring(int) -> string',
    call: binary(isText, isInt, (text, start, context) => substring(text, start, undefined, context)),
  },
  {
    id: 'string_substring_int_int',
    signature: 'string.substring(int, int) -> string',
    call: ternary(isText, isInt, isInt, substring),
  },
  { id: 'string_trim', signature: 'string.trim() -> string', call: unary(isText, trim) },
  { id: 'strings_quote', signature: 'strings.quote(string) -> string', call: mapText(quote) },
]

/** `text.reverse()`, by code point: in cel-go from version 3 of the extension, not in Kubernetes. */
export const stringReverse: FunctionOverload = {
  id: 'string_reverse',
  signature: 'string.reverse() -> string',
  call: mapText(text => Array.from(text).reverse().join('')),
}

function inStyle(style: FormatStyle, beyond: Beyond): readonly FunctionOverload[] {
  return [
    ...common,
    {
      id: 'string_index_of_string_int',
      signature: 'string.indexOf(string, int) -> int',
      call: ternary(isText, isText, isInt, (text, part, from, context) => indexOf(text, part, from, beyond, context)),
    },
    {
      id: 'string_last_index_of_string_int',
      signature: 'string.lastIndexOf(string, int) -> int',
      call: ternary(isText, isText, isInt, (text, part, from, context) =>
        lastIndexFrom(text, part, from, beyond, context),
      ),
    },
    { id: 'string_format', signature: 'string.format(list(dyn)) -> string', call: createFormat(style) },
  ]
}

/** The strings extension of cel-go as Kubernetes has it (version 2), with the older look of `format`. */
export const kubernetesStrings: Library = { name: 'strings', functions: inStyle(kubernetesStyle, -1n) }

/** The strings extension of cel-go, version 4, as the specification has it: with its `format`, and `reverse`. */
export const strings: Library = { name: 'strings', functions: [...inStyle(specStyle, outOfRange), stringReverse] }
