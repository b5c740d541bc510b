import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseType } from './parse-signature.js'
import { type Type, typeName, types } from './type.js'
import { Unifier } from './unify.js'

const message: Type = { kind: 'message', name: 'Object' }
const type = (text: string): Type => (text === 'Object' ? message : (parseType(text) ?? types.error))

describe('assignability', () => {
  it.each([
    ['int', 'int'],
    ['int', 'dyn'],
    ['dyn', 'list(int)'],
    ['list(dyn)', 'list(int)'],
    ['list(int)', 'list(dyn)'],
    ['map(string, dyn)', 'map(string, int)'],
    ['null_type', 'null_type'],
    ['null_type', 'wrapper(int)'],
    ['wrapper(int)', 'null_type'],
    ['null_type', 'optional_type(int)'],
    ['null_type', 'google.protobuf.Timestamp'],
    ['null_type', 'net.IP'],
    ['null_type', 'Object'],
    ['wrapper(int)', 'int'],
    ['int', 'wrapper(int)'],
    ['type(int)', 'type(string)'],
    ['<T>', 'int'],
    ['int', '<T>'],
    ['list(<T>)', 'list(list(<U>))'],
    ['optional_type(<T>)', 'optional_type(int)'],
  ])('%s fits %s', (from, to) => {
    expect(new Unifier().assignable(type(from), type(to))).toBe(true)
  })

  it.each([
    ['int', 'uint'],
    ['int', 'double'],
    ['null_type', 'int'],
    ['null_type', 'list(int)'],
    ['null_type', 'type(int)'],
    ['list(int)', 'list(string)'],
    ['list(int)', 'map(int, int)'],
    ['map(int, int)', 'map(string, int)'],
    ['wrapper(int)', 'string'],
    ['wrapper(int)', 'wrapper(uint)'],
    ['optional_type(int)', 'int'],
    ['optional_type(int)', 'optional_type(string)'],
    ['net.IP', 'net.CIDR'],
    ['google.protobuf.Timestamp', 'google.protobuf.Duration'],
    ['<T>', 'list(<T>)'],
    ['map(<T>, <T>)', 'map(int, string)'],
  ])('%s does not fit %s', (from, to) => {
    expect(new Unifier().assignable(type(from), type(to))).toBe(false)
  })

  it('binds a parameter once', () => {
    const unifier = new Unifier()
    const t = unifier.fresh()
    expect(unifier.assignable(types.int, t)).toBe(true)
    expect(unifier.resolve(types.list(t), false)).toEqual(types.list(types.int))
    expect(unifier.assignable(types.string, t)).toBe(false)
  })

  it('widens a binding to dyn', () => {
    const unifier = new Unifier()
    const t = unifier.fresh()
    expect(unifier.assignableAll([types.int, types.dyn], [t, t])).toBe(true)
    expect(unifier.resolve(t, false)).toEqual(types.dyn)
  })

  it('takes back the bindings of a comparison that fails', () => {
    const unifier = new Unifier()
    const t = unifier.fresh()
    expect(unifier.assignableAll([types.int, types.string], [t, types.bool])).toBe(false)
    expect(unifier.resolve(t, false)).toEqual(t)
  })

  it('finds a parameter in itself through others', () => {
    const unifier = new Unifier()
    const [a, b] = [unifier.fresh(), unifier.fresh()]
    expect(unifier.assignable(a, types.list(b))).toBe(true)
    expect(unifier.assignable(b, types.list(a))).toBe(false)
  })

  it('follows long chains of parameters', () => {
    const unifier = new Unifier()
    const chain = Array.from({ length: 20_000 }, () => unifier.fresh())
    chain.reduce((a, b) => {
      expect(unifier.assignable(a, b)).toBe(true)
      return b
    })
    expect(unifier.assignable(types.int, chain[0] ?? types.error)).toBe(true)
    expect(unifier.resolve(chain.at(-1) ?? types.error, true)).toEqual(types.int)
  })

  it('cuts types that are too deep', () => {
    const unifier = new Unifier()
    let deep: Type = types.int
    for (let i = 0; i < 20_000; i++) deep = unifier.resolve(types.list(deep), false)
    expect(typeName(unifier.resolve(deep, true)).length).toBeLessThan(2000)
  })
})

describe('joins', () => {
  it.each([
    ['int', 'int', 'int'],
    ['int', 'dyn', 'dyn'],
    ['dyn', 'int', 'dyn'],
    ['wrapper(int)', 'int', 'wrapper(int)'],
    ['int', 'wrapper(int)', 'wrapper(int)'],
    ['Object', 'null_type', 'Object'],
    ['null_type', 'Object', 'Object'],
    ['list(int)', 'list(dyn)', 'list(dyn)'],
    ['int', 'string', undefined],
    ['int', 'null_type', undefined],
  ])('%s and %s: %s', (a, b, joined) => {
    const found = new Unifier().join(type(a), type(b))
    expect(found && typeName(found)).toBe(joined)
  })
})

const anyType: fc.Arbitrary<Type> = fc.letrec<{ type: Type }>(tie => ({
  type: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...Object.values(types).filter(value => typeof value === 'object')),
    fc.constantFrom('a', 'b', 'c').map((name): Type => ({ kind: 'param', name })),
    tie('type').map(types.list),
    tie('type').map(types.optional),
    fc.tuple(tie('type'), tie('type')).map(([key, value]) => types.map(key, value)),
  ),
})).type

describe('unification', () => {
  it('ends, and a type that fits can be resolved', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyType, anyType), { maxLength: 6 }), pairs => {
        const unifier = new Unifier()
        for (const [a, b] of pairs) {
          unifier.assignable(a, b)
          expect(typeName(unifier.resolve(a, true))).not.toContain('<')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('fits a type to itself', () => {
    fc.assert(fc.property(anyType, a => new Unifier().assignable(a, a)))
  })
})

describe('types of libraries with parameters', () => {
  const tuple = (...parts: string[]) => types.opaque('tuple', parts.map(type))

  it.each([
    [['int', 'string'], ['int', 'string'], true],
    [['dyn', 'string'], ['int', 'dyn'], true],
    [['<A>', '<A>'], ['int', 'int'], true],
    [['<A>', '<A>'], ['int', 'string'], false],
    [['int'], ['int', 'int'], false],
    [['list(<A>)', 'int'], ['list(string)', 'int'], true],
    [['<A>'], ['list(<A>)'], false],
  ])('tuple of %j and of %j: %s', (from, to, fits) => {
    expect(new Unifier().assignable(tuple(...from), tuple(...to))).toBe(fits)
  })

  it('are of one name', () => {
    expect(new Unifier().assignable(tuple('int'), types.opaque('pair', [types.int]))).toBe(false)
    expect(new Unifier().assignable(types.opaque('tuple'), tuple('int'))).toBe(false)
  })

  it('are resolved, and the more general is kept', () => {
    const unifier = new Unifier()
    const a = unifier.fresh()
    expect(unifier.assignable(types.int, a)).toBe(true)
    expect(typeName(unifier.resolve(types.opaque('tuple', [a, types.list(a)]), true))).toBe('tuple(int, list(int))')
    expect(unifier.join(tuple('int', 'string'), tuple('dyn', 'dyn'))).toEqual(tuple('dyn', 'dyn'))
  })

  it('do not hold themselves', () => {
    const unifier = new Unifier()
    const a = unifier.fresh()
    expect(unifier.assignable(types.opaque('tuple', [a]), a)).toBe(false)
  })
})
