import type { ComprehensionMacro, Expr } from './ast.js'
import type { SyntaxIssues } from './syntax-issue.js'

/** Which macros are offered beside the standard ones (has, all, exists, exists_one, map, filter). Default: all. */
export interface MacroSets {
  /** `optMap` and `optFlatMap`, and the syntax `a.?b`, `a[?k]`, `[?x]`, `{?k: v}`, `Message{?f: v}`. */
  readonly optionals?: boolean
  /** all, exists, existsOne, transformList, transformMap, transformMapEntry over index and element, or key and value. */
  readonly twoVariable?: boolean
  /** `cel.bind(x, init, result)`. */
  readonly bind?: boolean
  /** `list.sortBy(x, key)` of cel-go's lists extension, version 2. */
  readonly sortBy?: boolean
}

/** What `sortBy` binds its list to; no source can write this name. */
export const sortInput = '@__sortBy_input__'
/** `list.@sortByAssociatedKeys(keys)`: the list in the order of the keys beside it. */
export const sortFunction = '@sortByAssociatedKeys'

interface MacroCall {
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
  readonly at: number
}

interface ComprehensionForm {
  readonly macro: ComprehensionMacro
  readonly variables: 1 | 2
  readonly parts: 'filter' | 'body' | 'filter and body'
}

const form = (
  macro: ComprehensionMacro,
  variables: 1 | 2,
  parts: ComprehensionForm['parts'] = 'body',
): ComprehensionForm => ({ macro, variables, parts })

/** By name and number of arguments (langdef "Macros"; cel-go ext/README "TwoVarComprehensions"). */
const forms: ReadonlyMap<string, ComprehensionForm> = new Map([
  ['all/2', form('all', 1)],
  ['exists/2', form('exists', 1)],
  ['exists_one/2', form('exists_one', 1)],
  ['existsOne/2', form('exists_one', 1)],
  ['map/2', form('map', 1)],
  ['map/3', form('map', 1, 'filter and body')],
  ['filter/2', form('filter', 1, 'filter')],
  ['all/3', form('all', 2)],
  ['exists/3', form('exists', 2)],
  ['exists_one/3', form('exists_one', 2)],
  ['existsOne/3', form('exists_one', 2)],
  ['transformList/3', form('transformList', 2)],
  ['transformList/4', form('transformList', 2, 'filter and body')],
  ['transformMap/3', form('transformMap', 2)],
  ['transformMap/4', form('transformMap', 2, 'filter and body')],
  ['transformMapEntry/3', form('transformMapEntry', 2)],
  ['transformMapEntry/4', form('transformMapEntry', 2, 'filter and body')],
])

/**
 * The node of a macro, or undefined when the call is an ordinary one: as in cel-go, a macro's name with another number of
 * arguments is a function like any other. Wrong arguments are reported. Ids are given later.
 */
export function buildMacro(call: MacroCall, sets: MacroSets, issues: SyntaxIssues): Expr | undefined {
  const { name, target, args, at } = call
  if (target === undefined) {
    const [field] = args
    return name === 'has' && field !== undefined && args.length === 1 ? buildHas(field, at, issues) : undefined
  }
  const found = forms.get(`${name}/${args.length}`)
  if (found !== undefined && (found.variables === 1 || sets.twoVariable !== false)) {
    return buildComprehension(found, name, target, args, at, issues)
  }
  const [first, second, third] = args
  if (first === undefined || second === undefined) return undefined
  if (name === 'bind' && args.length === 3 && third !== undefined && sets.bind !== false && isCel(target)) {
    const variable = variableName(first, 'cel.bind', issues)
    return { kind: 'bind', id: 0, at, variable, init: second, body: third }
  }
  if (args.length !== 2) return undefined
  if ((name === 'optMap' || name === 'optFlatMap') && sets.optionals !== false) {
    const variable = variableName(first, name, issues)
    return { kind: 'optional_map', id: 0, at, flat: name === 'optFlatMap', operand: target, variable, body: second }
  }
  if (name === 'sortBy' && sets.sortBy !== false) return buildSortBy(target, first, second, at, issues)
  return undefined
}

const isCel = (target: Expr): boolean => target.kind === 'ident' && target.name === 'cel' && !target.root

function buildHas(field: Expr, at: number, issues: SyntaxIssues): Expr | undefined {
  if (field.kind === 'select' && !field.test && !field.optional) return { ...field, at, test: true }
  const hint =
    field.kind === 'call' && field.name === '_[_]'
      ? 'for a key of a map write "key" in map'
      : 'has(a.b) is true when a has the field b'
  issues.add(field.at, 'the argument of has() must be a field: a.b', hint)
  return undefined
}

function buildComprehension(
  { macro, variables, parts }: ComprehensionForm,
  name: string,
  range: Expr,
  args: readonly Expr[],
  at: number,
  issues: SyntaxIssues,
): Expr {
  const names = args.slice(0, variables).map((argument, i) => variableName(argument, name, issues, i))
  if (variables === 2 && names[0] === names[1] && names[0] !== '') {
    issues.add(args[1]?.at ?? at, `the two names that ${name}() takes must differ`)
  }
  const [first, second] = args.slice(variables)
  const filter = parts === 'body' ? undefined : first
  const body = parts === 'body' ? first : second
  return { kind: 'comprehension', id: 0, at, macro, range, variables: names, filter, body }
}

/** `cel.bind(@__sortBy_input__, target, @__sortBy_input__.@sortByAssociatedKeys(@__sortBy_input__.map(x, key)))` */
function buildSortBy(target: Expr, first: Expr, key: Expr, at: number, issues: SyntaxIssues): Expr {
  const variable = variableName(first, 'sortBy', issues)
  const input = (): Expr => ({ kind: 'ident', id: 0, at: target.at, name: sortInput, root: false })
  const keys: Expr = {
    kind: 'comprehension',
    id: 0,
    at,
    macro: 'map',
    range: input(),
    variables: [variable],
    filter: undefined,
    body: key,
  }
  const body: Expr = { kind: 'call', id: 0, at, name: sortFunction, target: input(), args: [keys] }
  return { kind: 'bind', id: 0, at, variable: sortInput, init: target, body }
}

const ordinals = ['first', 'second'] as const

/** The name that a macro gives to what it goes through; what is none is reported, and stands for the empty name. */
function variableName(argument: Expr, macro: string, issues: SyntaxIssues, index = 0): string {
  if (argument.kind === 'ident' && !argument.root) return argument.name
  issues.add(
    argument.at,
    `the ${ordinals[index] ?? 'first'} argument of ${macro}() must be a plain name`,
    macro === 'cel.bind'
      ? 'any name that stands for the value: cel.bind(x, a + b, x * x)'
      : 'any name that stands for one element: list.all(x, x > 0)',
  )
  return ''
}

/** A bind that `sortBy` was written as. */
export interface SortBy {
  readonly target: Expr
  readonly variable: string
  readonly key: Expr
}

/** What was written as `target.sortBy(variable, key)`; undefined for every other node. */
export function asSortBy(expr: Expr): SortBy | undefined {
  if (expr.kind !== 'bind' || expr.variable !== sortInput || expr.body.kind !== 'call') return undefined
  const [keys] = expr.body.args
  if (keys?.kind !== 'comprehension' || keys.body === undefined) return undefined
  const [variable] = keys.variables
  return variable === undefined ? undefined : { target: expr.init, variable, key: keys.body }
}
