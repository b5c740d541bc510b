import fc from 'fast-check'
import { librarySets } from '../../src/cel/library-sets.js'
import { type OverloadDecl, parseSignature, parseType } from '../../src/cel/types/parse-signature.js'
import { optionalOperators, standardOperators } from '../../src/cel/types/standard-operators.js'
import { type Type, typeName, types } from '../../src/cel/types/type.js'
import { type Variable, variables } from './engine.js'

type Source = fc.Arbitrary<string>

/** Every overload that an expression can name: operators and the functions of all libraries. */
const overloads: readonly OverloadDecl[] = [standardOperators, optionalOperators, ...librarySets['mcp-authz/v1']]
  .flatMap(({ functions }) => functions)
  .map(({ id, signature }) => parseSignature(id, signature))
  .filter(({ name }) => !name.startsWith('@') || name === '@in')

/** Ways to say a value of a type without looking further. */
const leaves: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  int: ['0', '1', '-1', '2', '9223372036854775807', '-9223372036854775808', '0x10', '1000000'],
  uint: ['0u', '1u', '18446744073709551615u'],
  double: ['0.0', '-0.0', '1.5', '1e308', '-1e-320', '(0.0/0.0)', '(1.0/0.0)', '9007199254740993.0'],
  string: [
    ...[
      '""',
      '"a"',
      '"a,b,c"',
      '"\u{1f600}x"',
      '"\\u0000"',
      '"%s %d %f"',
      '"(a|b)*c"',
      '"(a+)+$"',
      '"name"',
      'r"\\d+"',
    ],
    ...[
      '"10.0.0.1"',
      '"10.0.0.0/8"',
      '"::1"',
      '"1Gi"',
      '"1.2.3"',
      '"https://h:1/a?b=c"',
      '"app=web"',
      '"90s"',
      '"1.5h"',
    ],
    ...['"2024-02-29T12:00:00Z"', '"Europe/Berlin"', '"12"', '"dns1123Label"', '"-9223372036854775809"', '"YWJj"'],
  ],
  bytes: ['b""', 'b"abc"', "b'\\xff\\x00'"],
  null_type: ['null'],
  'google.protobuf.Timestamp': [
    'timestamp("2024-02-29T12:00:00Z")',
    'timestamp(0)',
    'timestamp("0001-01-01T00:00:00Z")',
  ],
  'google.protobuf.Duration': ['duration("90s")', 'duration("-1ns")', 'duration("2562047h")'],
  'net.IP': ['ip("10.0.0.1")', 'ip("::1")'],
  'net.CIDR': ['cidr("10.0.0.0/8")', 'cidr("::/0")'],
  'kubernetes.URL': ['url("https://h:1/a?b=c")'],
  'kubernetes.Quantity': ['quantity("1Gi")', 'quantity("-1.5")'],
  'kubernetes.Semver': ['semver("1.2.3")'],
  'kubernetes.NamedFormat': ['format.dns1123Label()'],
  type: ['int', 'type(1)', 'net.IP'],
  dyn: ['dyn(1)', 'dyn("a")', 'dyn([])', 'args.a', 'args["b"].c', 'items[0]', 'dyn({})'],
}

const plainTypes: readonly Type[] = Object.keys(leaves).map(name => parseType(name) ?? types.dyn)
const someTypes: readonly Type[] = [
  ...plainTypes,
  ...['list(int)', 'list(string)', 'map(string, int)', 'map(string, dyn)', 'optional_type(int)', 'list(list(int))'].map(
    text => parseType(text) ?? types.dyn,
  ),
]

const memo = new Map<string, Source>()

/**
 * Expressions of a type, mostly: one argument in forty is of any other. What depth 0 gives are constants and variables.
 * Every overload of the environment whose result can be of the type is used.
 */
export function expressionOf(type: Type, depth: number): Source {
  const key = `${typeName(type)} ${depth}`
  const known = memo.get(key)
  if (known !== undefined) return known
  const leaf = leafOf(type, depth)
  const built = depth === 0 ? leaf : fc.oneof({ withCrossShrink: true }, leaf, leaf, ...formsOf(type, depth - 1))
  memo.set(key, built)
  return built
}

/** Expressions of any type. */
export function anyExpression(depth: number): Source {
  const bool = expressionOf(types.bool, depth)
  return fc.oneof(bool, bool, bool, ...someTypes.map(type => expressionOf(type, depth)))
}

function leafOf(type: Type, depth: number): Source {
  const options: Source[] = []
  const constants = leaves[typeName(type)]
  if (constants !== undefined) options.push(fc.constantFrom(...constants))
  const fitting = Object.entries(variables).filter(([, text]) => text === typeName(type))
  if (fitting.length > 0) options.push(fc.constantFrom(...fitting.map(([name]) => name)))
  const inner = Math.max(0, depth - 1)
  if (type.kind === 'list') options.push(listOf(expressionOf(type.element, inner)))
  if (type.kind === 'map') {
    const entry = fc.tuple(expressionOf(type.key, 0), expressionOf(type.value, inner))
    options.push(
      fc
        .array(
          entry.map(([key, value]) => `${key}: ${value}`),
          { maxLength: 3 },
        )
        .map(all => `{${all.join(', ')}}`),
    )
    options.push(fc.constantFrom<string>('args', 'labels'))
  }
  if (type.kind === 'optional') options.push(expressionOf(type.value, inner).map(value => `optional.of(${value})`))
  if (type.kind === 'param' || options.length === 0) options.push(fc.constantFrom(...(leaves.dyn ?? [])))
  return fc.oneof(...options)
}

function formsOf(type: Type, depth: number): Source[] {
  const calls = overloads.flatMap(overload => {
    const bound = new Map<string, Type>()
    if (!binds(overload.result, type, bound)) return []
    return [
      callOf(
        overload,
        overload.params.map(param => argument(substitute(param, bound), depth)),
      ),
    ]
  })
  return [...calls, ...macrosOf(type, depth)]
}

function argument(type: Type, depth: number): Source {
  const wrong = fc.constantFrom(...someTypes).chain(other => expressionOf(other, 0))
  return fc.oneof({ arbitrary: expressionOf(type, depth), weight: 39 }, { arbitrary: wrong, weight: 1 })
}

/** Local variables take the place of global ones in the body, so that they are used. */
const locals: readonly (readonly [element: Type, range: string, global: Variable])[] = [
  [types.list(types.int), 'e', 'count'],
  [types.list(types.string), 'e', 'name'],
]

function macrosOf(type: Type, depth: number): Source[] {
  const forms: Source[] = []
  for (const [range, local, global] of locals) {
    const body = (of: Type) =>
      expressionOf(of, depth).map(text => text.replace(new RegExp(`\\b${global}\\b`, 'g'), local))
    const source = expressionOf(range, depth)
    const form = (template: string, ...parts: Source[]) =>
      fc.tuple(...parts).map(texts => template.replace(/\$(\d)/g, (_, i) => texts[Number(i)] ?? ''))
    if (type.kind === 'bool') {
      for (const macro of ['all', 'exists', 'exists_one']) {
        forms.push(form(`$0.${macro}(${local}, $1)`, source, body(types.bool)))
        forms.push(form(`$0.${macro}(i, ${local}, $1)`, source, body(types.bool)))
        forms.push(form(`args.${macro}(k, v, $0)`, body(types.bool)))
      }
      forms.push(fc.constantFrom('has(args.a)', 'has(args.a.b)', 'has(labels.x)', 'has(args.__proto__)'))
    }
    if (type.kind === 'list') {
      forms.push(form(`$0.map(${local}, $1)`, source, body(type.element)))
      forms.push(form(`$0.map(${local}, $1, $2)`, source, body(types.bool), body(type.element)))
      forms.push(form(`$0.transformList(i, ${local}, $1)`, source, body(type.element)))
      if (typeName(type) === typeName(range)) forms.push(form(`$0.filter(${local}, $1)`, source, body(types.bool)))
      forms.push(form(`$0.sortBy(${local}, $1)`, source, body(types.int)))
    }
    if (type.kind === 'map') {
      forms.push(form(`$0.transformMap(i, ${local}, $1)`, source, body(type.value)))
      forms.push(form(`$0.transformMapEntry(i, ${local}, {${local}: $1})`, source, body(type.value)))
    }
    forms.push(form(`cel.bind(${local}, $0, $1)`, expressionOf(types.int, depth), body(type)))
    if (type.kind === 'optional') {
      forms.push(form(`$0.optMap(${local}, $1)`, expressionOf(types.optional(types.int), depth), body(type.value)))
    }
  }
  return forms
}

function listOf(element: Source): Source {
  return fc.array(element, { maxLength: 4 }).map(all => `[${all.join(', ')}]`)
}

function callOf({ name, member }: OverloadDecl, args: readonly Source[]): Source {
  return fc.tuple(...args).map(texts => callText(name, member, texts))
}

function callText(name: string, member: boolean, [a = '', b = '', ...more]: readonly string[]): string {
  const infix = /^_(.+)_$/.exec(name)?.[1]
  switch (name) {
    case '_?_:_':
      return `(${a} ? ${b} : ${more[0]})`
    case '_[_]':
      return `${a}[${b}]`
    case '_[?_]':
      return `${a}[?${b}]`
    case '@in':
      return `(${a} in ${b})`
    case '!_':
      return `!${a}`
    case '-_':
      return `-(${a})`
    default: {
      if (infix !== undefined && !member) return `(${a} ${infix} ${b})`
      const all = [a, b, ...more].filter(text => text !== '')
      return member ? `${a}.${name}(${all.slice(1).join(', ')})` : `${name}(${all.join(', ')})`
    }
  }
}

/** Whether a result can be of a type, and what its parameters are then. */
function binds(result: Type, wanted: Type, bound: Map<string, Type>): boolean {
  if (result.kind === 'param') {
    const before = bound.get(result.name)
    if (before !== undefined) return typeName(before) === typeName(wanted)
    bound.set(result.name, wanted)
    return true
  }
  if (result.kind === 'list') return wanted.kind === 'list' && binds(result.element, wanted.element, bound)
  if (result.kind === 'optional') return wanted.kind === 'optional' && binds(result.value, wanted.value, bound)
  if (result.kind === 'map') {
    return wanted.kind === 'map' && binds(result.key, wanted.key, bound) && binds(result.value, wanted.value, bound)
  }
  return typeName(result) === typeName(wanted)
}

/** Parameters that nothing tells are ints, and strings as keys. */
function substitute(type: Type, bound: ReadonlyMap<string, Type>): Type {
  switch (type.kind) {
    case 'param':
      return bound.get(type.name) ?? types.int
    case 'list':
      return types.list(substitute(type.element, bound))
    case 'optional':
      return types.optional(substitute(type.value, bound))
    case 'map': {
      const key = type.key.kind === 'param' ? (bound.get(type.key.name) ?? types.string) : type.key
      return types.map(key, substitute(type.value, bound))
    }
    default:
      return type
  }
}
