import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/package-root.js'
import { type HostileCase, hostileCase } from './case.js'
import { serverOf } from './support/case-request.js'
import { corpusPolicies } from './support/corpus-policies.js'
import { loadCorpus } from './support/load-corpus.js'

const cases = loadCorpus()

/** Codes of the stages that read the request, from the table that the code itself is typed with. */
function codesOfRequests(): readonly string[] {
  const source = readFileSync(join(packageRoot, 'src/protocol/reasons.ts'), 'utf8')
  return [...source.matchAll(/'((?:framing|message|method|session)\.[a-z_]+)'/g)].map(([, code = '']) => code)
}

/** Every line that says what a server must have read, or what came of a case. */
function expectations(one: HostileCase) {
  return [one.expect, ...(one.envoy?.http1 ? [one.envoy.http1] : []), ...(one.envoy?.http2 ? [one.envoy.http2] : [])]
}

describe('the corpus', () => {
  it('has enough cases, refused and allowed', () => {
    expect(cases.length).toBeGreaterThanOrEqual(300)
    expect(cases.filter(one => 'allow' in one.expect).length).toBeGreaterThanOrEqual(60)
    expect(cases.filter(one => 'allow' in one.expect && one.expect.read).length).toBeGreaterThanOrEqual(60)
  })

  it('names each case once', () => {
    const names = cases.map(one => one.name)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })

  it('holds no request twice', () => {
    const requests = cases.map(one => JSON.stringify([serverOf(one), one.request ?? one.raw, one.over]))
    const twice = requests.flatMap((text, at) => (requests.indexOf(text) === at ? [] : [cases[at]?.name]))
    expect(twice).toEqual([])
  })

  it('names Servers that its policies have', () => {
    const text = Object.values(corpusPolicies()).join('\n')
    const servers = new Set([...text.matchAll(/kind: Server\nmetadata: \{ name: ([a-z-]+)/g)].map(([, name]) => name))
    expect([...new Set(cases.map(serverOf))].filter(name => !servers.has(name))).toEqual([])
  })

  it('has a case for every reason that a request itself can give', () => {
    const denied = new Set(cases.flatMap(expectations).map(one => ('deny' in one ? one.deny : '')))
    // Sessions are bound by the response door, which ext_authz alone is not.
    const elsewhere = new Set(['session.unknown', 'session.foreign'])
    expect(codesOfRequests().filter(code => !denied.has(code) && !elsewhere.has(code))).toEqual([])
  })

  it.each(['why', 'source'] as const)('says of each case %s in words', field => {
    for (const one of cases) expect(one[field].length, one.name).toBeGreaterThan(3)
  })

  it('sends raw bytes over HTTP/1.1 only', () => {
    expect(cases.filter(one => one.raw !== undefined && one.over?.includes('http2') !== false)).toEqual([])
  })
})

describe('the form of a case', () => {
  const good = { name: 'a-b', why: 'because', source: 'RFC 1', request: {}, expect: { deny: 'message.id' } }
  it.each<[string, Record<string, unknown>]>([
    ['neither request nor raw', { request: undefined }],
    ['both', { raw: 'GET / HTTP/1.1' }],
    ['a name with blanks', { name: 'a b' }],
    ['a field that nobody knows', { note: 'x' }],
    ['a reason without stage', { expect: { deny: 'id' } }],
    ['an allow that is false', { expect: { allow: false } }],
    ['no gateway status', { expect: { gateway: [] } }],
    ['no transport', { over: [] }],
  ])('refuses %s', (_name, change) => {
    expect(hostileCase.safeParse(good).success).toBe(true)
    expect(hostileCase.safeParse({ ...good, ...change }).success).toBe(false)
  })
})
