import { compileExpr } from '../../src/cel/evaluate/compile-expr.js'
import type { Program } from '../../src/cel/evaluate/program.js'
import type { FunctionOverload, Library } from '../../src/cel/library/library.js'
import { librariesOf } from '../../src/cel/library-sets.js'
import type { Expr } from '../../src/cel/syntax/ast.js'
import { parseExpression } from '../../src/cel/syntax/parse-expression.js'
import { children } from '../../src/cel/syntax/walk.js'
import { checkExpr } from '../../src/cel/types/check-expr.js'
import { createDeclarations } from '../../src/cel/types/declarations.js'
import { parseSignature, parseType } from '../../src/cel/types/parse-signature.js'
import { optionalOperators, standardOperators } from '../../src/cel/types/standard-operators.js'
import { type Type, types } from '../../src/cel/types/type.js'
import type { Value } from '../../src/cel/values/value.js'
import { variableTypes } from './variables.js'

/** What we offer as Kubernetes 1.36, with what it has beside it for objects, as in the recordings. */
export const libraries: readonly Library[] = librariesOf('kubernetes/1.36', true)

const declarations = createDeclarations([standardOperators, optionalOperators, ...libraries])
const overloads = new Map<string, FunctionOverload[]>()
for (const overload of libraries.flatMap(library => library.functions)) {
  const { name } = parseSignature(overload.id, overload.signature)
  overloads.set(name, [...(overloads.get(name) ?? []), overload])
}

const declared = new Map<string, Type>([['authorizer', types.opaque('kubernetes.authorization.Authorizer')]])
for (const [name, text] of Object.entries(variableTypes)) {
  const type = parseType(text)
  if (type === undefined) throw new Error(`no type: ${text}`)
  declared.set(name, type)
}

export type Prepared =
  | {
      readonly ok: true
      readonly type: Type
      readonly program: Program
      /** The same without a value that is worked out beforehand, to see what the work would have cost; and the constants. */
      readonly unfolded: Program
      readonly constants: ReadonlyMap<string, Value>
      /** Ids of the overloads that the expression may call. */
      readonly overloads: readonly string[]
    }
  | { readonly ok: false; readonly message: string }

/** Parses, checks and compiles as an environment of ours does, in front of the same functions as Kubernetes has. */
export function prepare(source: string): Prepared {
  const parsed = parseExpression(source, { messages: false })
  if (!parsed.ok) return { ok: false, message: parsed.errors[0]?.message ?? '' }
  const checked = compileChecked(parsed.expr, declared)
  if (!checked.ok) return checked
  const { constants, expr, names } = unfold(parsed.expr)
  const unfolded = constants.size === 0 ? checked : compileChecked(expr, new Map([...declared, ...names]))
  if (!unfolded.ok) return unfolded
  const { type, program, overloads } = checked
  return { ok: true, type, program, unfolded: unfolded.program, constants, overloads }
}

type Compiled =
  | { readonly ok: true; readonly type: Type; readonly program: Program; readonly overloads: readonly string[] }
  | { readonly ok: false; readonly message: string }

function compileChecked(expr: Expr, variables: ReadonlyMap<string, Type>): Compiled {
  const checked = checkExpr(expr, { variables, functions: declarations, homogeneousLiterals: true })
  if (!checked.ok) return { ok: false, message: checked.errors[0]?.message ?? '' }
  const program = compileExpr(expr, { overloads, checked, variables, types: declarations.types })
  const [problem] = program.problems
  if (problem !== undefined) return { ok: false, message: problem.message }
  const called = [...checked.references.values()].flatMap(reference =>
    reference.kind === 'function' ? reference.overloads : [],
  )
  return { ok: true, type: checked.type, program, overloads: called }
}

interface Unfolded {
  readonly expr: Expr
  readonly constants: ReadonlyMap<string, Value>
  readonly names: ReadonlyMap<string, Type>
}

/**
 * Calls whose operands are all constant are worked out when an expression is compiled, and cost nothing then; cel-go works
 * them out each time. Here a variable, which costs a unit, takes the place of one operand of each.
 */
function unfold(expr: Expr): Unfolded {
  const constants = new Map<string, Value>()
  const names = new Map<string, Type>()
  const hide = (node: Expr): Expr => {
    const name = `%${constants.size}`
    const checked = checkExpr(node, { variables: declared, functions: declarations, homogeneousLiterals: true })
    const result = compileExpr(node, { overloads, variables: declared, types: declarations.types }).evaluate(
      () => undefined,
    )
    if (!checked.ok || !result.ok) return node
    constants.set(name, result.value)
    names.set(name, checked.type)
    return { kind: 'ident', id: node.id, at: node.at, name, root: false }
  }
  const change = (node: Expr): Expr => {
    if (node.kind === 'call' && isConstant(node) && !hasCall(operandsOf(node))) {
      const [first] = operandsOf(node)
      if (first === undefined) return node
      const hidden = hide(first)
      return first === node.target ? { ...node, target: hidden } : { ...node, args: [hidden, ...node.args.slice(1)] }
    }
    return mapChildren(node, change)
  }
  return { expr: change(expr), constants, names }
}

/** What a call works with; the name before a function in a namespace (`lists.range`) is no operand. */
function operandsOf({ target, args }: Extract<Expr, { kind: 'call' }>): readonly Expr[] {
  return target === undefined || isNamespace(target) ? args : [target, ...args]
}

const isNamespace = (node: Expr): boolean => node.kind === 'ident' && !declared.has(node.name)

const hasCall = (nodes: readonly Expr[]): boolean =>
  nodes.some(node => node.kind === 'call' || hasCall([...children(node)]))

function isConstant(node: Expr): boolean {
  switch (node.kind) {
    case 'literal':
      return true
    case 'ident':
      return /^(int|uint|double|string|bool|bytes|list|map|type|null_type)$/.test(node.name)
    case 'call':
      return operandsOf(node).every(isConstant)
    case 'list':
    case 'map':
      return children(node).every(isConstant)
    default:
      return false
  }
}

function mapChildren(node: Expr, change: (node: Expr) => Expr): Expr {
  switch (node.kind) {
    case 'literal':
    case 'ident':
      return node
    case 'select':
      return { ...node, operand: change(node.operand) }
    case 'call':
      return { ...node, target: node.target && change(node.target), args: node.args.map(change) }
    case 'list':
      return { ...node, elements: node.elements.map(item => ({ ...item, value: change(item.value) })) }
    case 'map':
      return {
        ...node,
        entries: node.entries.map(entry => ({ ...entry, key: change(entry.key), value: change(entry.value) })),
      }
    case 'message':
      return { ...node, fields: node.fields.map(field => ({ ...field, value: change(field.value) })) }
    case 'comprehension':
      return {
        ...node,
        range: change(node.range),
        filter: node.filter && change(node.filter),
        body: node.body && change(node.body),
      }
    case 'bind':
      return { ...node, init: change(node.init), body: change(node.body) }
    case 'optional_map':
      return { ...node, operand: change(node.operand), body: change(node.body) }
  }
}
