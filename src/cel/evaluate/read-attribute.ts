import type { JsonInput } from '../values/from-json.js'
import { JsonView } from '../values/json-view.js'
import { type CelMap, Failure, type Result } from '../values/value.js'
import { Fields } from './fields.js'
import type { Frame, Step } from './frame.js'
import { lazily, Outside, settle } from './outside.js'

/** A step into a map or a list by a constant: `.b`, `["b"]`, `[0]`, `has(a.b)`. */
export interface Part {
  readonly key: string | number
  /** Whether only its presence is asked for. */
  readonly test: boolean
  /** The step for any value. Where it finds something it takes one unit. */
  readonly step: Step
}

/** What is done with a list or map from outside that was asked for as a whole. */
export type Whole<T> = (outside: Outside) => T

/** It is converted: for whoever works on values. What cannot be is absent, and reading it is an error. */
export const converted: Whole<Result> = ({ json }) => valueFrom(json)

/** The value of a part of what comes from outside. */
export function valueFrom(json: JsonInput): Result {
  const value = settle(json)
  return value instanceof Failure ? unfit : value
}

/** It is left as it is: for whoever looks into it himself. */
export const asItIs: Whole<Outside> = outside => outside

const unfit = new Failure('no such attribute: it is nested too deeply, or has an invalid date')

/** A variable and the parts of it that are named: no more than that is converted of what comes from outside. */
export function readVariable<T>(
  name: string,
  slot: number,
  parts: readonly Part[],
  whole: Whole<T>,
): (frame: Frame) => Result | T {
  const absent = new Failure(`no such attribute: ${name} has no value`)
  return frame => {
    frame.left--
    let given = frame.variables[slot]
    if (given === undefined) {
      given = frame.activation(name)
      if (given === undefined) given = absent
      frame.variables[slot] = given
    }
    if (given instanceof Outside) return readOutside(given, parts, whole, frame)
    return given instanceof Fields ? readFields(given, parts, frame) : readParts(given, parts, 0, frame)
  }
}

/** A field that failed is no absent one, whatever is asked. */
function readFields(given: Fields, parts: readonly Part[], frame: Frame): Result {
  const [first] = parts
  if (first === undefined) return given.whole()
  const value = given.field(first.key)
  if (value === undefined) return readParts(nothing, parts, 0, frame)
  if (value instanceof Failure) return value
  frame.left--
  return first.test ? true : readParts(value, parts, 1, frame)
}

const unset = new Failure('a local variable has no value')

/** The same for what a macro declares. */
export function readLocal<T>(slot: number, parts: readonly Part[], whole: Whole<T>): (frame: Frame) => Result | T {
  const none = parts.length === 0
  return frame => {
    frame.left--
    const given = frame.locals[slot]
    if (given === undefined) return unset
    if (given instanceof Outside) return none ? whole(given) : readOutside(given, parts, whole, frame)
    return none ? given : readParts(given, parts, 0, frame)
  }
}

/** Parts of a value, one in another. */
export function readParts(start: Result, parts: readonly Part[], from: number, frame: Frame): Result {
  let value = start
  for (let i = from; i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined || value instanceof Failure) return value
    value = part.step(value, frame)
  }
  return value
}

const nothing: CelMap = new Map()

function readOutside<T>(start: Outside, parts: readonly Part[], whole: Whole<T>, frame: Frame): Result | T {
  let json: JsonInput = start.json
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined) break
    const found = entryOf(json, part.key)
    if (found === undefined) {
      // An empty map has it no more than this object, and need not be converted.
      const value = json instanceof Map || json instanceof JsonView ? nothing : settle(json)
      return value instanceof Failure ? unfit : readParts(value, parts, i, frame)
    }
    frame.left--
    if (part.test) return true
    json = found
  }
  const given = json === start.json ? start : lazily(json)
  return given instanceof Outside ? whole(given) : given
}

function entryOf(json: JsonInput, key: string | number): JsonInput | undefined {
  if (json instanceof Map) {
    const map: ReadonlyMap<string | number, JsonInput> = json
    return map.get(key)
  }
  if (json instanceof JsonView) return typeof key === 'string' ? json.get(key) : undefined
  return typeof key === 'number' && Array.isArray(json) ? json[key] : undefined
}
