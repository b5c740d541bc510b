import { expect, it } from 'vitest'
import { detachedString } from './detached-string.js'

it.each([0, 1, 12, 36, 255, 256, 257, 4096])('gives a text of %i characters as it is', length => {
  const text = 'abcdefghijklmnopqrstuvwxyz '.repeat(200).slice(0, length)
  expect(detachedString(text)).toBe(text)
})

it('lets nothing of one text into the next', () => {
  expect([detachedString('a longer text'), detachedString('short')]).toEqual(['a longer text', 'short'])
})
