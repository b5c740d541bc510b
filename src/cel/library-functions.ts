import {
  type CelResult,
  celEnv,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  type CelInput as LibraryInput,
  parse,
  plan,
} from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { create, isMessage } from '@bufbuild/protobuf'
import { isReflectMessage } from '@bufbuild/protobuf/reflect'
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import { type Budget, Failure, Foreign, isList, isMap, type MapKey, type Result, spend, type Value } from './values.js'

/**
 * The functions that we take from @bufbuild/cel: parsing and formatting of times, durations and numbers, and the rarer
 * half of the strings extension. Its error messages quote data, so only their kind goes on.
 */
export type LibraryFunction = (args: readonly Value[], budget: Budget) => Result

const environment = celEnv({ funcs: strings })
const planned = new Map<string, LibraryFunction>()
const failure = new Failure('invalid argument')

/** One call of `name`, as a method of its first argument or as a function; made once per form. */
export function libraryFunction(name: string, method: boolean, count: number): LibraryFunction {
  const names = Array.from({ length: count }, (_, i) => `a${i}`)
  const source = method ? `a0.${name}(${names.slice(1).join(', ')})` : `${name}(${names.join(', ')})`
  const known = planned.get(source)
  if (known !== undefined) return known
  const run = plan(environment, parse(source))
  const call: LibraryFunction = (args, budget) => {
    spend(budget, 100)
    const bindings: Record<string, LibraryInput> = {}
    args.forEach((argument, i) => {
      bindings[`a${i}`] = toLibrary(argument, budget)
    })
    return fromLibrary(run(bindings), budget)
  }
  planned.set(source, call)
  return call
}

function toLibrary(value: Value, budget: Budget): LibraryInput {
  if (value === null || typeof value !== 'object') {
    // A text may be copied, walked, formatted: its length is what it costs.
    if (typeof value === 'string') spend(budget, 4 + (value.length >> 2))
    return value
  }
  if (isList(value)) {
    spend(budget, value.length)
    return value.map(item => toLibrary(item, budget))
  }
  if (isMap(value)) {
    spend(budget, value.size)
    return new Map(Array.from(value, ([key, item]) => [key, toLibrary(item, budget)]))
  }
  if (value instanceof Date) return timestamp(BigInt(value.getTime()) * 1_000_000n)
  if (!(value instanceof Foreign)) return null
  const { raw } = value
  if (raw instanceof Uint8Array) return raw
  if (typeof raw !== 'bigint') return String(raw)
  switch (value.type) {
    case 'duration':
      return create(DurationSchema, { seconds: raw / nano, nanos: Number(raw % nano) })
    case 'timestamp':
      return timestamp(raw)
    default:
      return celUint(raw)
  }
}

const nano = 1_000_000_000n

function timestamp(nanos: bigint): LibraryInput {
  const rest = ((nanos % nano) + nano) % nano
  return create(TimestampSchema, { seconds: (nanos - rest) / nano, nanos: Number(rest) })
}

function fromLibrary(result: CelResult, budget: Budget): Result {
  if (result === null || typeof result !== 'object') {
    if (typeof result === 'string') spend(budget, result.length >> 2)
    return result
  }
  if (isCelError(result)) return failure
  if (isCelUint(result)) return new Foreign('uint', result.value)
  if (result instanceof Uint8Array) return new Foreign('bytes', result)
  if (isCelList(result)) {
    spend(budget, result.size)
    return collect(Array.from(result, item => fromLibrary(item, budget)))
  }
  if (isCelMap(result)) {
    const map = new Map<MapKey, Value>()
    for (const [key, item] of result) {
      const value = fromLibrary(item, budget)
      if (value instanceof Failure || typeof key === 'object') return failure
      map.set(key, value)
    }
    return map
  }
  if (isReflectMessage(result)) {
    const { message } = result
    if (isMessage(message, TimestampSchema)) return instant(message.seconds * nano + BigInt(message.nanos))
    if (isMessage(message, DurationSchema)) {
      return new Foreign('duration', message.seconds * nano + BigInt(message.nanos))
    }
  }
  return failure
}

function collect(items: readonly Result[]): Result {
  const values: Value[] = []
  for (const item of items) {
    if (item instanceof Failure) return item
    values.push(item)
  }
  return values
}

/** Nanoseconds since the epoch as a timestamp: a Date where milliseconds are enough. */
export function instant(nanos: bigint): Value {
  return nanos % 1_000_000n === 0n ? new Date(Number(nanos / 1_000_000n)) : new Foreign('timestamp', nanos)
}
