import type { CallExpr } from '../syntax/ast.js'
import { Failure, OptionalValue } from '../values/value.js'
import { type Link, valuesOf } from './chain.js'
import { compileBinary } from './compile-binary.js'
import { compilePatternTest } from './compile-pattern.js'
import type { CompileSession } from './compile-session.js'
import { constantOf } from './compiled.js'
import { binaryDispatcher, noSuchOverload } from './dispatch.js'
import { type Code, place, type Step } from './frame.js'
import { type Unary, unaryOperators } from './operators.js'
import { sizeStep } from './outside-steps.js'
import { prepareConstants } from './prepare-constants.js'
import type { Scope } from './scope.js'

/** A method, or an operator; its first operand is the value before it. */
export function compileCall(session: CompileSession, node: CallExpr, scope: Scope | undefined): Link {
  const { name } = node
  const args = node.target === undefined ? node.args.slice(1) : node.args
  const operands = args.map(arg => session.compile(arg, scope))
  const [only] = operands
  if (node.target === undefined) {
    const unary = unaryOperators.get(name)
    if (unary !== undefined) return { step: unaryStep(node, unary), operands, pure: true }
    if (only !== undefined) return { ...compileBinary(session, node, only), operands, pure: true }
  }
  if ((name === 'or' || name === 'orValue') && operands.length === 1) return alternative(session, node, operands)
  prepareConstants(session, name, node, operands)
  const call = session.dispatch(node, name, true, operands.length + 1)
  if (name === 'size' && operands.length === 0 && session.options.overloads.has(name)) {
    const step: Step = (value, frame) => call([value], frame)
    return { step, lazyStep: sizeStep(step), operands, pure: true }
  }
  const test = name === 'matches' ? compilePatternTest(session, only, args[0]?.at ?? node.at) : undefined
  if (test !== undefined) {
    const step: Step = (value, frame) => (typeof value === 'string' ? test(value, frame) : call([value, ''], frame))
    return { step, operands, pure: true }
  }
  if (only !== undefined && operands.length === 1) {
    const overloads = session.options.overloads.get(name) ?? []
    const binary = binaryDispatcher(name, overloads, true, node.at, session.overloadIds(node))
    return { step: methodStep(only, binary), operands, pure: true }
  }
  const step: Step = (value, frame) => {
    const values = [value]
    return valuesOf(operands, frame, values) ?? call(values, frame)
  }
  return { step, operands, pure: true }
}

function unaryStep({ name, at }: CallExpr, unary: Unary): Step {
  return (value, frame) => {
    frame.left--
    const result = unary(value)
    if (result === undefined) return noSuchOverload(name, false, [value], at)
    return result instanceof Failure ? place(result, at) : result
  }
}

/** The most common method: one argument, often a constant. */
function methodStep(argument: Code, call: ReturnType<typeof binaryDispatcher>): Step {
  const constant = constantOf(argument)
  if (constant !== undefined) {
    const { value: second } = constant
    return (value, frame) => call(value, second, frame)
  }
  return (value, frame) => {
    const second = argument(frame)
    return second instanceof Failure ? second : call(value, second, frame)
  }
}

/** `o.or(p)` and `o.orValue(x)`: what stands in brackets is not looked at if there is a value (cel-go, optionals). */
function alternative(session: CompileSession, node: CallExpr, operands: readonly Code[]): Link {
  const { name } = node
  const call = session.dispatch(node, name, true, 2)
  const step: Step = (value, frame) => {
    if (value instanceof OptionalValue && value.value !== undefined) {
      frame.left--
      return name === 'or' ? value : value.value
    }
    const values = [value]
    return valuesOf(operands, frame, values) ?? call(values, frame)
  }
  return { step, operands: [], pure: operands.every(constantOf) }
}
