import { type MapKey, Uint, type Value } from './value.js'

/**
 * A value as the key to look up, or undefined where no map can have it. Integers are one key space: `{1: x}[1u]` and
 * `{1: x}[1.0]` find x (cel-spec langdef.md "Equality").
 */
export function lookupKey(value: Value): MapKey | undefined {
  switch (typeof value) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return value
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : undefined
    default:
      return value instanceof Uint ? value.value : undefined
  }
}

/** A value as a key of a map that is being made: bool, int, uint or string; doubles are refused. */
export function mapKey(value: Value): MapKey | undefined {
  return typeof value === 'number' ? undefined : lookupKey(value)
}
