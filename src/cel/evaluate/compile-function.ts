import type { CallExpr, Expr } from '../syntax/ast.js'
import { variadicFunctions } from '../types/check-calls.js'
import { Failure, type Value } from '../values/value.js'
import { folded, valuesOf } from './chain.js'
import { compilePatternTest } from './compile-pattern.js'
import type { CompileSession } from './compile-session.js'
import { noSuchOverload } from './dispatch.js'
import type { Code } from './frame.js'
import { lazyCall, lazyFormOf } from './lazy-form.js'
import { literalFunctions } from './literal-functions.js'
import { conditional, logical } from './logic.js'
import { sizeStep } from './outside-steps.js'
import { prepareConstants } from './prepare-constants.js'
import type { Scope } from './scope.js'

/** A call without a target, or whose target is a namespace; also `&&`, `||` and `?:`, which need not look at all operands. */
export function compileFunction(session: CompileSession, node: CallExpr, scope: Scope | undefined): Code {
  const { name, at, args } = node
  if (node.target === undefined && name === '_?_:_') return compileConditional(session, node, scope)
  const operands = args.map(arg => session.compile(arg, scope))
  if (node.target === undefined && (name === '_&&_' || name === '_||_')) return logical(operands, name === '_||_', at)
  return (
    (name === 'matches' ? compileMatches(session, node, operands) : undefined) ?? call(session, node, operands, scope)
  )
}

function call(session: CompileSession, node: CallExpr, operands: readonly Code[], scope: Scope | undefined): Code {
  const { name, at } = node
  const names =
    node.target === undefined ? session.names.inContainer(name, false) : [session.names.namespaced(node, scope) ?? name]
  const known = names.find(candidate => session.options.overloads.has(candidate)) ?? name
  prepareConstants(session, known, node, operands)
  const asList = variadicFunctions.has(known) && operands.length > 2
  const dispatched = session.dispatch(node, known, false, asList ? 1 : operands.length)
  const [only] = operands
  if (name === 'size' && only !== undefined && lazyFormOf(only) !== undefined && operands.length === 1) {
    return lazyCall(
      only,
      sizeStep((value, frame) => dispatched([value], frame)),
    )
  }
  const code: Code = frame => {
    const values: Value[] = []
    return valuesOf(operands, frame, values) ?? dispatched(asList ? [values] : values, frame)
  }
  if (operands.length === 0) return code
  return folded(code, operands, failure => {
    if (literalFunctions.has(name)) session.problems.push({ message: failure.message, at })
  })
}

/** `matches(text, '…')` */
function compileMatches(session: CompileSession, node: CallExpr, operands: readonly Code[]): Code | undefined {
  const [text, pattern] = operands
  if (text === undefined || operands.length !== 2) return undefined
  const { name, at, args } = node
  const test = compilePatternTest(session, pattern, args[1]?.at ?? at)
  if (test === undefined) return undefined
  return frame => {
    const value = text(frame)
    if (typeof value === 'string') return test(value, frame)
    return value instanceof Failure ? value : noSuchOverload(name, false, [value, ''], at)
  }
}

/** A chain of conditions goes down its last operands in a loop. */
function compileConditional(session: CompileSession, node: CallExpr, scope: Scope | undefined): Code {
  const branches = []
  let rest: Expr = node
  while (rest.kind === 'call' && rest.target === undefined && rest.name === '_?_:_') {
    const [condition, yes, no]: readonly (Expr | undefined)[] = rest.args
    if (condition === undefined || yes === undefined || no === undefined) break
    branches.push({ condition: session.compile(condition, scope), yes: session.compile(yes, scope), at: rest.at })
    rest = no
  }
  return conditional(branches, session.compile(rest, scope))
}
