import type { Expr } from './ast.js'
import { formatLiteral } from './format-literal.js'
import { Lexer } from './lexer.js'
import { asSortBy } from './macros.js'
import { operatorByName, precedence } from './operators.js'
import { type ParseOptions, parseExpression } from './parse-expression.js'
import { SyntaxIssues } from './syntax-issue.js'
import { isPlainField } from './words.js'

/** Text as it is, or an expression still to be written, which needs parentheses when it binds looser than `level`. */
type Piece = string | { readonly expr: Expr; readonly level: number }

/**
 * The canonical form on one line: parentheses only where the tree needs them (and around a negative number with members),
 * one spelling of literals, macros as macros. Parsing it gives the same tree, and formatting that the same text. A source
 * that does not parse, or that has comments, which a tree does not hold, is returned as it is.
 */
export function formatExpression(expression: Expr | string, options?: ParseOptions): string {
  if (typeof expression !== 'string') return format(expression)
  const parsed = parseExpression(expression, options)
  return parsed.ok && !hasComments(expression) ? format(parsed.expr) : expression
}

function hasComments(source: string): boolean {
  const lexer = new Lexer(source, new SyntaxIssues())
  while (lexer.next().kind !== 'end');
  return lexer.comments > 0
}

/** With a stack of its own, so that the length of a chain does not matter. */
function format(expr: Expr): string {
  const output: string[] = []
  const pending: Piece[] = [{ expr, level: precedence.ternary }]
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    if (typeof piece === 'string') {
      output.push(piece)
      continue
    }
    const pieces = write(piece.expr)
    const enclose = bindingOf(piece.expr) < piece.level
    if (enclose) pending.push(')')
    for (let i = pieces.length - 1; i >= 0; i--) pending.push(pieces[i] ?? '')
    if (enclose) pending.push('(')
  }
  return output.join('')
}

function bindingOf(expr: Expr): number {
  if (expr.kind === 'literal') return isNegative(expr) ? precedence.prefix : precedence.primary
  if (expr.kind !== 'call' || expr.target !== undefined) return precedence.member
  if (expr.name === '_?_:_') return precedence.ternary
  if (expr.name === '!_' || expr.name === '-_') return precedence.prefix
  return operatorByName.get(expr.name)?.precedence ?? precedence.member
}

function isNegative(expr: Expr): boolean {
  if (expr.kind !== 'literal') return false
  const { literal } = expr
  if (literal.type === 'double') return literal.value < 0 || Object.is(literal.value, -0)
  return literal.type === 'int' && literal.value < 0n
}

const whole = (expr: Expr): Piece => ({ expr, level: precedence.ternary })
const member = (expr: Expr): Piece => ({ expr, level: precedence.member })

function write(expr: Expr): Piece[] {
  switch (expr.kind) {
    case 'literal':
      return [formatLiteral(expr.literal)]
    case 'ident':
      return [expr.root ? `.${expr.name}` : expr.name]
    case 'select': {
      const selected = [member(expr.operand), `${expr.optional ? '.?' : '.'}${field(expr.field)}`]
      return expr.test ? ['has(', ...selected, ')'] : selected
    }
    case 'call':
      return writeCall(expr)
    case 'list':
      return enclosed(
        '[',
        expr.elements.map(({ value, optional }) => [mark(optional), whole(value)]),
        ']',
      )
    case 'map':
      return enclosed(
        '{',
        expr.entries.map(({ key, value, optional }) => [mark(optional), whole(key), ': ', whole(value)]),
        '}',
      )
    case 'message':
      return enclosed(
        `${expr.type}{`,
        expr.fields.map(({ name, value, optional }) => [`${mark(optional)}${field(name)}: `, whole(value)]),
        '}',
      )
    case 'comprehension': {
      const parts = [expr.filter, expr.body].filter(part => part !== undefined)
      const name = expr.macro === 'exists_one' && expr.variables.length === 2 ? 'existsOne' : expr.macro
      return method(expr.range, name, [...expr.variables, ...parts.map(whole)])
    }
    case 'bind': {
      const sort = asSortBy(expr)
      if (sort !== undefined) return method(sort.target, 'sortBy', [sort.variable, whole(sort.key)])
      return enclosed('cel.bind(', [[expr.variable], [whole(expr.init)], [whole(expr.body)]], ')')
    }
    case 'optional_map':
      return method(expr.operand, expr.flat ? 'optFlatMap' : 'optMap', [expr.variable, whole(expr.body)])
  }
}

function writeCall({ name, target, args }: Extract<Expr, { kind: 'call' }>): Piece[] {
  if (target !== undefined) return method(target, name, args.map(whole))
  const [first, second, third] = args
  const operator = operatorByName.get(name)
  if (operator !== undefined) {
    // To the left a chain of one precedence needs no parentheses; all of a flat chain are beside each other.
    const level = (i: number): number => (i === 0 && !operator.flat ? operator.precedence : operator.precedence + 1)
    return args.flatMap((arg, i) => {
      const operand = { expr: arg, level: level(i) }
      return i === 0 ? [operand] : [` ${operator.text} `, operand]
    })
  }
  if (first !== undefined && name === '!_') return ['!', { expr: first, level: operandLevel(first) }]
  if (first !== undefined && name === '-_') {
    return beginsWithNumber(first) ? ['-(', whole(first), ')'] : ['-', member(first)]
  }
  if (first !== undefined && second !== undefined) {
    if (name === '_[_]') return [member(first), '[', whole(second), ']']
    if (name === '_[?_]') return [member(first), '[?', whole(second), ']']
    if (name === '_?_:_' && third !== undefined) {
      return [{ expr: first, level: precedence.or }, ' ? ', { expr: second, level: precedence.or }, ' : ', whole(third)]
    }
  }
  return enclosed(
    `${name}(`,
    args.map(arg => [whole(arg)]),
    ')',
  )
}

/** `!-1` needs no parentheses: the sign is part of the number. */
const operandLevel = (expr: Expr): number => (expr.kind === 'literal' ? precedence.prefix : precedence.member)

/** Then a minus before it would become the number's own. */
function beginsWithNumber(expr: Expr): boolean {
  let node: Expr | undefined = expr
  while (node !== undefined) {
    if (node.kind === 'literal') return node.literal.type === 'int' || node.literal.type === 'double'
    node = memberOf(node)
  }
  return false
}

/** What a member is written after; undefined for what does not begin with another expression. */
function memberOf(expr: Expr): Expr | undefined {
  switch (expr.kind) {
    case 'select':
      return expr.test ? undefined : expr.operand
    case 'call':
      return expr.target ?? (expr.name === '_[_]' || expr.name === '_[?_]' ? expr.args[0] : undefined)
    case 'comprehension':
      return expr.range
    case 'optional_map':
      return expr.operand
    case 'bind':
      return asSortBy(expr)?.target
    default:
      return undefined
  }
}

const field = (name: string): string => (isPlainField(name) ? name : `\`${name}\``)

const mark = (optional: boolean): string => (optional ? '?' : '')

const method = (target: Expr, name: string, args: readonly Piece[]): Piece[] => [
  member(target),
  ...enclosed(
    `.${name}(`,
    args.map(arg => [arg]),
    ')',
  ),
]

function enclosed(open: string, items: readonly (readonly Piece[])[], close: string): Piece[] {
  const pieces: Piece[] = [open]
  items.forEach((item, i) => {
    if (i > 0) pieces.push(', ')
    pieces.push(...item)
  })
  pieces.push(close)
  return pieces
}
