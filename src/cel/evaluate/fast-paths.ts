import type { Value } from '../values/value.js'
import { constantSet } from './constant-set.js'
import type { Step } from './frame.js'

/** Up to here, texts of one length are compared for nothing more than what each ten characters cost. */
const shortText = 63

/**
 * A comparison with a constant, for the types that are compared most; `general` is for all others. undefined where there
 * is no quicker way.
 */
export function compareWithConstant(name: string, constant: Value, general: Step): Step | undefined {
  if (typeof constant === 'string' && constant.length <= shortText) return compareText(name, constant, general)
  return typeof constant === 'bigint' ? compareInt(name, constant, general) : undefined
}

function compareText(name: string, constant: string, general: Step): Step | undefined {
  if (name !== '_==_' && name !== '_!=_') return undefined
  const same = name === '_==_'
  const { length } = constant
  return (value, frame) => {
    if (typeof value !== 'string') return general(value, frame)
    frame.left -= length <= 10 || value.length <= 10 ? 1 : Math.ceil(Math.min(length, value.length) / 10)
    return (value === constant) === same
  }
}

function compareInt(name: string, constant: bigint, general: Step): Step | undefined {
  const step =
    (decide: (value: bigint) => boolean): Step =>
    (value, frame) => {
      if (typeof value !== 'bigint') return general(value, frame)
      frame.left--
      return decide(value)
    }
  switch (name) {
    case '_==_':
      return step(value => value === constant)
    case '_!=_':
      return step(value => value !== constant)
    case '_<_':
      return step(value => value < constant)
    case '_<=_':
      return step(value => value <= constant)
    case '_>_':
      return step(value => value > constant)
    case '_>=_':
      return step(value => value >= constant)
    default:
      return undefined
  }
}

/** `x in [1, 2, 3]`: one look, as in Kubernetes, whatever the length of the list. */
export function inConstant(list: readonly Value[]): Step {
  const includes = constantSet(list)
  return (value, frame) => {
    frame.left--
    return includes(value, frame)
  }
}
