import fc from 'fast-check'
import { expect, it } from 'vitest'
import { refuseUri } from './resource-uri.js'

const piece = fc.constantFrom(
  ...[
    '/',
    '.',
    '..',
    'a',
    'B',
    '0',
    ':',
    '@',
    '?',
    '=',
    ';',
    '%20',
    '%2F',
    '%2f',
    '%41',
    '%C3%A9',
    '%',
    '#',
    '\\',
    'é',
  ],
  ...['{', '}', '|', ' ', '~', "'", '[', ']', '%00', '%25'],
)
const uri = fc
  .tuple(
    fc.constantFrom('k8s://', 'k8s:/', 'urn:', 'file:///', 'https://h/', 'K8s://'),
    fc.array(piece, { maxLength: 8 }),
  )
  .map(([start, pieces]) => start + pieces.join(''))

it('is never another spelling of an accepted uri', () => {
  fc.assert(
    fc.property(uri, one => {
      if (refuseUri(one) !== undefined) return
      // The normal form of RFC 3986, section 6.2.2, leaves it alone.
      const decoded = one.replaceAll(/%[0-9A-Fa-f]{2}/g, encoded => {
        const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
        return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded.toUpperCase()
      })
      expect(decoded).toBe(one)
      const [before = ''] = one.split('?')
      const path = before.replace(/^[a-z0-9+.-]+:(?:\/\/[^/]*)?/, '')
      expect(path.split('/').some(segment => segment === '.' || segment === '..')).toBe(false)
      expect(path).not.toContain('//')
      expect(one).toMatch(/^[a-z][\x21-\x7e]*$/)
    }),
    { numRuns: 3000 },
  )
})

it('what is accepted as a uri is accepted as a template', () => {
  fc.assert(
    fc.property(uri, one => {
      if (refuseUri(one) === undefined) expect(refuseUri(one, 'template')).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})

it('says why in words of its own', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), one => {
      expect(refuseUri(one) ?? 'a').toMatch(/^[\x20-\x7e]+$/)
    }),
  )
})
