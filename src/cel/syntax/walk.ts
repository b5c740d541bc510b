import type { Expr } from './ast.js'

/**
 * The parts of a node, in the order of the source. Only through the *first* child can a tree be deep beyond the limit of
 * nesting (`a.b.c…`, `a + b + c…`, `a.f().g()…`): whoever recurses over a tree must go down the first children in a loop,
 * for which there is `leftSpine`.
 */
export function children(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return []
    case 'select':
      return [expr.operand]
    case 'call':
      return expr.target === undefined ? expr.args : [expr.target, ...expr.args]
    case 'list':
      return expr.elements.map(element => element.value)
    case 'map':
      return expr.entries.flatMap(entry => [entry.key, entry.value])
    case 'message':
      return expr.fields.map(field => field.value)
    case 'comprehension':
      return [expr.range, expr.filter, expr.body].filter(part => part !== undefined)
    case 'bind':
      return [expr.init, expr.body]
    case 'optional_map':
      return [expr.operand, expr.body]
  }
}

/** The first child; undefined for a node without children. */
export function firstChild(expr: Expr): Expr | undefined {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return undefined
    case 'select':
    case 'optional_map':
      return expr.operand
    case 'call':
      return expr.target ?? expr.args[0]
    case 'list':
      return expr.elements[0]?.value
    case 'map':
      return expr.entries[0]?.key
    case 'message':
      return expr.fields[0]?.value
    case 'comprehension':
      return expr.range
    case 'bind':
      return expr.init
  }
}

/** The node, its first child, the first child of that, and so on to a node without children. May be thousands long. */
export function leftSpine(expr: Expr): readonly Expr[] {
  const spine: Expr[] = []
  for (let node: Expr | undefined = expr; node !== undefined; node = firstChild(node)) spine.push(node)
  return spine
}

/**
 * Visits every node, parents before children and in the order of the source (that is, of the ids), without recursion. A
 * visitor that returns `'skip'` is not shown what is below.
 */
export function walk(expr: Expr, visit: (node: Expr) => unknown): void {
  const pending: Expr[] = [expr]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (visit(node) === 'skip') continue
    const parts = children(node)
    for (let i = parts.length - 1; i >= 0; i--) {
      const part = parts[i]
      if (part !== undefined) pending.push(part)
    }
  }
}

/** Visits every node after its children, without recursion. */
export function walkUp(expr: Expr, visit: (node: Expr) => void): void {
  const nodes: Expr[] = []
  walk(expr, node => {
    nodes.push(node)
  })
  // Before its parent, every node: the reverse of parents first. Siblings then come from right to left.
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]
    if (node !== undefined) visit(node)
  }
}
