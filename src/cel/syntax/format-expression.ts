import type { CallExpr, Expr } from './ast.js'
import { formatLiteral } from './format-literal.js'
import { close, type LayoutToken, layOut, line, open } from './layout.js'
import { Lexer } from './lexer.js'
import { asSortBy } from './macros.js'
import { type BinaryOperator, operatorByName, precedence } from './operators.js'
import { type ParseOptions, parseExpression } from './parse-expression.js'
import { SyntaxIssues } from './syntax-issue.js'
import { isPlainField } from './words.js'

/**
 * A token as it is, or an expression still to be written, which needs parentheses when it binds looser than `level`. What
 * begins a line of its own (`block`) needs no further indentation for its lines.
 */
type Piece = LayoutToken | { readonly expr: Expr; readonly level: number; readonly block?: boolean }

export interface FormatOptions extends ParseOptions {
  /**
   * Characters that a line should have at most; `Infinity` for one line. Default: 120. What has no place to be broken
   * (a long text, a chain of `+`) is longer.
   */
  readonly width?: number
}

export const defaultWidth = 120

/**
 * The canonical form: parentheses only where the tree needs them (and around a negative number with members), one spelling
 * of literals, macros as macros, on one line if it fits; else lines end after `&&`, `||` and commas, before the `?` and `:`
 * of a condition, and inside of brackets, two blanks deeper per level. It depends on the tree alone: parsing it gives the
 * same tree, and formatting that the same text. Line ends inside of texts are escaped, never moved.
 *
 * A source that does not parse, or that has comments, which a tree does not hold, is returned as it is.
 */
export function formatExpression(expression: Expr | string, options: FormatOptions = {}): string {
  const { width = defaultWidth } = options
  if (typeof expression !== 'string') return layOut(tokensOf(expression), width)
  const parsed = parseExpression(expression, options)
  return parsed.ok && !hasComments(expression) ? layOut(tokensOf(parsed.expr), width) : expression
}

function hasComments(source: string): boolean {
  const lexer = new Lexer(source, new SyntaxIssues())
  while (lexer.next().kind !== 'end');
  return lexer.comments > 0
}

/** With a stack of its own, so that the length of a chain does not matter. */
function tokensOf(expr: Expr): readonly LayoutToken[] {
  const tokens: LayoutToken[] = []
  const pending: Piece[] = [whole(expr)]
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    if (typeof piece === 'string' || 'kind' in piece) {
      tokens.push(piece)
      continue
    }
    const enclose = bindingOf(piece.expr) < piece.level
    const written = write(piece.expr, enclose || piece.block === true)
    const pieces = enclose ? enclosed('(', [written], ')') : written
    for (let i = pieces.length - 1; i >= 0; i--) pending.push(pieces[i] ?? '')
  }
  return tokens
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

const whole = (expr: Expr): Piece => ({ expr, level: precedence.ternary, block: true })
const member = (expr: Expr): Piece => ({ expr, level: precedence.member })

function write(expr: Expr, block: boolean): Piece[] {
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
      return writeCall(expr, block)
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
      return method(expr.range, name, parts.map(whole), expr.variables)
    }
    case 'bind': {
      const sort = asSortBy(expr)
      if (sort !== undefined) return method(sort.target, 'sortBy', [whole(sort.key)], [sort.variable])
      return enclosed('cel.bind(', [[whole(expr.init)], [whole(expr.body)]], ')', [expr.variable])
    }
    case 'optional_map':
      return method(expr.operand, expr.flat ? 'optFlatMap' : 'optMap', [whole(expr.body)], [expr.variable])
  }
}

function writeCall(call: CallExpr, block: boolean): Piece[] {
  const { name, target, args } = call
  if (target !== undefined) return method(target, name, args.map(whole))
  const [first, second] = args
  const operator = operatorByName.get(name)
  if (operator?.flat === true) return writeLogic(args, operator, block)
  if (operator !== undefined && first !== undefined && second !== undefined) {
    // To the left a chain of one precedence needs no parentheses.
    const left = { expr: first, level: operator.precedence }
    return [left, ` ${operator.text} `, { expr: second, level: operator.precedence + 1 }]
  }
  if (first !== undefined && name === '!_') return ['!', { expr: first, level: operandLevel(first) }]
  if (first !== undefined && name === '-_') {
    return beginsWithNumber(first) ? ['-', ...enclosed('(', [[whole(first)]], ')')] : ['-', member(first)]
  }
  if (first !== undefined && second !== undefined) {
    if (name === '_[_]') return [member(first), ...enclosed('[', [[whole(second)]], ']')]
    if (name === '_[?_]') return [member(first), ...enclosed('[?', [[whole(second)]], ']')]
    if (isConditional(call)) return writeConditional(call)
  }
  return enclosed(
    `${name}(`,
    args.map(arg => [whole(arg)]),
    ')',
  )
}

/** All operands of a chain are beside each other: each on a line of its own, or all on one. */
function writeLogic(args: readonly Expr[], { text, precedence: level }: BinaryOperator, block: boolean): Piece[] {
  const pieces: Piece[] = [open(block ? 0 : 2)]
  for (const [i, expr] of args.entries()) {
    if (i > 0) pieces.push(` ${text}`, line(' '))
    pieces.push({ expr, level: level + 1 })
  }
  pieces.push(close)
  return pieces
}

/** `a ? b : c ? d : e` is a list of cases: all of one depth. */
function writeConditional(call: CallExpr): Piece[] {
  const pieces: Piece[] = [open(2)]
  let rest: Expr = call
  for (;;) {
    const [condition, yes, no]: readonly (Expr | undefined)[] = isConditional(rest) ? rest.args : []
    if (condition === undefined || yes === undefined || no === undefined) break
    pieces.push({ expr: condition, level: precedence.or }, line(' '), '? ', { expr: yes, level: precedence.or })
    pieces.push(line(' '), ': ')
    rest = no
  }
  pieces.push({ expr: rest, level: precedence.ternary }, close)
  return pieces
}

function isConditional(expr: Expr): expr is CallExpr {
  return expr.kind === 'call' && expr.target === undefined && expr.name === '_?_:_' && expr.args.length === 3
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

const method = (target: Expr, name: string, args: readonly Piece[], names: readonly string[] = []): Piece[] => [
  member(target),
  ...enclosed(
    `.${name}(`,
    args.map(arg => [arg]),
    ')',
    names,
  ),
]

/** Items in brackets, which hold them on one line or on one each. Names that a macro gives stay with the bracket. */
function enclosed(
  opening: string,
  items: readonly (readonly Piece[])[],
  closing: string,
  names: readonly string[] = [],
): Piece[] {
  if (items.length === 0) return [opening, closing]
  const pieces: Piece[] = [opening, names.map(name => `${name},`).join(' '), open(2), line(names.length > 0 ? ' ' : '')]
  items.forEach((item, i) => {
    if (i > 0) pieces.push(',', line(' '))
    pieces.push(...item)
  })
  pieces.push(line('', -2), closing, close)
  return pieces
}
