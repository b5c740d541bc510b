import type { Expr } from './ast.js'
import { parseList, parseMap } from './parse-aggregate.js'
import { parseLiteral, parseNumber } from './parse-literal.js'
import { parseArguments, parseMembers } from './parse-members.js'
import type { ParseSession } from './parse-session.js'
import { reservedWords } from './words.js'

/** A value without operators, and its members. */
export function parseOperand(session: ParseSession): Expr | undefined {
  const token = session.token
  switch (token.kind) {
    case 'name':
      return named(session, false)
    case '.':
      session.advance()
      return session.token.kind === 'name' ? named(session, true) : session.unexpected('a name')
    case '(': {
      session.advance()
      const inner = session.expression()
      if (inner === undefined || !session.close(')', token)) return undefined
      return parseMembers(session, inner, undefined)
    }
    case '[':
      return parseMembers(session, parseList(session), undefined)
    case '{':
      return parseMembers(session, parseMap(session), undefined)
    case '-': {
      // Only a number may have a sign after `!`.
      const next = session.advance()
      if (next.kind === 'int' || next.kind === 'double') {
        return parseMembers(session, parseNumber(session, next, token.at), undefined)
      }
      return session.unexpected('a number', 'write !(-a)')
    }
    default:
      return parseMembers(session, parseLiteral(session, token), undefined)
  }
}

/** A name, a function, or the first part of the name of a message; `root` when a point came before it. */
function named(session: ParseSession, root: boolean): Expr | undefined {
  const token = session.token
  if (token.kind !== 'name') return session.unexpected('a name')
  const at = root ? (session.before?.at ?? token.at) : token.at
  if (reservedWords.has(token.text)) {
    session.issues.add(
      token.at,
      `'${token.text}' is a reserved word`,
      `a key of this name is read as m["${token.text}"]`,
    )
  }
  session.advance()
  if (session.token.kind === '(') {
    const open = session.token.at
    const args = parseArguments(session)
    return (
      args &&
      parseMembers(session, session.invoke(root ? `.${token.text}` : token.text, undefined, args, open), undefined)
    )
  }
  session.nodes++
  return parseMembers(session, { kind: 'ident', id: 0, at, name: token.text, root }, token.text)
}
