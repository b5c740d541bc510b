import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../protocol/canonical-json.js'
import { isJsonObject, type JsonObject } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'
import { argumentsDigest, bodyDigest } from './digests.js'

function objectOf(text: string): JsonObject {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('not an object')
  return parsed.value
}

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

describe('numbers in the canonical form (RFC 8785, appendix B)', () => {
  // The bits of an IEEE 754 double, and what it is written as.
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('%s is %s', (bits, text) => expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text))
})

describe('argumentsDigest', () => {
  it.each([
    ['nothing', '{}', '{}'],
    ['another order and spelling', '{ "b": 2e0, "a": "\\u0061" }', '{"a":"a","b":2}'],
    ['nested', '{"z":[{"y":null,"x":true}]}', '{"z":[{"x":true,"y":null}]}'],
  ])('of %s', (_name, text, canonical) => expect(argumentsDigest(objectOf(text))).toBe(sha256(canonical)))

  it('takes absent arguments for none', () => expect(argumentsDigest(undefined)).toBe(sha256('{}')))

  it.each([
    ['a value', '{"n":3}', '{"n":4}'],
    ['a type', '{"n":3}', '{"n":"3"}'],
    ['a key', '{"n":3}', '{"N":3}'],
    ['an order that matters', '{"n":[1,2]}', '{"n":[2,1]}'],
  ])('differs by %s', (_name, one, other) =>
    expect(argumentsDigest(objectOf(one))).not.toBe(argumentsDigest(objectOf(other))),
  )

  it('leaves whole numbers beyond doubles to the digest of the body', () => {
    const [one, other] = ['{"n":9007199254740993}', '{"n":9007199254740992}']
    expect(argumentsDigest(objectOf(one))).toBe(argumentsDigest(objectOf(other)))
    expect(bodyDigest(Buffer.from(one))).not.toBe(bodyDigest(Buffer.from(other)))
  })
})
