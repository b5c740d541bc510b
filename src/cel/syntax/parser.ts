import type { Expr, ListExpr, Literal, MapExpr, MessageExpr } from './ast.js'
import { explainToken } from './explain-token.js'
import { Lexer } from './lexer.js'
import { buildMacro, type MacroSets } from './macros.js'
import { type BinaryOperator, operatorByText } from './operators.js'
import { positionAt } from './position-at.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { Token } from './token.js'
import { reservedWords } from './words.js'

interface ParserOptions {
  readonly depth: number
  readonly nodes: number
  readonly macros: MacroSets
  readonly messages: boolean
}

const maxInt = 2n ** 63n - 1n

const places = {
  value: 'a value',
  operator: 'an operator or the end',
  field: 'the name of a field',
} as const

type Closer = ')' | ']' | '}'

/**
 * Recursive descent, where the recursion is bounded by the limit of nesting: operators are folded with a stack of their own,
 * chains of members and of ternaries are loops. A method that returns undefined has reported why. Positions are those of
 * cel-go: an operator's, the bracket of a call, an index, a list, a map or a message, the point of a field.
 */
export class Parser {
  readonly #source: string
  readonly #issues: SyntaxIssues
  readonly #options: ParserOptions
  readonly #lexer: Lexer
  #token: Token
  #before: Token | undefined
  #depth = 0
  #nodes = 0

  constructor(source: string, issues: SyntaxIssues, options: ParserOptions) {
    this.#source = source
    this.#issues = issues
    this.#options = options
    this.#lexer = new Lexer(source, issues)
    this.#token = this.#lexer.next()
  }

  /** The whole source is one expression. Ids are still to be given. */
  parse(): Expr | undefined {
    if (this.#token.kind === 'end') return this.#issues.stop(0, 'the expression is empty')
    const expr = this.#expression()
    if (expr !== undefined && !this.#at('end')) return this.#unexpected(places.operator)
    return expr
  }

  /** `Expr = ConditionalOr ["?" ConditionalOr ":" Expr]`: the last part is a loop. */
  #expression(): Expr | undefined {
    const depth = this.#depth
    const arms: { readonly at: number; readonly condition: Expr; readonly value: Expr }[] = []
    for (;;) {
      if (!this.#descend()) return undefined
      const condition = this.#operators()
      if (condition === undefined) return undefined
      const { kind, at } = this.#token
      if (kind !== '?') {
        this.#depth = depth
        return arms.reduceRight<Expr>(
          (otherwise, arm) => this.#call('_?_:_', undefined, [arm.condition, arm.value, otherwise], arm.at),
          condition,
        )
      }
      this.#advance()
      const value = this.#operators()
      if (value === undefined) return undefined
      if (this.#token.kind !== ':') {
        const advice = this.#source[at + 1] === '.' ? 'an optional field is written a.?b' : undefined
        return this.#unexpected("an operator or the ':' of this condition", advice)
      }
      this.#advance()
      arms.push({ at, condition, value })
    }
  }

  #descend(): boolean {
    this.#depth++
    if (this.#depth <= this.#options.depth) return true
    this.#issues.stop(
      this.#token.at,
      `the expression is nested more than ${this.#options.depth} levels deep`,
      'split it into variables',
    )
    return false
  }

  /** Operands with binary operators between them; `pending` are those whose right side is not complete. */
  #operators(): Expr | undefined {
    const operands: Expr[] = []
    const pending: { readonly operator: BinaryOperator; readonly at: number; operands: number }[] = []
    for (;;) {
      const operand = this.#unary()
      if (operand === undefined) return undefined
      const operator = operatorByText.get(this.#token.kind)
      if (operator === undefined && pending.length === 0) return operand
      operands.push(operand)
      let top = pending.at(-1)
      while (top !== undefined && top.operator.precedence >= (operator?.precedence ?? 0)) {
        if (top.operator === operator && operator.flat) break
        pending.pop()
        const args = operands.splice(operands.length - top.operands)
        operands.push(this.#call(top.operator.name, undefined, args, top.at))
        top = pending.at(-1)
      }
      if (operator === undefined) return operands[0]
      if (top?.operator === operator) top.operands++
      else pending.push({ operator, at: this.#token.at, operands: 2 })
      this.#advance()
      if (this.#overfull()) return undefined
    }
  }

  /** A run of `!` or of `-` counts by its parity, as in cel-go; one `-` before a number belongs to it. */
  #unary(): Expr | undefined {
    const { kind, at } = this.#token
    if (kind !== '!' && kind !== '-') return this.#member()
    let next: Token = this.#token
    let count = 0
    for (; next.kind === kind; count++) next = this.#advance()
    if (kind === '-' && count === 1 && (next.kind === 'int' || next.kind === 'double')) {
      return this.#members(this.#number(next, at), undefined)
    }
    if (kind === '-' && next.kind === '!') return this.#unexpected('a value', 'write -(!a)')
    const operand = this.#member()
    if (operand === undefined || count % 2 === 0) return operand
    return this.#call(kind === '!' ? '!_' : '-_', undefined, [operand], at)
  }

  #member(): Expr | undefined {
    const token = this.#token
    switch (token.kind) {
      case 'name':
        return this.#named(false)
      case '.':
        this.#advance()
        return this.#token.kind === 'name' ? this.#named(true) : this.#unexpected('a name')
      case '(': {
        this.#advance()
        const inner = this.#expression()
        if (inner === undefined || !this.#close(')', token)) return undefined
        return this.#members(inner, undefined)
      }
      case '[':
        return this.#members(this.#list(), undefined)
      case '{':
        return this.#members(this.#map(), undefined)
      case '-': {
        // Only a number may have a sign after `!`.
        const next = this.#advance()
        if (next.kind === 'int' || next.kind === 'double') {
          return this.#members(this.#number(next, token.at), undefined)
        }
        return this.#unexpected('a number', 'write !(-a)')
      }
      default:
        return this.#members(this.#literal(token), undefined)
    }
  }

  #literal(token: Token): Expr | undefined {
    switch (token.kind) {
      case 'null':
        return this.#constant({ type: 'null' }, token.at)
      case 'true':
      case 'false':
        return this.#constant({ type: 'bool', value: token.kind === 'true' }, token.at)
      case 'int':
      case 'double':
        return this.#number(token, undefined)
      case 'uint':
        return this.#constant({ type: 'uint', value: token.value }, token.at)
      case 'string':
        return this.#constant({ type: 'string', value: token.text }, token.at)
      case 'bytes':
        return this.#constant({ type: 'bytes', value: token.value }, token.at)
      case 'quoted':
        return this.#unexpected(places.value, 'backticks are for fields only: a.`b-c`')
      default:
        return this.#unexpected(places.value)
    }
  }

  /** `minus` is where the sign is, if there is one. */
  #number(token: Extract<Token, { kind: 'int' | 'uint' | 'double' }>, minus: number | undefined): Expr {
    const at = minus ?? token.at
    if (token.kind === 'double') {
      return this.#constant({ type: 'double', value: minus === undefined ? token.value : -token.value }, at)
    }
    if (token.value > (minus === undefined ? maxInt : maxInt + 1n)) {
      this.#issues.add(at, 'this int needs more than 64 bits')
    }
    return this.#constant({ type: 'int', value: minus === undefined ? token.value : -token.value }, at)
  }

  #constant(literal: Literal, at: number): Expr {
    this.#advance()
    this.#nodes++
    return { kind: 'literal', id: 0, at, literal }
  }

  /** A name, a function, or the first part of the name of a message; `root` when a point came before it. */
  #named(root: boolean): Expr | undefined {
    const token = this.#token
    if (token.kind !== 'name') return this.#unexpected('a name')
    const at = root ? (this.#before?.at ?? token.at) : token.at
    if (reservedWords.has(token.text)) {
      this.#issues.add(
        token.at,
        `'${token.text}' is a reserved word`,
        `a key of this name is read as m["${token.text}"]`,
      )
    }
    this.#advance()
    if (this.#token.kind === '(') {
      const open = this.#token.at
      const args = this.#arguments()
      return args && this.#members(this.#invoke(root ? `.${token.text}` : token.text, undefined, args, open), undefined)
    }
    this.#nodes++
    return this.#members({ kind: 'ident', id: 0, at, name: token.text, root }, token.text)
  }

  /** What follows a value: fields, methods, indexes. `type` is what came so far if it can be the name of a message. */
  #members(first: Expr | undefined, type: string | undefined): Expr | undefined {
    let expr = first
    let name = type
    while (expr !== undefined) {
      if (this.#overfull()) return undefined
      const token = this.#token
      if (token.kind === '.') {
        const next = this.#field(expr)
        name = name !== undefined && next?.kind === 'select' && !next.optional ? this.#longer(name) : undefined
        expr = next
      } else if (token.kind === '[') {
        expr = this.#index(expr)
        name = undefined
      } else if (token.kind === '{' && name !== undefined) {
        expr = this.#message(name)
        name = undefined
      } else return expr
    }
    return undefined
  }

  #longer(type: string): string | undefined {
    return this.#before?.kind === 'name' ? `${type}.${this.#before.text}` : undefined
  }

  /** `.b`, `.?b`, `.b(…)`, with `b` or `` `b-c` ``. */
  #field(operand: Expr): Expr | undefined {
    const { at } = this.#token
    this.#advance()
    const optional = this.#token.kind === '?'
    if (optional) {
      this.#requireOptionals(at, '.?')
      this.#advance()
    }
    const name = this.#token
    if (name.kind !== 'name' && name.kind !== 'quoted') return this.#unexpected(places.field)
    this.#advance()
    if (name.kind === 'name' && !optional && this.#token.kind === '(') {
      const open = this.#token.at
      const args = this.#arguments()
      return args && this.#invoke(name.text, operand, args, open)
    }
    this.#nodes++
    return { kind: 'select', id: 0, at, operand, field: name.text, test: false, optional }
  }

  #index(operand: Expr): Expr | undefined {
    const open = this.#token
    this.#advance()
    const optional = this.#optionalMark(open.at, '[?')
    const key = this.#expression()
    if (key === undefined || !this.#close(']', open)) return undefined
    return this.#call(optional ? '_[?_]' : '_[_]', undefined, [operand, key], open.at)
  }

  /** From its `(` on. No comma after the last one. */
  #arguments(): Expr[] | undefined {
    const open = this.#token
    this.#advance()
    const args: Expr[] = []
    while (this.#token.kind !== ')' || args.length > 0) {
      const argument = this.#expression()
      if (argument === undefined) return undefined
      args.push(argument)
      if (this.#token.kind !== ',') break
      this.#advance()
    }
    return this.#close(')', open) ? args : undefined
  }

  #list(): ListExpr | undefined {
    const open = this.#token
    const elements: ListExpr['elements'][number][] = []
    const closed = this.#items(']', () => {
      const optional = this.#optionalMark(this.#token.at, '?')
      const value = this.#expression()
      if (value !== undefined) elements.push({ value, optional })
      return value !== undefined
    })
    this.#nodes++
    return closed ? { kind: 'list', id: 0, at: open.at, elements } : undefined
  }

  #map(): MapExpr | undefined {
    const open = this.#token
    const entries: MapExpr['entries'][number][] = []
    const closed = this.#items('}', () => {
      const optional = this.#optionalMark(this.#token.at, '?')
      const key = this.#expression()
      if (key === undefined) return false
      const value = this.#afterColon('the key')
      if (value !== undefined) entries.push({ key, value, optional })
      return value !== undefined
    })
    this.#nodes++
    return closed ? { kind: 'map', id: 0, at: open.at, entries } : undefined
  }

  #message(type: string): MessageExpr | undefined {
    const open = this.#token
    if (!this.#options.messages) {
      this.#issues.add(open.at, 'messages are not offered here', 'write a map: {"key": value}')
    }
    const fields: MessageExpr['fields'][number][] = []
    const closed = this.#items('}', () => {
      const optional = this.#optionalMark(this.#token.at, '?')
      const name = this.#token
      if (name.kind !== 'name' && name.kind !== 'quoted') {
        this.#unexpected(places.field, `for a map there is no name before the '{'`)
        return false
      }
      this.#advance()
      const value = this.#afterColon('the name')
      if (value !== undefined) fields.push({ name: name.text, value, optional, at: name.at })
      return value !== undefined
    })
    this.#nodes++
    return closed ? { kind: 'message', id: 0, at: open.at, type, fields } : undefined
  }

  #afterColon(what: string): Expr | undefined {
    if (this.#token.kind !== ':') return this.#unexpected(`the ':' after ${what}`)
    this.#advance()
    return this.#expression()
  }

  /** From the opening bracket on; a comma may follow the last item, and in empty brackets even stand alone (langdef). */
  #items(closer: Closer, item: () => boolean): boolean {
    const open = this.#token
    this.#advance()
    if (this.#token.kind === ',') {
      this.#advance()
      return this.#close(closer, open)
    }
    while (this.#token.kind !== closer) {
      if (!item()) return false
      if (!this.#at(',')) break
      this.#advance()
    }
    return this.#close(closer, open)
  }

  #close(closer: Closer, open: Token): boolean {
    if (this.#token.kind === closer) {
      this.#advance()
      return true
    }
    if (this.#token.kind === 'end') {
      this.#issues.stop(open.at, `this '${open.kind}' is never closed`)
    } else {
      const { line, column } = positionAt(this.#source, open.at)
      this.#unexpected(`an operator, ',' or the '${closer}' that closes ${line}:${column}`)
    }
    return false
  }

  #optionalMark(at: number, syntax: string): boolean {
    if (this.#token.kind !== '?') return false
    this.#requireOptionals(at, syntax)
    this.#advance()
    return true
  }

  #requireOptionals(at: number, syntax: string): void {
    if (this.#options.macros.optionals !== false) return
    this.#issues.add(at, `optional values ('${syntax}') are not offered here`, 'write has(a.b) ? a.b : other')
  }

  #invoke(name: string, target: Expr | undefined, args: readonly Expr[], at: number): Expr {
    this.#nodes++
    const macro = buildMacro({ name, target, args, at }, this.#options.macros, this.#issues)
    if (macro !== undefined) return macro
    return { kind: 'call', id: 0, at, name, target, args }
  }

  #call(name: string, target: Expr | undefined, args: readonly Expr[], at: number): Expr {
    this.#nodes++
    return { kind: 'call', id: 0, at, name, target, args }
  }

  #overfull(): boolean {
    if (this.#nodes <= this.#options.nodes) return false
    this.#issues.stop(this.#token.at, `the expression has more than ${this.#options.nodes} parts`, 'split it up')
    return true
  }

  /** To the next token, which it returns. */
  #advance(): Token {
    this.#before = this.#token
    this.#token = this.#lexer.next()
    return this.#token
  }

  /** For where the compiler would believe that the token is still the one it was. */
  #at(kind: Token['kind']): boolean {
    return this.#token.kind === kind
  }

  #unexpected(expected: string, advice?: string): undefined {
    const { message, hint } = explainToken(this.#source, this.#token, this.#before, expected)
    return this.#issues.stop(this.#token.at, message, hint ?? advice)
  }
}
