import { type CelInput, celUint, isCelList, isCelMap, isCelUint } from '@bufbuild/cel'
import { create, isMessage } from '@bufbuild/protobuf'
import { isReflectMessage } from '@bufbuild/protobuf/reflect'
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import { isMap } from '../../src/cel/values/type-of.js'
import { Duration, Timestamp, Uint, type Value } from '../../src/cel/values/value.js'

const billion = 1_000_000_000n

/** A value as `@bufbuild/cel` takes it. Not for what it does not have: optionals, types, values of libraries. */
export function toBufbuild(value: Value): CelInput {
  if (value instanceof Uint) return celUint(value.value)
  if (value instanceof Timestamp) {
    const nanos = ((value.nanos % billion) + billion) % billion
    return create(TimestampSchema, { seconds: (value.nanos - nanos) / billion, nanos: Number(nanos) })
  }
  if (value instanceof Duration) {
    return create(DurationSchema, { seconds: value.nanos / billion, nanos: Number(value.nanos % billion) })
  }
  if (Array.isArray(value)) return value.map(item => toBufbuild(item))
  if (isMap(value)) return new Map(Array.from(value, ([key, item]) => [key, toBufbuild(item)]))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  throw new Error(`not a value of @bufbuild/cel: ${value.constructor.name}`)
}

/** What `@bufbuild/cel` answered, to be compared with `plain`. */
export function fromBufbuild(value: unknown): unknown {
  if (isCelUint(value)) return { uint: value.value }
  if (isCelList(value)) return Array.from(value, fromBufbuild)
  if (isCelMap(value))
    return inOrder(Array.from(value, ([key, item]) => [isCelUint(key) ? key.value : key, fromBufbuild(item)]))
  if (isReflectMessage(value)) return fromBufbuild(value.message)
  if (isMessage(value, TimestampSchema)) return { timestamp: value.seconds * billion + BigInt(value.nanos) }
  if (isMessage(value, DurationSchema)) return { duration: value.seconds * billion + BigInt(value.nanos) }
  if (value instanceof Uint8Array) return [...value]
  return Object.is(value, -0) ? 0 : value
}

/** A value of ours in the same form. */
export function plain(value: Value): unknown {
  if (value instanceof Uint) return { uint: value.value }
  if (value instanceof Timestamp) return { timestamp: value.nanos }
  if (value instanceof Duration) return { duration: value.nanos }
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (isMap(value)) return inOrder(Array.from(value, ([key, item]) => [key, plain(item)]))
  return Object.is(value, -0) ? 0 : value
}

function inOrder(entries: readonly (readonly unknown[])[]): unknown {
  return { map: [...entries].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
}
