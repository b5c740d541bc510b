import { fromJson, type JsonInput } from '../values/from-json.js'
import type { Failure, Value } from '../values/value.js'

/** What needs to be converted: all of JSON but its scalars. */
type Structure = Exclude<JsonInput, null | boolean | string | bigint | number>

/** A list or a map from outside. Only what an expression reads of it is looked at: the rest of a large message is free. */
export class Outside {
  readonly json: Structure

  constructor(json: Structure) {
    this.json = json
  }
}

/** Scalars are values at once. */
export function lazily(json: JsonInput): Value | Outside {
  if (typeof json === 'object' && json !== null) return new Outside(json)
  return typeof json === 'bigint' ? intOf(json) : json
}

/** What JSON calls an integer is a double beyond int64, as in cel-go. */
function intOf(json: bigint): bigint | number {
  return BigInt.asIntN(64, json) === json ? json : Number(json)
}

/** Large parts are looked at once: a list of a message or a set of claims is read by many expressions. */
const settled = new WeakMap<object, Value | Failure>()
/** Looking at so many is quicker than to remember having done so. */
const fewItems = 32

/** The value that something from outside stands for; a Failure for invalid dates and for what is nested too deeply. */
export function settle(json: JsonInput): Value | Failure {
  if (typeof json === 'bigint') return intOf(json)
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json) && json.length <= fewItems && json.every(isPlain)) return json
  const known = settled.get(json)
  if (known !== undefined) return known
  const value = fromJson(json)
  settled.set(json, value)
  return value
}

function isPlain(item: JsonInput): item is string | boolean | null {
  return typeof item === 'string' || typeof item === 'boolean' || item === null
}
