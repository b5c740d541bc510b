import type { CallExpr, Expr } from '../syntax/ast.js'

/**
 * Where values come from, by the id of the node: a variable and the members behind it, with `*` for an element
 * (`operations.*.verb`). What is computed has no path. Recurses: an environment bounds how deep a tree may be.
 */
export function pathsOf(expr: Expr): ReadonlyMap<number, string> {
  const paths = new Map<number, string>()
  visit(expr, paths, new Map())
  return paths
}

/** Local variables; those whose values are computed have no path. */
type Locals = ReadonlyMap<string, string | undefined>

function visit(node: Expr, paths: Map<number, string>, locals: Locals): string | undefined {
  const path = find(node, paths, locals)
  if (path !== undefined) paths.set(node.id, path)
  return path
}

function find(node: Expr, paths: Map<number, string>, locals: Locals): string | undefined {
  const within = (part: Expr | undefined, names: Locals = locals) =>
    part === undefined ? undefined : visit(part, paths, names)
  const member = (of: string | undefined, name: string) => (of === undefined ? undefined : `${of}.${name}`)
  switch (node.kind) {
    case 'literal':
      return undefined
    case 'ident':
      return !node.root && locals.has(node.name) ? locals.get(node.name) : node.name
    case 'select':
      return node.test ? void within(node.operand) : member(within(node.operand), node.field)
    case 'list':
      for (const { value } of node.elements) within(value)
      return undefined
    case 'map':
      for (const { key, value } of node.entries) {
        within(key)
        within(value)
      }
      return undefined
    case 'message':
      for (const { value } of node.fields) within(value)
      return undefined
    case 'comprehension': {
      const range = within(node.range)
      const element = member(range, '*')
      const [first = '', second] = node.variables
      const inner = new Map(locals)
      inner.set(first, second === undefined ? element : undefined)
      if (second !== undefined) inner.set(second, element)
      within(node.filter, inner)
      within(node.body, inner)
      return node.macro === 'filter' ? range : undefined
    }
    case 'bind':
      return within(node.body, new Map(locals).set(node.variable, within(node.init)))
    case 'optional_map':
      within(node.body, new Map(locals).set(node.variable, within(node.operand)))
      return undefined
    case 'call':
      return ofCall(node, part => within(part))
  }
}

/** What only takes a value out of something, or leaves it as it is. */
const transparent: ReadonlySet<string> = new Set(['orValue', 'value'])

function ofCall({ name, target, args }: CallExpr, within: (part: Expr) => string | undefined): string | undefined {
  const on = target === undefined ? undefined : within(target)
  const paths = args.map(within)
  const [first] = paths
  if (target !== undefined) return transparent.has(name) ? on : undefined
  if (name === 'dyn') return first
  if ((name !== '_[_]' && name !== '_[?_]') || first === undefined) return undefined
  const index = args[1]
  return `${first}.${index?.kind === 'literal' && index.literal.type === 'string' ? index.literal.value : '*'}`
}
