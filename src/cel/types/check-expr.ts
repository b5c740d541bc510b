import type { CallExpr, Expr, Literal, SelectExpr } from '../syntax/ast.js'
import { checkCall, namespacedFunction } from './check-calls.js'
import { mixedLiterals } from './check-homogeneous.js'
import { checkList, checkMap, checkMessage } from './check-literals.js'
import { checkBind, checkComprehension, checkOptionalMap } from './check-macros.js'
import { resolveChain, selectsOf } from './check-names.js'
import { type CheckEnvironment, CheckSession, mostIssues, type Reference, type TypeIssue } from './check-session.js'
import { type Type, types } from './type.js'

export type { CheckEnvironment, MessageFields, Reference, TypeIssue } from './check-session.js'

export type Checked =
  | {
      readonly ok: true
      readonly type: Type
      /** Types of the nodes by id, but for those inside of a dotted name. */
      readonly types: ReadonlyMap<number, Type>
      readonly references: ReadonlyMap<number, Reference>
      /** The declared variables that the expression reads. */
      readonly variables: ReadonlySet<string>
    }
  | { readonly ok: false; readonly errors: readonly TypeIssue[] }

/**
 * Checks an expression as cel-go does (cel-spec langdef, "Gradual Type Checking"): every name must be declared and every
 * call must fit an overload; where a type is `dyn` that shows at run time. Collects up to 20 errors, in the order of the
 * source. Chains to the left (`a + b + c`, `a.b.c`, `x.map(…).filter(…)`) may be of any length. Never throws.
 */
export function checkExpr(expr: Expr, env: CheckEnvironment): Checked {
  const session = new CheckSession(env, walk)
  session.check(expr)
  if (session.issues.length > 0) return refused(session.issues)
  const final = session.finalTypes()
  const mixed = env.homogeneousLiterals ? mixedLiterals(expr, final) : []
  if (mixed.length > 0) return refused(mixed)
  return {
    ok: true,
    type: final.get(expr.id) ?? types.dyn,
    types: final,
    references: session.references,
    variables: session.variables,
  }
}

function refused(issues: readonly TypeIssue[]): Checked {
  return { ok: false, errors: issues.toSorted((a, b) => a.at - b.at).slice(0, mostIssues) }
}

/** Goes down the left side of an expression to what stands first, and back up again, without recursion. */
function walk(expr: Expr, session: CheckSession): void {
  const open: Expr[] = []
  let node: Expr | undefined = expr
  while (node !== undefined) {
    const { base, selects }: ReturnType<typeof selectsOf> = selectsOf(node)
    if (base.kind === 'ident') {
      const above = open.at(-1)
      const method = above?.kind === 'call' && above.target === node ? above.name : undefined
      pushOutwards(open, resolveChain(session, { root: base, selects }, method))
      break
    }
    pushOutwards(open, selects)
    open.push(base)
    node = leftOf(base, session)
  }
  for (let top = open.pop(); top !== undefined; top = open.pop()) finish(top, session)
}

function pushOutwards(open: Expr[], selects: readonly SelectExpr[]): void {
  for (let i = selects.length - 1; i >= 0; i--) {
    const select = selects[i]
    if (select !== undefined) open.push(select)
  }
}

/** What is checked first, in the same scope; undefined if nothing is. */
function leftOf(expr: Expr, session: CheckSession): Expr | undefined {
  switch (expr.kind) {
    case 'select':
    case 'optional_map':
      return expr.operand
    case 'comprehension':
      return expr.range
    case 'call':
      return leftOfCall(expr, session)
    default:
      return undefined
  }
}

function leftOfCall(call: CallExpr, session: CheckSession): Expr | undefined {
  if (call.target === undefined) return call.args[0]
  return namespacedFunction(session, call) === undefined ? call.target : undefined
}

/** Checks an expression whose left side is checked. */
function finish(expr: Expr, session: CheckSession): void {
  switch (expr.kind) {
    case 'literal':
      session.setType(expr, literalType(expr.literal))
      return
    case 'ident':
      // Names are resolved on the way down.
      return
    case 'select':
      session.setType(expr, selectedType(expr, session))
      return
    case 'call':
      checkCall(session, expr)
      return
    case 'list':
      checkList(session, expr)
      return
    case 'map':
      checkMap(session, expr)
      return
    case 'message':
      checkMessage(session, expr)
      return
    case 'comprehension':
      checkComprehension(session, expr)
      return
    case 'bind':
      checkBind(session, expr)
      return
    case 'optional_map':
      checkOptionalMap(session, expr)
      return
  }
}

function literalType(literal: Literal): Type {
  return types[literal.type]
}

/** `a.b`, `a.?b`, `has(a.b)`: fields of maps and objects; of an optional, optionally. */
function selectedType(select: SelectExpr, session: CheckSession): Type {
  const operand = session.resolve(session.typeOf(select.operand))
  const optional = operand.kind === 'optional'
  const field = fieldType(select, optional ? operand.value : operand, session)
  if (select.test) return types.bool
  return optional || select.optional ? types.optional(session.resolve(field)) : session.resolve(field)
}

function fieldType(select: SelectExpr, operand: Type, session: CheckSession): Type {
  switch (operand.kind) {
    case 'map':
      return operand.value
    case 'message': {
      const fields = session.env.messages?.(operand.name)
      if (fields === undefined || fields === 'open') return types.dyn
      const type = fields.get(select.field)
      if (type === undefined) {
        const hint = `the fields are: ${[...fields.keys()].slice(0, 12).join(', ')}`
        session.report(select, `undefined field '${select.field}'`, hint)
      }
      return type ?? types.error
    }
    case 'param':
      session.unifier.assignable(types.dyn, operand)
      return types.dyn
    case 'dyn':
    case 'error':
      return types.dyn
    default: {
      const message = `type '${session.describe(operand)}' does not support field selection`
      session.report(select, message, fieldHint(select, operand, session))
      return types.dyn
    }
  }
}

function fieldHint(select: SelectExpr, operand: Type, session: CheckSession): string | undefined {
  const { field } = select
  const overloads = session.env.functions.functions.get(field) ?? []
  if (overloads.some(({ member, params: [target] }) => member && target?.kind === operand.kind)) {
    return `'${field}' is a method: write ${field}(…)`
  }
  if (operand.kind === 'list') return 'a list has no fields: use an index, or a macro such as exists'
  return 'only maps and objects have fields'
}
