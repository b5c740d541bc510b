import { didYouMean } from '../documents/did-you-mean.js'
import type { CelType } from './environment.js'
import { functions, type Overload, type StaticType, typeNames } from './functions.js'
import { limits } from './limits.js'
import { Refused } from './refused.js'
import { compilePattern } from './regular-expressions.js'
import type { CallNode, ComprehensionNode, Node } from './syntax-tree.js'
import { isTimeZone } from './time-zones.js'

export interface Checked {
  readonly type: StaticType
  /** Declared variables that the expression reads. */
  readonly variables: ReadonlySet<string>
}

/**
 * Checks names, functions, numbers and types of arguments, as far as types are known (`dyn` fits everything), constant
 * regular expressions and time zones. Throws Refused at the first fault.
 */
export function checkExpression(tree: Node, variables: ReadonlyMap<string, CelType>): Checked {
  const read = new Set<string>()
  return { type: check(tree, { variables, read, locals: [], comprehensions: 0 }), variables: read }
}

interface Scope {
  readonly variables: ReadonlyMap<string, CelType>
  readonly read: Set<string>
  readonly locals: readonly string[]
  readonly comprehensions: number
}

function check(node: Node, scope: Scope): StaticType {
  switch (node.kind) {
    case 'constant':
      return constantType(node.value)
    case 'name':
      return checkName(node.name, node.at, scope)
    case 'select':
    case 'has': {
      const operand = check(node.operand, scope)
      if (operand !== 'map' && operand !== 'dyn') {
        throw new Refused(node.at, `${operand} has no fields, so .${node.field} cannot be read`)
      }
      return node.kind === 'has' ? 'bool' : 'dyn'
    }
    case 'list':
      for (const item of node.items) check(item, scope)
      return 'list'
    case 'map':
      for (const [key, value] of node.entries) {
        const type = check(key, scope)
        if (!['string', 'int', 'uint', 'bool', 'dyn'].includes(type))
          throw new Refused(key.at, `${type} cannot be a key`)
        check(value, scope)
      }
      return 'map'
    case 'comprehension':
      return checkComprehension(node, scope)
    case 'call':
      return checkCall(node, scope)
  }
}

function constantType(value: Extract<Node, { kind: 'constant' }>['value']): StaticType {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    default:
      return 'unsigned' in value ? 'uint' : 'bytes'
  }
}

function checkName(name: string, at: number, scope: Scope): StaticType {
  if (scope.locals.includes(name)) return 'dyn'
  const type = scope.variables.get(name)
  if (type !== undefined) {
    scope.read.add(name)
    return type
  }
  if (typeNames.has(name)) return 'type'
  const meant = didYouMean(name, [...scope.locals, ...scope.variables.keys()])
  const hint =
    meant === undefined ? `known are: ${[...scope.variables.keys()].sort().join(', ')}` : `did you mean ${meant}?`
  throw new Refused(at, `undeclared reference to '${name}'`, hint)
}

function checkComprehension(node: ComprehensionNode, scope: Scope): StaticType {
  if (scope.comprehensions >= limits.comprehensions) {
    throw new Refused(node.at, `more than ${limits.comprehensions} comprehensions inside one another`)
  }
  const range = check(node.range, scope)
  if (range !== 'list' && range !== 'map' && range !== 'dyn') {
    throw new Refused(node.at, `${node.macro}() needs a list or a map, not ${range}`)
  }
  const inner = { ...scope, locals: [...scope.locals, ...node.variables], comprehensions: scope.comprehensions + 1 }
  if (node.filter !== undefined) expectBool(node.filter, inner)
  if (node.macro === 'all' || node.macro === 'exists' || node.macro === 'exists_one') {
    if (node.body !== undefined) expectBool(node.body, inner)
    return 'bool'
  }
  if (node.body !== undefined) check(node.body, inner)
  return node.macro === 'transformMap' ? 'map' : 'list'
}

function expectBool(node: Node, scope: Scope): void {
  const type = check(node, scope)
  if (type !== 'bool' && type !== 'dyn') throw new Refused(node.at, `a condition must be bool, not ${type}`)
}

function checkCall(node: CallNode, scope: Scope): StaticType {
  switch (node.name) {
    case '_&&_':
    case '_||_':
      for (const argument of node.args) expectBool(argument, scope)
      return 'bool'
    case '_?_:_': {
      const [condition, yes, no] = node.args
      if (condition === undefined || yes === undefined || no === undefined) throw new Refused(node.at, 'incomplete ? :')
      expectBool(condition, scope)
      const types = [check(yes, scope), check(no, scope)]
      return types[0] === types[1] ? (types[0] ?? 'dyn') : 'dyn'
    }
    case '_==_':
    case '_!=_': {
      const [left = 'dyn', right = 'dyn'] = node.args.map(argument => check(argument, scope))
      if (!comparableTypes(left, right)) throw noOverload(node, undefined, [left, right])
      return 'bool'
    }
    default:
      return checkFunction(node, scope)
  }
}

const numeric: readonly StaticType[] = ['int', 'uint', 'double']

function comparableTypes(left: StaticType, right: StaticType): boolean {
  if (left === right || left === 'dyn' || right === 'dyn' || left === 'null' || right === 'null') return true
  return numeric.includes(left) && numeric.includes(right)
}

function checkFunction(node: CallNode, scope: Scope): StaticType {
  const overloads = functions.get(node.name)
  const method = node.target !== undefined
  const target = node.target && check(node.target, scope)
  const args = node.args.map(argument => check(argument, scope))
  if (overloads === undefined) throw unknownFunction(node, scope)
  checkTimeZone(node, target, scope)
  const kind = overloads.filter(overload => (overload.target !== undefined) === method)
  if (kind.length === 0) {
    const usage = method ? `${node.name}(value)` : `value.${node.name}()`
    throw new Refused(node.at, `${node.name} is not a ${method ? 'method' : 'function'}`, `write ${usage}`)
  }
  const counted = kind.filter(overload => overload.args.length === args.length)
  if (counted.length === 0) {
    const allowed = [...new Set(kind.map(overload => overload.args.length))].sort().join(' or ')
    throw new Refused(
      node.at,
      `${node.name}() takes ${allowed} argument${allowed === '1' ? '' : 's'}, not ${args.length}`,
    )
  }
  const fitting = counted.filter(overload => fits(overload, target, args))
  if (fitting.length === 0) throw noOverload(node, target, args)
  checkPattern(node)
  const results = new Set(fitting.map(overload => overload.result))
  const [only = 'dyn'] = results
  return results.size === 1 ? only : 'dyn'
}

function fits(overload: Overload, target: StaticType | undefined, args: readonly StaticType[]): boolean {
  const same = (given: StaticType | undefined, wanted: StaticType | undefined) =>
    given === wanted || given === 'dyn' || wanted === 'dyn'
  return same(target, overload.target) && args.every((argument, i) => same(argument, overload.args[i]))
}

function unknownFunction(node: CallNode, scope: Scope): Refused {
  const known = [...functions].flatMap(([name, overloads]) =>
    overloads.some(overload => (overload.target !== undefined) === (node.target !== undefined)) && /^\w/.test(name)
      ? [name]
      : [],
  )
  const meant = didYouMean(node.name, [...known, 'all', 'exists', 'exists_one', 'map', 'filter', 'has'])
  const variable = scope.variables.has(node.name) ? `${node.name} is a variable: leave out the ()` : undefined
  const hint = meant === undefined ? variable : `did you mean ${meant}()?`
  return new Refused(node.at, `undeclared reference to '${node.name}' (no such function)`, hint)
}

function noOverload(node: CallNode, target: StaticType | undefined, args: readonly StaticType[]): Refused {
  const mixed = args.length === 2 && node.name !== '@in' && args.every(type => numeric.includes(type))
  const hint = mixed ? 'convert one side: int(x) or double(x)' : undefined
  return new Refused(node.at, `no such overload: ${describeCall(node.name, target, args)}`, hint)
}

/** `int + string`, `-bool`, `string.startsWith(int)`. */
export function describeCall(name: string, target: string | undefined, args: readonly string[]): string {
  const operator = /^_?(\W+)_$/.exec(name)?.[1] ?? (name === '@in' ? 'in' : undefined)
  if (name === '_[_]') return `${args[0]}[${args[1]}]`
  if (operator !== undefined) return args.length === 1 ? `${operator}${args[0]}` : args.join(` ${operator} `)
  return `${target === undefined ? '' : `${target}.`}${name}(${args.join(', ')})`
}

/** Rules about the time of day silently mean UTC without a zone, which their authors seldom do. */
function checkTimeZone(node: CallNode, target: StaticType | undefined, scope: Scope): void {
  const overloads = functions.get(node.name) ?? []
  if (node.target === undefined || !overloads.some(overload => overload.target === 'timestamp')) return
  const [zone] = node.args
  if (zone === undefined) {
    if (target === 'duration') return
    throw new Refused(
      node.at,
      `${node.name}() needs a time zone`,
      `write ${node.name}('UTC') or ${node.name}('Europe/Berlin')`,
    )
  }
  if (zone.kind === 'constant' && typeof zone.value === 'string' && !isTimeZone(zone.value)) {
    throw new Refused(
      zone.at,
      `"${zone.value}" is not a time zone`,
      "write an IANA name like 'Europe/Berlin', 'UTC', or an offset like '+01:00'",
    )
  }
  if (zone.kind === 'name') check(zone, scope)
}

/** Constant regular expressions must compile now, with RE2, not at the first request. */
function checkPattern(node: CallNode): void {
  if (node.name !== 'matches' && node.name !== 'find') return
  const pattern = node.args.at(-1)
  if (pattern?.kind !== 'constant' || typeof pattern.value !== 'string') return
  const compiled = compilePattern(pattern.value)
  if (!compiled.ok) throw new Refused(pattern.at, `not a regular expression that RE2 accepts: ${compiled.message}`)
}
