import { builtinFunctions } from './builtin-functions.js'
import { describeCall } from './check-expression.js'
import { exactlyOne, type Loop, quantifier, transformList, transformMap } from './comprehensions.js'
import type { Code } from './frame.js'
import { functions, typeNames } from './functions.js'
import { libraryFunction } from './library-functions.js'
import { type Binary, negate, operators } from './operators.js'
import { compilePattern, findPattern, matchPattern } from './regular-expressions.js'
import { positionAt } from './scan-source.js'
import type { CallNode, ComprehensionNode, Constant, Node } from './syntax-tree.js'
import { Failure, Foreign, type MapKey, mapKey, type Result, spend, typeOf, type Value } from './values.js'

export interface CompiledCode {
  readonly code: Code
  /** How many declared variables it reads; the size of `Frame.variables`. */
  readonly slots: number
}

/** Turns a checked tree into closures; everything that can be decided once is decided here. */
export function compileExpression(source: string, tree: Node): CompiledCode {
  const compiler = new Compiler(source)
  return { code: compiler.compile(tree, []), slots: compiler.slots.size }
}

class Compiler {
  readonly slots = new Map<string, number>()
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  compile(node: Node, locals: readonly string[]): Code {
    switch (node.kind) {
      case 'constant': {
        const value = constantValue(node.value)
        return () => value
      }
      case 'name':
        return this.#name(node.name, locals)
      case 'select':
        return this.#select(node.operand, node.field, node.at, locals)
      case 'has':
        return this.#has(node.operand, node.field, node.at, locals)
      case 'list':
        return list(node.items.map(item => this.compile(item, locals)))
      case 'map':
        return this.#map(node, locals)
      case 'comprehension':
        return this.#comprehension(node, locals)
      case 'call':
        return this.#call(node, locals)
    }
  }

  #failure(at: number, message: string): Failure {
    const { line, column } = positionAt(this.#source, at)
    return new Failure(`${message} (at ${line}:${column})`)
  }

  #name(name: string, locals: readonly string[]): Code {
    const local = locals.lastIndexOf(name)
    if (local !== -1) return frame => frame.locals[local] ?? null
    if (typeNames.has(name)) {
      // No variable has such a name: the environment refuses it.
      const type = new Foreign('type', name)
      return () => type
    }
    const slot = this.slots.get(name) ?? this.slots.size
    this.slots.set(name, slot)
    const absent = new Failure(`no such variable value: ${name}`)
    return frame => {
      const known = frame.variables[slot]
      if (known !== undefined) return known
      const value = frame.activation(name)
      const given: Result = value === undefined ? absent : value
      frame.variables[slot] = given
      return given
    }
  }

  #select(operand: Node, field: string, at: number, locals: readonly string[]): Code {
    const code = this.compile(operand, locals)
    const missing = this.#failure(at, `no such key: ${field}`)
    return frame => {
      const value = code(frame)
      if (value instanceof Map) return value.get(field) ?? (value.has(field) ? null : missing)
      if (value instanceof Failure) return value
      return this.#failure(at, `${typeOf(value)} has no fields, so .${field} cannot be read`)
    }
  }

  #has(operand: Node, field: string, at: number, locals: readonly string[]): Code {
    const code = this.compile(operand, locals)
    return frame => {
      const value = code(frame)
      if (value instanceof Map) return value.has(field)
      if (value instanceof Failure) return value
      return this.#failure(at, `${typeOf(value)} has no fields, so .${field} cannot be tested`)
    }
  }

  #map(node: Extract<Node, { kind: 'map' }>, locals: readonly string[]): Code {
    const entries = node.entries.map(
      ([key, value]) => [this.compile(key, locals), this.compile(value, locals)] as const,
    )
    const badKey = this.#failure(node.at, 'this cannot be a key of a map')
    const twice = this.#failure(node.at, 'a key stands in the map twice')
    return frame => {
      const map = new Map<MapKey, Value>()
      for (const [keyCode, valueCode] of entries) {
        const keyValue = keyCode(frame)
        if (keyValue instanceof Failure) return keyValue
        const key = mapKey(keyValue)
        if (key === undefined) return badKey
        if (map.has(key)) return twice
        const value = valueCode(frame)
        if (value instanceof Failure) return value
        map.set(key, value)
      }
      return map
    }
  }

  #call(node: CallNode, locals: readonly string[]): Code {
    const [first, second, third] = node.args.map(argument => this.compile(argument, locals))
    if (node.target === undefined && first !== undefined) {
      switch (node.name) {
        case '_&&_':
          return second ? this.#logical(node, first, second, false) : first
        case '_||_':
          return second ? this.#logical(node, first, second, true) : first
        case '_?_:_':
          if (second && third) return this.#conditional(node, first, second, third)
          break
        case '!_':
          return this.#unary(node, first, value => (typeof value === 'boolean' ? !value : undefined))
        case '-_':
          return this.#unary(node, first, negate)
        default: {
          const operator = operators.get(node.name)
          if (operator && second) return this.#binary(node, operator, first, second)
        }
      }
    }
    return this.#constantPattern(node, locals) ?? this.#function(node, locals)
  }

  /** `text.matches('…')`: the pattern is compiled here and belongs to the program, out of reach of the cache's bound. */
  #constantPattern(node: CallNode, locals: readonly string[]): Code | undefined {
    const apply = node.name === 'matches' ? matchPattern : node.name === 'find' ? findPattern : undefined
    const [text, pattern] = node.target ? [node.target, ...node.args] : node.args
    if (apply === undefined || text === undefined || pattern?.kind !== 'constant') return undefined
    if (typeof pattern.value !== 'string') return undefined
    const compiled = compilePattern(pattern.value)
    const code = this.compile(text, locals)
    return frame => {
      const value = code(frame)
      if (typeof value === 'string') return apply(value, compiled, frame)
      return value instanceof Failure ? value : this.#finish(node, undefined, [value, ''])
    }
  }

  /** `decisive` (false for &&, true for ||) on either side wins, even over an error on the other. */
  #logical(node: CallNode, left: Code, right: Code, decisive: boolean): Code {
    const noBool = (value: Value) =>
      this.#failure(node.at, `no such overload: a condition is ${typeOf(value)}, not bool`)
    return frame => {
      const a = left(frame)
      if (a === decisive) return decisive
      const b = right(frame)
      if (b === decisive) return decisive
      if (a === !decisive && b === !decisive) return !decisive
      if (a instanceof Failure) return a
      if (typeof a !== 'boolean') return noBool(a)
      return b instanceof Failure || typeof b === 'boolean' ? b : noBool(b)
    }
  }

  #conditional(node: CallNode, condition: Code, yes: Code, no: Code): Code {
    return frame => {
      const value = condition(frame)
      if (value === true) return yes(frame)
      if (value === false) return no(frame)
      return value instanceof Failure ? value : this.#failure(node.at, `a condition is ${typeOf(value)}, not bool`)
    }
  }

  #unary(node: CallNode, operand: Code, apply: (value: Value) => Result | undefined): Code {
    return frame => {
      const value = operand(frame)
      return value instanceof Failure ? value : this.#finish(node, apply(value), [value])
    }
  }

  #binary(node: CallNode, operator: Binary, left: Code, right: Code): Code {
    return frame => {
      const a = left(frame)
      if (a instanceof Failure) return a
      const b = right(frame)
      if (b instanceof Failure) return b
      const result = operator(a, b, frame)
      return result === undefined || result instanceof Failure ? this.#finish(node, result, [a, b]) : result
    }
  }

  #function(node: CallNode, locals: readonly string[]): Code {
    const method = node.target !== undefined
    const codes = (node.target ? [node.target, ...node.args] : node.args).map(argument =>
      this.compile(argument, locals),
    )
    const builtin = builtinFunctions.get(node.name)
    const library = libraryFunction(node.name, method, codes.length)
    const overloads = (functions.get(node.name) ?? [])
      .filter(({ target, args }) => (target !== undefined) === method && args.length === node.args.length)
      .map(({ target, args }) => (target === undefined ? args : [target, ...args]))
    const cost = codes.length
    return frame => {
      spend(frame, cost)
      const values: Value[] = []
      for (const code of codes) {
        const value = code(frame)
        if (value instanceof Failure) return value
        values.push(value)
      }
      let result = builtin?.(values, frame)
      if (result === undefined) {
        const types = values.map(typeOf)
        const fits = overloads.some(overload => overload.every((wanted, i) => wanted === 'dyn' || wanted === types[i]))
        if (fits) result = library(values, frame)
      }
      return result === undefined || result instanceof Failure ? this.#finish(node, result, values) : result
    }
  }

  /** Gives failures their function and position; they are rare, so this may be slow. */
  #finish(node: CallNode, result: Result | undefined, values: readonly Value[]): Result {
    const types = values.map(typeOf)
    const call = node.target
      ? describeCall(node.name, types[0], types.slice(1))
      : describeCall(node.name, undefined, types)
    if (result === undefined) return this.#failure(node.at, `no such overload: ${call}`)
    return result instanceof Failure ? this.#failure(node.at, `${result.message}: ${call}`) : result
  }

  #comprehension(node: ComprehensionNode, locals: readonly string[]): Code {
    const range = this.compile(node.range, locals)
    const inner = [...locals, ...node.variables]
    const filter = node.filter && this.compile(node.filter, inner)
    const body = node.body && this.compile(node.body, inner)
    const loop: Loop = {
      first: locals.length,
      variables: node.variables.length,
      cost: 1 + (node.filter ? count(node.filter) : 0) + (node.body ? count(node.body) : 0),
      noBool: value => this.#failure(node.at, `the condition of ${node.macro}() is ${typeOf(value)}, not bool`),
      noRange: value => this.#failure(node.at, `${node.macro}() needs a list or a map, not ${typeOf(value)}`),
    }
    switch (node.macro) {
      case 'all':
        return body ? quantifier(range, body, loop, false) : range
      case 'exists':
        return body ? quantifier(range, body, loop, true) : range
      case 'exists_one':
        return body ? exactlyOne(range, body, loop) : range
      case 'filter':
      case 'map':
        return transformList(range, filter, body, loop)
      case 'transformMap':
        return body ? transformMap(range, filter, body, loop) : range
    }
  }
}

function list(codes: readonly Code[]): Code {
  return frame => {
    const items: Value[] = []
    for (const code of codes) {
      const item = code(frame)
      if (item instanceof Failure) return item
      items.push(item)
    }
    return items
  }
}

function constantValue(value: Constant): Value {
  if (value === null || typeof value !== 'object') return value
  return 'unsigned' in value ? new Foreign('uint', value.unsigned) : new Foreign('bytes', value.bytes)
}

/** Nodes of a tree; the price of one pass through it. */
function count(node: Node): number {
  switch (node.kind) {
    case 'constant':
    case 'name':
      return 1
    case 'select':
    case 'has':
      return 1 + count(node.operand)
    case 'list':
      return node.items.reduce((sum, item) => sum + count(item), 1)
    case 'map':
      return node.entries.reduce((sum, [key, value]) => sum + count(key) + count(value), 1)
    case 'comprehension':
      // What is inside pays for itself.
      return 1 + count(node.range)
    case 'call':
      return node.args.reduce((sum, argument) => sum + count(argument), node.target ? 1 + count(node.target) : 1)
  }
}
