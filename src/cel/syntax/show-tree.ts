import type { Expr, Literal } from './ast.js'
import { children } from './walk.js'

/**
 * A tree as text, for tests and for people who debug: `a.b + 1` is `(_+_ (. a b) 1)`. Two trees that differ in more than
 * positions and ids have different texts. Recursive: not for chains of thousands.
 */
export function showTree(expr: Expr): string {
  const parts = (): string[] => children(expr).map(showTree)
  switch (expr.kind) {
    case 'literal':
      return showLiteral(expr.literal)
    case 'ident':
      return expr.root ? `.${expr.name}` : expr.name
    case 'select':
      return list(expr.test ? 'has' : expr.optional ? '.?' : '.', ...parts(), expr.field)
    case 'call':
      return list(expr.target === undefined ? expr.name : `.${expr.name}()`, ...parts())
    case 'list':
      return `[${expr.elements.map(({ value, optional }) => `${mark(optional)}${showTree(value)}`).join(' ')}]`
    case 'map':
      return `{${expr.entries
        .map(({ key, value, optional }) => `${mark(optional)}${showTree(key)}: ${showTree(value)}`)
        .join(' ')}}`
    case 'message':
      return `${expr.type}{${expr.fields
        .map(({ name, value, optional }) => `${mark(optional)}${name}: ${showTree(value)}`)
        .join(' ')}}`
    case 'comprehension': {
      const rest = [expr.filter && `if ${showTree(expr.filter)}`, expr.body && showTree(expr.body)]
      return list(
        expr.macro,
        showTree(expr.range),
        expr.variables.join(','),
        ...rest.filter(part => part !== undefined),
      )
    }
    case 'bind':
      return list('bind', expr.variable, ...parts())
    case 'optional_map':
      return list(expr.flat ? 'optFlatMap' : 'optMap', showTree(expr.operand), expr.variable, showTree(expr.body))
  }
}

const list = (...parts: readonly string[]): string => `(${parts.join(' ')})`

const mark = (optional: boolean): string => (optional ? '?' : '')

function showLiteral(literal: Literal): string {
  switch (literal.type) {
    case 'null':
      return 'null'
    case 'uint':
      return `${literal.value}u`
    case 'double':
      return `${Object.is(literal.value, -0) ? '-0' : literal.value}d`
    case 'string':
      return JSON.stringify(literal.value)
    case 'bytes':
      return `b[${Array.from(literal.value).join(' ')}]`
    default:
      return String(literal.value)
  }
}
