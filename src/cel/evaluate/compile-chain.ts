import type { Expr, SelectExpr } from '../syntax/ast.js'
import { chain, type Link } from './chain.js'
import { compileCall } from './compile-call.js'
import { compileComprehension, compileOptionalMap } from './compile-macros.js'
import type { CompileSession } from './compile-session.js'
import { constantOf } from './compiled.js'
import { type Code, PlacedFailure, type Step } from './frame.js'
import { literalFunctions } from './literal-functions.js'
import { optionalFieldOutside } from './outside-steps.js'
import { type Part, readParts } from './read-attribute.js'
import type { Scope } from './scope.js'
import { hasStep, optionalSelectStep, selectStep } from './select.js'

/** What stands first, and the nodes above it from the inside out. */
export function compileChain(
  session: CompileSession,
  start: Code,
  all: readonly Expr[],
  scope: Scope | undefined,
): Code {
  const parts = constantOf(start) === undefined ? plainFields(all) : []
  const head: Code = parts.length === 0 ? start : frame => readParts(start(frame), parts, 0, frame)
  const nodes = all.slice(parts.length)
  if (nodes.length === 0) return head
  const links = nodes.map(node => compileLink(session, node, scope))
  return chain(head, links, failure => {
    if (failure instanceof PlacedFailure && links.length === 1 && isLiteralCall(nodes[0])) {
      session.problems.push({ message: failure.message, at: failure.at })
    }
  })
}

/** `.a.b.c`, to be read at one go. */
function plainFields(nodes: readonly Expr[]): readonly Part[] {
  const parts: Part[] = []
  for (const node of nodes) {
    if (node.kind !== 'select' || node.test || node.optional) break
    parts.push({ key: node.field, test: false, step: selectStep(node.field, node.at) })
  }
  return parts
}

function isLiteralCall(node: Expr | undefined): boolean {
  return node?.kind === 'call' && literalFunctions.has(node.name)
}

/** Nodes that have a first operand. */
function compileLink(session: CompileSession, node: Expr, scope: Scope | undefined): Link {
  switch (node.kind) {
    case 'select': {
      const step = fieldStep(node)
      const lazyStep = node.optional && !node.test ? optionalFieldOutside(node.field, step) : undefined
      return { step, ...(lazyStep && { lazyStep }), operands: [], pure: true }
    }
    case 'comprehension': {
      const step = compileComprehension(session, node, scope)
      return { step, lazyStep: step, operands: [], pure: false }
    }
    case 'optional_map':
      return compileOptionalMap(session, node, scope)
    case 'call':
      return compileCall(session, node, scope)
    default:
      return { step: value => value, operands: [], pure: true }
  }
}

function fieldStep({ field, at, test, optional }: SelectExpr): Step {
  if (test) return hasStep(field, at)
  return optional ? optionalSelectStep(field, at) : selectStep(field, at)
}
