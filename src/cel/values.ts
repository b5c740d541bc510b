import type { StaticType } from './functions.js'

/** A value that JavaScript has no primitive for; `raw` is the evaluator's own representation. */
export class Foreign {
  readonly type: 'uint' | 'bytes' | 'duration' | 'timestamp' | 'type'
  readonly raw: unknown

  constructor(type: Foreign['type'], raw: unknown) {
    this.type = type
    this.raw = raw
  }
}

export type MapKey = string | bigint | boolean

/** Values while an expression runs: what came in, as it came in. Timestamps finer than a millisecond are Foreign. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Date
  | Foreign
  | readonly Value[]
  | ReadonlyMap<MapKey, Value>

/** An error as a value. Its message names fields, functions, types and positions, never data. */
export class Failure {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

export type Result = Value | Failure

/** Thrown when the budget is spent: unlike an ordinary error, nothing can absorb it. */
export class BudgetSpent extends Error {}

export interface Budget {
  left: number
}

export function spend(budget: Budget, units: number): void {
  budget.left -= units
  if (budget.left < 0) throw new BudgetSpent()
}

export function isList(value: Result): value is readonly Value[] {
  return Array.isArray(value)
}

export function isMap(value: Result): value is ReadonlyMap<MapKey, Value> {
  return value instanceof Map
}

export function typeOf(value: Value): StaticType {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    default:
      if (value === null) return 'null'
      if (isList(value)) return 'list'
      if (value instanceof Date) return 'timestamp'
      return value instanceof Foreign ? value.type : 'map'
  }
}

/**
 * A value as the key of a map, or undefined where it cannot be one. Integers are one key space, whatever their type:
 * `{1: x}[1u]` and `{1: x}[1.0]` find x.
 */
export function mapKey(value: Value): MapKey | undefined {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return value
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : undefined
    default:
      return value instanceof Foreign && value.type === 'uint' && typeof value.raw === 'bigint' ? value.raw : undefined
  }
}

/** A number for comparisons. */
export function numberOf(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return value instanceof Foreign && value.type === 'uint' && typeof value.raw === 'bigint' ? value.raw : undefined
}

/** CEL equality: numbers by value across types, lists and maps deeply, different types unequal. Costs a unit per element. */
export function equal(a: Value, b: Value, budget: Budget): boolean {
  if (typeof a === 'string' && a.length > 1024 && typeof b === 'string' && a.length === b.length) {
    spend(budget, a.length >> 8)
  }
  if (a === b) return true
  if (typeof a !== 'object' && typeof a === typeof b) return false
  const left = numberOf(a)
  if (left !== undefined) {
    const right = numberOf(b)
    return right !== undefined && (typeof left === typeof right ? left === right : Number(left) === Number(right))
  }
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (isList(a)) {
    if (!isList(b) || a.length !== b.length) return false
    spend(budget, a.length)
    return a.every((item, i) => equal(item, b[i] ?? null, budget))
  }
  if (isMap(a)) {
    if (!isMap(b) || a.size !== b.size) return false
    spend(budget, a.size)
    for (const [key, value] of a) {
      const other = b.get(key)
      if (other === undefined || !equal(value, other, budget)) return false
    }
    return true
  }
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (!(a instanceof Foreign && b instanceof Foreign) || a.type !== b.type) return false
  return sameRaw(a, b)
}

function sameRaw(a: Foreign, b: Foreign): boolean {
  if (a.raw instanceof Uint8Array && b.raw instanceof Uint8Array) return Buffer.compare(a.raw, b.raw) === 0
  return a.raw === b.raw
}
