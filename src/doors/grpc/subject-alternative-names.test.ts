import { describe, expect, it } from 'vitest'
import { matchesAllowedSan, parseSubjectAlternativeNames } from './subject-alternative-names.js'

describe('parseSubjectAlternativeNames', () => {
  const cases: [string, string, { uris: string[]; dns: string[] }][] = [
    ['nothing', '', { uris: [], dns: [] }],
    ['one of each', 'URI:spiffe://a/b, DNS:x.example', { uris: ['spiffe://a/b'], dns: ['x.example'] }],
    ['other types', 'IP Address:127.0.0.1, DNS:x, email:a@b', { uris: [], dns: ['x'] }],
    ['quoted value is left out', 'DNS:"a, URI:spiffe://evil", DNS:b', { uris: [], dns: ['b'] }],
    ['escaped quote inside', 'DNS:"a\\", URI:spiffe://evil", DNS:b', { uris: [], dns: ['b'] }],
    ['unclosed quote ends it', 'DNS:b, DNS:"a, URI:spiffe://evil', { uris: [], dns: ['b'] }],
  ]
  it.each(cases)('%s', (_name, text, expected) => {
    expect(parseSubjectAlternativeNames(text)).toEqual(expected)
  })
})

describe('matchesAllowedSan', () => {
  const gateway = 'URI:spiffe://acme/ns/mesh/sa/gw, DNS:gw.acme.example'
  const cases: [string, string, string[], boolean][] = [
    ['exact URI', gateway, ['spiffe://acme/ns/mesh/sa/gw'], true],
    ['prefix URI', gateway, ['spiffe://acme/ns/mesh/*'], true],
    ['URI is case-sensitive', gateway, ['spiffe://acme/ns/MESH/*'], false],
    ['prefix of a name is not the name', gateway, ['spiffe://acme/ns/mesh/sa/g'], false],
    ['DNS without case', gateway, ['GW.acme.example'], true],
    ['DNS pattern never meets a URI', 'URI:gw.acme.example', ['gw.acme.example'], false],
    ['star inside is a plain character', gateway, ['spiffe://*/ns/mesh/sa/gw'], false],
    ['two URIs are no identity', 'URI:spiffe://acme/a, URI:spiffe://acme/b', ['spiffe://acme/*'], false],
    ['no names', '', ['*'], false],
    ['empty list allows nobody', gateway, [], false],
  ]
  it.each(cases)('%s', (_name, text, allowed, expected) => {
    expect(matchesAllowedSan(text, allowed)).toBe(expected)
  })
})
