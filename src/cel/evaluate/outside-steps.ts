import { Failure, type Value } from '../values/value.js'
import type { Code, Frame, Step } from './frame.js'
import { type LazyStep, lazyFormOf } from './lazy-form.js'
import { Outside } from './outside.js'
import { converted } from './read-attribute.js'

/** `size()` of a list or a map from outside; `general` is for all else. */
export function sizeStep(general: Step): LazyStep {
  return (given, frame) => {
    if (!(given instanceof Outside)) return general(given, frame)
    const { json } = given
    if (Array.isArray(json) || json instanceof Map) {
      frame.left--
      return BigInt(Array.isArray(json) ? json.length : json.size)
    }
    const value = converted(given)
    return value instanceof Failure ? value : general(value, frame)
  }
}

/** `key in map` where the map comes from outside; `general` has the operator for all else. */
export function inOutside(
  right: Code,
  general: (a: Value, b: Value, frame: Frame) => ReturnType<Step>,
): Step | undefined {
  const read = lazyFormOf(right)
  if (read === undefined) return undefined
  return (value, frame) => {
    const given = read(frame)
    if (given instanceof Outside && given.json instanceof Map) {
      frame.left--
      return typeof value === 'string' && given.json.has(value)
    }
    const list = given instanceof Outside ? converted(given) : given
    return list instanceof Failure ? list : general(value, list, frame)
  }
}
