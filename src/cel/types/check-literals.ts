import type { Expr, ListExpr, MapExpr, MessageExpr } from '../syntax/ast.js'
import { messageNamed } from './check-names.js'
import type { CheckSession } from './check-session.js'
import { type Type, types } from './type.js'

export function checkList(session: CheckSession, list: ListExpr): void {
  let element: Type | undefined
  for (const { value, optional } of list.elements) {
    element = join(session, element, entryType(session, value, optional))
  }
  session.setType(list, types.list(element ?? session.unifier.fresh()))
}

export function checkMap(session: CheckSession, map: MapExpr): void {
  let key: Type | undefined
  let value: Type | undefined
  for (const entry of map.entries) {
    key = join(session, key, keyType(session, entry.key))
    value = join(session, value, entryType(session, entry.value, entry.optional))
  }
  session.setType(map, types.map(key ?? session.unifier.fresh(), value ?? session.unifier.fresh()))
}

/**
 * An object literal: its type and fields must exist. With `messagesFollowPaths`, an object that stands in a field of an open
 * type, by itself or in a list, must be named after it.
 */
export function checkMessage(session: CheckSession, message: MessageExpr): void {
  const name = messageNamed(session.env, message.type)
  const fields = name === undefined ? undefined : session.env.messages?.(name)
  if (name === undefined) {
    const isType = session.env.functions.types.has(message.type)
    const text = isType ? `'${message.type}' is not a message type` : `undeclared reference to '${message.type}'`
    session.report(message, text, 'there is no object type of this name here')
    session.setType(message, types.error)
  } else {
    const type: Type = { kind: 'message', name }
    session.setType(message, type)
    session.references.set(message.id, { kind: 'type', type })
  }
  for (const field of message.fields) {
    const given = entryType(session, field.value, field.optional)
    const place = { id: message.id, at: field.at }
    const wanted = fields === 'open' || fields === undefined ? types.dyn : fields.get(field.name)
    if (wanted === undefined) session.report(place, `undefined field '${field.name}'`, fieldNames(fields))
    else if (!session.unifier.assignable(wanted, given)) {
      const [expected, provided] = [session.describe(wanted), session.describe(given)]
      session.report(
        place,
        `expected type of field '${field.name}' is '${expected}' but provided type is '${provided}'`,
      )
    }
    if (fields === 'open' && session.env.messagesFollowPaths === true) {
      checkPath(session, field.value, `${name}.${field.name}`)
    }
  }
}

function fieldNames(fields: 'open' | ReadonlyMap<string, Type> | undefined): string | undefined {
  if (fields === undefined || fields === 'open') return undefined
  return `the fields are: ${[...fields.keys()].slice(0, 12).join(', ')}`
}

function checkPath(session: CheckSession, value: Expr, path: string): void {
  const values = value.kind === 'list' ? value.elements.map(element => element.value) : [value]
  for (const item of values) {
    if (item.kind !== 'message' || item.type === path) continue
    const message = `the object in this field must be called '${path}', not '${item.type}'`
    session.report(item, message, `write ${path}{…}`)
  }
}

/** The type of a value in a literal: of `?x`, what the optional holds. */
function entryType(session: CheckSession, value: Expr, optional: boolean): Type {
  const type = session.check(value)
  if (!optional) return type
  const known = session.resolve(type)
  if (known.kind === 'optional') return known.value
  if (known.kind !== 'dyn' && known.kind !== 'error') {
    session.mismatch(
      value,
      types.optional(known),
      known,
      'after "?" stands an optional: use optional.of(…) or drop the "?"',
    )
  }
  return known
}

const keyKinds: ReadonlySet<Type['kind']> = new Set(['int', 'uint', 'bool', 'string', 'dyn', 'error', 'param'])

/** Keys are int, uint, bool or string (cel-spec langdef, "Values"); cel-go finds others only when it runs. */
function keyType(session: CheckSession, key: Expr): Type {
  const type = session.check(key)
  const known = session.resolve(type)
  if (keyKinds.has(known.kind) || (known.kind === 'wrapper' && keyKinds.has(known.of))) return type
  session.report(key, `a map key must be int, uint, bool or string, but found '${session.describe(known)}'`)
  return types.error
}

/** Types that do not fit make a `dyn`; whether that is allowed is looked at when all types are known. */
function join(session: CheckSession, previous: Type | undefined, current: Type): Type {
  return previous === undefined ? current : (session.unifier.join(previous, current) ?? types.dyn)
}
