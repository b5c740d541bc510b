import type { CallExpr, Expr } from './ast.js'
import { explainToken } from './explain-token.js'
import { Lexer } from './lexer.js'
import { buildMacro, type MacroSets } from './macros.js'
import { positionAt } from './position-at.js'
import type { SyntaxIssues } from './syntax-issue.js'
import type { Token } from './token.js'

export interface ParserOptions {
  readonly depth: number
  readonly nodes: number
  readonly macros: MacroSets
  readonly messages: boolean
}

/** What messages say is missing. */
export const places = {
  value: 'a value',
  operator: 'an operator or the end',
  field: 'the name of a field',
} as const

export type Closer = ')' | ']' | '}'

/**
 * State of one parse: the token that is next, and what may still come. A method that returns undefined or false where
 * something was wanted has reported why.
 */
export class ParseSession {
  readonly source: string
  readonly issues: SyntaxIssues
  readonly options: ParserOptions
  /** The token that is next, and the one before it. */
  token: Token
  before: Token | undefined
  /** Levels that are open. */
  depth = 0
  /** Nodes so far. */
  nodes = 0
  readonly #lexer: Lexer
  readonly #parse: (session: ParseSession) => Expr | undefined

  constructor(
    source: string,
    issues: SyntaxIssues,
    options: ParserOptions,
    parse: (session: ParseSession) => Expr | undefined,
  ) {
    this.source = source
    this.issues = issues
    this.options = options
    this.#parse = parse
    this.#lexer = new Lexer(source, issues)
    this.token = this.#lexer.next()
  }

  /** An expression inside of another. */
  expression(): Expr | undefined {
    return this.#parse(this)
  }

  /** To the next token, which it returns. */
  advance(): Token {
    this.before = this.token
    this.token = this.#lexer.next()
    return this.token
  }

  /** For where the compiler would believe that the token is still the one it was. */
  at(kind: Token['kind']): boolean {
    return this.token.kind === kind
  }

  close(closer: Closer, open: Token): boolean {
    if (this.token.kind === closer) {
      this.advance()
      return true
    }
    if (this.token.kind === 'end') {
      this.issues.stop(open.at, `this '${open.kind}' is never closed`)
    } else {
      const { line, column } = positionAt(this.source, open.at)
      this.unexpected(`an operator, ',' or the '${closer}' that closes ${line}:${column}`)
    }
    return false
  }

  optionalMark(at: number, syntax: string): boolean {
    if (this.token.kind !== '?') return false
    this.requireOptionals(at, syntax)
    this.advance()
    return true
  }

  requireOptionals(at: number, syntax: string): void {
    if (this.options.macros.optionals !== false) return
    this.issues.add(at, `optional values ('${syntax}') are not offered here`, 'write has(a.b) ? a.b : other')
  }

  /** One level deeper, if that is allowed. */
  descend(): boolean {
    this.depth++
    if (this.depth <= this.options.depth) return true
    this.issues.stop(
      this.token.at,
      `the expression is nested more than ${this.options.depth} levels deep`,
      'split it into variables',
    )
    return false
  }

  overfull(): boolean {
    if (this.nodes <= this.options.nodes) return false
    this.issues.stop(this.token.at, `the expression has more than ${this.options.nodes} parts`, 'split it up')
    return true
  }

  unexpected(expected: string, advice?: string): undefined {
    const { message, hint } = explainToken(this.source, this.token, this.before, expected)
    return this.issues.stop(this.token.at, message, hint ?? advice)
  }

  /** A call as it is written, or the macro that it is. */
  invoke(name: string, target: Expr | undefined, args: readonly Expr[], at: number): Expr {
    const macro = buildMacro({ name, target, args, at }, this.options.macros, this.issues)
    if (macro === undefined) return this.call(name, target, args, at)
    this.nodes++
    return macro
  }

  call(name: string, target: Expr | undefined, args: readonly Expr[], at: number): CallExpr {
    this.nodes++
    return { kind: 'call', id: 0, at, name, target, args }
  }
}
