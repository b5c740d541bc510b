import { limits } from './limits.js'
import { checkedInstant, nanosOf, operators, order } from './operators.js'
import { cachedPattern } from './regular-expressions.js'
import { wallClock } from './time-zones.js'
import {
  type Budget,
  equal,
  Failure,
  Foreign,
  isList,
  isMap,
  type Result,
  spend,
  typeOf,
  type Value,
} from './values.js'

/** A function of its arguments, the target first. undefined = these types are not ours; the library may know them. */
export type Builtin = (args: readonly Value[], budget: Budget) => Result | undefined

const tooLong = new Failure('the text becomes too long')
const notNumber = new Failure('not a number')
const overflow = new Failure('integer overflow')
const empty = new Failure('the list is empty')
const unordered = new Failure('the list mixes types that have no order')
const badPattern = new Failure('not a regular expression that RE2 accepts')
const noZone = new Failure('not a time zone')

/** What looks at every character of a text costs a unit per 16. */
function read(text: string, budget: Budget): string {
  spend(budget, text.length >> 4)
  return text
}

function texts(test: (text: string, part: string) => boolean): Builtin {
  return ([text, part], budget) =>
    typeof text === 'string' && typeof part === 'string' ? test(read(text, budget), part) : undefined
}

const size: Builtin = ([value], budget) => {
  if (typeof value === 'string') return BigInt(codePoints(read(value, budget)))
  if (value === undefined || value === null) return undefined
  if (isList(value)) return BigInt(value.length)
  if (isMap(value)) return BigInt(value.size)
  return value instanceof Foreign && value.raw instanceof Uint8Array ? BigInt(value.raw.length) : undefined
}

function codePoints(text: string): number {
  let count = text.length
  for (let i = 1; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const before = text.charCodeAt(i - 1)
    if (unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff) count--
  }
  return count
}

function regularExpression(found: (match: { readonly text: string; readonly pattern: string }) => Result): Builtin {
  return ([text, pattern], budget) => {
    if (typeof text !== 'string' || typeof pattern !== 'string') return undefined
    const compiled = cachedPattern(pattern)
    if (!compiled.ok) return badPattern
    // RE2 visits each character at most once per instruction of the program.
    spend(budget, 8 + ((text.length * compiled.size) >> 4))
    return found({ text, pattern })
  }
}

const matches = regularExpression(({ text, pattern }) => {
  const compiled = cachedPattern(pattern)
  return compiled.ok ? compiled.pattern.test(text) : badPattern
})

const find = regularExpression(({ text, pattern }) => {
  const compiled = cachedPattern(pattern)
  if (!compiled.ok) return badPattern
  const matcher = compiled.pattern.matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
})

const replace: Builtin = ([text, part, by, count], budget) => {
  if (typeof text !== 'string' || typeof part !== 'string' || typeof by !== 'string') return undefined
  if (count !== undefined && typeof count !== 'bigint') return undefined
  const pieces = splitText(read(text, budget), part, count === undefined || count < 0n ? undefined : Number(count) + 1)
  spend(budget, pieces.length)
  if (text.length + pieces.length * by.length > limits.text) return tooLong
  return pieces.join(by)
}

const split: Builtin = ([text, separator, count], budget) => {
  if (typeof text !== 'string' || typeof separator !== 'string') return undefined
  if (count === 0n) return []
  const pieces = splitText(
    read(text, budget),
    separator,
    typeof count === 'bigint' && count > 0n ? Number(count) : undefined,
  )
  spend(budget, pieces.length)
  return pieces
}

/** At most `most` pieces, the last one holding the rest. An empty separator splits into characters. */
function splitText(text: string, separator: string, most = Number.POSITIVE_INFINITY): readonly string[] {
  const all = separator === '' ? Array.from(text) : text.split(separator)
  if (all.length <= most) return all
  return [...all.slice(0, most - 1), all.slice(most - 1).join(separator)]
}

const join: Builtin = ([list, separator = ''], budget) => {
  if (list === undefined || !isList(list) || typeof separator !== 'string') return undefined
  spend(budget, list.length)
  let length = 0
  for (const item of list) {
    if (typeof item !== 'string') return new Failure(`join() needs a list of string, found ${typeOf(item)}`)
    length += item.length + separator.length
    if (length > limits.text) return tooLong
  }
  return list.join(separator)
}

function extreme(better: (order: number) => boolean): Builtin {
  return ([list], budget) => {
    if (list === undefined || !isList(list)) return undefined
    spend(budget, list.length)
    let [best] = list
    if (best === undefined) return empty
    for (const item of list) {
      const result = order(item, best)
      if (result === undefined) return unordered
      if (better(result)) best = item
    }
    return best
  }
}

const sum: Builtin = ([list], budget) => {
  if (list === undefined || !isList(list)) return undefined
  spend(budget, list.length)
  const add = operators.get('_+_')
  let [total, ...rest]: readonly (Result | undefined)[] = list
  if (total === undefined) return 0n
  for (const item of rest) {
    if (total === undefined || total instanceof Failure || item === undefined || item instanceof Failure) break
    total = add?.(total, item, budget)
  }
  if (total instanceof Failure) return total
  const type = total === undefined ? undefined : typeOf(total)
  return type !== undefined && ['int', 'uint', 'double', 'duration'].includes(type)
    ? total
    : new Failure('sum() needs numbers of one type')
}

const isSorted: Builtin = ([list], budget) => {
  if (list === undefined || !isList(list)) return undefined
  spend(budget, list.length)
  let previous: Value | undefined
  for (const item of list) {
    const result = previous === undefined ? 0 : order(previous, item)
    if (result === undefined) return unordered
    if (result > 0) return false
    previous = item
  }
  return true
}

function position(search: (list: readonly Value[], same: (item: Value) => boolean) => Result): Builtin {
  return ([list, wanted, ...rest], budget) => {
    if (list === undefined || wanted === undefined || !isList(list) || rest.length > 0) return undefined
    spend(budget, list.length)
    return search(list, item => equal(item, wanted, budget))
  }
}

const toInt: Builtin = ([value]) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : overflow
  }
  if (typeof value === 'string') {
    if (!/^[-+]?\d{1,19}$/.test(value)) return notNumber
    const parsed = BigInt(value.startsWith('+') ? value.slice(1) : value)
    return BigInt.asIntN(64, parsed) === parsed ? parsed : overflow
  }
  if (value === undefined) return undefined
  const nanos = nanosOf(value)
  if (nanos !== undefined) return floorSeconds(nanos)
  if (!(value instanceof Foreign) || typeof value.raw !== 'bigint') return undefined
  if (value.type === 'duration') return value.raw / 1_000_000_000n
  return BigInt.asIntN(64, value.raw) === value.raw ? value.raw : overflow
}

function floorSeconds(nanos: bigint): bigint {
  const seconds = nanos / 1_000_000_000n
  return nanos < 0n && seconds * 1_000_000_000n !== nanos ? seconds - 1n : seconds
}

const toUint: Builtin = ([value]) => {
  if (value instanceof Foreign && value.type === 'uint') return value
  if (typeof value === 'bigint') return value < 0n ? overflow : new Foreign('uint', value)
  if (typeof value === 'number') {
    return value >= 0 && value < 2 ** 64 ? new Foreign('uint', BigInt(Math.trunc(value))) : overflow
  }
  if (typeof value !== 'string') return undefined
  if (!/^\d{1,20}$/.test(value)) return notNumber
  const parsed = BigInt(value)
  return parsed < 2n ** 64n ? new Foreign('uint', parsed) : overflow
}

const toDouble: Builtin = ([value]) => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Foreign && value.type === 'uint') return Number(value.raw)
  if (typeof value !== 'string') return undefined
  if (/^[-+]?(?:NaN|Infinity)$/.test(value)) return Number(value)
  return value.length <= 400 && /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(value) ? Number(value) : notNumber
}

const toText: Builtin = ([value]) => {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
    case 'bigint':
      return String(value)
    default:
      return value instanceof Foreign && value.type === 'uint' ? String(value.raw) : undefined
  }
}

const toTimestamp: Builtin = ([value]) => {
  if (typeof value === 'bigint') return checkedInstant(value * 1_000_000_000n)
  return value !== undefined && nanosOf(value) !== undefined ? value : undefined
}

function ofTime(parts: (wall: Date) => number, ofDuration?: (nanos: bigint) => bigint): Builtin {
  return ([value, zone]) => {
    if (value === undefined) return undefined
    if (value instanceof Foreign && value.type === 'duration' && typeof value.raw === 'bigint') {
      return zone === undefined ? ofDuration?.(value.raw) : undefined
    }
    const nanos = nanosOf(value)
    if (nanos === undefined || typeof zone !== 'string') return undefined
    const time =
      value instanceof Date
        ? value
        : new Date(
            Number(
              floorSeconds(nanos) * 1000n + (((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n) / 1_000_000n,
            ),
          )
    const wall = wallClock(time, zone)
    return wall === undefined ? noZone : BigInt(parts(wall))
  }
}

function dayOfYear(wall: Date): number {
  const start = new Date(wall.getTime())
  start.setUTCMonth(0, 1)
  return Math.round((wall.getTime() - start.getTime()) / 86_400_000)
}

const type: Builtin = ([value]) => {
  if (value === undefined) return undefined
  const name = typeOf(value)
  const names = { null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' }
  return new Foreign('type', name === 'null' || name === 'timestamp' || name === 'duration' ? names[name] : name)
}

export const builtinFunctions: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['size', size],
  ['contains', texts((text, part) => text.includes(part))],
  [
    'startsWith',
    ([text, part]) => (typeof text === 'string' && typeof part === 'string' ? text.startsWith(part) : undefined),
  ],
  [
    'endsWith',
    ([text, part]) => (typeof text === 'string' && typeof part === 'string' ? text.endsWith(part) : undefined),
  ],
  ['matches', matches],
  ['find', find],
  ['replace', replace],
  ['split', split],
  ['join', join],
  ['max', extreme(result => result > 0)],
  ['min', extreme(result => result < 0)],
  ['sum', sum],
  ['isSorted', isSorted],
  ['indexOf', position((list, same) => BigInt(list.findIndex(same)))],
  ['lastIndexOf', position((list, same) => BigInt(list.findLastIndex(same)))],
  ['includes', position((list, same) => list.some(same))],
  ['int', toInt],
  ['uint', toUint],
  ['double', toDouble],
  ['string', toText],
  ['timestamp', toTimestamp],
  ['duration', ([value]) => (value instanceof Foreign && value.type === 'duration' ? value : undefined)],
  ['type', type],
  ['dyn', ([value]) => value],
  ['getFullYear', ofTime(wall => wall.getUTCFullYear())],
  ['getMonth', ofTime(wall => wall.getUTCMonth())],
  ['getDate', ofTime(wall => wall.getUTCDate())],
  ['getDayOfMonth', ofTime(wall => wall.getUTCDate() - 1)],
  ['getDayOfWeek', ofTime(wall => wall.getUTCDay())],
  ['getDayOfYear', ofTime(dayOfYear)],
  [
    'getHours',
    ofTime(
      wall => wall.getUTCHours(),
      nanos => nanos / 3_600_000_000_000n,
    ),
  ],
  [
    'getMinutes',
    ofTime(
      wall => wall.getUTCMinutes(),
      nanos => nanos / 60_000_000_000n,
    ),
  ],
  [
    'getSeconds',
    ofTime(
      wall => wall.getUTCSeconds(),
      nanos => nanos / 1_000_000_000n,
    ),
  ],
  [
    'getMilliseconds',
    ofTime(
      wall => wall.getUTCMilliseconds(),
      nanos => (nanos / 1_000_000n) % 1000n,
    ),
  ],
])
