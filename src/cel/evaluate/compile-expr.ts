import { matchesPattern } from '../library/matches-pattern.js'
import { compilePattern } from '../library/patterns.js'
import type { CallExpr, Expr, MessageExpr } from '../syntax/ast.js'
import { variadicFunctions } from '../types/check-calls.js'
import { Failure, OptionalValue, type Result, type Value } from '../values/value.js'
import { type Qualifier, unknownAttribute } from './attribute.js'
import { chain, folded, type Link, valuesOf } from './chain.js'
import { constantCode, constantOf } from './compiled.js'
import { comprehension } from './comprehension.js'
import { dispatcher, noSuchOverload } from './dispatch.js'
import { inConstant, quickStep, selectFields, selectOf } from './fast-paths.js'
import { type Code, type Frame, PlacedFailure, place, type Slots, type Step, spent } from './frame.js'
import { type Item, listLiteral, literalValue, mapLiteral, messageLiteral } from './literals.js'
import { conditional, logical } from './logic.js'
import { type Binary, binaryOperators, unaryOperators } from './operators.js'
import { createProgram, type LoadProblem, type Program } from './program.js'
import { type Name, NameResolver, type Names } from './resolve-names.js'
import { findLocal, type Scope } from './scope.js'
import { indexValue, optionalIndex } from './select.js'

export type CompileOptions = Names

/**
 * Compiles a tree to closures, once; what can be decided beforehand is. Works with and without the checker's findings:
 * types decide at run time in any case. The tree must come from the parser, which bounds nesting (long chains to the left
 * are fine). Never throws for an expression.
 */
export function compileExpr(expr: Expr, options: CompileOptions): Program {
  const compiler = new Compiler(options)
  const code = compiler.compile(expr, undefined)
  return createProgram(code, compiler.problems, compiler.slots())
}

/** Functions whose constant arguments can be wrong, so that it shows at load (Kubernetes' validators of literals). */
const literalFunctions: ReadonlySet<string> = new Set(['duration', 'timestamp'])

class Compiler {
  readonly problems: LoadProblem[] = []
  readonly #options: CompileOptions
  readonly #names: NameResolver
  readonly #variables = new Map<string, number>()
  #locals = 0

  constructor(options: CompileOptions) {
    this.#options = options
    this.#names = new NameResolver(options)
  }

  slots(): Slots {
    return { variables: this.#variables.size, locals: this.#locals }
  }

  /** Goes down the left side to what stands first, and comes back link by link, so that long chains do not recurse. */
  compile(expr: Expr, scope: Scope | undefined): Code {
    const open: Expr[] = []
    let node = expr
    for (;;) {
      const left = this.#leftOf(node, scope)
      if (left === undefined) break
      open.push(node)
      node = left
    }
    let name: Name | undefined
    if (node.kind === 'ident') {
      const local = node.root ? undefined : findLocal(scope, node.name)
      if (local !== undefined) return this.#chain(local.read, open.toReversed(), scope)
      const found = this.#names.longestName(node, open)
      name = found.name
      open.length -= found.used
    }
    const nodes = open.toReversed()
    if (name?.kind === 'variable') return this.#attribute(name.name, nodes, scope)
    return this.#chain(name === undefined ? this.#head(node, scope) : constantCode(name.value), nodes, scope)
  }

  /** The operand that comes first and must have a value before anything else of the node matters. */
  #leftOf(node: Expr, scope: Scope | undefined): Expr | undefined {
    switch (node.kind) {
      case 'select':
        return node.operand
      case 'comprehension':
        return node.range
      case 'optional_map':
        return node.operand
      case 'call':
        if (node.target !== undefined)
          return this.#names.namespaced(node, scope) === undefined ? node.target : undefined
        if (node.name === '_[_]' || node.name === '_[?_]') return node.args[0]
        return binaryOperators.has(node.name) || unaryOperators.has(node.name) ? node.args[0] : undefined
      default:
        return undefined
    }
  }

  /** A variable and the fields and indexes on it, which may be unknown as a whole. */
  #attribute(name: string, nodes: readonly Expr[], scope: Scope | undefined): Code {
    const qualifiers: Qualifier[] = []
    for (const node of nodes) {
      const qualifier = this.#qualifier(node, scope)
      if (qualifier === undefined) break
      qualifiers.push(qualifier)
    }
    const attribute = this.#chain(this.#variable(name), nodes.slice(0, qualifiers.length), scope)
    const code: Code = frame =>
      frame.unknowns === undefined ? attribute(frame) : (unknownAttribute(name, qualifiers, frame) ?? attribute(frame))
    return this.#chain(code, nodes.slice(qualifiers.length), scope)
  }

  #qualifier(node: Expr, scope: Scope | undefined): Qualifier | undefined {
    if (node.kind === 'select') return { field: node.field }
    const index = node.kind === 'call' && (node.name === '_[_]' || node.name === '_[?_]') ? node.args[1] : undefined
    return index && { index: this.compile(index, scope) }
  }

  #variable(name: string): Code {
    const slot = this.#variables.get(name) ?? this.#variables.size
    this.#variables.set(name, slot)
    const absent = new Failure(`no such attribute: ${name} has no value`)
    return frame => {
      frame.left--
      const known = frame.variables[slot]
      if (known !== undefined) return known
      const value = frame.activation(name)
      const given: Result = value === undefined ? absent : value
      frame.variables[slot] = given
      return given
    }
  }

  #chain(start: Code, all: readonly Expr[], scope: Scope | undefined): Code {
    const plain = all.findIndex(node => node.kind !== 'select' || node.test || node.optional)
    const fields = (plain < 0 ? all : all.slice(0, plain)).filter(node => node.kind === 'select')
    const fused = fields.length > 0 && constantOf(start) === undefined
    const head = fused ? selectFields(start, fields) : start
    const nodes = fused ? all.slice(fields.length) : all
    if (nodes.length === 0) return head
    const links = nodes.map(node => this.#link(node, scope))
    return chain(head, links, failure => {
      if (failure instanceof PlacedFailure && links.length === 1 && this.#isLiteralCall(nodes[0])) {
        this.problems.push({ message: failure.message, at: failure.at })
      }
    })
  }

  #isLiteralCall(node: Expr | undefined): boolean {
    return node?.kind === 'call' && literalFunctions.has(node.name)
  }

  /** Nodes that have a first operand. */
  #link(node: Expr, scope: Scope | undefined): Link {
    switch (node.kind) {
      case 'select':
        return { step: selectOf(node), operands: [], pure: true }
      case 'comprehension':
        return this.#comprehension(node, scope)
      case 'optional_map':
        return this.#optionalMap(node, scope)
      case 'call':
        return this.#callLink(node, scope)
      default:
        return { step: value => value, operands: [], pure: true }
    }
  }

  #callLink(node: CallExpr, scope: Scope | undefined): Link {
    const { name, at } = node
    const args = node.target === undefined ? node.args.slice(1) : node.args
    const operands = args.map(arg => this.compile(arg, scope))
    if (node.target === undefined) {
      const unary = unaryOperators.get(name)
      if (unary !== undefined) {
        const step: Step = (value, frame) => {
          frame.left--
          const result = unary(value)
          if (result === undefined) return noSuchOverload(name, false, [value], at)
          return result instanceof Failure ? place(result, at) : result
        }
        return { step, operands, pure: true }
      }
      const [right] = operands
      if (right !== undefined) return { step: this.#binary(node, right), operands, pure: true }
    }
    if ((name === 'or' || name === 'orValue') && operands.length === 1) return this.#alternative(node, operands)
    const pattern = name === 'matches' ? this.#constantPattern(operands[0], args[0]?.at ?? at) : undefined
    const call = this.#dispatch(node, name, true, operands.length + 1)
    const [only] = operands
    if (pattern !== undefined) {
      return {
        step: (value, frame) => (typeof value === 'string' ? pattern(value, frame) : call([value, ''], frame)),
        operands,
        pure: true,
      }
    }
    if (only !== undefined && operands.length === 1) {
      const step: Step = (value, frame) => {
        const argument = only(frame)
        return argument instanceof Failure ? argument : call([value, argument], frame)
      }
      return { step, operands, pure: true }
    }
    const step: Step = (value, frame) => {
      const values = [value]
      return valuesOf(operands, frame, values) ?? call(values, frame)
    }
    return { step, operands, pure: true }
  }

  /** `o.or(p)` and `o.orValue(x)`: what stands in brackets is not looked at if there is a value (cel-go, optionals). */
  #alternative(node: CallExpr, operands: readonly Code[]): Link {
    const { name } = node
    const call = this.#dispatch(node, name, true, 2)
    const step: Step = (value, frame) => {
      if (value instanceof OptionalValue && value.value !== undefined) {
        frame.left--
        return name === 'or' ? value : value.value
      }
      const values = [value]
      return valuesOf(operands, frame, values) ?? call(values, frame)
    }
    return { step, operands: [], pure: operands.every(constantOf) }
  }

  #binary(node: CallExpr, right: Code): Step {
    const { name, at } = node
    const constant = constantOf(right)
    const operator: Binary | undefined =
      name === '_[_]'
        ? (value, index) => indexValue(value, index)
        : name === '_[?_]'
          ? (value, index) => optionalIndex(value, index)
          : name === '@in' && Array.isArray(constant?.value)
            ? inConstant(constant.value)
            : binaryOperators.get(name)
    const free = name === '_[_]' || name === '_[?_]' ? 1 : 0
    const fallback = this.#options.overloads.get(name)
    const others =
      fallback === undefined ? undefined : dispatcher(name, fallback, false, 2, at, this.#overloadIds(node))
    const quick = constant && quickStep(name, constant.value)
    return (a, frame) => {
      const decided = quick?.(a)
      if (decided !== undefined) {
        frame.left--
        return decided
      }
      const b = right(frame)
      if (b instanceof Failure) return b
      frame.left -= free
      const result = operator?.(a, b, frame)
      if (typeof result === 'boolean') return result
      if (result === undefined) return others?.([a, b], frame) ?? noSuchOverload(name, false, [a, b], at)
      return result instanceof Failure ? place(result, at) : result
    }
  }

  #overloadIds(node: Expr): readonly string[] | undefined {
    const reference = this.#options.checked?.references.get(node.id)
    return reference?.kind === 'function' ? reference.overloads : undefined
  }

  #dispatch(node: CallExpr, name: string, method: boolean, arity: number) {
    return dispatcher(name, this.#options.overloads.get(name) ?? [], method, arity, node.at, this.#overloadIds(node))
  }

  /** `text.matches('…')`: compiled here, and a problem at load if RE2 refuses it. */
  #constantPattern(code: Code | undefined, at: number): ((text: string, frame: Frame) => Result) | undefined {
    const constant = code && constantOf(code)
    if (typeof constant?.value !== 'string') return undefined
    const pattern = compilePattern(constant.value)
    if (pattern instanceof Failure) {
      this.problems.push({ message: pattern.message, at })
      const refused = place(pattern, at)
      return () => refused
    }
    return (text, frame) => matchesPattern(text, pattern, frame, 0) ?? spent
  }

  /** Nodes without a first operand, or that do not need its value always. */
  #head(node: Expr, scope: Scope | undefined): Code {
    switch (node.kind) {
      case 'literal':
        return constantCode(literalValue(node.literal))
      case 'list': {
        const items = node.elements.map(({ value, optional }) => ({ code: this.compile(value, scope), optional }))
        const code = listLiteral(items, node.at)
        return folded(
          code,
          items.map(item => item.code),
        )
      }
      case 'map': {
        const entries = node.entries.map(({ key, value, optional }) => ({
          key: this.compile(key, scope),
          value: { code: this.compile(value, scope), optional },
        }))
        return folded(
          mapLiteral(entries, node.at),
          entries.flatMap(({ key, value }) => [key, value.code]),
        )
      }
      case 'message':
        return this.#message(node, scope)
      case 'bind': {
        const slot = this.#locals++
        const init = this.compile(node.init, scope)
        const read: Code = frame => {
          frame.left--
          const known = frame.locals[slot]
          if (known !== undefined) return known
          const value = init(frame)
          frame.locals[slot] = value
          return value
        }
        const body = this.compile(node.body, { name: node.variable, read, outer: scope })
        return frame => {
          if (!frame.charge(1)) return spent
          frame.locals[slot] = undefined
          return body(frame)
        }
      }
      case 'call':
        return this.#call(node, scope)
      default:
        // The others have a first operand or are names, and never come here.
        return constantCode(null)
    }
  }

  #message(node: MessageExpr, scope: Scope | undefined): Code {
    const fields = node.fields.map(({ name, value, optional, at }) => {
      const item: Item = { code: this.compile(value, scope), optional }
      return { name, value: item, at }
    })
    return messageLiteral(node.type, fields)
  }

  #call(node: CallExpr, scope: Scope | undefined): Code {
    const { name, at, args } = node
    if (node.target === undefined) {
      if (name === '_&&_' || name === '_||_') {
        return logical(
          args.map(arg => this.compile(arg, scope)),
          name === '_||_',
          at,
        )
      }
      if (name === '_?_:_') return this.#conditional(node, scope)
    }
    const operands = args.map(arg => this.compile(arg, scope))
    const [text] = operands
    const pattern =
      name === 'matches' && operands.length === 2 ? this.#constantPattern(operands[1], args[1]?.at ?? at) : undefined
    if (pattern !== undefined && text !== undefined) {
      return frame => {
        const value = text(frame)
        if (typeof value === 'string') return pattern(value, frame)
        return value instanceof Failure ? value : noSuchOverload(name, false, [value, ''], at)
      }
    }
    const names =
      node.target === undefined ? this.#names.inContainer(name, false) : [this.#names.namespaced(node, scope) ?? name]
    const known = names.find(candidate => this.#options.overloads.has(candidate)) ?? name
    const asList = variadicFunctions.has(known) && operands.length > 2
    const call = this.#dispatch(node, known, false, asList ? 1 : operands.length)
    const code: Code = frame => {
      const values: Value[] = []
      return valuesOf(operands, frame, values) ?? call(asList ? [values] : values, frame)
    }
    if (operands.length === 0) return code
    return folded(code, operands, failure => {
      if (literalFunctions.has(name)) this.problems.push({ message: failure.message, at })
    })
  }

  #conditional(node: CallExpr, scope: Scope | undefined): Code {
    const branches = []
    let rest: Expr = node
    while (rest.kind === 'call' && rest.target === undefined && rest.name === '_?_:_') {
      const [condition, yes, no]: readonly (Expr | undefined)[] = rest.args
      if (condition === undefined || yes === undefined || no === undefined) break
      branches.push({ condition: this.compile(condition, scope), yes: this.compile(yes, scope), at: rest.at })
      rest = no
    }
    return conditional(branches, this.compile(rest, scope))
  }

  #comprehension(node: Extract<Expr, { kind: 'comprehension' }>, scope: Scope | undefined): Link {
    const slot = this.#locals
    this.#locals += node.variables.length
    let inner = scope
    for (const [i, name] of node.variables.entries()) inner = { name, read: readLocal(slot + i), outer: inner }
    const step = comprehension({
      macro: node.macro,
      slot,
      two: node.variables.length > 1,
      filter: node.filter && this.compile(node.filter, inner),
      body: node.body && this.compile(node.body, inner),
      at: node.at,
    })
    return { step, operands: [], pure: false }
  }

  #optionalMap(node: Extract<Expr, { kind: 'optional_map' }>, scope: Scope | undefined): Link {
    const slot = this.#locals++
    const body = this.compile(node.body, { name: node.variable, read: readLocal(slot), outer: scope })
    const { flat, at } = node
    const name = flat ? 'optFlatMap' : 'optMap'
    const step: Step = (value, frame) => {
      if (!frame.charge(1)) return spent
      if (!(value instanceof OptionalValue)) return noSuchOverload(name, true, [value], at)
      if (value.value === undefined) return value
      frame.locals[slot] = value.value
      const result = body(frame)
      if (result instanceof Failure) return result
      if (!flat) return new OptionalValue(result)
      return result instanceof OptionalValue ? result : noSuchOverload(name, true, [value, result], at)
    }
    return { step, operands: [], pure: false }
  }
}

const unset = new Failure('a local variable has no value')

function readLocal(slot: number): Code {
  return frame => {
    frame.left--
    const value = frame.locals[slot]
    return value === undefined ? unset : value
  }
}
