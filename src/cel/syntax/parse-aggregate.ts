import type { Expr, ListExpr, MapExpr, MessageExpr } from './ast.js'
import { type Closer, type ParseSession, places } from './parse-session.js'

export function parseList(session: ParseSession): ListExpr | undefined {
  const open = session.token
  const elements: ListExpr['elements'][number][] = []
  const closed = items(session, ']', () => {
    const optional = session.optionalMark(session.token.at, '?')
    const value = session.expression()
    if (value !== undefined) elements.push({ value, optional })
    return value !== undefined
  })
  session.nodes++
  return closed ? { kind: 'list', id: 0, at: open.at, elements } : undefined
}

export function parseMap(session: ParseSession): MapExpr | undefined {
  const open = session.token
  const entries: MapExpr['entries'][number][] = []
  const closed = items(session, '}', () => {
    const optional = session.optionalMark(session.token.at, '?')
    const key = session.expression()
    if (key === undefined) return false
    const value = afterColon(session, 'the key')
    if (value !== undefined) entries.push({ key, value, optional })
    return value !== undefined
  })
  session.nodes++
  return closed ? { kind: 'map', id: 0, at: open.at, entries } : undefined
}

export function parseMessage(session: ParseSession, type: string): MessageExpr | undefined {
  const open = session.token
  if (!session.options.messages) {
    session.issues.add(open.at, 'messages are not offered here', 'write a map: {"key": value}')
  }
  const fields: MessageExpr['fields'][number][] = []
  const closed = items(session, '}', () => {
    const optional = session.optionalMark(session.token.at, '?')
    const name = session.token
    if (name.kind !== 'name' && name.kind !== 'quoted') {
      session.unexpected(places.field, `for a map there is no name before the '{'`)
      return false
    }
    session.advance()
    const value = afterColon(session, 'the name')
    if (value !== undefined) fields.push({ name: name.text, value, optional, at: name.at })
    return value !== undefined
  })
  session.nodes++
  return closed ? { kind: 'message', id: 0, at: open.at, type, fields } : undefined
}

function afterColon(session: ParseSession, what: string): Expr | undefined {
  if (session.token.kind !== ':') return session.unexpected(`the ':' after ${what}`)
  session.advance()
  return session.expression()
}

/** From the opening bracket on; a comma may follow the last item, and in empty brackets even stand alone (langdef). */
function items(session: ParseSession, closer: Closer, item: () => boolean): boolean {
  const open = session.token
  session.advance()
  if (session.token.kind === ',') {
    session.advance()
    return session.close(closer, open)
  }
  while (session.token.kind !== closer) {
    if (!item()) return false
    if (!session.at(',')) break
    session.advance()
  }
  return session.close(closer, open)
}
