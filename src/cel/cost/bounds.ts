import type { CallExpr, Expr } from '../syntax/ast.js'

/** `size(x) <= 100`: what is said of an expression's size where the condition holds, or fails for want of a size. */
interface Bound {
  readonly of: Expr
  readonly size: number
}

/**
 * The upper bounds of sizes that must hold for what stands behind a condition to be evaluated: behind `condition &&` and in
 * the first branch of `condition ?` (`whether` true), behind `condition ||` (false). Where `size(x)` is an error, `x` has no
 * size, and what is done with it costs no more.
 */
export function boundsOf(condition: Expr, whether: boolean): readonly Bound[] {
  const bounds: Bound[] = []
  const pending: { readonly node: Expr; readonly whether: boolean }[] = [{ node: condition, whether }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node } = next
    if (node.kind !== 'call' || node.target !== undefined) continue
    if (node.name === '!_') {
      const [inner] = node.args
      if (inner !== undefined) pending.push({ node: inner, whether: !next.whether })
    } else if (node.name === (next.whether ? '_&&_' : '_||_')) {
      for (const arg of node.args) pending.push({ node: arg, whether: next.whether })
    } else {
      const bound = boundOf(node, next.whether)
      if (bound !== undefined) bounds.push(bound)
    }
  }
  return bounds
}

const flipped: Readonly<Record<string, string>> = {
  '_<_': '_>_',
  '_<=_': '_>=_',
  '_>_': '_<_',
  '_>=_': '_<=_',
  '_==_': '_==_',
}
const opposite: Readonly<Record<string, string>> = { '_>_': '_<=_', '_>=_': '_<_', '_!=_': '_==_' }

function boundOf({ name, args }: CallExpr, whether: boolean): Bound | undefined {
  const [left, right] = args
  if (left === undefined || right === undefined) return undefined
  const [sized, limit, said] = right.kind === 'literal' ? [left, right, name] : [right, left, flipped[name]]
  const of = sizedBy(sized)
  if (of === undefined || said === undefined) return undefined
  if (limit.kind !== 'literal' || limit.literal.type !== 'int') return undefined
  const size = Number(limit.literal.value)
  switch (whether ? said : opposite[said]) {
    case '_<=_':
    case '_==_':
      return { of, size: Math.max(0, size) }
    case '_<_':
      return { of, size: Math.max(0, size - 1) }
    default:
      return undefined
  }
}

function sizedBy(expr: Expr): Expr | undefined {
  if (expr.kind !== 'call' || expr.name !== 'size') return undefined
  return expr.target ?? expr.args[0]
}
