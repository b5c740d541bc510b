import type { Member } from './environment.js'
import type { CallNode, ComprehensionNode, Node } from './syntax-tree.js'

/**
 * The names of members that an expression asks for: `x.name`, `has(x.name)`, `x["name"]`, `"name" in x`, also where the
 * name comes from a list that is written out (`["a", "b"].exists(k, k in x)`) or is compared with the keys of a variable
 * (`args.exists(k, k == "name")`). Names that are computed otherwise cannot be told.
 */
export function membersOf(tree: Node): readonly Member[] {
  const members: Member[] = []
  collect(tree, { members, locals: new Map() })
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
function collect(node: Node, scope: Scope): Path {
  switch (node.kind) {
    case 'constant':
      return unknown
    case 'name':
      return scope.locals.has(node.name) ? (scope.locals.get(node.name)?.path ?? unknown) : [node.name]
    case 'select':
      return note(scope, collect(node.operand, scope), node.field)
    case 'has':
      note(scope, collect(node.operand, scope), node.field)
      return unknown
    case 'list':
      for (const item of node.items) collect(item, scope)
      return unknown
    case 'map':
      for (const [key, value] of node.entries) {
        collect(key, scope)
        collect(value, scope)
      }
      return unknown
    case 'comprehension':
      return collectComprehension(node, scope)
    case 'call':
      return collectCall(node, scope)
  }
}

const unknown: Path = []

function note(scope: Scope, of: Path, name: string): Path {
  scope.members.push({ name, of })
  return of.length === 0 ? unknown : [...of, name]
}

function collectCall(node: CallNode, scope: Scope): Path {
  const paths = node.args.map(argument => collect(argument, scope))
  if (node.target !== undefined) collect(node.target, scope)
  const [first, second] = node.args
  if (first === undefined || second === undefined) return unknown
  switch (node.name) {
    case '_[_]': {
      const of = paths[0] ?? unknown
      const names = namesOf(second, scope)
      for (const name of names) note(scope, of, name)
      if (of.length === 0) return unknown
      return [...of, (second.kind === 'constant' ? names[0] : undefined) ?? '*']
    }
    case '@in':
      for (const name of namesOf(first, scope)) note(scope, paths[1] ?? unknown, name)
      noteKeys(first, namesOf(second, scope), scope)
      return unknown
    case '_==_':
    case '_!=_':
      noteKeys(first, namesOf(second, scope), scope)
      noteKeys(second, namesOf(first, scope), scope)
      return unknown
    default:
      return unknown
  }
}

/** A variable that runs over keys, compared with names. */
function noteKeys(node: Node, names: readonly string[], scope: Scope): void {
  const keyOf = node.kind === 'name' ? scope.locals.get(node.name)?.keyOf : undefined
  if (keyOf !== undefined) for (const name of names) note(scope, keyOf, name)
}

/** The texts that a node can be, as far as they are written out. */
function namesOf(node: Node, scope: Scope): readonly string[] {
  switch (node.kind) {
    case 'constant':
      return typeof node.value === 'string' ? [node.value] : []
    case 'list':
      return node.items.flatMap(item => namesOf(item, scope))
    case 'name':
      return scope.locals.get(node.name)?.names ?? []
    default:
      return []
  }
}

function collectComprehension(node: ComprehensionNode, scope: Scope): Path {
  const range = collect(node.range, scope)
  const isVariable = node.range.kind === 'name' && !scope.locals.has(node.range.name)
  const local: Local = {
    path: range.length === 0 ? unknown : [...range, '*'],
    names: node.range.kind === 'list' ? namesOf(node.range, scope) : [],
    // Elements of a member are seldom keys, and what they are compared with are values.
    keyOf: isVariable ? range : undefined,
  }
  const locals = new Map(scope.locals)
  for (const [index, variable] of node.variables.entries())
    locals.set(variable, index === 0 ? local : { ...local, keyOf: undefined })
  const inner: Scope = { members: scope.members, locals }
  if (node.filter !== undefined) collect(node.filter, inner)
  if (node.body !== undefined) collect(node.body, inner)
  return node.macro === 'filter' ? range : unknown
}
