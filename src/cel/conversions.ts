import type { Builtin } from './builtin.js'
import { checkedInstant, nanosOf } from './operators.js'
import { floorSeconds } from './time-functions.js'
import { Failure, Foreign, typeOf } from './values.js'

const notNumber = new Failure('not a number')
const overflow = new Failure('integer overflow')

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

const type: Builtin = ([value]) => {
  if (value === undefined) return undefined
  const name = typeOf(value)
  const names = { null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' }
  return new Foreign('type', name === 'null' || name === 'timestamp' || name === 'duration' ? names[name] : name)
}

/** Conversions between types; what is not here (formatting doubles, times and durations, parsing times) the library does. */
export const conversions: readonly (readonly [string, Builtin])[] = [
  ['int', toInt],
  ['uint', toUint],
  ['double', toDouble],
  ['string', toText],
  ['timestamp', toTimestamp],
  ['duration', ([value]) => (value instanceof Foreign && value.type === 'duration' ? value : undefined)],
  ['type', type],
  ['dyn', ([value]) => value],
]
