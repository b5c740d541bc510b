import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isJsonContentType, parseContentType } from './content-type.js'

const tokenCharacter = fc.constantFrom(..."!#$%&'*+-.^_`|~09azAZ")
const token = fc.string({ unit: tokenCharacter, minLength: 1, maxLength: 8 })
const ows = fc.constantFrom('', ' ', '\t', ' \t')
const text = fc.string({ unit: fc.constantFrom(...'az ,;="\\/\t'), maxLength: 8 })

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`
}

it('reads back what was written by the grammar', () => {
  const parameters = fc.uniqueArray(fc.tuple(token, text), {
    selector: ([name]) => name.toLowerCase(),
    maxLength: 4,
  })
  fc.assert(
    fc.property(token, token, parameters, ows, (type, subtype, list, space) => {
      const written = list.map(([name, value]) => `${space};${space}${name}=${quoted(value)}`).join('')
      expect(parseContentType(`${type}/${subtype}${written}${space}`)).toEqual({
        essence: `${type}/${subtype}`.toLowerCase(),
        parameters: new Map(list.map(([name, value]) => [name.toLowerCase(), value])),
      })
    }),
  )
})

it('refuses a second value, a second parameter of a name, and what is no grammar', () => {
  fc.assert(
    fc.property(token, token, ows, (name, value, space) => {
      expect(parseContentType(`a/b${space},${space}c/d`)).toBeUndefined()
      expect(parseContentType(`a/b; ${name}=${value}; ${name.toUpperCase()}=${value}`)).toBeUndefined()
      expect(parseContentType(`a/b; ${name} =${value}`)).toBeUndefined()
      expect(parseContentType(`a/b; ${name}="${value}`)).toBeUndefined()
    }),
  )
})

it('lets the word charset stand only where everybody reads UTF-8', () => {
  const charset = fc.constantFrom('charset=utf-16', 'charset=utf-8', 'CHARSET="utf-16"', 'charset = gbk', 'charset')
  fc.assert(
    fc.property(token, charset, fc.boolean(), (name, word, first) => {
      const hidden = `; ${name}=${quoted(word)}`
      const honest = '; charset=utf-8'
      expect(isJsonContentType(`application/json${first ? hidden + honest : honest + hidden}`)).toBe(false)
      expect(isJsonContentType(`application/json${hidden}`)).toBe(false)
      expect(isJsonContentType(`application/json; x${word}`)).toBe(false)
    }),
  )
})

it('passes its own, whatever the case', () => {
  const anyCase = (word: string) =>
    fc.tuple(...[...word].map(letter => fc.constantFrom(letter, letter.toUpperCase()))).map(letters => letters.join(''))
  fc.assert(
    fc.property(
      anyCase('application/json'),
      anyCase('charset'),
      anyCase('utf-8'),
      fc.boolean(),
      (type, name, value, bare) => {
        expect(isJsonContentType(`${type};${name}=${bare ? value : `"${value}"`}`)).toBe(true)
      },
    ),
  )
})

it('passes no comma, which could part it in two', () => {
  fc.assert(
    fc.property(token, text, text, (name, before, after) => {
      expect(isJsonContentType(`application/json; ${name}=${quoted(`${before},${after}`)}`)).toBe(false)
    }),
  )
})

it('never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), value => void parseContentType(value)),
    { numRuns: 1000 },
  )
})
