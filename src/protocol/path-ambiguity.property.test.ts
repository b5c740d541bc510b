import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hasDotSegment, pathAmbiguity } from './path-ambiguity.js'

const piece = fc.constantFrom(
  ...[
    '/',
    '.',
    '..',
    ';',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    '%25',
    '%00',
    '%20',
    '%C3%A9',
    '%',
    '%4',
    'a',
    'B',
    '\\',
    '#',
    '?',
  ],
  ...['é', ' ', '~', '-', ';x=1', '...', '\u0000'],
)
const path = fc.array(piece, { maxLength: 10 }).map(pieces => `/${pieces.join('')}`)

/** How servers resolve a path in the most generous of ways: decoded twice, both slashes, parameters cut. */
function resolved(raw: string): string {
  let text = raw
  for (let times = 0; times < 2; times++) {
    text = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  const segments: string[] = []
  for (const segment of text.split(/[/\\]/)) {
    const name = segment.replace(/;.*/, '')
    if (name === '..') segments.pop()
    else if (name !== '.') segments.push(segment)
  }
  return segments.join('/')
}

it('lets no path pass that resolves to another', () => {
  fc.assert(
    fc.property(path, one => {
      if (pathAmbiguity(one) !== undefined) return
      const segments = (text: string) => text.split('/').length
      expect(segments(resolved(one))).toBe(segments(one))
      expect(one).toMatch(/^\/[\x21-\x7e]*$/)
    }),
    { numRuns: 3000 },
  )
})

it('lets plain paths pass', () => {
  const segment = fc.string({ unit: fc.constantFrom(...'abzAZ09-_~!$@:,'), minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), segments => {
      expect(pathAmbiguity(`/${segments.join('/')}`)).toBeUndefined()
    }),
  )
})

it('finds dot segments like a reader that splits', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('/', '.', ';', 'a') }), one => {
      expect(hasDotSegment(one)).toBe(one.split('/').some(segment => /^\.\.?(?:;.*)?$/.test(segment)))
    }),
    { numRuns: 2000 },
  )
})
