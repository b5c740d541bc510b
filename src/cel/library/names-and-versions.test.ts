import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run, valueOrError } from './kubernetes-libraries.fixture.js'
import { namedFormats } from './named-format.js'
import { parseSemver, Semver } from './semver-value.js'

const identifier = fc.constantFrom('0', '1', '2', '10', 'a', 'B', 'rc', '-', '0a', 'a-b')
const version = fc
  .tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.array(identifier, { maxLength: 3 }))
  .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre.length === 0 ? '' : `-${pre.join('.')}`}`)
  .map(text => {
    const parsed = parseSemver(text)
    if (!(parsed instanceof Semver)) throw new Error(text)
    return parsed
  })

describe('versions', () => {
  it('have a total order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(a.compare(b)).toBe(0 - b.compare(a))
        expect(a.equals(b)).toBe(a.compare(b) === 0)
        if (a.compare(b) <= 0 && b.compare(c) <= 0) expect(a.compare(c)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('beyond int are compared, but not shown', () => {
    expect(valueOrError('semver("18446744073709551615.0.0").isGreaterThan(semver("1.0.0"))')).toBe(true)
    expect(valueOrError('semver("18446744073709551615.0.0").major()')).toBe('error')
    expect(valueOrError('semver("9223372036854775807.0.0").major()')).toBe(9223372036854775807n)
  })

  it.each([
    ['Arabic digits', '\u0661.2.3'],
    ['full-width digits', '1.2.\uff13'],
    ['a newline', '1.2.3\n'],
    ['a leading space', ' 1.2.3'],
  ])('refuse %s', (_, text) => {
    expect(valueOrError('isSemver(text) || isSemver(text, true)', { variables: { text } })).toBe(false)
  })
})

/** Each with texts that it knows and texts that only look like them. */
describe('formats', () => {
  it('are no property of an object by accident', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(valueOrError('format.named(name).hasValue()', { variables: { name } })).toBe(false)
    }
  })

  it('know nothing beyond ASCII', () => {
    for (const [name, format] of namedFormats) {
      for (const text of ['\u00e9', '\u0430', '\uff41', '\u0661', 'a\u200b', '\u212a']) {
        if (name === 'uri') continue
        expect(format.check(text), `${name} ${text}`).not.toEqual([])
      }
    }
  })

  it('count bytes', () => {
    const text = '\u00e9'.repeat(32)
    expect(valueOrError('format.dns1123Label().validate(text).value()[0]', { variables: { text } })).toBe(
      'must be no more than 63 characters',
    )
  })
})

describe.each([
  ['letters', 'a'.repeat(200_000)],
  ['dots', 'a.'.repeat(100_000)],
  ['dashes', `a${'-'.repeat(200_000)}`],
  ['letters before a wrong end', `${'a-'.repeat(100_000)}_`],
  ['equal signs', '='.repeat(200_000)],
  ['digits', '1'.repeat(200_000)],
  ['zeros', `v${'0'.repeat(200_000)}.1`],
  ['identifiers', `1.2.3-${'1.'.repeat(100_000)}1`],
  ['spaces', ' '.repeat(200_000)],
  ['slashes', '/'.repeat(200_000)],
])('very many %s', (_, text) => {
  const formats = [...namedFormats.keys()].map(name => `format.${name}().validate(text)`)
  const others = ['isSemver(text)', 'isSemver(text, true)', 'semver(text) == semver(text)', 'jsonpatch.escapeKey(text)']

  it.each([...formats, ...others])('%s takes time in proportion, and is charged', call => {
    const started = performance.now()
    const { cost } = run(call, { variables: { text }, budget: 1e12 })
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(cost).toBeGreaterThanOrEqual(text.length / 10)
  })
})
