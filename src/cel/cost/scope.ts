import type { Expr } from '../syntax/ast.js'
import type { Shape } from './shapes/shape.js'

/** A name that a macro gives, and those around it. */
export interface Local {
  readonly name: string
  readonly key: string
  readonly shape: Shape
  readonly outer: Local | undefined
}

/** The innermost of that name. */
export function localOf(name: string, scope: Local | undefined): Local | undefined {
  let local = scope
  while (local !== undefined && local.name !== name) local = local.outer
  return local
}

/** The key of a name and its fields (`a.b`, `a["b"]`), as `Estimate.key` has it. */
export function keyOf(expr: Expr, scope: Local | undefined): string | undefined {
  const fields: string[] = []
  let node = expr
  for (;;) {
    if (node.kind === 'select' && !node.test) {
      fields.push(node.field)
      node = node.operand
      continue
    }
    const [operand, index] = node.kind === 'call' && node.name === '_[_]' ? node.args : []
    if (operand === undefined || index?.kind !== 'literal' || index.literal.type !== 'string') break
    fields.push(index.literal.value)
    node = operand
  }
  if (node.kind !== 'ident') return undefined
  const root = node.root ? undefined : localOf(node.name, scope)
  return [root?.key ?? node.name, ...fields.toReversed()].join('\0')
}
