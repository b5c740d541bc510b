import { checkTimeZones } from './check-time-zones.js'
import { CompiledProgram, type ProgramFacts, type ResultType } from './compiled-program.js'
import { type CheckedTree, estimateCost } from './cost/estimate-cost.js'
import { ordinarySizes, worstSizes } from './cost/input-sizes.js'
import type { CelEnvironment, CelError, CelType, Compiled } from './environment.js'
import { compileExpr } from './evaluate/compile-expr.js'
import type { Program } from './evaluate/program.js'
import type { Names } from './evaluate/resolve-names.js'
import type { FunctionOverload } from './library/library.js'
import { type LibrarySet, librariesOf, rulesOf, type SetRules } from './library-sets.js'
import { limits } from './limits.js'
import { lintSource } from './lint/lint-source.js'
import { membersOf } from './members-of.js'
import { checkMacros, otherSetHint } from './set-hints.js'
import type { Expr } from './syntax/ast.js'
import { formatExpression } from './syntax/format-expression.js'
import { type ParseOptions, parseExpression } from './syntax/parse-expression.js'
import { positionAt } from './syntax/position-at.js'
import { children, walkUp } from './syntax/walk.js'
import { checkExpr } from './types/check-expr.js'
import { createDeclarations, type DeclarationTable, undeclaredName } from './types/declarations.js'
import { objectFields } from './types/object-types.js'
import { parseType } from './types/parse-signature.js'
import { optionalOperators, standardOperators } from './types/standard-operators.js'
import { type Type, typeName, types } from './types/type.js'

export interface EnvironmentOptions {
  /** The version of functions, macros and budget. Default: `mcp-authz/v1`. */
  readonly set?: LibrarySet
  /**
   * Whether expressions may make objects as in MutatingAdmissionPolicy: `Object{metadata: Object.metadata{…}}`, any field
   * of any type, and `JSONPatch{op: …, path: …, value: …}`. The type of an object is called after the fields that it stands
   * in; where that shows only when it leaves the evaluation, it is an error then. Default: false.
   */
  readonly objects?: boolean
  /**
   * Object types with their fields, by name, for variables to be of: a field that is not listed does not compile. No
   * expression can make one. Their values are maps.
   */
  readonly types?: Readonly<Record<string, Readonly<Record<string, CelType>>>>
}

/**
 * An environment over a closed set of variables, with the functions of a versioned set.
 *
 * Compiling refuses what does not parse, undeclared names and functions, calls that fit no overload, literals of mixed
 * types, constant patterns, durations and timestamps that are none, times of day without a zone (not in the sets of
 * Kubernetes), a result that cannot be of the wanted type, and what exceeds `limits`. Evaluating is bounded by the budget of
 * the set; nothing absorbs running out of it. Messages hold names, types and positions, never data.
 *
 * A variable may have a dotted name beside one that its name begins with (`authorizer.requestResource` and `authorizer`): the
 * longest declared name is meant, and it is a variable of its own, which `has` cannot ask for.
 *
 * Throws if a variable has no name that an expression could say, or a type that is none, which is a bug of the caller.
 */
export function createCelEnvironment(
  variables: Readonly<Record<string, CelType>>,
  { set = 'mcp-authz/v1', objects = false, types: objectTypes = {} }: EnvironmentOptions = {},
): CelEnvironment {
  const declared = new Map(Object.entries(variables))
  const language = withTypes(languageOf(set, objects), objectTypes)
  const names = new Map<string, Type>()
  for (const [name, type] of declared) {
    const taken = language.declarations.types.has(name) || (objects && objectFields(name) !== undefined)
    if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(name) || taken) throw new Error(`not a name for a variable: ${name}`)
    names.set(name, typeOfVariable(name, type, language))
  }
  return {
    variables: declared,
    compile: (source, result = 'dyn') => compile(language, names, source, result),
    lint: (source, result = 'dyn', facts) => {
      const examined = examine(language, names, source, result)
      if (!examined.ok) return []
      return lintSource({ source, ...examined, facts, names: namesOf(language, names), ...language.rules })
    },
    format: (source, width) =>
      formatExpression(source, { ...parsing(language), ...(width !== undefined && { width }) }),
  }
}

/** `list` and `map` are lists and objects of anything, as JSON has them. */
const shortTypes: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['list', types.list(types.dyn)],
  ['map', types.map(types.string, types.dyn)],
])

function typeOfVariable(name: string, text: CelType, { declarations, fields }: Language): Type {
  if (fields.has(text)) return { kind: 'message', name: text }
  const type = shortTypes.get(text) ?? parseType(text)
  if (type === undefined || undeclaredName(type, declarations.types) !== undefined) {
    throw new Error(`the type of the variable ${name} is none: ${text}`)
  }
  return type
}

/** What expressions may say, whatever the variables. */
interface Language {
  readonly set: LibrarySet
  readonly rules: SetRules
  readonly objects: boolean
  readonly declarations: DeclarationTable
  readonly overloads: ReadonlyMap<string, readonly FunctionOverload[]>
  /** Object types of this environment alone. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, Type>>
}

/** The language with object types of an environment. */
function withTypes(language: Language, objectTypes: NonNullable<EnvironmentOptions['types']>): Language {
  const fields = new Map<string, ReadonlyMap<string, Type>>()
  for (const [name, listed] of Object.entries(objectTypes)) {
    const types = Object.entries(listed).map(
      ([field, type]) => [field, typeOfVariable(`${name}.${field}`, type, language)] as const,
    )
    fields.set(name, new Map(types))
  }
  return fields.size === 0 ? language : { ...language, fields }
}

const languages = new Map<string, Language>()

function languageOf(set: LibrarySet, objects: boolean): Language {
  const key = `${set} ${objects}`
  const known = languages.get(key)
  if (known !== undefined) return known
  const libraries = librariesOf(set, objects)
  const declarations = createDeclarations([standardOperators, optionalOperators, ...libraries])
  const byId = new Map(libraries.flatMap(library => library.functions.map(overload => [overload.id, overload])))
  const overloads = new Map<string, readonly FunctionOverload[]>()
  for (const [name, declared] of declarations.functions) {
    const own = declared.flatMap(({ id }) => byId.get(id) ?? [])
    if (own.length > 0) overloads.set(name, own)
  }
  const language: Language = { set, rules: rulesOf(set), objects, declarations, overloads, fields: new Map() }
  languages.set(key, language)
  return language
}

const parsing = ({ objects }: Language): ParseOptions => ({
  limits: { bytes: limits.sourceBytes, depth: limits.depth, nodes: limits.nodes },
  messages: objects,
})

/** What names mean, but for what the checker says of one expression. */
const namesOf = ({ overloads, declarations }: Language, variables: ReadonlyMap<string, Type>): Names => ({
  overloads,
  variables,
  types: declarations.types,
})

function compile(
  language: Language,
  variables: ReadonlyMap<string, Type>,
  source: string,
  result: ResultType,
): Compiled {
  const examined = examine(language, variables, source, result)
  if (!examined.ok) return examined
  const { expr, checked, program } = examined
  const facts: ProgramFacts = {
    variables: checked.variables,
    members: membersOf(expr),
    ...costsOf(expr, checked, language.rules),
  }
  return { ok: true, program: new CompiledProgram(source, facts, program, result, language.rules.budget) }
}

type Examined =
  | { readonly ok: true; readonly expr: Expr; readonly checked: CheckedTree; readonly program: Program }
  | { readonly ok: false; readonly error: CelError }

function examine(
  language: Language,
  variables: ReadonlyMap<string, Type>,
  source: string,
  result: ResultType,
): Examined {
  const { set, rules, objects, declarations, fields } = language
  const refuse = (at: number, message: string, hint?: string): Examined => ({
    ok: false,
    error: errorAt(source, at, message, hint),
  })
  const parsed = parseExpression(source, parsing(language))
  if (!parsed.ok) {
    const [issue] = parsed.errors
    return refuse(issue?.at ?? 0, issue?.message ?? 'not an expression', issue?.hint)
  }
  const { expr } = parsed
  if (longestWay(expr) > limits.chain) {
    return refuse(0, `more than ${limits.chain} steps hang on one another`, 'split it into variables')
  }
  const macro = checkMacros(expr, source, set)
  if (macro !== undefined) return refuse(macro.at, macro.message, macro.hint)
  const checked = checkExpr(expr, {
    variables,
    functions: declarations,
    homogeneousLiterals: true,
    ...((objects || fields.size > 0) && {
      messages: (name: string) => fields.get(name) ?? (objects ? objectFields(name) : undefined),
      messagesFollowPaths: objects,
    }),
  })
  if (!checked.ok) {
    const [issue] = checked.errors
    if (issue === undefined) return refuse(0, 'not well typed')
    return refuse(issue.at, issue.message, otherSetHint(expr, issue) ?? issue.hint)
  }
  const zone = checkTimeZones(expr, checked.types, rules.needsTimeZone)
  if (zone !== undefined) return refuse(zone.at, zone.message, zone.hint)
  const { kind } = checked.type
  if (result !== 'dyn' && kind !== 'dyn' && kind !== result) {
    const hint = unfinished(checked.type) ?? (result === 'bool' ? 'compare it with something' : 'wrap it in string(…)')
    return refuse(0, `the result is ${typeName(checked.type)}, wanted is ${result}`, hint)
  }
  const program = compileExpr(expr, { ...namesOf(language, variables), checked })
  const [problem] = program.problems
  if (problem !== undefined) return refuse(problem.at, problem.message)
  return { ok: true, expr, checked, program }
}

/** What is missing of a question to the authorizer. */
function unfinished(type: Type): string | undefined {
  switch (typeName(type)) {
    case 'kubernetes.authorization.Decision':
      return 'ask what it says: .allowed()'
    case 'kubernetes.authorization.ResourceCheck':
    case 'kubernetes.authorization.PathCheck':
      return "ask for a verb: .check('get').allowed()"
    default:
      return undefined
  }
}

/** From the root to the deepest node: what a recursion over the tree would need. */
function longestWay(expr: Expr): number {
  const ways = new Map<number, number>()
  walkUp(expr, node => {
    let longest = 0
    for (const child of children(node)) longest = Math.max(longest, ways.get(child.id) ?? 0)
    ways.set(node.id, longest + 1)
  })
  return ways.get(expr.id) ?? 0
}

function errorAt(source: string, at: number, message: string, hint: string | undefined): CelError {
  return { message, ...positionAt(source, at), hint }
}

type Costs = Pick<ProgramFacts, 'cost' | 'ordinaryCost'>

function costsOf(expr: Expr, checked: CheckedTree, { budget, checkPrice }: SetRules): Costs {
  const cost = estimateCost(expr, checked, { ...worstSizes, checkPrice })
  // What is ordinary is never more than the worst, and matters only where that is too much.
  const ordinaryCost = cost.max <= budget ? cost.max : estimateCost(expr, checked, { ...ordinarySizes, checkPrice }).max
  return { cost, ordinaryCost }
}
