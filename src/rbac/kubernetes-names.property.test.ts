import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isPathSegmentName } from './kubernetes-names.js'

const characters = ['a', 'Z', '0', '-', '_', '.', ':', '/', '%', ' ', '\n', '\0', '\u2028', '\ufeff', 'é', '\ud800']
const names = fc.array(fc.constantFrom(...characters), { maxLength: 5 }).map(parts => parts.join(''))

it('takes a name for a path segment only without what leads elsewhere, plain or not', () => {
  fc.assert(
    fc.property(names, name => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
      const unsafe = /[/%\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u.test(name)
      const nowhere = name === '' || name === '.' || name === '..'
      expect(isPathSegmentName(name)).toBe(!nowhere && !unsafe && name.trim() === name)
    }),
    { numRuns: 3_000 },
  )
})
