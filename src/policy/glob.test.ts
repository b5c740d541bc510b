import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob, compileGlobs } from './glob.js'

describe('compileGlob', () => {
  it.each([
    ['read_file', 'read_file', true],
    ['read_file', 'read_files', false],
    ['*', '', true],
    ['read_*', 'read_', true],
    ['read_*', 'unread_x', false],
    ['*_file', 'read_file', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['a*bc*bc', 'abc', false],
    ['a.c', 'abc', false],
    ['Read', 'read', false],
    ['a**b', 'ab', true],
  ])('%s against %s is %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected)
  })

  it('agrees with a regular expression that says the same', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 6 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 })
    fc.assert(
      fc.property(piece, text, (pattern, subject) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*')
        expect(compileGlob(pattern)(subject)).toBe(new RegExp(`^${source}$`, 's').test(subject))
      }),
    )
  })
})

describe('compileGlobs', () => {
  it('matches nothing without patterns', () => expect(compileGlobs([])('a')).toBe(false))
  it('matches by any pattern', () => {
    expect(compileGlobs(['a', 'b*'])('bc')).toBe(true)
    expect(compileGlobs(['a', 'b*'])('c')).toBe(false)
  })
})
