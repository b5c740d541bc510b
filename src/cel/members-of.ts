import type { Member } from './environment.js'
import type { CallExpr, ComprehensionExpr, Expr } from './syntax/ast.js'

/**
 * The names of members that an expression asks for: `x.name`, `x.?name`, `has(x.name)`, `x["name"]`, `"name" in x`, also
 * where the name comes from a list that is written out (`["a", "b"].exists(k, k in x)`) or is compared with the keys of a
 * variable (`args.exists(k, k == "name")`). Names that are computed otherwise cannot be told. Recurses: the environment
 * bounds how deep a tree may be.
 */
export function membersOf(expr: Expr): readonly Member[] {
  const members: Member[] = []
  collect(expr, { members, locals: new Map() })
  return members
}

/** What is known of a local variable. */
interface Local {
  /** Where it comes from; empty if unknown. */
  readonly path: Path
  /** The constants that it runs over. */
  readonly names: readonly string[]
  /** What it is a key of, if it is one. */
  readonly keyOf: Path | undefined
}

/** A variable and the names behind it; empty if unknown. */
type Path = readonly string[]

interface Scope {
  readonly members: Member[]
  readonly locals: ReadonlyMap<string, Local>
}

/** Notes every member asked for inside of the node; returns where its value comes from. */
function collect(expr: Expr, scope: Scope): Path {
  switch (expr.kind) {
    case 'literal':
      return unknown
    case 'ident':
      return !expr.root && scope.locals.has(expr.name) ? (scope.locals.get(expr.name)?.path ?? unknown) : [expr.name]
    case 'select': {
      const path = note(scope, collect(expr.operand, scope), expr.field)
      return expr.test ? unknown : path
    }
    case 'list':
      for (const { value } of expr.elements) collect(value, scope)
      return unknown
    case 'map':
      for (const { key, value } of expr.entries) {
        collect(key, scope)
        collect(value, scope)
      }
      return unknown
    case 'message':
      for (const { value } of expr.fields) collect(value, scope)
      return unknown
    case 'comprehension':
      return collectComprehension(expr, scope)
    case 'bind': {
      const bound = withLocal(scope, expr.variable, collect(expr.init, scope), namesOf(expr.init, scope))
      return collect(expr.body, bound)
    }
    case 'optional_map':
      return collect(expr.body, withLocal(scope, expr.variable, collect(expr.operand, scope), []))
    case 'call':
      return collectCall(expr, scope)
  }
}

const unknown: Path = []

function note(scope: Scope, of: Path, name: string): Path {
  scope.members.push({ name, of })
  return of.length === 0 ? unknown : [...of, name]
}

function withLocal(scope: Scope, name: string, path: Path, names: readonly string[]): Scope {
  const locals = new Map(scope.locals)
  locals.set(name, { path, names, keyOf: undefined })
  return { members: scope.members, locals }
}

function collectCall(call: CallExpr, scope: Scope): Path {
  const paths = call.args.map(argument => collect(argument, scope))
  const target = call.target === undefined ? unknown : collect(call.target, scope)
  const [first, second] = call.args
  switch (call.name) {
    case '_[_]':
    case '_[?_]': {
      if (first === undefined || second === undefined) return unknown
      const of = paths[0] ?? unknown
      const names = namesOf(second, scope)
      for (const name of names) note(scope, of, name)
      if (of.length === 0) return unknown
      return [...of, (second.kind === 'literal' ? names[0] : undefined) ?? '*']
    }
    case '@in':
      if (first === undefined || second === undefined) return unknown
      for (const name of namesOf(first, scope)) note(scope, paths[1] ?? unknown, name)
      noteKeys(first, namesOf(second, scope), scope)
      return unknown
    case '_==_':
    case '_!=_':
      if (first === undefined || second === undefined) return unknown
      noteKeys(first, namesOf(second, scope), scope)
      noteKeys(second, namesOf(first, scope), scope)
      return unknown
    // What is inside of an optional is what was put into it.
    case 'value':
      return target
    case 'or':
    case 'orValue':
      return first !== undefined && (isEmpty(first) || sameWay(target, paths[0] ?? unknown)) ? target : unknown
    case 'of':
    case 'ofNonZeroValue':
      return target[0] === 'optional' && target.length === 1 ? (paths[0] ?? unknown) : unknown
    case 'dyn':
      return paths[0] ?? unknown
    default:
      return unknown
  }
}

/** Whether nothing is in it that has members. */
function isEmpty(expr: Expr): boolean {
  switch (expr.kind) {
    case 'literal':
      return true
    case 'list':
      return expr.elements.length === 0
    case 'map':
      return expr.entries.length === 0
    case 'call':
      return expr.name === 'none' && expr.args.length === 0
    default:
      return false
  }
}

/** What is the one or the other can only be said to come from somewhere if both do. */
function sameWay(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i])
}

/** A variable that runs over keys, compared with names. */
function noteKeys(expr: Expr, names: readonly string[], scope: Scope): void {
  const keyOf = expr.kind === 'ident' ? scope.locals.get(expr.name)?.keyOf : undefined
  if (keyOf !== undefined) for (const name of names) note(scope, keyOf, name)
}

/** The texts that a node can be, as far as they are written out. */
function namesOf(expr: Expr, scope: Scope): readonly string[] {
  switch (expr.kind) {
    case 'literal':
      return expr.literal.type === 'string' ? [expr.literal.value] : []
    case 'list':
      return expr.elements.flatMap(({ value }) => namesOf(value, scope))
    case 'ident':
      return scope.locals.get(expr.name)?.names ?? []
    case 'call': {
      const [, yes, no] = expr.args
      if (expr.name !== '_?_:_' || yes === undefined || no === undefined) return []
      return [...namesOf(yes, scope), ...namesOf(no, scope)]
    }
    default:
      return []
  }
}

function collectComprehension(expr: ComprehensionExpr, scope: Scope): Path {
  const range = collect(expr.range, scope)
  const local: Local = {
    path: range.length === 0 ? unknown : [...range, '*'],
    names: expr.range.kind === 'list' ? namesOf(expr.range, scope) : [],
    // Elements of a member are seldom keys, and what they are compared with are values. A name may stand for a variable.
    keyOf: range.length === 1 && expr.range.kind === 'ident' ? range : undefined,
  }
  const locals = new Map(scope.locals)
  // Of a written list, two variables are index and element; of anything else, key and value.
  for (const [index, variable] of expr.variables.entries())
    locals.set(variable, index === 0 ? local : { ...local, keyOf: undefined })
  const inner: Scope = { members: scope.members, locals }
  if (expr.filter !== undefined) collect(expr.filter, inner)
  if (expr.body !== undefined) collect(expr.body, inner)
  return expr.macro === 'filter' ? range : unknown
}
