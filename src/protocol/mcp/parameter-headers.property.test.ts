import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { JsonValue } from '../json-value.js'
import { RequestHeaders } from '../request-headers.js'
import { type MirroredParameter, parameterMismatch } from './parameter-headers.js'

const type = fc.constantFrom('string', 'integer', 'boolean')
const declared = (one: MirroredParameter['type']): MirroredParameter => ({
  ...{ header: 'mcp-param-a', path: ['outer', 'a'], type: one },
})
const argument = fc.oneof<fc.Arbitrary<JsonValue | undefined>[]>(
  fc.constantFrom<JsonValue | undefined>(undefined, null, true, false, '', 'true', '1', 'é', ' a', 1.5, 3),
  fc.bigInt({ min: -20n, max: 20n }),
  fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 9007199254740991n),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
)
const written = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    '1',
    '1.0',
    '01',
    '-0',
    '0',
    '1e0',
    '0x1',
    'null',
    '',
    '9007199254740993',
    '=?base64?dHJ1ZQ==?=',
  ),
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.string({ unit: 'grapheme', maxLength: 5 }).map(text => `=?base64?${Buffer.from(text).toString('base64')}?=`),
)

function args(value: JsonValue | undefined): ReadonlyMap<string, JsonValue> {
  const inner = new Map<string, JsonValue>(value === undefined ? [] : [['a', value]])
  return new Map([['outer', inner]])
}

/** What clients write for an argument (SEP-2243). */
function encode(value: JsonValue): string {
  const text = String(value)
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?')
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`
}

it('lets a header pass only if it says what the argument is', () => {
  fc.assert(
    fc.property(type, argument, fc.option(written, { nil: undefined }), (kind, value, header) => {
      const headers = RequestHeaders.from(header === undefined ? [] : [['mcp-param-a', header]])
      if (parameterMismatch([declared(kind)], args(value), headers) !== undefined) return
      if (value === undefined || value === null) {
        expect(header).toBeUndefined()
        return
      }
      const inner = /^=\?base64\?(.*)\?=$/.exec(header ?? '')?.[1]
      const text = inner === undefined ? header?.trim() : Buffer.from(inner, 'base64').toString()
      if (kind === 'integer') expect(BigInt((text ?? '').replace(/\.0+$/, ''))).toBe(BigInt(Number(value)))
      else expect(text).toBe(String(value))
    }),
    { numRuns: 3000 },
  )
})

it('lets pass what clients write', () => {
  const honest = fc.oneof(
    fc.tuple(fc.constant('string' as const), fc.string({ unit: 'grapheme' })),
    fc.tuple(fc.constant('integer' as const), fc.maxSafeInteger().map(BigInt)),
    fc.tuple(fc.constant('boolean' as const), fc.boolean()),
  )
  fc.assert(
    fc.property(honest, ([kind, value]) => {
      const headers = RequestHeaders.from([['mcp-param-a', encode(value)]])
      expect(parameterMismatch([declared(kind)], args(value), headers)).toBeUndefined()
      expect(parameterMismatch([declared(kind)], args(value), RequestHeaders.from([]))).toBeTypeOf('string')
    }),
  )
})
