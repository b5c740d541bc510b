import type { Expr } from '../syntax/ast.js'
import { compileAttribute, compileLocal } from './compile-attribute.js'
import { compileChain } from './compile-chain.js'
import { compileHead } from './compile-head.js'
import { CompileSession } from './compile-session.js'
import { constantCode } from './compiled.js'
import type { Code } from './frame.js'
import { binaryOperators, unaryOperators } from './operators.js'
import { anyAnswer, type Possible, possibleAnswers } from './possible-answers.js'
import { createProgram, type Program } from './program.js'
import type { Name, Names } from './resolve-names.js'
import { findLocal, type Scope } from './scope.js'

/**
 * Compiles a tree to closures, once; what can be decided beforehand is. Works with and without the checker's findings:
 * types decide at run time in any case. The tree must come from the parser, which bounds nesting (long chains to the left
 * are fine). Never throws for an expression.
 */
export function compileExpr(expr: Expr, options: Names): Program {
  // Parts are asked for no parts of their own.
  return compileWith(
    expr,
    options,
    possibleAnswers(expr, part => compileWith(part, options, anyAnswer)),
  )
}

function compileWith(expr: Expr, options: Names, possible: Possible): Program {
  const session = new CompileSession(options, compile)
  const code = session.compile(expr, undefined)
  return createProgram(code, session.problems, session.slots(), possible)
}

/** Goes down the left side to what stands first, and comes back link by link, so that long chains do not recurse. */
function compile(session: CompileSession, expr: Expr, scope: Scope | undefined): Code {
  const open: Expr[] = []
  let node = expr
  for (;;) {
    const left = leftOf(session, node, scope)
    if (left === undefined) break
    open.push(node)
    node = left
  }
  let name: Name | undefined
  if (node.kind === 'ident') {
    const local = node.root ? undefined : findLocal(scope, node.name)
    if (local !== undefined) return compileLocal(session, local, open.reverse(), scope)
    const found = session.names.longestName(node, open)
    name = found.name
    open.length -= found.used
  }
  const nodes = open.reverse()
  if (name?.kind === 'variable') return compileAttribute(session, name.name, nodes, scope)
  const head = name === undefined ? compileHead(session, node, scope) : constantCode(name.value)
  return compileChain(session, head, nodes, scope)
}

/** The operand that comes first and must have a value before anything else of the node matters. */
function leftOf(session: CompileSession, node: Expr, scope: Scope | undefined): Expr | undefined {
  switch (node.kind) {
    case 'select':
    case 'optional_map':
      return node.operand
    case 'comprehension':
      return node.range
    case 'call':
      if (node.target !== undefined) {
        return session.names.namespaced(node, scope) === undefined ? node.target : undefined
      }
      if (node.name === '_[_]' || node.name === '_[?_]') return node.args[0]
      return binaryOperators.has(node.name) || unaryOperators.has(node.name) ? node.args[0] : undefined
    default:
      return undefined
  }
}
