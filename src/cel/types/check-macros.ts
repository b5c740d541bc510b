import type { BindExpr, ComprehensionExpr, Expr, OptionalMapExpr } from '../syntax/ast.js'
import type { CheckSession } from './check-session.js'
import { type Type, types } from './type.js'

/** `all`, `map`, … whose range is checked already. */
export function checkComprehension(session: CheckSession, macro: ComprehensionExpr): void {
  const [key, value] = rangeTypes(session, macro.range)
  const [first, second] = macro.variables
  const two = second !== undefined
  const list = session.resolve(session.typeOf(macro.range)).kind === 'list'
  // With one variable the elements of a list or the keys of a map; with two, index and element, or key and value.
  const element = list ? value : key
  const locals = two
    ? [
        { name: first ?? '', type: key },
        { name: second, type: value },
      ]
    : [{ name: first ?? '', type: element }]
  session.within(locals, () => {
    if (macro.filter !== undefined) {
      session.check(macro.filter)
      session.expectBool(macro.filter)
    }
    const body = macro.body && session.check(macro.body)
    session.setType(macro, session.resolve(resultType(session, macro, element, key, body ?? types.dyn)))
  })
}

function resultType(session: CheckSession, macro: ComprehensionExpr, element: Type, key: Type, body: Type): Type {
  switch (macro.macro) {
    case 'all':
    case 'exists':
    case 'exists_one':
      if (macro.body !== undefined) session.expectBool(macro.body)
      return types.bool
    case 'filter':
      return types.list(element)
    case 'map':
    case 'transformList':
      return types.list(body)
    case 'transformMap':
      return types.map(key, body)
    case 'transformMapEntry': {
      const made = types.map(session.unifier.fresh(), session.unifier.fresh())
      if (!session.unifier.assignable(body, made)) {
        session.mismatch(macro.body ?? macro, made, body, 'each step gives a map of one entry, as in {key: value}')
      }
      return made
    }
  }
}

/** Index or key, and element or value. What a range of unknown type holds is `dyn`. */
function rangeTypes(session: CheckSession, range: Expr): readonly [Type, Type] {
  const type = session.resolve(session.typeOf(range))
  switch (type.kind) {
    case 'list':
      return [types.int, type.element]
    case 'map':
      return [type.key, type.value]
    case 'param':
      session.unifier.assignable(types.dyn, type)
      return [types.dyn, types.dyn]
    case 'dyn':
    case 'error':
      return [types.dyn, types.dyn]
    default: {
      const hint = type.kind === 'optional' ? 'use optMap, or orValue([]) first' : undefined
      const found = `expression of type '${session.describe(type)}'`
      session.report(range, `${found} cannot be range of a comprehension (must be list, map, or dynamic)`, hint)
      return [types.error, types.error]
    }
  }
}

export function checkBind(session: CheckSession, bind: BindExpr): void {
  const init = session.check(bind.init)
  const body = session.within([{ name: bind.variable, type: init }], () => session.check(bind.body))
  session.setType(bind, session.resolve(body))
}

/** `optMap` and `optFlatMap`, whose operand is checked already. */
export function checkOptionalMap(session: CheckSession, map: OptionalMapExpr): void {
  const name = map.flat ? 'optFlatMap' : 'optMap'
  const held = heldType(session, map, name)
  const body = session.within([{ name: map.variable, type: held }], () => session.check(map.body))
  if (!map.flat) {
    session.setType(map, types.optional(session.resolve(body)))
    return
  }
  // As in `present ? body : optional.none()`: a body that is dyn makes the whole dyn.
  const made = session.unifier.fresh()
  if (!session.unifier.assignableAll([body, types.optional(session.unifier.fresh())], [made, made])) {
    const wanted = types.optional(types.dyn)
    session.mismatch(map.body, wanted, body, 'optFlatMap wants an optional here; use optMap for other values')
    session.setType(map, types.error)
    return
  }
  session.setType(map, session.resolve(made))
}

/** As of a call of `value()`: what a dyn holds is not known, and may turn out to be anything. */
function heldType(session: CheckSession, map: OptionalMapExpr, name: string): Type {
  const type = session.typeOf(map.operand)
  const held = session.unifier.fresh()
  if (session.unifier.assignable(type, types.optional(held))) return session.resolve(held)
  const applied = `found no matching overload for '${name}' applied to '${session.describe(type)}.()'`
  session.report(map, applied, `${name} works on optionals: read with .? or [?…], or use optional.of(…)`)
  return types.error
}
