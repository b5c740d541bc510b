import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { yamlFlow, yamlText } from './yaml-text.js'

describe('yamlText', () => {
  it.each([
    ['staff', 'staff'],
    ['https://idp.example.com/realms/acme', 'https://idp.example.com/realms/acme'],
    ['127.0.0.1', '127.0.0.1'],
    ['null', '"null"'],
    ['No', '"No"'],
    ['1e3', '"1e3"'],
    ['https://a.example/x:', '"https://a.example/x:"'],
    ['a: b', '"a: b"'],
    ['', '""'],
  ])('%j is %s', (text, yaml) => {
    expect(yamlText(text)).toBe(yaml)
  })

  it('is read as what it was, in every place', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-:#,[\]{}&*!|>'"%@` ~a0.]{0,12}$/))
    const check = (value: string) => {
      expect(parse(`[{ a: ${yamlText(value)} }, ${yamlText(value)}]`)).toEqual([{ a: value }, value])
      expect(parse(`- ${yamlText(value)} # comment\n- a: ${yamlText(value)}\n`)).toEqual([value, { a: value }])
    }
    fc.assert(fc.property(text, check))
  })
})

describe('yamlFlow', () => {
  it('is read as what it was', () => {
    const keys = fc.string().filter(key => key !== '__proto__')
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    const check = (one: unknown) => {
      expect(parse(yamlFlow(one))).toEqual(one)
    }
    fc.assert(fc.property(value, check))
  })
})
