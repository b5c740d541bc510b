import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run, valueOrError } from './kubernetes-libraries.fixture.js'

const of = (text: string) => ({ variables: { text } })

describe('URLs', () => {
  it.each([
    ['user info that looks like a host', 'https://good.example@evil.example/', 'getHostname', 'evil.example'],
    ['a backslash', 'https://evil.example\\@good.example/', 'getHostname', 'error'],
    ['a backslash in the path', 'https://a/\\b', 'getEscapedPath', '/%5Cb'],
    ['no scheme', '//evil.example/path', 'getHost', 'evil.example'],
    ['an escaped host', 'https://%65vil.example/', 'getHost', 'error'],
    ['a zone', 'https://[fe80::1%25eth0]/', 'getHostname', 'fe80::1%eth0'],
    ['an IPv4 address in brackets', 'https://[127.0.0.1]/', 'getHost', 'error'],
    ['two ports', 'https://a:80:90/', 'getHost', 'error'],
    ['a port with a sign', 'https://a:+80/', 'getPort', 'error'],
    ['dots in the path', 'https://a/b/../c/%2e%2e', 'getEscapedPath', '/b/../c/%2e%2e'],
    ['an escaped slash', 'https://a/b%2Fc', 'getEscapedPath', '/b%2Fc'],
    ['a newline', 'https://a/\nb', 'getHost', 'error'],
    ['a NUL', 'https://a\0b/', 'getHost', 'error'],
    ['full-width letters stay what they are', 'https://\uff41/', 'getHost', '\uff41'],
    ['a script', 'javascript:alert(1)', 'getHost', ''],
    ['an empty host', 'https:///path', 'getHost', ''],
    ['bytes that are no text', 'https://a%ff/', 'getHost', 'error'],
  ])('%s', (_, text, method, value) => {
    expect(valueOrError(`url(text).${method}()`, of(text))).toBe(value)
  })

  it('have queries as maps, whatever the keys', () => {
    expect(valueOrError('url(text).getQuery()', of('/?__proto__=a&constructor=b&__proto__=c'))).toEqual(
      new Map([
        ['__proto__', ['a', 'c']],
        ['constructor', ['b']],
      ]),
    )
  })

  it('fail where a query has too many parameters, instead of showing none as Go does', () => {
    expect(valueOrError('size(url(text).getQuery()["a"])', of(`/?${'a&'.repeat(9_999)}`))).toBe(9_999n)
    expect(valueOrError('url(text).getQuery()', of(`/?${'a&'.repeat(10_000)}`))).toBe('error')
  })

  it('never throw, and are equal to themselves', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ahtp:/?#[]@%2fF&=;+. \\\u00e9\0', '\u{1f600}') })
    fc.assert(
      fc.property(text, fc.constantFrom('', 'http://', '/'), (rest, start) => {
        const result = run('url(text) == url(text)', of(start + rest))
        if (result.ok) expect(result.value).toBe(true)
        run('[url(text).getHostname(), url(text).getPort(), url(text).getEscapedPath()]', of(start + rest))
        run('url(text).getQuery()', of(start + rest))
      }),
    )
  })

  it.each([
    ['percent signs', `/${'%'.repeat(200_000)}`],
    ['escapes', `/${'%20'.repeat(60_000)}`],
    ['spaces', `/${' '.repeat(200_000)}`],
    ['colons', `http://${':'.repeat(200_000)}`],
    ['at signs', `http://${'@'.repeat(200_000)}`],
    ['brackets', `http://[${']'.repeat(200_000)}`],
    ['letters of a scheme', 'a'.repeat(200_000)],
    ['user info', `http://${'a'.repeat(200_000)} @b/`],
    ['parameters', `/?${'a=b&'.repeat(50_000)}`],
    ['semicolons', `/?${';'.repeat(200_000)}`],
  ])('very many %s take time in proportion, and are charged', (_, text) => {
    const calls = ['isURL(text)', 'url(text) == url(text)', 'url(text).getQuery()', 'url(text).getEscapedPath()']
    for (const call of [...calls, 'url(text).getHost()', 'format.uri().validate(text)']) {
      const started = performance.now()
      const { cost } = run(call, { ...of(text), budget: 1e12 })
      expect(performance.now() - started, call).toBeLessThan(2_000)
      expect(cost, call).toBeGreaterThanOrEqual(text.length / 10)
    }
  })
})
