import fc from 'fast-check'
import { expect, it } from 'vitest'
import { foldKey, hasFoldedTwins } from './fold-key.js'

const letters = ['a', 'A', 's', 'S', '\u017f', 'k', '\u212a', '\u00df', '\u1e9e', '\u0130', 'i', '_', '9']
const key = fc.array(fc.constantFrom(...letters), { maxLength: 3 }).map(parts => parts.join(''))
const objects = fc.uniqueArray(key, { maxLength: 6 }).map(keys => new Map(keys.map(one => [one, true])))

it('finds twins wherever two keys fold to one', () => {
  fc.assert(
    fc.property(objects, object => {
      const folded = new Set([...object.keys()].map(foldKey))
      expect(hasFoldedTwins(object)).toBe(folded.size < object.size)
    }),
    { numRuns: 3_000 },
  )
})

it('folds every text by way of upper case, for ASCII too', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), text => {
      expect(foldKey(text)).toBe(text.toUpperCase().toLowerCase())
    }),
    { numRuns: 3_000 },
  )
})
