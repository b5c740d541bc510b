import type { FunctionOverload, Implementation } from '../library/library.js'
import { parseSignature } from '../types/parse-signature.js'
import type { Type } from '../types/type.js'
import { isList, typeOf } from '../values/type-of.js'
import {
  Duration,
  Failure,
  Opaque,
  OptionalValue,
  type Result,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from '../values/value.js'
import { type Frame, place, spent } from './frame.js'

type Guard = (value: Value) => boolean

interface Candidate {
  readonly id: string
  readonly member: boolean
  readonly guards: readonly Guard[]
  /** Whether all that it takes are texts. */
  readonly texts: boolean
  readonly call: Implementation
}

/** Calls a function with values; the failure has its place. */
export type Call = (values: readonly Value[], frame: Frame) => Result

const prepared = new WeakMap<FunctionOverload, Candidate>()

function prepare(overload: FunctionOverload): Candidate {
  const known = prepared.get(overload)
  if (known !== undefined) return known
  const { member, params } = parseSignature(overload.id, overload.signature)
  const texts = params.every(({ kind }) => kind === 'string')
  const candidate = { id: overload.id, member, guards: params.map(guardOf), texts, call: overload.call }
  prepared.set(overload, candidate)
  return candidate
}

export function isFunction(overloads: readonly FunctionOverload[]): boolean {
  return overloads.some(overload => !prepare(overload).member)
}

/**
 * Chooses among the overloads of a function by the types of the values, as cel-go does at run time: of a list or a map
 * the first element decides. `ids`, if the checker knows them, narrow the choice.
 */
export function dispatcher(
  name: string,
  overloads: readonly FunctionOverload[],
  method: boolean,
  arity: number,
  at: number,
  ids: readonly string[] | undefined,
): Call {
  const fitting = fittingOf(overloads, method, arity, ids)
  return (values, frame) => {
    if (!frame.charge(1)) return spent
    const chosen = choose(fitting, values)
    if (chosen === undefined) return noSuchOverload(name, method, values, at)
    const result = chosen.call(values, frame)
    if (frame.left < 0) return spent
    return result instanceof Failure ? place(result, at, `${name}()`) : result
  }
}

function fittingOf(
  overloads: readonly FunctionOverload[],
  method: boolean,
  arity: number,
  ids: readonly string[] | undefined,
): readonly Candidate[] {
  return overloads
    .map(prepare)
    .filter(({ member, guards }) => member === method && guards.length === arity)
    .filter(({ id }) => ids === undefined || ids.includes(id))
}

function choose(candidates: readonly Candidate[], values: readonly Value[]): Candidate | undefined {
  for (const candidate of candidates) if (accepts(candidate, values)) return candidate
  return undefined
}

function accepts(candidate: Candidate, values: readonly Value[]): boolean {
  const { guards } = candidate
  for (let i = 0; i < guards.length; i++) {
    const value = values[i]
    const guard = guards[i]
    if (value === undefined || guard === undefined || !guard(value)) return false
  }
  return true
}

/** The same for two operands, which need no list where the only overload that is meant takes two texts. */
export function binaryDispatcher(
  name: string,
  overloads: readonly FunctionOverload[],
  method: boolean,
  at: number,
  ids: readonly string[] | undefined,
): (a: Value, b: Value, frame: Frame) => Result {
  const general = dispatcher(name, overloads, method, 2, at, ids)
  const [only, ...others] = fittingOf(overloads, method, 2, ids)
  const two = only?.texts && others.length === 0 ? only.call.two : undefined
  if (two === undefined) return (a, b, frame) => general([a, b], frame)
  return (a, b, frame) => {
    if (typeof a !== 'string' || typeof b !== 'string') return general([a, b], frame)
    if (!frame.charge(1)) return spent
    const result = two(a, b, frame)
    if (frame.left < 0) return spent
    return result instanceof Failure ? place(result, at, `${name}()`) : result
  }
}

/** Slow, because failures are rare: says which types there are no overload for. */
export function noSuchOverload(name: string, method: boolean, values: readonly Value[], at: number): Failure {
  const types = values.map(typeOf)
  const [first, ...rest] = types
  const call = method ? `${first}.${name}(${rest.join(', ')})` : `${name}(${types.join(', ')})`
  return place(new Failure(`no such overload: ${call}`), at)
}

function guardOf(type: Type): Guard {
  switch (type.kind) {
    case 'bool':
      return value => typeof value === 'boolean'
    case 'int':
      return value => typeof value === 'bigint'
    case 'uint':
      return value => value instanceof Uint
    case 'double':
      return value => typeof value === 'number'
    case 'string':
      return value => typeof value === 'string'
    case 'bytes':
      return value => value instanceof Uint8Array
    case 'null':
      return value => value === null
    case 'timestamp':
      return value => value instanceof Timestamp
    case 'duration':
      return value => value instanceof Duration
    case 'type':
      return value => value instanceof TypeValue
    case 'opaque':
    case 'message':
      return value => value instanceof Opaque && value.type === type.name
    case 'wrapper': {
      const guard = guardOf({ kind: type.of })
      return value => value === null || guard(value)
    }
    case 'list': {
      const guard = guardOf(type.element)
      return value => isList(value) && (value[0] === undefined || guard(value[0]))
    }
    case 'map':
      return mapGuard(type.key, type.value)
    case 'optional': {
      const guard = guardOf(type.value)
      return value => value instanceof OptionalValue && (value.value === undefined || guard(value.value))
    }
    case 'dyn':
    case 'param':
    case 'error':
      return () => true
  }
}

/** Keys that are integers are int in a map, whatever they were. */
function mapGuard(key: Type, value: Type): Guard {
  const keyGuard = guardOf(key.kind === 'uint' ? { kind: 'int' } : key)
  const valueGuard = guardOf(value)
  return candidate => {
    if (!(candidate instanceof Map)) return false
    for (const [first, item] of candidate) return keyGuard(first) && valueGuard(item)
    return true
  }
}
