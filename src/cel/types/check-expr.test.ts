import { describe, expect, it } from 'vitest'
import { parseExpression } from '../syntax/parse-expression.js'
import { type CheckEnvironment, type Checked, checkExpr } from './check-expr.js'
import { functionRows, kubernetesDeclarations } from './kubernetes-declarations.fixture.js'
import { parseSignature, parseType } from './parse-signature.js'
import { type Type, typeName, types } from './type.js'

const type = (text: string): Type => parseType(text) ?? types.error

const env: CheckEnvironment = {
  variables: new Map<string, Type>([
    ['user', types.map(types.string, types.dyn)],
    ['name', types.string],
    ['count', types.int],
    ['ratio', types.double],
    ['groups', types.list(types.string)],
    ['labels', types.map(types.string, types.string)],
    ['args', types.dyn],
    ['maybe', types.optional(types.map(types.string, types.int))],
    ['at', types.timestamp],
    ['limit', type('wrapper(int)')],
    ['object', { kind: 'message', name: 'Object' }],
    ['patch', { kind: 'message', name: 'Patch' }],
    ['authorizer', types.opaque('kubernetes.authorization.Authorizer')],
    ['authorizer.requestResource', types.opaque('kubernetes.authorization.ResourceCheck')],
  ]),
  functions: kubernetesDeclarations,
  homogeneousLiterals: true,
  messages: name => {
    if (name === 'Patch') return new Map([['op', types.string]])
    return name === 'Object' || name.startsWith('Object.') ? 'open' : undefined
  },
}

function check(source: string, more: Partial<CheckEnvironment> = {}): Checked {
  const parsed = parseExpression(source)
  if (!parsed.ok) throw new Error(`${source} does not parse: ${parsed.errors[0]?.message}`)
  return checkExpr(parsed.expr, { ...env, ...more })
}

function typeOf(source: string, more?: Partial<CheckEnvironment>): string {
  const checked = check(source, more)
  return checked.ok ? typeName(checked.type) : checked.errors.map(error => error.message).join('; ')
}

describe('types', () => {
  it.each([
    ['1 + 2 * 3', 'int'],
    ['-ratio', 'double'],
    ['name + "x"', 'string'],
    ['[1] + []', 'list(int)'],
    ['[] + [[]] + [[1]]', 'list(list(int))'],
    ['{}', 'map(dyn, dyn)'],
    ['{"a": [1]}', 'map(string, list(int))'],
    ['count > 0 ? groups : []', 'list(string)'],
    ['count > 0 ? 1 : dyn("a")', 'dyn'],
    ['user.name', 'dyn'],
    ['labels.tier', 'string'],
    ['labels["tier"]', 'string'],
    ['groups[0]', 'string'],
    ['args.a.b[0].c', 'dyn'],
    ['args + 1', 'int'],
    ['args + args', 'dyn'],
    ['count < 1.5 && 1u >= count', 'bool'],
    ['at - duration("1h")', 'google.protobuf.Timestamp'],
    ['at - at', 'google.protobuf.Duration'],
    ['limit + 1', 'int'],
    ['limit == null', 'bool'],
    ['null == at', 'bool'],
    ['has(user.name)', 'bool'],
    ['has(maybe.a)', 'bool'],
    ['type(count) == int', 'bool'],
    ['type(at) == google.protobuf.Timestamp', 'bool'],
    ['type(ip("1.1.1.1")) == net.IP', 'bool'],
    ['type(1)', 'type(int)'],
    ['size(groups) + groups.size() + size("x") + labels.size()', 'int'],
    ['name.matches("x") && matches(name, "x")', 'bool'],
  ])('%s is %s', (source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })

  it.each([
    ['groups.map(g, g.size())', 'list(int)'],
    ['groups.map(g, g != "", [g])', 'list(list(string))'],
    ['groups.filter(g, g.startsWith("a"))', 'list(string)'],
    ['labels.filter(k, k != "")', 'list(string)'],
    ['labels.all(k, labels[k] != "")', 'bool'],
    ['labels.exists(k, v, k == v)', 'bool'],
    ['groups.exists_one(g, g == name)', 'bool'],
    ['groups.transformList(i, g, i + g.size())', 'list(int)'],
    ['groups.transformMap(i, g, g)', 'map(int, string)'],
    ['labels.transformMap(k, v, v.size())', 'map(string, int)'],
    ['labels.transformMapEntry(k, v, {v.size(): k})', 'map(int, string)'],
    ['args.map(x, x)', 'list(dyn)'],
    ['args.transformMap(k, v, 1)', 'map(dyn, int)'],
    ['[].map(x, x)', 'list(dyn)'],
    ['cel.bind(x, count + 1, x * 2)', 'int'],
    ['groups.map(name, name.size())', 'list(int)'],
    ['[1, 2].sortBy(x, -x)', 'list(int)'],
  ])('the macro %s is %s', (source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })

  it.each([
    ['user.?name', 'optional_type(dyn)'],
    ['labels.?tier.orValue("none")', 'string'],
    ['labels[?"tier"]', 'optional_type(string)'],
    ['maybe.a', 'optional_type(int)'],
    ['maybe["a"]', 'optional_type(int)'],
    ['maybe.?a', 'optional_type(int)'],
    ['groups[?0].optMap(g, g.size())', 'optional_type(int)'],
    ['groups[?0].optFlatMap(g, labels[?g])', 'optional_type(string)'],
    ['optional.none().orValue(1)', 'int'],
    ['[?groups[?0], "x"]', 'list(string)'],
    ['{?"a": groups[?0]}', 'map(string, string)'],
    ['args.optMap(x, 1)', 'optional_type(int)'],
    ['true ? optional.of(1) : optional.none()', 'optional_type(int)'],
  ])('the optional %s is %s', (source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })

  it.each([
    ['Object{}', 'Object'],
    ['Object{metadata: Object.metadata{labels: {"a": "b"}}}', 'Object'],
    ['Object{?spec: args.?spec}', 'Object'],
    ['object.metadata.name', 'dyn'],
    ['Patch{op: "add"}.op', 'string'],
    ['type(Object{}) == Object', 'bool'],
  ])('the object %s is %s', (source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })

  it('mixed literals are dyn where they may be mixed', () => {
    expect(typeOf('[1, "a"]', { homogeneousLiterals: false })).toBe('list(dyn)')
    expect(typeOf('{1: "a", "b": 2}', { homogeneousLiterals: false })).toBe('map(dyn, dyn)')
  })

  it.each([
    ['[1, "a"]', "expected type 'int' but found 'string'"],
    ['[1, dyn("a")]', "expected type 'int' but found 'dyn'"],
    ['[null, at]', "expected type 'null_type' but found 'google.protobuf.Timestamp'"],
    ['[dyn(1), dyn("a")]', 'list(dyn)'],
    ['[[], [1]]', 'list(list(int))'],
    ['[optional.none(), optional.of(1)]', 'list(optional_type(int))'],
    ['{1: "a", "b": 2}', "expected type 'int' but found 'string'; expected type 'string' but found 'int'"],
    ['[1, 2].map(x, [x, "a"])', "expected type 'int' but found 'string'"],
    ['"%d %s".format([1, "a"])', 'string'],
    ['"%s".format([[1, "a"]])', 'string'],
  ])('homogeneous: %s is %s', (source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })
})

describe('where cel-go differs', () => {
  it.each([
    [
      'null is less general than what can be null (as the conformance suite has it)',
      'true ? null : at',
      'google.protobuf.Timestamp',
    ],
    ['a wrapper is more general than its primitive (as the suite has it)', 'true ? count : limit', 'wrapper(int)'],
    ['both may stand in one list', '[count, limit]', 'list(wrapper(int))'],
    ['what comes out of dyn is dyn, not what the next call would like', 'args.flatten().min()', 'dyn'],
    ['and so all overloads of that call are kept', '-args.value()', 'dyn'],
  ])('%s: %s is %s', (_, source, expected) => {
    expect(typeOf(source)).toBe(expected)
  })

  it.each([
    ['a map key of another type is refused before it runs', '{1.5: 1}'],
    ['a local variable hides a namespace of functions', 'groups.all(strings, strings.quote("") == "")'],
  ])('%s', (_, source) => {
    expect(check(source).ok).toBe(false)
  })
})

describe('names', () => {
  const known = (source: string, more?: Partial<CheckEnvironment>) => {
    const checked = check(source, more)
    return checked.ok ? [...checked.variables] : checked.errors.map(error => error.message)
  }

  it.each([
    ['the longest declared name', 'authorizer.requestResource.check("get").allowed()', ['authorizer.requestResource']],
    ['a shorter one if the longer is not declared', 'authorizer.path("/").check("get")', ['authorizer']],
    ['every variable once', 'count + count > 1 && name == ""', ['count', 'name']],
    ['no local variable', 'groups.all(count, count != "")', ['groups']],
    ['a variable that a local one hides elsewhere', 'groups.all(count, true) && count > 0', ['groups', 'count']],
    ['the root behind a dot', 'groups.all(count, .count > 0)', ['groups', 'count']],
    ['nothing in a namespace', 'strings.quote("a")', []],
  ])('%s', (_, source, expected) => {
    expect(known(source)).toEqual(expected)
  })

  const nested = new Map<string, Type>([
    ['x', types.string],
    ['a.x', types.int],
    ['a.b.x', types.bool],
    ['a.b.x.y', types.double],
  ])

  it.each([
    ['x', 'a.b', 'bool'],
    ['x', 'a', 'int'],
    ['x', '', 'string'],
    ['.x', 'a.b', 'string'],
    ['b.x', 'a', 'bool'],
    ['x.y', 'a.b', 'double'],
    ['a.x', 'a.b', 'int'],
    ['[1].map(x, x)', 'a.b', 'list(int)'],
    ["[{'y': 1}].all(x, x.y == 1)", 'a.b', 'bool'],
  ])('%s in the container "%s" is %s', (source, container, expected) => {
    expect(typeOf(source, { variables: nested, container })).toBe(expected)
  })

  it('functions are looked up in the container', () => {
    expect(typeOf('quote("a")', { container: 'strings' })).toBe('string')
    expect(typeOf('.quote("a")', { container: 'strings' })).toContain('undeclared')
  })

  it('a local variable is no namespace', () => {
    expect(typeOf('groups.all(strings, strings.quote("a") == "")')).toBe("undeclared reference to 'quote'")
  })

  it('references say what was meant', () => {
    const checked = check('size(groups) > 0 && type(name) == string')
    expect(checked.ok && [...checked.references.values()]).toEqual(
      expect.arrayContaining([
        { kind: 'variable', name: 'groups' },
        { kind: 'type', type: types.string },
        { kind: 'function', overloads: ['size_list'] },
        { kind: 'function', overloads: ['logical_and'] },
      ]),
    )
  })

  it('a call on dyn keeps all overloads that may be meant', () => {
    const checked = check('args.size()')
    expect(checked.ok && [...checked.references.values()]).toContainEqual({
      kind: 'function',
      overloads: ['bytes_size', 'list_size', 'map_size', 'string_size'],
    })
  })
})

describe('errors', () => {
  it.each([
    ['usr.name', 0, "undeclared reference to 'usr'", "did you mean 'user'?"],
    ['grups.exists(g, g == "")', 0, "undeclared reference to 'grups'", "did you mean 'groups'?"],
    ['groups.exists(g, h == "")', 17, "undeclared reference to 'h'", 'declared are: g, user'],
    ['size', 0, "undeclared reference to 'size'", "'size' is a function: call it, as in size(…)"],
    ['net', 0, "undeclared reference to 'net'", 'declared are: net.CIDR, net.IP'],
    ['name.startWith("a")', 14, "undeclared reference to 'startWith'", "did you mean 'startsWith'?"],
    ['string.quote("a")', 12, "undeclared reference to 'quote'", "did you mean 'strings.quote'?"],
    ['strngs.quote("a")', 0, "undeclared reference to 'strngs.quote'", "did you mean 'strings.quote'?"],
    ['count()', 5, "undeclared reference to 'count'", "'count' is a variable, not a function"],
    [
      'name.startsWith(1)',
      15,
      "found no matching overload for 'startsWith' applied to 'string.(int)'",
      'there is string.startsWith(string) -> bool',
    ],
    [
      'name.startsWith()',
      15,
      "found no matching overload for 'startsWith' applied to 'string.()'",
      'there is string.startsWith(string) -> bool',
    ],
    [
      'startsWith(name, "a")',
      10,
      "found no matching overload for 'startsWith' applied to '(string, string)'",
      "'startsWith' is a method: write x.startsWith(…)",
    ],
    [
      'name.isIP()',
      9,
      "found no matching overload for 'isIP' applied to 'string.()'",
      "'isIP' is a function: write isIP(x), not x.isIP()",
    ],
    ['count.name', 5, "type 'int' does not support field selection", 'only maps and objects have fields'],
    ['groups.size > 1', 6, "type 'list(string)' does not support field selection", "'size' is a method: write size(…)"],
    ['has(count.a)', 3, "type 'int' does not support field selection", 'only maps and objects have fields'],
    [
      'count == ratio',
      6,
      "found no matching overload for '_==_' applied to '(int, double)'",
      'convert one side: double(…) on the left or int(…) on the right',
    ],
    [
      'count + ratio',
      6,
      "found no matching overload for '_+_' applied to '(int, double)'",
      'convert one side: double(…) on the left or int(…) on the right',
    ],
    [
      'name == count',
      5,
      "found no matching overload for '_==_' applied to '(string, int)'",
      'values of these types are never equal',
    ],
    [
      'name == null',
      5,
      "found no matching overload for '_==_' applied to '(string, null_type)'",
      'values of these types are never equal',
    ],
    [
      'groups["a"]',
      6,
      "found no matching overload for '_[_]' applied to '(list(string), string)'",
      'the index of a list',
    ],
    [
      'labels[1]',
      6,
      "found no matching overload for '_[_]' applied to '(map(string, string), int)'",
      'the keys of this',
    ],
    [
      'count in groups',
      6,
      "found no matching overload for '@in' applied to '(int, list(string))'",
      'on the right of "in"',
    ],
    ['count.all(x, true)', 0, "expression of type 'int' cannot be range of a comprehension", undefined],
    ['maybe.all(x, true)', 0, "expression of type 'optional_type(map(string, int))' cannot be range", 'use optMap'],
    ['groups.all(g, g)', 14, "expected type 'bool' but found 'string'", 'compare it with something'],
    ['groups.filter(g, 1)', 17, "expected type 'bool' but found 'int'", 'compare it with something'],
    [
      'groups.transformMapEntry(i, g, g)',
      31,
      "expected type 'map(dyn, dyn)' but found 'string'",
      'each step gives a map',
    ],
    ['true && count', 8, "expected type 'bool' but found 'int'", 'compare it with something'],
    ['true && maybe', 8, "expected type 'bool' but found 'optional_type(map(string, int))'", 'x.orValue(false)'],
    [
      'maybe.?a > 1',
      9,
      "found no matching overload for '_>_' applied to '(optional_type(int), int)'",
      'take the value out of the optional: x.orValue(…)',
    ],
    ['groups.all(name)', 10, "undeclared reference to 'all'", 'write list.all(x, condition)'],
    ['cel.bind(name, 1)', 0, "undeclared reference to 'cel.bind'", 'write cel.bind(x, value, result)'],
    [
      'name.optMap(x, x)',
      11,
      "found no matching overload for 'optMap' applied to 'string.()'",
      'optMap works on optionals',
    ],
    ['maybe.optFlatMap(x, 1)', 20, "expected type 'optional_type(dyn)' but found 'int'", 'use optMap'],
    ['[?1]', 2, "expected type 'optional_type(int)' but found 'int'", 'after "?" stands an optional'],
    ['{1.5: 1}', 1, "a map key must be int, uint, bool or string, but found 'double'", undefined],
    ['{null: 1}', 1, "a map key must be int, uint, bool or string, but found 'null_type'", undefined],
    ['Objekt{}', 6, "undeclared reference to 'Objekt'", 'there is no object type of this name here'],
    ['int{}', 3, "'int' is not a message type", undefined],
    ['Patch{ops: 1}', 6, "undefined field 'ops'", 'the fields are: op'],
    ['patch.path', 5, "undefined field 'path'", 'the fields are: op'],
    ['Patch{op: 1}', 6, "expected type of field 'op' is 'string' but provided type is 'int'", undefined],
  ])('%s', (source, at, message, hint) => {
    const checked = check(source)
    expect(checked.ok ? [] : checked.errors).toHaveLength(1)
    const error = checked.ok ? undefined : checked.errors[0]
    expect(error?.message).toContain(message)
    if (hint !== undefined) expect(error?.hint).toContain(hint)
    expect(error?.at).toBe(at)
  })

  it('all are collected, in the order of the source', () => {
    const checked = check('usr.a && count + "x" == 1 && groups.all(g, g) && nam == ""')
    expect(checked.ok ? [] : checked.errors.map(error => error.at)).toEqual([0, 15, 43, 49])
  })

  it('no more than twenty', () => {
    const checked = check(Array.from({ length: 50 }, (_, i) => `nobody${i}`).join(' && '))
    expect(checked.ok ? [] : checked.errors).toHaveLength(20)
  })

  it('objects in fields must be named after them where that is asked', () => {
    const source = 'Object{spec: Object.metadata{}, list: [Object.list{}], last: [Object{}]}'
    expect(check(source).ok).toBe(true)
    const checked = check(source, { messagesFollowPaths: true })
    expect(checked.ok ? [] : checked.errors.map(error => error.message)).toEqual([
      "the object in this field must be called 'Object.spec', not 'Object.metadata'",
      "the object in this field must be called 'Object.last', not 'Object'",
    ])
  })
})

describe('every function of Kubernetes', () => {
  /** An expression of a type: a variable that is declared for it. */
  const called = ({ name, id, signature }: (typeof functionRows)[number]) => {
    const { member, params } = parseSignature(id, signature)
    const variables = new Map(params.map((param, i) => [`v${i}`, concrete(param)]))
    const args = [...variables.keys()].map((name, i) => ({
      id: i + 2,
      at: 0,
      kind: 'ident' as const,
      name,
      root: false,
    }))
    const target = member ? args[0] : undefined
    return {
      variables,
      expr: { id: 1, at: 0, kind: 'call' as const, name, target, args: member ? args.slice(1) : args },
    }
  }

  const concrete = (param: Type): Type => {
    switch (param.kind) {
      case 'param':
        return types.string
      case 'list':
        return types.list(concrete(param.element))
      case 'map':
        return types.map(concrete(param.key), concrete(param.value))
      case 'optional':
        return types.optional(concrete(param.value))
      default:
        return param
    }
  }

  it('is found by its types, and by no other id', () => {
    for (const row of functionRows) {
      const { variables, expr } = called(row)
      const checked = checkExpr(expr, { ...env, variables })
      const reference = checked.ok ? checked.references.get(1) : checked.errors[0]?.message
      expect(reference, row.signature).toEqual({ kind: 'function', overloads: [row.id] })
    }
    expect(functionRows.length).toBe(337)
  })
})

describe('types that grow', () => {
  it.each([2, 20, 55])('maps of maps in %i levels of parameters end', levels => {
    const level = (n: number): string =>
      n === levels
        ? 'm0 == m0'
        : `cel.bind(m${n}, {}, m${n - 1}.all(k, v, k == m${n} && v == m${n}) && ${level(n + 1)})`
    const source = `cel.bind(m0, {}, ${level(1)})`
    const start = performance.now()
    check(source)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
