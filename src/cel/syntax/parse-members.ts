import type { Expr } from './ast.js'
import { parseMessage } from './parse-aggregate.js'
import { type ParseSession, places } from './parse-session.js'

/** What follows a value: fields, methods, indexes. `type` is what came so far if it can be the name of a message. */
export function parseMembers(
  session: ParseSession,
  first: Expr | undefined,
  type: string | undefined,
): Expr | undefined {
  let expr = first
  let name = type
  while (expr !== undefined) {
    if (session.overfull()) return undefined
    const token = session.token
    if (token.kind === '.') {
      const next = field(session, expr)
      name = name !== undefined && next?.kind === 'select' && !next.optional ? longer(session, name) : undefined
      expr = next
    } else if (token.kind === '[') {
      expr = index(session, expr)
      name = undefined
    } else if (token.kind === '{' && name !== undefined) {
      expr = parseMessage(session, name)
      name = undefined
    } else return expr
  }
  return undefined
}

function longer(session: ParseSession, type: string): string | undefined {
  return session.before?.kind === 'name' ? `${type}.${session.before.text}` : undefined
}

/** `.b`, `.?b`, `.b(…)`, with `b` or `` `b-c` ``. */
function field(session: ParseSession, operand: Expr): Expr | undefined {
  const { at } = session.token
  session.advance()
  const optional = session.token.kind === '?'
  if (optional) {
    session.requireOptionals(at, '.?')
    session.advance()
  }
  const name = session.token
  if (name.kind !== 'name' && name.kind !== 'quoted') return session.unexpected(places.field)
  session.advance()
  if (name.kind === 'name' && !optional && session.token.kind === '(') {
    const open = session.token.at
    const args = parseArguments(session)
    return args && session.invoke(name.text, operand, args, open)
  }
  session.nodes++
  return { kind: 'select', id: 0, at, operand, field: name.text, test: false, optional }
}

function index(session: ParseSession, operand: Expr): Expr | undefined {
  const open = session.token
  session.advance()
  const optional = session.optionalMark(open.at, '[?')
  const key = session.expression()
  if (key === undefined || !session.close(']', open)) return undefined
  return session.call(optional ? '_[?_]' : '_[_]', undefined, [operand, key], open.at)
}

/** From its `(` on. No comma after the last one. */
export function parseArguments(session: ParseSession): Expr[] | undefined {
  const open = session.token
  session.advance()
  const args: Expr[] = []
  while (session.token.kind !== ')' || args.length > 0) {
    const argument = session.expression()
    if (argument === undefined) return undefined
    args.push(argument)
    if (session.token.kind !== ',') break
    session.advance()
  }
  return session.close(')', open) ? args : undefined
}
