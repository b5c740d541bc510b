import { formatDuration, parseDuration } from '../values/duration.js'
import {
  doubleToInt,
  doubleToUint,
  isInt as fitsInt,
  isUint as fitsUint,
  formatDouble,
  intOverflow,
  uintOverflow,
} from '../values/numbers.js'
import { formatTimestamp, parseTimestamp, splitSeconds, timestampOf } from '../values/timestamp.js'
import { typeOf } from '../values/type-of.js'
import { decodeUtf8, encodeUtf8 } from '../values/utf8.js'
import { Failure, type Result, TypeValue, Uint, type Value } from '../values/value.js'
import {
  isAny,
  isBool,
  isBytes,
  isDouble,
  isDuration,
  isInt,
  isText,
  isTimestamp,
  isUint,
  outOfBudget,
  textUnits,
  unary,
} from './implement.js'
import type { CallContext, FunctionOverload, Implementation } from './library.js'

const notInt = new Failure('not an integer')
const notUint = new Failure('not an unsigned integer')
const notDouble = new Failure('not a number')
const doubleOverflow = new Failure('number out of range')
const notBool = new Failure('not a bool: use true or false')
const notUtf8 = new Failure('invalid UTF-8')

/** Go's strconv.ParseInt with base 10. Digits beyond 400 are too many for any zeros before them to matter. */
function parseInteger(text: string): bigint | Failure {
  if (text.length > 400 || !/^[-+]?\d+$/.test(text)) return notInt
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return fitsInt(value) ? value : intOverflow
}

function parseUnsigned(text: string): Uint | Failure {
  if (text.length > 400 || !/^\d+$/.test(text)) return notUint
  const value = BigInt(text)
  return fitsUint(value) ? new Uint(value) : uintOverflow
}

/** Go's strconv.ParseFloat without hexadecimal: `inf`, `infinity` and `nan` in any case; what rounds to infinity is refused. */
function parseDouble(text: string): number | Failure {
  if (text.length > 400) return notDouble
  const special = /^([-+]?)(?:inf(?:inity)?|(nan))$/i.exec(text)
  if (special !== null) return special[2] !== undefined ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) return notDouble
  const value = Number(text)
  return Number.isFinite(value) ? value : doubleOverflow
}

const bools: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map(text => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(text => [text, false] as const),
])

/** -0x8000… has no opposite, so that the conversion of doubles refuses the borders; see `doubleToInt`. */
function intOfDouble(value: number): Result {
  return doubleToInt(value) ?? intOverflow
}

function uintOfDouble(value: number): Result {
  const converted = doubleToUint(value)
  return converted === undefined ? uintOverflow : new Uint(converted)
}

function encode(text: string, context: CallContext): Result {
  return context.charge(textUnits(text.length)) ? encodeUtf8(text) : outOfBudget
}

function decode(bytes: Uint8Array, context: CallContext): Result {
  return context.charge(textUnits(bytes.length)) ? (decodeUtf8(bytes) ?? notUtf8) : outOfBudget
}

const same: Implementation = unary(isAny, value => value)
const timestamp = 'google.protobuf.Timestamp'
const duration = 'google.protobuf.Duration'

type Row = readonly [id: string, signature: string, call: Implementation]

const rows: readonly Row[] = [
  ['int64_to_int64', 'int(int) -> int', same],
  ['uint64_to_int64', 'int(uint) -> int', unary(isUint, ({ value }) => (fitsInt(value) ? value : intOverflow))],
  ['double_to_int64', 'int(double) -> int', unary(isDouble, intOfDouble)],
  ['string_to_int64', 'int(string) -> int', unary(isText, parseInteger)],
  ['timestamp_to_int64', `int(${timestamp}) -> int`, unary(isTimestamp, t => BigInt(splitSeconds(t.nanos).seconds))],
  // Nanoseconds, as cel-go has it.
  ['duration_to_int64', `int(${duration}) -> int`, unary(isDuration, ({ nanos }) => nanos)],
  ['uint64_to_uint64', 'uint(uint) -> uint', same],
  ['int64_to_uint64', 'uint(int) -> uint', unary(isInt, value => (value < 0n ? uintOverflow : new Uint(value)))],
  ['double_to_uint64', 'uint(double) -> uint', unary(isDouble, uintOfDouble)],
  ['string_to_uint64', 'uint(string) -> uint', unary(isText, parseUnsigned)],
  ['double_to_double', 'double(double) -> double', same],
  ['int64_to_double', 'double(int) -> double', unary(isInt, Number)],
  ['uint64_to_double', 'double(uint) -> double', unary(isUint, ({ value }) => Number(value))],
  ['string_to_double', 'double(string) -> double', unary(isText, parseDouble)],
  ['bool_to_bool', 'bool(bool) -> bool', same],
  ['string_to_bool', 'bool(string) -> bool', unary(isText, text => bools.get(text) ?? notBool)],
  ['bytes_to_bytes', 'bytes(bytes) -> bytes', same],
  ['string_to_bytes', 'bytes(string) -> bytes', unary(isText, encode)],
  ['string_to_string', 'string(string) -> string', same],
  ['bool_to_string', 'string(bool) -> string', unary(isBool, String)],
  ['int64_to_string', 'string(int) -> string', unary(isInt, String)],
  ['uint64_to_string', 'string(uint) -> string', unary(isUint, ({ value }) => String(value))],
  ['double_to_string', 'string(double) -> string', unary(isDouble, formatDouble)],
  ['bytes_to_string', 'string(bytes) -> string', unary(isBytes, decode)],
  ['timestamp_to_string', `string(${timestamp}) -> string`, unary(isTimestamp, formatTimestamp)],
  ['duration_to_string', `string(${duration}) -> string`, unary(isDuration, formatDuration)],
  ['timestamp_to_timestamp', `timestamp(${timestamp}) -> ${timestamp}`, same],
  ['string_to_timestamp', `timestamp(string) -> ${timestamp}`, unary(isText, parseTimestamp)],
  ['int64_to_timestamp', `timestamp(int) -> ${timestamp}`, unary(isInt, value => timestampOf(value * 1_000_000_000n))],
  ['duration_to_duration', `duration(${duration}) -> ${duration}`, same],
  ['string_to_duration', `duration(string) -> ${duration}`, unary(isText, parseDuration)],
  ['type', 'type(<A>) -> type(<A>)', unary(isAny, (value: Value) => new TypeValue(typeOf(value)))],
  ['to_dyn', 'dyn(<A>) -> dyn', same],
]

/** Conversions between types (cel-spec langdef.md "List of Standard Definitions"); what does not fit is an error. */
export const standardConversions: readonly FunctionOverload[] = rows.map(([id, signature, call]) => ({
  id,
  signature,
  call,
}))
