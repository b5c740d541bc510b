import type { Expr } from '../syntax/ast.js'
import type { DeclarationTable } from './declarations.js'
import { type Type, typeName, types } from './type.js'
import { Unifier } from './unify.js'

/** The fields of an object type by name, or `open`: any field, of type `dyn`. */
export type MessageFields = 'open' | ReadonlyMap<string, Type>

/** What an expression may refer to. */
export interface CheckEnvironment {
  /** Names may be dotted (`authorizer.requestResource`); the longest that fits is meant. */
  readonly variables: ReadonlyMap<string, Type>
  readonly functions: DeclarationTable
  /** The namespace that names are looked up in first, from the inside out (cel-spec langdef, "Name Resolution"). */
  readonly container?: string
  /** Whether the elements of a literal must be of one type, as in Kubernetes; otherwise a mixed list is `list(dyn)`. */
  readonly homogeneousLiterals: boolean
  /** The object types that literals may make, by their full names. Without it there are none. */
  readonly messages?: (name: string) => MessageFields | undefined
  /** Whether an object in the field `f` of a `T` must be called `T.f` (KEP-3962, mutating admission policies). */
  readonly messagesFollowPaths?: boolean
}

/** What a name or a call was found to mean. Nodes without one are literals, fields, macros and local variables. */
export type Reference =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'type'; readonly type: Type }
  | { readonly kind: 'function'; readonly overloads: readonly string[] }

/** `id` and `at` of the node that is wrong, what is wrong, and what to do about it. */
export interface TypeIssue {
  readonly id: number
  readonly at: number
  readonly message: string
  readonly hint: string | undefined
}

/** How many issues are kept; later ones follow from the first more often than not. */
export const mostIssues = 20

/** Levels of expressions inside each other; the parser allows fewer, so that this only holds for trees made otherwise. */
const deepest = 400

/** How many parts the object types that an environment knows only by asking may have in their names. */
export const longestMessageName = 16

/** The most parts that a declared variable or type has in its name. */
function longestNameOf(env: CheckEnvironment): number {
  let longest = env.messages === undefined ? 1 : longestMessageName
  for (const name of env.variables.keys()) longest = Math.max(longest, name.split('.').length)
  return Math.max(longest, env.functions.longestTypeName)
}

/** The state of one check. */
export class CheckSession {
  readonly env: CheckEnvironment
  readonly unifier = new Unifier()
  readonly issues: TypeIssue[] = []
  readonly references = new Map<number, Reference>()
  readonly variables = new Set<string>()
  /** The most parts that a declared name has: what is longer need not be looked up. */
  readonly longestName: number
  readonly #types = new Map<number, Type>()
  readonly #locals: { readonly name: string; readonly type: Type }[] = []
  readonly #walk: (expr: Expr, session: CheckSession) => void
  #depth = 0

  constructor(env: CheckEnvironment, walk: (expr: Expr, session: CheckSession) => void) {
    this.env = env
    this.longestName = longestNameOf(env)
    this.#walk = walk
  }

  /** The type of an expression that stands inside another. */
  check(expr: Expr): Type {
    if (this.#depth >= deepest) {
      this.report(expr, 'the expression is nested too deeply', 'split it into variables')
      return this.setType(expr, types.error)
    }
    this.#depth++
    this.#walk(expr, this)
    this.#depth--
    return this.typeOf(expr)
  }

  /** The type of an expression that was checked before. */
  typeOf(expr: Expr): Type {
    return this.#types.get(expr.id) ?? types.error
  }

  setType(expr: Expr, type: Type): Type {
    this.#types.set(expr.id, type)
    return type
  }

  /** What is known of a type by now. */
  resolve(type: Type): Type {
    return this.unifier.resolve(type, false)
  }

  /** Reports unless the expression, whose type is known, is a bool. */
  expectBool(expr: Expr): void {
    const found = this.typeOf(expr)
    if (!this.unifier.assignable(found, types.bool)) {
      const optional = this.resolve(found).kind === 'optional'
      const hint = optional ? 'take the value out of the optional: x.orValue(false)' : 'compare it with something'
      this.mismatch(expr, types.bool, found, hint)
    }
  }

  mismatch(place: { readonly id: number; readonly at: number }, wanted: Type, found: Type, hint?: string): void {
    this.report(place, `expected type '${this.describe(wanted)}' but found '${this.describe(found)}'`, hint)
  }

  report(place: { readonly id: number; readonly at: number }, message: string, hint?: string): void {
    if (this.issues.length >= mostIssues) return
    this.issues.push({ id: place.id, at: place.at, message, hint })
  }

  /** As messages write a type: unknown parameters are `dyn`. */
  describe(type: Type): string {
    return shortName(this.unifier.resolve(type, true))
  }

  /** Checks something in which local variables are visible. */
  within<T>(locals: readonly { readonly name: string; readonly type: Type }[], body: () => T): T {
    this.#locals.push(...locals)
    const result = body()
    this.#locals.length -= locals.length
    return result
  }

  local(name: string): Type | undefined {
    return this.#locals.findLast(local => local.name === name)?.type
  }

  localNames(): string[] {
    return this.#locals.map(local => local.name)
  }

  /** All types, with nothing left open. */
  finalTypes(): ReadonlyMap<number, Type> {
    const final = new Map<number, Type>()
    for (const [id, type] of this.#types) final.set(id, this.unifier.resolve(type, true))
    return final
  }
}

/** A name that still fits a line of text. */
function shortName(type: Type): string {
  const name = typeName(type)
  return name.length <= 200 ? name : `${name.slice(0, 199)}…`
}
