import type { Builtin } from './builtin.js'
import { conversions } from './conversions.js'
import { limits } from './limits.js'
import { operators, order } from './operators.js'
import { type CompiledPattern, cachedPattern, findPattern, matchPattern } from './regular-expressions.js'
import { timeFunctions } from './time-functions.js'
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

const tooLong = new Failure('the text becomes too long')
const empty = new Failure('the list is empty')
const unordered = new Failure('the list mixes types that have no order')

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

function dynamicPattern(apply: (text: string, compiled: CompiledPattern, budget: Budget) => Result): Builtin {
  return ([text, pattern], budget) =>
    typeof text === 'string' && typeof pattern === 'string'
      ? apply(text, cachedPattern(pattern, budget), budget)
      : undefined
}

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
  spend(budget, length >> 4)
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
  ['matches', dynamicPattern(matchPattern)],
  ['find', dynamicPattern(findPattern)],
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
  ...conversions,
  ...timeFunctions,
])
