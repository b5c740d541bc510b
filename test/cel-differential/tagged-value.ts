import { Cidr } from '../../src/cel/library/cidr.js'
import { IpAddress } from '../../src/cel/library/ip-address.js'
import { parseTimestamp } from '../../src/cel/values/timestamp.js'
import {
  Duration,
  Failure,
  type MapKey,
  Opaque,
  OptionalValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from '../../src/cel/values/value.js'
import type { Tagged } from './random-inputs.js'

/** A value as test/cel-go writes it, to be compared as JSON; doubles as JavaScript prints them, times in nanoseconds. */
export function tagged(value: Value): unknown {
  if (value === null) return { null: true }
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number') return { double: String(value) }
  if (typeof value !== 'object') return value
  if (value instanceof Uint) return { uint: String(value.value) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Timestamp) return { timestamp: String(value.nanos) }
  if (value instanceof Duration) return { duration: String(value.nanos) }
  if (value instanceof OptionalValue) return { optional: value.value === undefined ? [] : [tagged(value.value)] }
  if (value instanceof TypeValue) return { type: value.name }
  if (value instanceof IpAddress || value instanceof Cidr) return { opaque: value.type, text: String(value) }
  if (value instanceof Opaque) return { opaque: value.type }
  if (value instanceof Map) return { map: inOrder(Array.from(value, ([key, item]) => [tagged(key), tagged(item)])) }
  return Array.isArray(value) ? value.map(tagged) : value
}

const isList = (written: Tagged): written is readonly Tagged[] => Array.isArray(written)

/** What cel-go wrote, in the same words. */
export function normal(written: Tagged): unknown {
  if (typeof written !== 'object') return written
  if (isList(written)) return written.map(normal)
  if ('double' in written) return { double: String(Number(written.double)) }
  if ('timestamp' in written) return tagged(readTagged(written))
  if ('optional' in written) return { optional: written.optional.map(normal) }
  // Keys that are integers are one key space with us, whatever their type.
  if ('map' in written) return { map: inOrder(written.map.map(([key, item]) => [asKey(normal(key)), normal(item)])) }
  return written
}

function asKey(key: unknown): unknown {
  return typeof key === 'object' && key !== null && 'uint' in key ? { int: key.uint } : key
}

function inOrder(entries: readonly (readonly unknown[])[]): unknown {
  return [...entries].sort(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** The value that was written. Throws for what no input holds. */
export function readTagged(written: Tagged): Value {
  if (typeof written !== 'object') return written
  if (isList(written)) return written.map(readTagged)
  if ('null' in written) return null
  if ('int' in written) return BigInt(written.int)
  if ('uint' in written) return new Uint(BigInt(written.uint))
  if ('double' in written) return Number(written.double)
  if ('bytes' in written) return new Uint8Array(Buffer.from(written.bytes, 'base64'))
  if ('optional' in written) return new OptionalValue(written.optional.map(readTagged)[0])
  if ('map' in written) return new Map(written.map.map(([key, item]) => [keyOf(key), readTagged(item)] as const))
  if ('timestamp' in written) {
    const time = parseTimestamp(written.timestamp)
    if (!(time instanceof Failure)) return time
  }
  if ('duration' in written) return new Duration(BigInt(Math.round(Number.parseFloat(written.duration) * 1e6)) * 1000n)
  throw new Error(`not a value: ${JSON.stringify(written)}`)
}

function keyOf(written: Tagged): MapKey {
  const key = readTagged(written)
  if (key instanceof Uint) return key.value
  if (typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean') return key
  throw new Error(`not a key: ${JSON.stringify(written)}`)
}
