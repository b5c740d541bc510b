import type { Expr, LiteralExpr } from '../syntax/ast.js'
import { formatExpression } from '../syntax/format-expression.js'
import type { Reference } from '../types/check-session.js'
import { type Type, types } from '../types/type.js'
import type { LintCode } from './lint-codes.js'
import type { KnownKind, LintContext, PathFacts } from './lint-context.js'
import { pathsOf } from './paths-of.js'
import { Shapes } from './shapes.js'

export interface LintIssue {
  readonly code: LintCode
  /** Offset in the source, in UTF-16 units. */
  readonly at: number
  readonly message: string
  readonly hint: string | undefined
}

/** What the checker found out. */
export interface LintTypes {
  readonly types: ReadonlyMap<number, Type>
  readonly references: ReadonlyMap<number, Reference>
}

export type LintRule = (subject: LintSubject) => void

const mostIssues = 50

/** One expression, with what the rules ask about it. */
export class LintSubject {
  readonly expr: Expr
  readonly context: LintContext
  readonly shapes: Shapes
  readonly #checked: LintTypes
  readonly #paths: ReadonlyMap<number, string>
  readonly #issues = new Map<string, LintIssue>()

  constructor(expr: Expr, checked: LintTypes, context: LintContext) {
    this.expr = expr
    this.context = context
    this.shapes = new Shapes(expr)
    this.#checked = checked
    this.#paths = pathsOf(expr)
  }

  /** In the order of the source. */
  get issues(): readonly LintIssue[] {
    return [...this.#issues.values()].sort((a, b) => a.at - b.at)
  }

  report(code: LintCode, { at }: { readonly at: number }, message: string, hint?: string): void {
    const key = `${code} ${at}`
    if (this.#issues.size >= mostIssues || this.#issues.has(key)) return
    this.#issues.set(key, { code, at, message, hint })
  }

  typeOf(node: Expr): Type {
    return this.#checked.types.get(node.id) ?? types.dyn
  }

  /** Whether it is an expression: a namespace is none. */
  hasType(node: Expr): boolean {
    return this.#checked.types.has(node.id)
  }

  referenceOf(node: Expr): Reference | undefined {
    return this.#checked.references.get(node.id)
  }

  /** The variable and the members that the value comes from, as `mcp.tool.name`; undefined if it is computed. */
  pathOf(node: Expr): string | undefined {
    return this.#paths.get(node.id)
  }

  factsOf(node: Expr): PathFacts | undefined {
    const path = this.pathOf(node)
    return path === undefined ? undefined : this.context.facts?.get(path)
  }

  /** By its type, or else by what is known of its path. */
  kindOf(node: Expr): KnownKind | undefined {
    const type = this.typeOf(node)
    return kinds.get(type.kind) ?? (type.kind === 'dyn' ? kindOfFacts(this.factsOf(node)) : undefined)
  }

  /** An expression as messages quote it. */
  quote(node: Expr): string {
    const text = formatExpression(node, { width: Number.POSITIVE_INFINITY })
    return text.length <= longestQuote ? text : `${text.slice(0, longestQuote - 1)}…`
  }
}

const longestQuote = 60

const kinds: ReadonlyMap<Type['kind'], KnownKind> = new Map([
  ['string', 'text'],
  ['int', 'number'],
  ['uint', 'number'],
  ['double', 'number'],
  ['bool', 'bool'],
  ['list', 'list'],
  ['map', 'map'],
  ['timestamp', 'timestamp'],
])

function kindOfFacts(facts: PathFacts | undefined): KnownKind | undefined {
  if (facts?.kind !== undefined) return facts.kind
  if (facts?.values !== undefined) return 'text'
  return facts?.members === undefined ? undefined : 'map'
}

/** The text of a literal; undefined for everything else. */
export function textOf(node: Expr | undefined): string | undefined {
  return node?.kind === 'literal' && node.literal.type === 'string' ? node.literal.value : undefined
}

export function isLiteral(node: Expr): node is LiteralExpr {
  return node.kind === 'literal'
}
