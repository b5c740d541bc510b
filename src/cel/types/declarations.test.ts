import { describe, expect, it } from 'vitest'
import { createDeclarations } from './declarations.js'
import { optionalOperators, standardOperators } from './standard-operators.js'

const declare = (...signatures: string[]) =>
  createDeclarations([
    { name: 'test', types: ['net.IP'], functions: signatures.map((signature, i) => ({ id: `f${i}`, signature })) },
  ])

describe('the table of declarations', () => {
  it('keeps the overloads of a function in order', () => {
    const { functions } = declare('f(int) -> int', 'g() -> int', 'f(string) -> int')
    expect(functions.get('f')?.map(overload => overload.id)).toEqual(['f0', 'f2'])
  })

  it('knows types by name', () => {
    const table = declare()
    expect(table.types.get('net.IP')).toEqual({ kind: 'opaque', name: 'net.IP' })
    expect(table.types.get('google.protobuf.Timestamp')).toEqual({ kind: 'timestamp' })
    expect(table.types.get('dyn')).toBeUndefined()
    expect(table.longestTypeName).toBe(3)
  })

  it('has the operators without a collision', () => {
    const { functions } = createDeclarations([standardOperators, optionalOperators])
    expect(functions.get('_<_')).toHaveLength(14)
    expect(functions.get('_+_')).toHaveLength(9)
    expect(functions.get('_[?_]')).toHaveLength(4)
  })

  it.each([
    ['f(int) -> int', 'f(string) -> int'],
    ['f(int) -> int', 'f(int, int) -> int'],
    ['f(string) -> int', 'string.f() -> int'],
    ['f(list(int)) -> int', 'f(list(string)) -> int'],
    ['f(net.IP) -> int', 'f(google.protobuf.Timestamp) -> int'],
  ])('%s and %s are apart', (a, b) => {
    expect(declare(a, b).functions.size).toBe(1)
  })

  it.each([
    ['f(int) -> int', 'f(int) -> string'],
    ['f(int) -> int', 'f(dyn) -> int'],
    ['f(<T>) -> int', 'f(list(<T>)) -> int'],
    ['f(list(dyn)) -> int', 'f(list(string)) -> int'],
    ['f(int, dyn) -> int', 'f(dyn, int) -> int'],
    ['string.f(int) -> int', 'string.f(int) -> int'],
    ['f(wrapper(int)) -> int', 'f(int) -> int'],
  ])('%s and %s collide', (a, b) => {
    expect(() => declare(a, b)).toThrow('f1 collides with f0')
  })

  it('refuses an id that is taken', () => {
    const functions = [{ id: 'same', signature: 'f() -> int' }]
    const again = [{ id: 'same', signature: 'g() -> int' }]
    expect(() =>
      createDeclarations([
        { name: 'a', functions },
        { name: 'b', functions: again },
      ]),
    ).toThrow('same is declared twice: in a and in b')
  })

  it('refuses types that nobody declares', () => {
    expect(() => declare('f(list(net.CIDR)) -> int')).toThrow('f0 uses the type net.CIDR')
    expect(() => declare('f(strng) -> int')).toThrow('f0 uses the type strng')
  })
})
