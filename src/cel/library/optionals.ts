import { Message } from '../values/message.js'
import { firstNanos } from '../values/timestamp.js'
import { Duration, Failure, OptionalValue, type Result, Timestamp, Uint, type Value } from '../values/value.js'
import { binary, isAny, isBytes, isList, isMap, isOptional, noSuchOverload, outOfBudget, unary } from './implement.js'
import type { CallContext, Library } from './library.js'

const none = new OptionalValue(undefined)
const noValue = new Failure('optional.none() dereference')

/** False, 0, an empty text, list or map, null, the first instant of year 1: what proto3 leaves out of a message. */
function isZero(value: Value): boolean {
  switch (typeof value) {
    case 'boolean':
      return !value
    case 'bigint':
      return value === 0n
    case 'number':
      return value === 0
    case 'string':
      return value === ''
  }
  if (value === null) return true
  if (value instanceof Uint) return value.value === 0n
  if (value instanceof Duration) return value.nanos === 0n
  if (value instanceof Timestamp) return value.nanos === firstNanos
  if (isList(value) || isBytes(value)) return value.length === 0
  if (value instanceof Message) return value.fields.size === 0
  return isMap(value) && value.size === 0
}

function unwrap(list: readonly Value[], context: CallContext): Result {
  if (!context.charge(list.length)) return outOfBudget
  const values: Value[] = []
  for (const item of list) {
    if (!isOptional(item)) return noSuchOverload
    if (item.value !== undefined) values.push(item.value)
  }
  return values
}

/**
 * Optional values (cel-go, version 2 of the library; CEL spec proposal 246). `or` and `orValue` are here for when both sides
 * are known; an evaluator need not look at the second side when the first has a value.
 */
export const optionals: Library = {
  name: 'optionals',
  functions: [
    {
      id: 'optional_of',
      signature: 'optional.of(<V>) -> optional_type(<V>)',
      call: unary(isAny, value => new OptionalValue(value)),
    },
    { id: 'optional_none', signature: 'optional.none() -> optional_type(<V>)', call: () => none },
    {
      id: 'optional_ofNonZeroValue',
      signature: 'optional.ofNonZeroValue(<V>) -> optional_type(<V>)',
      call: unary(isAny, value => (isZero(value) ? none : new OptionalValue(value))),
    },
    {
      id: 'optional_value',
      signature: 'optional_type(<V>).value() -> <V>',
      call: unary(isOptional, ({ value }) => (value === undefined ? noValue : value)),
    },
    {
      id: 'optional_hasValue',
      signature: 'optional_type(<V>).hasValue() -> bool',
      call: unary(isOptional, ({ value }) => value !== undefined),
    },
    {
      id: 'optional_or_optional',
      signature: 'optional_type(<V>).or(optional_type(<V>)) -> optional_type(<V>)',
      call: binary(isOptional, isOptional, (first, second) => (first.value === undefined ? second : first)),
    },
    {
      id: 'optional_orValue_value',
      signature: 'optional_type(<V>).orValue(<V>) -> <V>',
      call: binary(isOptional, isAny, ({ value }, other) => (value === undefined ? other : value)),
    },
    {
      id: 'list_first',
      signature: 'list(<V>).first() -> optional_type(<V>)',
      call: unary(isList, list => (list.length === 0 ? none : new OptionalValue(list[0]))),
    },
    {
      id: 'list_last',
      signature: 'list(<V>).last() -> optional_type(<V>)',
      call: unary(isList, list => (list.length === 0 ? none : new OptionalValue(list.at(-1)))),
    },
    {
      id: 'optional_unwrap',
      signature: 'optional.unwrap(list(optional_type(<V>))) -> list(<V>)',
      call: unary(isList, unwrap),
    },
    {
      id: 'optional_unwrapOpt',
      signature: 'list(optional_type(<V>)).unwrapOpt() -> list(<V>)',
      call: unary(isList, unwrap),
    },
  ],
}
