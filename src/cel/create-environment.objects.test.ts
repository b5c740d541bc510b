import { describe, expect, it } from 'vitest'
import { createCelEnvironment } from './create-environment.js'
import type { CelJson, CelOutput } from './environment.js'

const variables = { user: 'map', replicas: 'list(int)', flag: 'bool' }
const environment = createCelEnvironment(variables, { objects: true })
const values = new Map<string, CelJson>([
  ['user', new Map<string, CelJson>([['username', 'alice']])],
  ['replicas', [1n, 2n]],
  ['flag', true],
])

function evaluate(source: string): CelOutput | string {
  const compiled = environment.compile(source)
  if (!compiled.ok) return `does not compile: ${compiled.error.message}`
  const evaluated = compiled.program.evaluate(name => values.get(name))
  return evaluated.ok ? evaluated.value : evaluated.error
}

/** Maps as plain objects, which read better. */
function plain(value: CelOutput): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(plain) : value
}

describe('objects', () => {
  it.each<[string, unknown]>([
    ['Object{}', {}],
    ["Object{metadata: Object.metadata{labels: {'a': 'b'}}}", { metadata: { labels: { a: 'b' } } }],
    ["Object{headers: {'x-mcp-user': user.username}}", { headers: { 'x-mcp-user': 'alice' } }],
    ["Object{headers: {?'x-mail': user[?'email'], 'x-user': user.username}}", { headers: { 'x-user': 'alice' } }],
    ['Object{?a: optional.of(1), ?b: optional.none(), ?c: user.?email}', { a: 1n }],
    [
      'Object{spec: Object.spec{containers: [Object.spec.containers{name: "a"}, Object.spec.containers{name: "b"}]}}',
      { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    ],
    [
      'Object{spec: Object.spec{sizes: replicas.map(n, Object.spec.sizes{n: n})}}',
      { spec: { sizes: [{ n: 1n }, { n: 2n }] } },
    ],
    ['Object{a: null, b: [], c: 1.5, d: flag ? 1 : 2}', { a: null, b: [], c: 1.5, d: 1n }],
    ['Object{a: {"x": [Object.a{b: 1}]}}', { a: { x: [{ b: 1n }] } }],
    ['Object.spec{a: Object.spec.a{}}', { a: {} }],
    ['Object{a: cel.bind(x, Object.a{}, x)}', { a: {} }],
    ['Object{`k8s.io/a`: 1}', { 'k8s.io/a': 1n }],
  ])('%s', (source, expected) => {
    expect(plain(evaluate(source))).toEqual(expected)
  })

  it.each<[string, boolean]>([
    ['Object{a: 1}.a == 1', true],
    ['has(Object{a: 1}.a) && !has(Object{}.a)', true],
    ['Object{a: 1}.?b.orValue(2) == 2', true],
    ['Object{a: 1} == Object{a: 1}', true],
    ['Object{a: 1} == Object{a: 2}', false],
    ['Object{a: 1} == Object{a: 1, b: 2}', false],
    ['dyn(Object{}) == dyn(Object.a{})', false],
    ['type(Object{}) == Object', true],
    ['type(Object.a.b{}) == Object.a.b', true],
    ['type(JSONPatch{op: "add"}) == JSONPatch', true],
  ])('%s is %s', (source, expected) => {
    expect(evaluate(source)).toBe(expected)
  })

  it.each<[string, string]>([
    ['Object{metadata: Object.spec{}}', "the object in this field must be called 'Object.metadata', not 'Object.spec'"],
    ['Object{a: [Object.a{}, Object{}]}', 'found no matching'],
    ['Object{a: [Object{}]}', "the object in this field must be called 'Object.a', not 'Object'"],
    ['Object.a{b: Object.b{}}', "the object in this field must be called 'Object.a.b', not 'Object.b'"],
    ['Thing{}', "undeclared reference to 'Thing'"],
    ['ObjectMeta{}', "undeclared reference to 'ObjectMeta'"],
    ['JSONPatch.a{}', "undeclared reference to 'JSONPatch.a'"],
    ['Object{?a: 1}', 'expected type'],
  ])('%s does not compile', (source, message) => {
    const compiled = environment.compile(source)
    if (source.includes('Object.a{}, Object{}')) return expect(compiled.ok).toBe(false)
    expect(compiled).toMatchObject({ ok: false, error: { message: expect.stringContaining(message) } })
  })

  it.each([
    ['in a map', 'Object{a: {"x": Object.b{}}}'],
    ['behind dyn', 'Object{a: dyn(Object.b{})}'],
    ['in lists', 'Object{a: [[Object.b{}]]}'],
    ['bound before', 'cel.bind(x, Object.b{}, Object{a: x})'],
    ['in an optional', 'Object{?a: optional.of(Object.b{})}'],
    ['deeper', 'Object{a: Object.a{c: dyn(Object.c{})}}'],
  ])('an object of another name %s is an error at the end', (_, source) => {
    expect(evaluate(source)).toMatch(
      /^the object in this field must be called 'Object\.a(?:\.c)?', not 'Object\.[bc]'$/,
    )
  })
})

describe('JSON Patches', () => {
  it.each<[string, unknown]>([
    [
      'JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a/b"), value: user.username}',
      { op: 'add', path: '/metadata/labels/a~1b', value: 'alice' },
    ],
    ['[JSONPatch{op: "move", from: "/a", path: "/b"}]', [{ op: 'move', from: '/a', path: '/b' }]],
    // The value stands at the path, not in a field of an object.
    [
      'JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "a"}}',
      { op: 'add', path: '/spec/containers/-', value: { name: 'a' } },
    ],
  ])('%s', (source, expected) => {
    expect(plain(evaluate(source))).toEqual(expected)
  })

  it.each([
    ['JSONPatch{op: 1}', "expected type of field 'op' is 'string' but provided type is 'int'"],
    ['JSONPatch{paths: "/"}', "undefined field 'paths'"],
    ['JSONPatch{op: "add"}.paths', "undefined field 'paths'"],
  ])('%s does not compile', (source, message) => {
    expect(environment.compile(source)).toMatchObject({ ok: false, error: { message } })
  })

  it('have texts in their fields also where that shows late', () => {
    expect(evaluate('JSONPatch{op: dyn(1)}')).toBe("the field 'op' of a JSONPatch must be a string")
  })
})

describe('without the option', () => {
  it.each(['Object{}', 'Object{metadata: Object.metadata{}}', 'JSONPatch{op: "add"}'])('%s is refused', source => {
    const compiled = createCelEnvironment(variables).compile(source)
    expect(compiled).toMatchObject({
      ok: false,
      error: { message: 'messages are not offered here', hint: 'write a map: {"key": value}' },
    })
  })

  it('a variable may have the name, with it not', () => {
    expect(createCelEnvironment({ Object: 'map' }).compile('Object.a').ok).toBe(true)
    expect(() => createCelEnvironment({ Object: 'map' }, { objects: true })).toThrow(/not a name/)
    expect(() => createCelEnvironment({ JSONPatch: 'map' }, { objects: true })).toThrow(/not a name/)
  })
})

describe('hostile objects', () => {
  it('of many shared parts do not leave', () => {
    let source = 'Object.a{b: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}'
    for (let i = 0; i < 8; i++)
      source = `cel.bind(x${i}, ${source}, [x${i}, x${i}, x${i}, x${i}, x${i}, x${i}, x${i}, x${i}])`
    expect(evaluate(source)).toBe('the value is too large to leave the expression')
  })

  it('of long names are read in no time', () => {
    const started = performance.now()
    environment.compile(`Object${'.a'.repeat(4000)}{}`)
    environment.compile(`[${'Object.a{},'.repeat(800)}Object.a{}]`)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
