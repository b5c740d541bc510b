import fc from 'fast-check'
import { expect, it } from 'vitest'
import { refuseUri } from './resource-uri.js'

it.each([
  'file:///a/b.txt',
  'file:///a%20b',
  'https://example.com/',
  'https://example.com/a?b=../c',
  'https://example.com:8443/',
  'http://192.0.2.1/',
  'k8s://pods/dev',
  'ui://MyApp/View',
  'skill://a/SKILL.md',
  'urn:isbn:0451450523',
  'memo:insights',
  'test://host',
  'git+ssh://h/a',
])('%s is canonical', uri => {
  expect(refuseUri(uri)).toBeUndefined()
})

it.each([
  '',
  'a/b',
  '/etc/passwd',
  'File:///a',
  'file:///a/../b',
  'file:///a/./b',
  'file:///a/..',
  'file:///a/..;x/b',
  'file:///a//b',
  'file:////a',
  'file:///a%2fb',
  'file:///a%2Fb',
  'file:///a%2E%2E/b',
  'file:///a%5Cb',
  'file:///%61',
  'file:///a%25',
  'file:///a%00',
  'file:///a%c3%a9',
  'file:///a%',
  'file:///a b',
  'file:///é',
  'file:///a\\b',
  'file:///a#b',
  'file:///a\u0000',
  'file:///{x}',
  'file://localhost/a',
  'https://EXAMPLE.com/',
  'https://example.com',
  'https://example.com:443/',
  'https://user@example.com/',
  'https://user:secret@example.com/',
  'http://0x7f.1/',
  'http://[::1/',
  'http://[::1]/',
  'http://1.2.3/',
  'http://256.1.1.1/',
  'http://a.01/',
  'http://example.com:08080/',
  'http://example.com:99999/',
  'https:/example.com/',
  'https:example.com/',
  'https:///x/',
  "https://example.com/?a='b'",
  'k8s://a/../b',
  'urn:a/../b',
  `file:///${'a'.repeat(2048)}`,
])('%j is refused', uri => {
  expect(refuseUri(uri)).toBeTypeOf('string')
})

it('takes templates where they belong', () => {
  expect(refuseUri('file:///{+path}', 'template')).toBeUndefined()
  expect(refuseUri('k8s://{ns}/pods{?a,b}', 'template')).toBeUndefined()
  expect(refuseUri('file:///{a}/../x', 'template')).toBeTypeOf('string')
})

it('leaves a parser of the URL standard nothing to rewrite', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    'a',
    'B',
    '0x7',
    '1',
    ':',
    '80',
    '443',
    '@',
    '?',
    '%20',
    '%2E',
    '-',
    "'",
    '[',
    ';',
    '=',
  )
  fc.assert(
    fc.property(
      fc.constantFrom('https://', 'http://a', 'file:///', 'ws://h/', 'ftp:'),
      fc.array(piece),
      (start, rest) => {
        const uri = start + rest.join('')
        if (refuseUri(uri) === undefined) expect(new URL(uri).href).toBe(uri)
      },
    ),
    { numRuns: 5000 },
  )
})
