import type { Expr } from './ast.js'
import { type BinaryOperator, operatorByText } from './operators.js'
import { parseNumber } from './parse-literal.js'
import { parseMembers } from './parse-members.js'
import { parseOperand } from './parse-operand.js'
import { type ParserOptions, ParseSession, places } from './parse-session.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { Token } from './token.js'

/**
 * The tree of a source that is one expression; ids are still to be given. undefined if `issues` says why not.
 *
 * Recursive descent, where the recursion is bounded by the limit of nesting: operators are folded with a stack of their own,
 * chains of members and of ternaries are loops. A function that returns undefined has reported why. Positions are those of
 * cel-go: an operator's, the bracket of a call, an index, a list, a map or a message, the point of a field.
 */
export function parseTokens(source: string, issues: SyntaxIssues, options: ParserOptions): Expr | undefined {
  const session = new ParseSession(source, issues, options, parseNested)
  if (session.token.kind === 'end') return issues.stop(0, 'the expression is empty')
  const expr = session.expression()
  if (expr !== undefined && !session.at('end')) return session.unexpected(places.operator)
  return expr
}

/** `Expr = ConditionalOr ["?" ConditionalOr ":" Expr]`: the last part is a loop. */
function parseNested(session: ParseSession): Expr | undefined {
  const depth = session.depth
  const arms: { readonly at: number; readonly condition: Expr; readonly value: Expr }[] = []
  for (;;) {
    if (!session.descend()) return undefined
    const condition = operators(session)
    if (condition === undefined) return undefined
    const { kind, at } = session.token
    if (kind !== '?') {
      session.depth = depth
      return arms.reduceRight<Expr>(
        (otherwise, arm) => session.call('_?_:_', undefined, [arm.condition, arm.value, otherwise], arm.at),
        condition,
      )
    }
    session.advance()
    const value = operators(session)
    if (value === undefined) return undefined
    if (session.token.kind !== ':') {
      const advice = session.source[at + 1] === '.' ? 'an optional field is written a.?b' : undefined
      return session.unexpected("an operator or the ':' of this condition", advice)
    }
    session.advance()
    arms.push({ at, condition, value })
  }
}

/** Operands with binary operators between them; `pending` are those whose right side is not complete. */
function operators(session: ParseSession): Expr | undefined {
  const operands: Expr[] = []
  const pending: { readonly operator: BinaryOperator; readonly at: number; operands: number }[] = []
  for (;;) {
    const operand = unary(session)
    if (operand === undefined) return undefined
    const operator = operatorByText.get(session.token.kind)
    if (operator === undefined && pending.length === 0) return operand
    operands.push(operand)
    let top = pending.at(-1)
    while (top !== undefined && top.operator.precedence >= (operator?.precedence ?? 0)) {
      if (top.operator === operator && operator.flat) break
      pending.pop()
      const args = operands.splice(operands.length - top.operands)
      operands.push(session.call(top.operator.name, undefined, args, top.at))
      top = pending.at(-1)
    }
    if (operator === undefined) return operands[0]
    if (top?.operator === operator) top.operands++
    else pending.push({ operator, at: session.token.at, operands: 2 })
    session.advance()
    if (session.overfull()) return undefined
  }
}

/** A run of `!` or of `-` counts by its parity, as in cel-go; one `-` before a number belongs to it. */
function unary(session: ParseSession): Expr | undefined {
  const { kind, at } = session.token
  if (kind !== '!' && kind !== '-') return parseOperand(session)
  let next: Token = session.token
  let count = 0
  for (; next.kind === kind; count++) next = session.advance()
  if (kind === '-' && count === 1 && (next.kind === 'int' || next.kind === 'double')) {
    return parseMembers(session, parseNumber(session, next, at), undefined)
  }
  if (kind === '-' && next.kind === '!') return session.unexpected('a value', 'write -(!a)')
  const operand = parseOperand(session)
  if (operand === undefined || count % 2 === 0) return operand
  return session.call(kind === '!' ? '!_' : '-_', undefined, [operand], at)
}
