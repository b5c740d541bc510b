import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { overloadText } from './check-calls.js'
import { parseSignature, parseType } from './parse-signature.js'
import { type Type, typeName, types } from './type.js'

const param = (name: string): Type => ({ kind: 'param', name })
const rows = readFileSync(new URL('../testdata/kubernetes-functions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .map(line => line.split('\t'))
  .filter(cells => cells.length === 3)

describe('signatures', () => {
  it.each([
    ['string.charAt(int) -> string', 'charAt', true, [types.string, types.int], types.string],
    ['size(list(<A>)) -> int', 'size', false, [types.list(param('A'))], types.int],
    [
      'list(<T>).@sortByAssociatedKeys(list(bool)) -> list(<T>)',
      '@sortByAssociatedKeys',
      true,
      [types.list(param('T')), types.list(types.bool)],
      types.list(param('T')),
    ],
    ['_[_](map(<A>, <B>), <A>) -> <B>', '_[_]', false, [types.map(param('A'), param('B')), param('A')], param('B')],
    ['optional_type(<V>).orValue(<V>) -> <V>', 'orValue', true, [types.optional(param('V')), param('V')], param('V')],
    ['net.IP.family() -> int', 'family', true, [types.opaque('net.IP')], types.int],
    ['ip.isCanonical(string) -> bool', 'ip.isCanonical', false, [types.string], types.bool],
    ['optional.none() -> optional_type(<V>)', 'optional.none', false, [], types.optional(param('V'))],
    ['type(<A>) -> type(<A>)', 'type', false, [param('A')], { kind: 'type', of: param('A') }],
    ['f(type) -> dyn', 'f', false, [{ kind: 'type', of: types.dyn }], types.dyn],
    ['f(wrapper(int)) -> null_type', 'f', false, [{ kind: 'wrapper', of: 'int' }], types.null],
    ['_<_(int, uint) -> bool', '_<_', false, [types.int, types.uint], types.bool],
    ['_>=_(int, uint) -> bool', '_>=_', false, [types.int, types.uint], types.bool],
    ['google.protobuf.Duration.getHours() -> int', 'getHours', true, [types.duration], types.int],
  ] as const)('%s', (signature, name, member, params, result) => {
    expect(parseSignature('id', signature)).toMatchObject({ id: 'id', name, member, params, result })
  })

  it('names the type parameters in order', () => {
    const { typeParams } = parseSignature('id', 'f(map(<K>, list(<V>)), <K>) -> <R>')
    expect(typeParams).toEqual(['K', 'V', 'R'])
  })

  it.each([
    ['no result', 'f(int)', 'no result type'],
    ['no parameters', 'f -> int', 'no list of parameters'],
    ['no name', '(int) -> int', 'no list of parameters'],
    ['no method name', 'string.(int) -> int', 'the name is missing'],
    ['a list of nothing', 'f(list()) -> int', 'is not a type'],
    ['a map of one', 'f(map(int)) -> int', 'is not a type'],
    ['an unknown constructor', 'f(set(int)) -> int', 'is not a type'],
    ['an open parenthesis', 'f(list(int) -> int', 'the name is missing'],
    ['an empty parameter', 'f(int, ) -> int', 'is not a type'],
    ['a wrapper of a list', 'f(wrapper(list(int))) -> int', 'is not a type'],
  ])('refuses %s', (_, signature, why) => {
    expect(() => parseSignature('id', signature)).toThrow(why)
  })

  it('reads every function of Kubernetes and writes it back', () => {
    expect(rows).toHaveLength(344)
    const written = rows.map(([name, id, signature]) => {
      const overload = parseSignature(id ?? '', signature ?? '')
      expect(overload.name).toBe(name)
      return overloadText(overload).replaceAll('type(dyn)', 'type')
    })
    expect(written).toEqual(rows.map(row => row[2]))
  })
})

describe('types', () => {
  it.each(['int', 'list(dyn)', 'map(string, list(net.IP))', 'optional_type(<T>)', 'wrapper(bytes)', 'type(int)'])(
    '%s reads as it writes',
    text => {
      const type = parseType(text)
      expect(type && typeName(type)).toBe(text)
    },
  )
})
