import { compareText } from '../values/compare.js'
import { formatDuration } from '../values/duration.js'
import { formatTimestamp } from '../values/timestamp.js'
import { decodeUtf8 } from '../values/utf8.js'
import { Duration, Failure, Timestamp, TypeValue, Uint, type Value } from '../values/value.js'
import { type ClauseVerb, parseFormat } from './format-clauses.js'
import { type FormatStyle, quotedDouble } from './format-style.js'
import { binary, isBytes, isList, isMap, isText, outOfBudget, textUnits } from './implement.js'
import type { CallContext, Implementation } from './library.js'
import { quotePrintable } from './quote.js'

const fewArguments = new Failure('a format has more % clauses than arguments')
const noText = new Failure(
  '%s in a format needs a string, bool, bytes, number, list, map, type, duration, timestamp or null',
)
const notUtf8 = new Failure('%s in a format cannot show bytes that are not UTF-8')
const binaryNeeds = new Failure('%b in a format needs an int, uint or bool')
const octalNeeds = new Failure('%o in a format needs an int or uint')
const hexNeeds = new Failure('%x in a format needs an int, uint, string or bytes')
const tooDeep = new Failure('%s in a format needs a value that is nested less deeply')

/** Deeper than any document that we accept; keeps the stack flat whatever comes. */
const deepest = 200

/** Units for printing a double far from 1, which needs big numbers: in all digits (up to fifty microseconds), and as it is. */
export const dearestNumber = { digits: 60, shown: 20 } as const

function numberUnits(value: Value, dearest: number): number {
  return typeof value !== 'number' || (Math.abs(value) < 1e30 && Math.abs(value) > 1e-30) ? 2 : dearest
}

/**
 * `'%s has %d'.format([name, 3])`, a clause for each argument: %s any value, %d integers, %f and %.2f fixed point, %e
 * scientific, %b %o %x %X other bases. Too few arguments are an error, too many are not looked at (cel-go ext strings).
 */
export function createFormat(style: FormatStyle): Implementation {
  return binary(isText, isList, (format, list, budget) => {
    const context = capped(budget)
    if (!context.charge(textUnits(format.length))) return outOfBudget
    const pieces = parseFormat(format)
    if (pieces instanceof Failure) return pieces
    const output: string[] = []
    let next = 0
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        output.push(piece)
        continue
      }
      const value = list[next++]
      if (value === undefined) return fewArguments
      const shown = showClause(piece.verb, piece.precision, value, style, context)
      if (shown instanceof Failure) return shown
      output.push(shown)
    }
    return output.join('')
  })
}

/** Units of the longest text: whatever the budget, the result stays below the longest that V8 can hold. */
const mostUnits = 1 << 22

function capped(context: CallContext): CallContext {
  let spent = 0
  return {
    charge(units) {
      spent += units
      return spent <= mostUnits && context.charge(units)
    },
  }
}

function showClause(
  verb: ClauseVerb,
  precision: number | undefined,
  value: Value,
  style: FormatStyle,
  context: CallContext,
): string | Failure {
  switch (verb) {
    case 's':
      return showValue(value, style, context, 0)
    case 'd':
      return style.decimal(value)
    case 'f':
    case 'e': {
      if (!context.charge(numberUnits(value, dearestNumber.digits) + textUnits(precision ?? 0))) return outOfBudget
      return verb === 'f' ? style.fixed(value, precision) : style.scientific(value, precision)
    }
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : inBase(value, 2, binaryNeeds)
    case 'o':
      return inBase(value, 8, octalNeeds)
    case 'x':
      return hexadecimal(value, context)
    case 'X': {
      const shown = hexadecimal(value, context)
      return typeof shown === 'string' ? shown.toUpperCase() : shown
    }
  }
}

function inBase(value: Value, base: number, needs: Failure): string | Failure {
  if (typeof value === 'bigint') return value.toString(base)
  return value instanceof Uint ? value.value.toString(base) : needs
}

function hexadecimal(value: Value, context: CallContext): string | Failure {
  if (!isText(value) && !isBytes(value)) return inBase(value, 16, hexNeeds)
  if (!context.charge(textUnits(2 * value.length))) return outOfBudget
  return (isText(value) ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.length)).toString(
    'hex',
  )
}

/** `depth` is 0 for an argument itself, which is shown as it is; what is inside of it may be quoted. */
function showValue(value: Value, style: FormatStyle, context: CallContext, depth: number): string | Failure {
  if (depth > deepest) return tooDeep
  const quoted = style.quoted && depth > 0
  switch (typeof value) {
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (!context.charge(numberUnits(value, dearestNumber.shown))) return outOfBudget
      return quoted ? quotedDouble(value) : style.double(value)
    case 'string':
      if (!context.charge(textUnits(value.length))) return outOfBudget
      return quoted ? quotePrintable(value) : value
  }
  if (value === null) return 'null'
  if (isBytes(value)) return showBytes(value, quoted, context)
  if (isList(value)) return showList(value, style, context, depth)
  if (isMap(value)) return showMap(value, style, context, depth)
  if (value instanceof Uint) return value.value.toString()
  if (value instanceof TypeValue) return value.name
  if (value instanceof Timestamp) return quoted ? `timestamp("${formatTimestamp(value)}")` : formatTimestamp(value)
  if (value instanceof Duration) return quoted ? `duration("${formatDuration(value)}")` : formatDuration(value)
  return noText
}

function showBytes(bytes: Uint8Array, quoted: boolean, context: CallContext): string | Failure {
  if (!context.charge(textUnits(bytes.length))) return outOfBudget
  const text = decodeUtf8(bytes)
  if (text === undefined) return notUtf8
  return quoted ? `b${quotePrintable(text)}` : text
}

function showList(list: readonly Value[], style: FormatStyle, context: CallContext, depth: number): string | Failure {
  if (!context.charge(list.length)) return outOfBudget
  const shown: string[] = []
  for (const item of list) {
    const text = showValue(item, style, context, depth + 1)
    if (text instanceof Failure) return text
    shown.push(text)
  }
  return `[${shown.join(', ')}]`
}

/** Entries stand in the order of their keys as shown. */
function showMap(
  map: ReadonlyMap<Value, Value>,
  style: FormatStyle,
  context: CallContext,
  depth: number,
): string | Failure {
  if (!context.charge(map.size * (1 + Math.ceil(Math.log2(map.size + 1))))) return outOfBudget
  const shown: { readonly key: string; readonly value: string }[] = []
  for (const [key, item] of map) {
    const keyText = showValue(key, style, context, depth + 1)
    if (keyText instanceof Failure) return keyText
    const value = showValue(item, style, context, depth + 1)
    if (value instanceof Failure) return value
    shown.push({ key: keyText, value })
  }
  shown.sort((a, b) => compareText(a.key, b.key))
  return `{${shown.map(({ key, value }) => key + style.keySeparator + value).join(', ')}}`
}
