import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import { patternShape } from './pattern-shape.js'

describe('patternShape', () => {
  it.each([
    ['', true, false],
    ['[a-z]+', true, true],
    ['(\\w+)@(\\w+)\\.com', true, true],
    ['[|()]+', true, true],
    ['\\|a\\)', true, false],
    ['[]|]a?', true, false],
    ['[[:alpha:]|]', true, false],
    ['a{1,5}b{2}', true, false],
    ['a{2,}', true, true],
    ['a{x}', true, false],
    ['a|b', false, false],
    ['x*z|x', false, true],
    ['x(.*z)?', false, true],
    ['(?:ab)+', false, true],
    ['(?:ab){2,3}', false, false],
  ])('%s: a chain %s, unbounded %s', (pattern, chain, unbounded) => {
    expect(patternShape(pattern)).toMatchObject({ chain, unbounded })
  })

  it.each([
    ['a{1000}', 1000],
    ['(a{100}){10}', 1000],
    ['(?:(?:a{10}){10}){10}', 1000],
    ['(abcdefghij){1000}', 10_000],
    ['[a-z]{1,900}', 900],
  ])('%s makes at least %i instructions', (pattern, least) => {
    expect(patternShape(pattern).size).toBeGreaterThanOrEqual(least)
  })

  it('is not less than a quarter of what RE2 makes', () => {
    const atom = fc.constantFrom(
      'a',
      '.',
      '[a-z]',
      '\\d',
      '(',
      ')',
      '(?:',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{0,30}',
      '{3,}',
      '^',
      '$',
    )
    fc.assert(
      fc.property(fc.array(atom, { maxLength: 14 }), atoms => {
        const pattern = atoms.join('')
        let size: number
        try {
          size = RE2JS.compile(pattern).programSize()
        } catch {
          return
        }
        expect(4 * patternShape(pattern).size + 20).toBeGreaterThanOrEqual(size)
      }),
      { numRuns: 2000 },
    )
  })
})
