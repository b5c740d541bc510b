import type { Literal } from '../syntax/ast.js'
import { mapKey } from '../values/map-key.js'
import { Message } from '../values/message.js'
import { Failure, type MapKey, OptionalValue, type Result, Uint, type Value } from '../values/value.js'
import { type Code, type Frame, merge, PlacedFailure, place, spent } from './frame.js'

/** What making one costs, before its elements (cel-go, common/cost.go). */
const cost = { list: 10, map: 30, message: 40 } as const

export interface Item {
  readonly code: Code
  readonly optional: boolean
}

const notOptional = new Failure('no such overload: what follows ? in a literal must be an optional')

/** undefined for an optional without a value. */
function itemValue({ code, optional }: Item, frame: Frame): Result | undefined {
  const value = code(frame)
  if (!optional || value instanceof Failure) return value
  return value instanceof OptionalValue ? value.value : notOptional
}

/** Of several errors the first counts, so that the answer is the same with and without unknowns. */
function firstOf(failure: Failure | undefined, next: Failure): Failure {
  return failure === undefined ? next : merge(failure, next)
}

export function listLiteral(items: readonly Item[], at: number): Code {
  return frame => {
    if (!frame.charge(cost.list)) return spent
    const list: Value[] = []
    let failure: Failure | undefined
    for (const item of items) {
      const value = itemValue(item, frame)
      if (value instanceof Failure) {
        failure = firstOf(failure, place(value, at))
        if (frame.unknowns === undefined) return failure
      } else if (value !== undefined) list.push(value)
    }
    return failure ?? list
  }
}

/** Keys are bool, int, uint or string, and stand in a map once (cel-spec langdef.md "Aggregate Values"). */
export function mapLiteral(entries: readonly { readonly key: Code; readonly value: Item }[], at: number): Code {
  const badKey = new PlacedFailure('unsupported key type: keys are string, int, uint or bool', at)
  const twice = new PlacedFailure('a key stands in the map twice', at)
  return frame => {
    if (!frame.charge(cost.map)) return spent
    const map = new Map<MapKey, Value>()
    let failure: Failure | undefined
    for (const { key: keyCode, value: item } of entries) {
      const keyValue = keyCode(frame)
      const value = itemValue(item, frame)
      const key = keyValue instanceof Failure ? keyValue : (mapKey(keyValue) ?? badKey)
      if (key instanceof Failure) failure = firstOf(failure, key)
      else if (map.has(key)) failure = firstOf(failure, twice)
      else if (value !== undefined && !(value instanceof Failure)) map.set(key, value)
      if (value instanceof Failure) failure = firstOf(failure, place(value, at))
      if (failure !== undefined && frame.unknowns === undefined) return failure
    }
    return failure ?? map
  }
}

export function messageLiteral(
  type: string,
  fields: readonly { readonly name: string; readonly value: Item; readonly at: number }[],
): Code {
  return frame => {
    if (!frame.charge(cost.message)) return spent
    const values = new Map<string, Value>()
    let failure: Failure | undefined
    for (const { name, value: item, at } of fields) {
      const value = itemValue(item, frame)
      if (value instanceof Failure) {
        failure = firstOf(failure, place(value, at))
        if (frame.unknowns === undefined) return failure
      } else if (value !== undefined) values.set(name, value)
    }
    return failure ?? new Message(type, values)
  }
}

export function literalValue(literal: Literal): Value {
  switch (literal.type) {
    case 'null':
      return null
    case 'uint':
      return new Uint(literal.value)
    default:
      return literal.value
  }
}
