import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.js'
import { parseStrictJson } from './strict-json.js'

const canonical = (text: string): string => {
  const parsed = parseStrictJson(Buffer.from(text))
  if (!parsed.ok) throw new Error(parsed.message)
  return canonicalJson(parsed.value)
}

describe('canonicalJson', () => {
  it.each([
    // RFC 8785 §3.2.2 and §3.2.3.
    [
      'the example of the RFC',
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ],
    [
      'its order of members',
      '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ],
    ['white space', ' { "b" : [ 1 , 2 ] , "a" : { } } ', '{"a":{},"b":[1,2]}'],
    ['minus zero', '[-0,-0.0]', '[0,0]'],
    [
      'whole numbers',
      '[1.0,9007199254740991,1e21,100000000000000000000.0]',
      '[1,9007199254740991,1e+21,100000000000000000000]',
    ],
    ['a whole number that no double holds', '[9007199254740993]', '[9007199254740992]'],
  ])('%s', (_name, text, expected) => {
    // Control characters in keys are refused by the parser, so that the second example goes around it.
    const value = text.includes('\\r"') ? undefined : canonical(text)
    expect(value ?? canonicalJson(new Map(Object.entries(JSON.parse(text))))).toBe(expected)
  })

  it('sorts members as the language does, few and many', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', '\u00f6', '\ue000', '🙂'), maxLength: 3 })
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 30 }), keys => {
        const members = [...keys].sort().map(one => `${JSON.stringify(one)}:true`)
        expect(canonicalJson(new Map(keys.map(one => [one, true])))).toBe(`{${members.join(',')}}`)
      }),
    )
  })

  it('does not depend on how a value was written', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), text => {
        fc.pre(parseStrictJson(Buffer.from(text)).ok)
        const once = canonical(text)
        expect(canonical(once)).toBe(once)
        expect(canonical(JSON.stringify(JSON.parse(text), undefined, 3))).toBe(once)
      }),
    )
  })
})
