import type { BindExpr, ComprehensionExpr, OptionalMapExpr } from '../syntax/ast.js'
import { Failure, OptionalValue } from '../values/value.js'
import type { Link } from './chain.js'
import type { CompileSession } from './compile-session.js'
import { comprehension } from './comprehension.js'
import { noSuchOverload } from './dispatch.js'
import { type Code, type Step, spent } from './frame.js'
import type { LazyStep } from './lazy-form.js'
import { readLocal } from './read-attribute.js'
import type { Scope } from './scope.js'

export function compileComprehension(
  session: CompileSession,
  node: ComprehensionExpr,
  scope: Scope | undefined,
): LazyStep {
  const slot = session.localSlots(node.variables.length)
  let inner = scope
  for (const [i, name] of node.variables.entries()) inner = local(name, slot + i, inner)
  return comprehension({
    macro: node.macro,
    slot,
    two: node.variables.length > 1,
    filter: node.filter && session.compile(node.filter, inner),
    body: node.body && session.compile(node.body, inner),
    at: node.at,
  })
}

function local(name: string, slot: number, outer: Scope | undefined): Scope {
  return { name, read: (parts, whole) => readLocal(slot, parts, whole), outer }
}

export function compileOptionalMap(session: CompileSession, node: OptionalMapExpr, scope: Scope | undefined): Link {
  const slot = session.localSlots(1)
  const body = session.compile(node.body, local(node.variable, slot, scope))
  const { flat, at } = node
  const name = flat ? 'optFlatMap' : 'optMap'
  const step: Step = (value, frame) => {
    if (!frame.charge(1)) return spent
    if (!(value instanceof OptionalValue)) return noSuchOverload(name, true, [value], at)
    if (value.value === undefined) return value
    frame.locals[slot] = value.value
    const result = body(frame)
    if (result instanceof Failure) return result
    if (!flat) return new OptionalValue(result)
    return result instanceof OptionalValue ? result : noSuchOverload(name, true, [value, result], at)
  }
  return { step, operands: [], pure: false }
}

/** What is bound is worked out when it is first read, and once. */
export function compileBind(session: CompileSession, node: BindExpr, scope: Scope | undefined): Code {
  const slot = session.localSlots(1)
  const init = session.compile(node.init, scope)
  const read: Scope['read'] = (parts, whole) => {
    const bound = readLocal(slot, parts, whole)
    return frame => {
      if (frame.locals[slot] === undefined) frame.locals[slot] = init(frame)
      return bound(frame)
    }
  }
  const body = session.compile(node.body, { name: node.variable, read, outer: scope })
  return frame => {
    if (!frame.charge(1)) return spent
    frame.locals[slot] = undefined
    return body(frame)
  }
}
