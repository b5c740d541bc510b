import { didYouMean } from '../../documents/did-you-mean.js'
import type { CallExpr, Expr } from '../syntax/ast.js'
import { candidateNames, chainOf, dottedName } from './check-names.js'
import type { CheckSession } from './check-session.js'
import type { OverloadDecl } from './parse-signature.js'
import { type Type, typeName, types } from './type.js'
import type { Unifier } from './unify.js'

/** Parts that the name of a function with its namespaces may have. */
const longestFunctionName = 8

/**
 * The name of the function if a call with a target is none of a method: in `math.greatest(1, 2)` the target is a
 * namespace. A local variable is always a target (as cel-spec langdef has it for names; cel-go prefers the function).
 */
export function namespacedFunction(session: CheckSession, call: CallExpr): string | undefined {
  const chain = call.target && chainOf(call.target)
  if (chain === undefined) return undefined
  if (!chain.root.root && session.local(chain.root.name) !== undefined) return undefined
  const prefix = dottedName(chain, longestFunctionName)
  return prefix === undefined ? undefined : functionNamed(session, `${prefix}.${call.name}`, chain.root.root)
}

function functionNamed(session: CheckSession, name: string, root = false): string | undefined {
  const { functions } = session.env.functions
  return candidateNames(session.env, name, root).find(candidate => functions.has(candidate))
}

/** Checks a call whose target, or first argument if there is no target, is checked already. */
export function checkCall(session: CheckSession, call: CallExpr): void {
  const namespaced = namespacedFunction(session, call)
  const target = namespaced === undefined ? call.target : undefined
  const first = call.target === undefined ? call.args[0] : undefined
  const args = call.args.map(arg => (arg === first ? session.typeOf(arg) : session.check(arg)))
  if (call.target === undefined && (call.name === '_&&_' || call.name === '_||_')) {
    for (const arg of call.args) session.expectBool(arg)
    session.setType(call, types.bool)
    session.references.set(call.id, {
      kind: 'function',
      overloads: [call.name === '_&&_' ? 'logical_and' : 'logical_or'],
    })
    return
  }
  const name = namespaced ?? functionNamed(session, call.name)
  const overloads = name === undefined ? undefined : session.env.functions.functions.get(name)
  if (name === undefined || overloads === undefined) {
    session.setType(call, types.error)
    // An undeclared target is reported as such.
    if (target !== undefined && session.typeOf(target).kind === 'error') return
    session.report(call, `undeclared reference to '${call.name}'`, undeclaredHint(session, call))
    return
  }
  const given = target === undefined ? argumentsOf(session, name, args) : [session.typeOf(target), ...args]
  const resolved = resolveOverload(session.unifier, overloads, target !== undefined, given)
  if (resolved !== undefined) {
    session.setType(call, resolved.type)
    session.references.set(call.id, { kind: 'function', overloads: resolved.ids })
    return
  }
  session.setType(call, types.error)
  // What is wrong with an argument is reported there; that it fits nothing follows from it.
  if (given.some(type => type.kind === 'error')) return
  const shown = given.slice(0, 8).map(type => session.describe(type))
  if (given.length > shown.length) shown.push('…')
  const applied = target === undefined ? `(${shown.join(', ')})` : `${shown[0]}.(${shown.slice(1).join(', ')})`
  const hint = mismatchHint(session, name, overloads, target, given)
  session.report(call, `found no matching overload for '${name}' applied to '${applied}'`, hint)
}

/** Three arguments or more of these are read as one list (cel-go ext README, "Math"). */
export const variadicFunctions: ReadonlySet<string> = new Set(['math.greatest', 'math.least'])

function argumentsOf(session: CheckSession, name: string, args: readonly Type[]): readonly Type[] {
  const [first] = args
  if (first === undefined || args.length < 3 || !variadicFunctions.has(name)) return args
  if (args.some(type => type.kind === 'error')) return args
  const same = args.every(type => session.describe(type) === session.describe(first))
  if (same) return [types.list(first)]
  const numeric = args.every(type => numericKinds.has(session.resolve(type).kind))
  return numeric ? [types.list(types.dyn)] : args
}

/** What mixed numbers may be; a `dyn` shows at run time. */
const numericKinds: ReadonlySet<string> = new Set(['int', 'uint', 'double', 'dyn'])

/**
 * All overloads that the arguments fit. The first gives the result type; if others fit and give another, it is `dyn`, and
 * which it is shows at run time.
 */
function resolveOverload(
  unifier: Unifier,
  overloads: readonly OverloadDecl[],
  member: boolean,
  given: readonly Type[],
): { readonly ids: readonly string[]; readonly type: Type } | undefined {
  const ids: string[] = []
  const open: Type[] = []
  let type: Type | undefined
  for (const overload of overloads) {
    if (overload.member !== member || overload.params.length !== given.length) continue
    const fresh = new Map(overload.typeParams.map(name => [name, unifier.fresh()]))
    const params = overload.params.map(param => rename(param, fresh))
    if (!unifier.assignableAll(given, params)) continue
    ids.push(overload.id)
    open.push(...fresh.values())
    const resolved = unifier.resolve(rename(overload.result, fresh), false)
    if (type === undefined) type = resolved
    else if (type.kind !== 'dyn' && typeName(type) !== typeName(resolved)) type = types.dyn
  }
  if (type === undefined) return undefined
  if (type.kind === 'dyn' || !given.some(argument => argument.kind === 'dyn')) return { ids, type }
  bindToDyn(unifier, open)
  return { ids, type: unifier.resolve(type, false) }
}

/**
 * What a dyn argument leaves open can be anything at run time. cel-go lets the next call decide and so takes the elements
 * of `args.flatten()` in `args.flatten().min()` for ints.
 */
function bindToDyn(unifier: Unifier, open: readonly Type[]): void {
  for (const param of open) {
    // What is bound, if only to a parameter of an argument, is left as it is.
    if (unifier.resolve(param, false) === param) unifier.assignable(types.dyn, param)
  }
}

/** A type of a declaration with type parameters of its own for one call. */
function rename(type: Type, fresh: ReadonlyMap<string, Type>): Type {
  if (fresh.size === 0) return type
  switch (type.kind) {
    case 'param':
      return fresh.get(type.name) ?? type
    case 'list':
      return types.list(rename(type.element, fresh))
    case 'map':
      return types.map(rename(type.key, fresh), rename(type.value, fresh))
    case 'optional':
      return types.optional(rename(type.value, fresh))
    case 'type':
      return { kind: 'type', of: rename(type.of, fresh) }
    case 'opaque': {
      if (type.parameters === undefined) return type
      return types.opaque(
        type.name,
        type.parameters.map(part => rename(part, fresh)),
      )
    }
    default:
      return type
  }
}

/** A macro with another number of arguments is a call of a function that is not there. */
const macroForms: ReadonlyMap<string, string> = new Map(
  Object.entries({
    has: 'has(a.b)',
    all: 'list.all(x, condition), or map.all(key, value, condition)',
    exists: 'list.exists(x, condition), or map.exists(key, value, condition)',
    exists_one: 'list.exists_one(x, condition), or map.exists_one(key, value, condition)',
    existsOne: 'list.existsOne(x, condition), or map.existsOne(key, value, condition)',
    map: 'list.map(x, result) or list.map(x, condition, result)',
    filter: 'list.filter(x, condition)',
    transformList: 'map.transformList(key, value, result)',
    transformMap: 'map.transformMap(key, value, result)',
    transformMapEntry: 'map.transformMapEntry(key, value, {newKey: newValue})',
    sortBy: 'list.sortBy(x, key)',
  }),
)

function undeclaredHint(session: CheckSession, call: CallExpr): string | undefined {
  const macro = macroForms.get(call.name)
  if (macro !== undefined) return `write ${macro}`
  const { functions } = session.env.functions
  const chain = call.target && chainOf(call.target)
  const prefix = chain && dottedName(chain, longestFunctionName)
  const written = prefix === undefined ? call.name : `${prefix}.${call.name}`
  const fitting = [...functions].filter(([, overloads]) =>
    overloads.some(overload => overload.member === (call.target !== undefined)),
  )
  const near =
    didYouMean(written, functions.keys()) ??
    didYouMean(
      call.name,
      fitting.map(([name]) => name),
    )
  if (near !== undefined) return `did you mean '${near}'?`
  if (session.env.variables.has(call.name) || session.local(call.name) !== undefined) {
    return `'${call.name}' is a variable, not a function`
  }
  return undefined
}

const operatorName = /^[_!@-]/

function mismatchHint(
  session: CheckSession,
  name: string,
  overloads: readonly OverloadDecl[],
  target: Expr | undefined,
  given: readonly Type[],
): string | undefined {
  if (operatorName.test(name)) return operatorHint(session, name, given)
  const member = target !== undefined
  const sameStyle = overloads.filter(overload => overload.member === member)
  if (sameStyle.length === 0) {
    return member
      ? `'${name}' is a function: write ${name}(x), not x.${name}()`
      : `'${name}' is a method: write x.${name}(…)`
  }
  const onTarget = sameStyle.filter(({ params: [wanted] }) => {
    const [first] = given
    return !member || (wanted !== undefined && first !== undefined && roughlyFits(session.resolve(first), wanted))
  })
  const shown = onTarget.length > 0 ? onTarget : sameStyle
  const more = shown.length > 4 ? ', …' : ''
  return `there is ${shown.slice(0, 4).map(overloadText).join(', ')}${more}`
}

function roughlyFits(given: Type, wanted: Type): boolean {
  return wanted.kind === 'param' || given.kind === 'param' || given.kind === wanted.kind || given.kind === 'dyn'
}

function operatorHint(session: CheckSession, name: string, given: readonly Type[]): string | undefined {
  const [left, right] = given.map(type => session.unifier.resolve(type, true))
  if (left === undefined || right === undefined) return undefined
  const numeric = new Set(['int', 'uint', 'double'])
  if (name === '_[_]' || name === '_[?_]') {
    if (left.kind === 'list') return 'the index of a list is an int'
    if (left.kind === 'map') return `the keys of this map are ${typeName(left.key)}`
    return 'only lists and maps have an index'
  }
  if (left.kind === 'optional' || right.kind === 'optional') return optionalHint
  if (name === '@in') return 'on the right of "in" stands a list of such elements, or a map with such keys'
  if (numeric.has(left.kind) && numeric.has(right.kind)) {
    return `convert one side: ${right.kind}(…) on the left or ${left.kind}(…) on the right`
  }
  if (name === '_==_' || name === '_!=_') return 'values of these types are never equal'
  if (name === '_+_' && (left.kind === 'string' || right.kind === 'string')) {
    return 'convert the other side with string(…)'
  }
  return orderHint(session, name, left)
}

const optionalHint = 'take the value out of the optional: x.orValue(…)'

/** Types of libraries have methods for what looks like an operator. */
function orderHint(session: CheckSession, name: string, left: Type): string | undefined {
  const method = name.startsWith('_<') ? 'isLessThan' : name.startsWith('_>') ? 'isGreaterThan' : undefined
  if (method === undefined || left.kind !== 'opaque') return undefined
  const overloads = session.env.functions.functions.get(method) ?? []
  const fits = overloads.some(({ params: [target] }) => target?.kind === 'opaque' && target.name === left.name)
  return fits ? `write x.${method}(y)` : undefined
}

/** The overload as documentation writes it. */
export function overloadText({ name, member, params, result }: OverloadDecl): string {
  const names = params.map(typeName)
  const call = member ? `${names[0]}.${name}(${names.slice(1).join(', ')})` : `${name}(${names.join(', ')})`
  return `${call} -> ${typeName(result)}`
}
