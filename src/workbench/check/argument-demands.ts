import { compared, type Demand } from '../../cel/lint/constraints.js'
import type { Expr } from '../../cel/syntax/ast.js'
import { parseExpression } from '../../cel/syntax/parse-expression.js'

/** What a validation demands of something in a call. */
export interface ArgumentDemand {
  /** `args.amount`; `replicas[*]` is any element. */
  readonly path: string
  readonly demand: Demand
}

/**
 * What must hold of arguments for an expression to be true, where it says so by comparing them with constants: in its `&&`
 * chain, behind a guard (`!has(args.x) || …`), and for all elements of a list (`images.all(i, …)`).
 */
export function argumentDemands(source: string): readonly ArgumentDemand[] {
  const parsed = parseExpression(source)
  return parsed.ok ? demandsOf(parsed.expr, new Map()) : []
}

type Names = ReadonlyMap<string, string>

function demandsOf(expr: Expr, names: Names): readonly ArgumentDemand[] {
  if (expr.kind === 'comprehension') {
    const { macro, range, variables, body } = expr
    const [variable, ...others] = variables
    const path = pathOf(range, names)
    if (macro !== 'all' || variable === undefined || others.length > 0 || body === undefined || path === undefined)
      return []
    return demandsOf(body, new Map([...names, [variable, `${path}[*]`]]))
  }
  if (expr.kind !== 'call' || expr.target !== undefined) return []
  if (expr.name === '_&&_') return expr.args.flatMap(part => demandsOf(part, names))
  if (expr.name === '_||_') return guarded(expr.args, names)
  const found = compared(expr, false)
  const path = found && pathOf(found.value, names)
  return found === undefined || path === undefined ? [] : [{ path, demand: found.demand }]
}

/** `!has(p) || …`: of what is there, the rest is demanded, if it is about that very thing. */
function guarded(parts: readonly Expr[], names: Names): readonly ArgumentDemand[] {
  const [guard, rest, ...more] = parts
  if (guard?.kind !== 'call' || guard.name !== '!_' || rest === undefined || more.length > 0) return []
  const [tested] = guard.args
  if (tested?.kind !== 'select' || !tested.test) return []
  const path = pathOf({ ...tested, test: false }, names)
  return demandsOf(rest, names).filter(
    one => path !== undefined && (one.path === path || one.path.startsWith(`${path}[`)),
  )
}

/** Arguments, and what the catalogue makes of them. */
const roots: ReadonlySet<string> = new Set(['args', 'images', 'replicas'])

function pathOf(expr: Expr, names: Names): string | undefined {
  if (expr.kind === 'ident') return names.get(expr.name) ?? (roots.has(expr.name) ? expr.name : undefined)
  if (expr.kind !== 'select' || expr.test || expr.optional) return undefined
  const operand = pathOf(expr.operand, names)
  return operand && `${operand}.${expr.field}`
}
