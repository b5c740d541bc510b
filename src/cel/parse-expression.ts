import { parse } from '@bufbuild/cel'
import type { CelError } from './environment.js'
import { functions } from './functions.js'
import { limits } from './limits.js'
import { Refused } from './refused.js'
import { errorAt, scanSource } from './scan-source.js'
import type { ComprehensionNode, Constant, Macro, Node } from './syntax-tree.js'

type Parsed = ReturnType<typeof parse>
type Expr = NonNullable<Parsed['expr']>

export type ParsedExpression =
  | { readonly ok: true; readonly tree: Node }
  | { readonly ok: false; readonly error: CelError }

/** Source → tree, or the first thing that is wrong with it. Knows nothing of names and types. */
export function parseExpression(source: string): ParsedExpression {
  const unfit = scanSource(source)
  if (unfit !== undefined) return { ok: false, error: unfit }
  let parsed: Parsed
  try {
    parsed = parse(source)
  } catch (error) {
    return { ok: false, error: syntaxError(source, error) }
  }
  try {
    return { ok: true, tree: new TreeBuilder(source, parsed).build(parsed.expr, 0) }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, error: errorAt(source, error.at, error.message, error.hint) }
    throw error
  }
}

class TreeBuilder {
  readonly #source: string
  readonly #info: Parsed['sourceInfo']
  #nodes = 0

  constructor(source: string, parsed: Parsed) {
    this.#source = source
    this.#info = parsed.sourceInfo
  }

  build(expr: Expr | undefined, depth: number): Node {
    if (expr === undefined) throw new Refused(0, 'the expression is incomplete')
    const at = this.#offset(expr)
    if (depth > limits.depth)
      throw new Refused(at, `nested more than ${limits.depth} levels deep`, 'split it into variables')
    if (++this.#nodes > limits.nodes) throw new Refused(at, 'the expression is too large', 'split it into variables')
    // The parser keeps what a macro was written as beside what it expanded it to; we take the former.
    const written = this.#info?.macroCalls[String(expr.id)] ?? expr
    const { exprKind } = written
    switch (exprKind.case) {
      case 'constExpr':
        return { kind: 'constant', at, value: constant(exprKind.value, at) }
      case 'identExpr':
        return { kind: 'name', at, name: exprKind.value.name }
      case 'selectExpr':
        return {
          kind: 'select',
          at,
          operand: this.build(exprKind.value.operand, depth + 1),
          field: exprKind.value.field,
        }
      case 'listExpr':
        return { kind: 'list', at, items: exprKind.value.elements.map(element => this.build(element, depth + 1)) }
      case 'structExpr':
        return this.#struct(exprKind.value, at, depth)
      case 'callExpr':
        return this.#call(exprKind.value.function, exprKind.value.target, exprKind.value.args, at, depth)
      default:
        throw new Refused(at, 'this form of expression is not supported')
    }
  }

  /** The parser gives operators the position of the blanks before them, and methods and fields that of their dot. */
  #offset(expr: Expr): number {
    const at = this.#info?.positions[String(expr.id)] ?? 0
    const blanks = /^\s*(?:\.\s*)?/.exec(this.#source.slice(at, at + 200))?.[0].length ?? 0
    return at + blanks < this.#source.length ? at + blanks : at
  }

  #struct(struct: Extract<Expr['exprKind'], { case: 'structExpr' }>['value'], at: number, depth: number): Node {
    if (struct.messageName !== '') {
      throw new Refused(at, `objects like ${struct.messageName}{…} are not supported`, 'write a map: {"key": value}')
    }
    const entries = struct.entries.map(({ keyKind, value }): readonly [Node, Node] => {
      if (keyKind.case !== 'mapKey')
        throw new Refused(at, 'a key of a map must be an expression', 'put text keys in quotes')
      return [this.build(keyKind.value, depth + 1), this.build(value, depth + 1)]
    })
    return { kind: 'map', at, entries }
  }

  #call(name: string, target: Expr | undefined, args: readonly Expr[], at: number, depth: number): Node {
    if (name === 'has' && target === undefined) {
      const [argument] = args
      if (args.length !== 1 || argument?.exprKind.case !== 'selectExpr') {
        throw new Refused(at, 'has() takes one field: has(a.b)', 'for a key that is no identifier write "key" in map')
      }
      const { operand, field } = argument.exprKind.value
      return { kind: 'has', at, operand: this.build(operand, depth + 1), field }
    }
    if (target?.exprKind.case === 'identExpr' && functions.has(`${target.exprKind.value.name}.${name}`)) {
      return this.#call(`${target.exprKind.value.name}.${name}`, undefined, args, at, depth)
    }
    if (target !== undefined) {
      const comprehension = this.#comprehension(name, target, args, at, depth)
      if (comprehension !== undefined) return comprehension
    }
    return {
      kind: 'call',
      at,
      name,
      target: target && this.build(target, depth + 1),
      args: args.map(argument => this.build(argument, depth + 1)),
    }
  }

  #comprehension(
    name: string,
    target: Expr,
    args: readonly Expr[],
    at: number,
    depth: number,
  ): ComprehensionNode | undefined {
    const form = forms.get(`${name}/${args.length}`)
    if (form === undefined) {
      const usage = usages.get(name)
      if (usage === undefined) return undefined
      throw new Refused(at, `${name}() is written ${usage}`)
    }
    const variables = args.slice(0, form.variables).map(argument => {
      if (argument.exprKind.case === 'identExpr') return argument.exprKind.value.name
      throw new Refused(at, `${name}() begins with the name of a variable: ${usages.get(name)}`)
    })
    if (new Set(variables).size < variables.length) throw new Refused(at, `${name}() needs two different names`)
    const rest = args.slice(form.variables).map(argument => this.build(argument, depth + 1))
    const [first, second] = rest
    const filterFirst = form.macro === 'filter' || rest.length === 2
    return {
      kind: 'comprehension',
      at,
      macro: form.macro,
      range: this.build(target, depth + 1),
      variables,
      filter: filterFirst ? first : undefined,
      body: filterFirst ? second : first,
    }
  }
}

/** The macros by name and number of arguments (cel-spec langdef.md "Macros"; two variables: Kubernetes 1.32). */
const forms = new Map<string, { readonly macro: Macro; readonly variables: 1 | 2 }>([
  ['all/2', { macro: 'all', variables: 1 }],
  ['all/3', { macro: 'all', variables: 2 }],
  ['exists/2', { macro: 'exists', variables: 1 }],
  ['exists/3', { macro: 'exists', variables: 2 }],
  ['exists_one/2', { macro: 'exists_one', variables: 1 }],
  ['existsOne/2', { macro: 'exists_one', variables: 1 }],
  ['existsOne/3', { macro: 'exists_one', variables: 2 }],
  ['filter/2', { macro: 'filter', variables: 1 }],
  ['map/2', { macro: 'map', variables: 1 }],
  ['map/3', { macro: 'map', variables: 1 }],
  ['transformList/3', { macro: 'map', variables: 2 }],
  ['transformList/4', { macro: 'map', variables: 2 }],
  ['transformMap/3', { macro: 'transformMap', variables: 2 }],
  ['transformMap/4', { macro: 'transformMap', variables: 2 }],
])

const usages = new Map([
  ['all', 'list.all(x, condition)'],
  ['exists', 'list.exists(x, condition)'],
  ['exists_one', 'list.exists_one(x, condition)'],
  ['existsOne', 'list.existsOne(x, condition)'],
  ['filter', 'list.filter(x, condition)'],
  ['map', 'list.map(x, result)'],
  ['transformList', 'list.transformList(i, x, result)'],
  ['transformMap', 'map.transformMap(k, v, result)'],
])

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n

function constant(value: Extract<Expr['exprKind'], { case: 'constExpr' }>['value'], at: number): Constant {
  const { constantKind } = value
  switch (constantKind.case) {
    case 'nullValue':
      return null
    case 'boolValue':
    case 'doubleValue':
    case 'stringValue':
      return constantKind.value
    case 'int64Value':
      if (constantKind.value < minInt || constantKind.value > maxInt)
        throw new Refused(at, 'this int needs more than 64 bits')
      return constantKind.value
    case 'uint64Value':
      if (constantKind.value >= 2n ** 64n) throw new Refused(at, 'this uint needs more than 64 bits')
      return { unsigned: constantKind.value }
    case 'bytesValue':
      return { bytes: constantKind.value }
    default:
      throw new Refused(at, 'this literal is not supported')
  }
}

function syntaxError(source: string, error: unknown): CelError {
  if (error instanceof RangeError) return errorAt(source, 0, 'nested too deeply', 'split it into variables')
  const location = locationOf(error)
  const at = location?.offset ?? 0
  if (error instanceof Error && 'rawMessage' in error && /^reserved/.test(String(error.rawMessage))) {
    const [before = '', word = ''] = /^[\s.]*(\w+)/.exec(source.slice(at, at + 80)) ?? []
    return errorAt(
      source,
      at + before.length - word.length,
      `"${word}" is a reserved word of CEL`,
      `for a field write ["${word}"]`,
    )
  }
  const [found = ''] = /^\s*(?:\w+|[^\w\s]{1,2})?/.exec(source.slice(at, at + 40)) ?? []
  const token = found.trim()
  if (token === '') return errorAt(source, source.trimEnd().length, 'the expression ends too early')
  return errorAt(source, at, `syntax error at "${token}"`, syntaxHint(token))
}

function syntaxHint(token: string): string | undefined {
  switch (token) {
    case '&':
    case '|':
    case '=':
      return 'CEL writes && || =='
    case '.?':
    case '[?':
      return 'optional access is not supported; use has(a.b) ? a.b : other'
    default:
      return /^[-+*/%<>=!&|?:.,]/.test(token) ? `is what "${token}" needs on both sides complete?` : undefined
  }
}

function locationOf(error: unknown): { readonly offset: number } | undefined {
  if (!(error instanceof Error) || !('location' in error)) return undefined
  const start: unknown = Reflect.get(Object(error.location), 'start')
  const offset: unknown = Reflect.get(Object(start), 'offset')
  return typeof offset === 'number' ? { offset } : undefined
}
