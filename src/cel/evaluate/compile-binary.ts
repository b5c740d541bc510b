import type { CallExpr } from '../syntax/ast.js'
import { Failure, type Result, type Value } from '../values/value.js'
import type { Link } from './chain.js'
import type { CompileSession } from './compile-session.js'
import { constantOf } from './compiled.js'
import { dispatcher, noSuchOverload } from './dispatch.js'
import { compareWithConstant, inConstant } from './fast-paths.js'
import { type Code, type Frame, place, type Step } from './frame.js'
import { type Binary, binaryOperators } from './operators.js'
import { indexOutside, inOutside } from './outside-steps.js'
import { indexValue, optionalIndex } from './select.js'

const index: Binary = (value, key) => indexValue(value, key)
const maybeIndex: Binary = (value, key) => optionalIndex(value, key)

/** An operator between the value before it and another; libraries may have overloads for more types. */
export function compileBinary(session: CompileSession, node: CallExpr, right: Code): Pick<Link, 'step' | 'lazyStep'> {
  const { name, at } = node
  const constant = constantOf(right)
  if (name === '@in' && Array.isArray(constant?.value)) return { step: inConstant(constant.value) }
  const isIndex = name === '_[_]' || name === '_[?_]'
  const operator = isIndex ? (name === '_[_]' ? index : maybeIndex) : binaryOperators.get(name)
  // Operators charge what they cost; an index is one step.
  const price = isIndex ? 1 : 0
  const overloads = session.options.overloads.get(name)
  const others = overloads && dispatcher(name, overloads, false, 2, at, session.overloadIds(node))
  const decide = (a: Value, b: Value, frame: Frame): Result => {
    frame.left -= price
    const result = operator?.(a, b, frame)
    if (typeof result === 'boolean') return result
    if (result === undefined) return others?.([a, b], frame) ?? noSuchOverload(name, false, [a, b], at)
    return result instanceof Failure ? place(result, at) : result
  }
  const step: Step = (a, frame) => {
    const b = right(frame)
    return b instanceof Failure ? b : decide(a, b, frame)
  }
  if (isIndex) return { step, lazyStep: indexOutside(right, name === '_[?_]', decide) }
  if (name === '@in') return { step: inOutside(right, decide) ?? step }
  return { step: (constant && compareWithConstant(name, constant.value, step)) ?? step }
}
