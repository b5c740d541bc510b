import type { SelectExpr } from '../syntax/ast.js'
import { type CelMap, Failure, type Value } from '../values/value.js'
import { constantSet } from './constant-set.js'
import type { Code, Step } from './frame.js'
import type { Binary } from './operators.js'
import { hasStep, optionalSelectStep, selectStep } from './select.js'

/** `a.b.c` as one code. */
export function selectFields(head: Code, nodes: readonly SelectExpr[]): Code {
  const fields = nodes.map(node => ({ name: node.field, step: selectOf(node) }))
  return frame => {
    let value = head(frame)
    for (const { name, step } of fields) {
      if (value instanceof Map) {
        const map: CelMap = value
        const found = map.get(name)
        if (found !== undefined) {
          frame.left--
          value = found
          continue
        }
      }
      if (value instanceof Failure) return value
      value = step(value, frame)
    }
    return value
  }
}

export function selectOf({ field, at, test, optional }: SelectExpr): Step {
  if (test) return hasStep(field, at)
  return optional ? optionalSelectStep(field, at) : selectStep(field, at)
}

/** Comparing with a short constant, for what it is compared with most; undefined for all else. */
export function quickStep(name: string, constant: Value): ((value: Value) => boolean | undefined) | undefined {
  if (typeof constant === 'string' && constant.length <= 10) {
    if (name === '_==_') return value => (typeof value === 'string' ? value === constant : undefined)
    if (name === '_!=_') return value => (typeof value === 'string' ? value !== constant : undefined)
  }
  if (typeof constant !== 'bigint') return undefined
  switch (name) {
    case '_==_':
      return value => (typeof value === 'bigint' ? value === constant : undefined)
    case '_!=_':
      return value => (typeof value === 'bigint' ? value !== constant : undefined)
    case '_<_':
      return value => (typeof value === 'bigint' ? value < constant : undefined)
    case '_<=_':
      return value => (typeof value === 'bigint' ? value <= constant : undefined)
    case '_>_':
      return value => (typeof value === 'bigint' ? value > constant : undefined)
    case '_>=_':
      return value => (typeof value === 'bigint' ? value >= constant : undefined)
    default:
      return undefined
  }
}

/** `x in [1, 2, 3]`: one look, as in Kubernetes, whatever the length of the list. */
export function inConstant(list: readonly Value[]): Binary {
  const includes = constantSet(list)
  return (value, _, context) => {
    context.charge(1)
    return includes(value, context)
  }
}
