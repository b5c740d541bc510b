import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { google } from '../../../gen/wire.js'
import type { JsonValue } from '../../protocol/json-value.js'
import { structToJson } from './struct-value.js'

const { Struct } = google.protobuf
type IValue = google.protobuf.IValue

const one = (value: IValue) => structToJson({ fields: { a: value } })?.get('a')
const nested = (levels: number): IValue => {
  let value: IValue = { boolValue: true }
  for (let i = 0; i < levels; i++) value = { listValue: { values: [value] } }
  return value
}

describe('structToJson', () => {
  const cases: [string, IValue, JsonValue | undefined][] = [
    ['null', { nullValue: 0 }, null],
    ['text', { stringValue: '' }, ''],
    ['false', { boolValue: false }, false],
    ['integer', { numberValue: 7 }, 7n],
    ['negative zero', { numberValue: -0 }, 0n],
    ['largest integer', { numberValue: 2 ** 53 - 1 }, 9007199254740991n],
    ['beyond it, digits may be lost', { numberValue: 2 ** 53 }, 2 ** 53],
    ['fraction', { numberValue: 1.5 }, 1.5],
    ['NaN is not JSON', { numberValue: Number.NaN }, undefined],
    ['infinity is not JSON', { numberValue: Number.POSITIVE_INFINITY }, undefined],
    ['a value without kind', {}, undefined],
    ['list', { listValue: { values: [{ numberValue: 1 }, { nullValue: 0 }] } }, [1n, null]],
    ['object', { structValue: { fields: { b: { stringValue: 'c' } } } }, new Map([['b', 'c']])],
    ['too deep', nested(40), undefined],
  ]
  it.each(cases)('%s', (_name, value, expected) => expect(one(value)).toEqual(expected))

  it('has a limit on values', () => {
    const values = Array.from({ length: 10_001 }, () => ({ boolValue: true }))
    expect(one({ listValue: { values } })).toBeUndefined()
  })

  it('keeps a key that reaches prototypes as a key', () => {
    // field "__proto__" with the value true
    const bytes = Buffer.concat([
      Buffer.from([0x0a, 15, 0x0a, 9]),
      Buffer.from('__proto__'),
      Buffer.from([0x12, 2, 0x20, 1]),
    ])
    expect(structToJson(Struct.decode(bytes))).toEqual(new Map([['__proto__', true]]))
  })

  it('agrees with JSON', () => {
    const value: fc.Memo<IValue> = fc.memo(depth =>
      depth > 1 ? fc.oneof(leaf, list(depth - 1), object(depth - 1)) : leaf,
    )
    const leaf: fc.Arbitrary<IValue> = fc.oneof(
      fc.string().map(stringValue => ({ stringValue })),
      fc.boolean().map(boolValue => ({ boolValue })),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(numberValue => ({ numberValue })),
    )
    const list = (depth: number) => fc.array(value(depth), { maxLength: 3 }).map(values => ({ listValue: { values } }))
    const object = (depth: number) =>
      fc
        .dictionary(fc.string(), value(depth), { maxKeys: 3, noNullPrototype: true })
        .map(fields => ({ structValue: { fields } }))
    fc.assert(
      fc.property(value(3), input => {
        expect(plain(one(input))).toEqual(plainOf(input))
      }),
    )
  })
})

/** Zero signs and integer types away, so that both sides compare by value. */
function plain(value: JsonValue | undefined): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return value === 0 ? 0 : value
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, plain(inner)]))
  return Array.isArray(value) ? value.map(plain) : value
}

function plainOf(value: IValue): unknown {
  if (value.structValue) {
    return new Map(Object.entries(value.structValue.fields ?? {}).map(([key, inner]) => [key, plainOf(inner)]))
  }
  if (value.listValue) return (value.listValue.values ?? []).map(plainOf)
  if (typeof value.numberValue === 'number') return value.numberValue === 0 ? 0 : value.numberValue
  return value.stringValue ?? value.boolValue
}
