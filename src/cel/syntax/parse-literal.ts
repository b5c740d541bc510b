import type { Expr, Literal } from './ast.js'
import { type ParseSession, places } from './parse-session.js'
import type { Token } from './token.js'

const maxInt = 2n ** 63n - 1n

export function parseLiteral(session: ParseSession, token: Token): Expr | undefined {
  switch (token.kind) {
    case 'null':
      return constant(session, { type: 'null' }, token.at)
    case 'true':
    case 'false':
      return constant(session, { type: 'bool', value: token.kind === 'true' }, token.at)
    case 'int':
    case 'double':
      return parseNumber(session, token, undefined)
    case 'uint':
      return constant(session, { type: 'uint', value: token.value }, token.at)
    case 'string':
      return constant(session, { type: 'string', value: token.text }, token.at)
    case 'bytes':
      return constant(session, { type: 'bytes', value: token.value }, token.at)
    case 'quoted':
      return session.unexpected(places.value, 'backticks are for fields only: a.`b-c`')
    default:
      return session.unexpected(places.value)
  }
}

/** `minus` is where the sign is, if there is one. */
export function parseNumber(
  session: ParseSession,
  token: Extract<Token, { kind: 'int' | 'uint' | 'double' }>,
  minus: number | undefined,
): Expr {
  const at = minus ?? token.at
  if (token.kind === 'double') {
    return constant(session, { type: 'double', value: minus === undefined ? token.value : -token.value }, at)
  }
  if (token.value > (minus === undefined ? maxInt : maxInt + 1n)) {
    session.issues.add(at, 'this int needs more than 64 bits')
  }
  return constant(session, { type: 'int', value: minus === undefined ? token.value : -token.value }, at)
}

function constant(session: ParseSession, literal: Literal, at: number): Expr {
  session.advance()
  session.nodes++
  return { kind: 'literal', id: 0, at, literal }
}
