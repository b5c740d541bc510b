import type { Expr, ListExpr, MapExpr, MessageExpr } from '../syntax/ast.js'
import { folded } from './chain.js'
import { compileFunction } from './compile-function.js'
import { compileBind } from './compile-macros.js'
import type { CompileSession } from './compile-session.js'
import { constantCode } from './compiled.js'
import type { Code } from './frame.js'
import { type Item, listLiteral, literalValue, mapLiteral, messageLiteral } from './literals.js'
import type { Scope } from './scope.js'

/** Nodes without a first operand, or that do not need its value always. */
export function compileHead(session: CompileSession, node: Expr, scope: Scope | undefined): Code {
  switch (node.kind) {
    case 'literal':
      return constantCode(literalValue(node.literal))
    case 'list':
      return compileList(session, node, scope)
    case 'map':
      return compileMap(session, node, scope)
    case 'message':
      return compileMessage(session, node, scope)
    case 'bind':
      return compileBind(session, node, scope)
    case 'call':
      return compileFunction(session, node, scope)
    default:
      // The others have a first operand or are names, and never come here.
      return constantCode(null)
  }
}

function compileList(session: CompileSession, node: ListExpr, scope: Scope | undefined): Code {
  const items = node.elements.map(({ value, optional }) => ({ code: session.compile(value, scope), optional }))
  const parts = items.map(item => item.code)
  return folded(listLiteral(items, node.at), parts)
}

function compileMap(session: CompileSession, node: MapExpr, scope: Scope | undefined): Code {
  const entries = node.entries.map(({ key, value, optional }) => ({
    key: session.compile(key, scope),
    value: { code: session.compile(value, scope), optional },
  }))
  const parts = entries.flatMap(({ key, value }) => [key, value.code])
  return folded(mapLiteral(entries, node.at), parts)
}

function compileMessage(session: CompileSession, node: MessageExpr, scope: Scope | undefined): Code {
  const fields = node.fields.map(({ name, value, optional, at }) => {
    const item: Item = { code: session.compile(value, scope), optional }
    return { name, value: item, at }
  })
  return messageLiteral(node.type, fields)
}
