import { describe, expect, it } from 'vitest'
import { readAuthenticationConfiguration } from './authentication-configuration.js'
import { authenticationYaml, documentOf, identityYaml, issuerUrl } from './identity.fixture.js'
import { combineIdentity } from './identity-configuration.js'
import { readIdentityDocument } from './identity-document.js'

const cluster = 'https://kubernetes.default.svc'
const other = 'https://kubernetes.east.example'

function read(spec: string) {
  return readIdentityDocument(documentOf(identityYaml(spec)))
}

function combine(spec: string, clusters?: ReadonlySet<string>) {
  const { value, findings } = read(spec)
  if (value === undefined) throw new Error(JSON.stringify(findings))
  const { value: people } = readAuthenticationConfiguration(documentOf(authenticationYaml()))
  if (people === undefined) throw new Error('fixture does not load')
  return combineIdentity([people], value, clusters)
}

describe('tokenReview in an Identity', () => {
  it('needs no AuthenticationConfiguration, and takes the keys of its cluster', () => {
    const { value, findings } = combine(`{ issuers: { "${cluster}": { tokenReview: { cluster: local } } } }`)
    expect(findings).toEqual([])
    expect(value?.issuers.get(cluster)).toMatchObject({
      alias: 'kubernetes.default.svc',
      login: false,
      keys: { issuer: cluster, from: { kind: 'cluster', cluster: 'local' } },
      review: { cluster: 'local', prefix: '', keep: 10_000 },
      configuration: { audiences: [] },
    })
    expect(value?.issuers.get(issuerUrl)?.review).toBeUndefined()
  })

  it('can take keys from elsewhere', () => {
    const { value } = combine(
      `{ issuers: { "${cluster}": { jwksUri: "https://keys.example/set", tokenReview: { cluster: local, cacheSeconds: 60 } } } }`,
    )
    expect(value?.issuers.get(cluster)).toMatchObject({ keys: { from: { kind: 'jwksUri' } }, review: { keep: 60_000 } })
  })

  it('is no issuer of clients', () => {
    const { findings, value } = combine(
      `{ issuers: { "${cluster}": { tokenReview: { cluster: local } } }, clients: { sre: attested } }`,
    )
    expect(findings).toEqual([])
    expect([...(value?.clients.keys() ?? [])]).toEqual(['idp.example.com:sre'])
  })

  it.each([
    ['no cluster', '{}', 'cluster'],
    ['no time', '{ cluster: local, cacheSeconds: 0 }', 'cacheSeconds'],
    ['too long a time', '{ cluster: local, cacheSeconds: 61 }', 'cacheSeconds'],
    ['a prefix of the system', '{ cluster: local, prefix: "system:" }', 'is reserved'],
    ['the prefix of agents', '{ cluster: local, prefix: "agent:" }', 'is reserved'],
    ['a prefix below the system', '{ cluster: local, prefix: "system:x:" }', 'prefix'],
    ['a prefix without an end', '{ cluster: local, prefix: "east" }', 'ends with ":"'],
    ['an unknown field', '{ cluster: local, audiences: [a] }', 'audiences'],
  ])('refuses %s', (_, rule, expected) => {
    const { value, findings } = read(`{ issuers: { "${cluster}": { tokenReview: ${rule} } } }`)
    expect(value).toBeUndefined()
    expect(JSON.stringify(findings)).toContain(expected.replaceAll('"', '\\"'))
  })

  it.each([
    ['an issuer that is no URL', '{ issuers: { kubernetes: { tokenReview: { cluster: local } } } }', 'is not a URL'],
    [
      'a login',
      `{ issuers: { "${cluster}": { login: true, tokenReview: { cluster: local } } } }`,
      'nobody can log in where',
    ],
    [
      'two sources of keys',
      `{ issuers: { "${cluster}": { jwksFile: a.json, jwksCluster: local } } }`,
      'has both jwksFile and jwksCluster',
    ],
  ])('refuses %s', (_, spec, expected) => {
    expect(read(spec).findings.map(({ message }) => message)).toEqual([expect.stringContaining(expected)])
  })

  it.each([
    [
      'an issuer of an AuthenticationConfiguration',
      `{ issuers: { "${issuerUrl}": { tokenReview: { cluster: local } } } }`,
      'an AuthenticationConfiguration has this issuer too',
    ],
    [
      'an alias of another',
      `{ issuers: { "${cluster}": { alias: idp.example.com, tokenReview: { cluster: local } } } }`,
      'another issuer has the alias "idp.example.com" too',
    ],
    [
      'ServiceAccounts of two clusters under one name',
      `{ issuers: { "${cluster}": { tokenReview: { cluster: local } }, "${other}": { tokenReview: { cluster: east } } } }`,
      'ServiceAccounts of the cluster "local" would have the same names',
    ],
    [
      'a cluster that nobody can ask',
      `{ issuers: { "${cluster}": { tokenReview: { cluster: west } } } }`,
      'there is no cluster "west" whose API server can be asked',
    ],
    [
      'keys of a cluster that nobody can ask',
      `{ issuers: { "${issuerUrl}": { jwksCluster: west } } }`,
      'there is no cluster "west" whose API server can be asked',
    ],
  ])('refuses %s, at its line', (_, spec, expected) => {
    const { value, findings } = combine(spec, new Set(['local', 'east']))
    expect(value).toBeUndefined()
    expect(findings).toMatchObject([
      { severity: 'error', message: expected, location: { file: '/etc/mcp-authz/identity.yaml', line: 5 } },
    ])
  })

  it.each([
    ['a prefix', `{ tokenReview: { cluster: east, prefix: "east:" } }`],
    ['another issuer of the same cluster', '{ tokenReview: { cluster: local } }'],
  ])('takes a second one with %s', (_, rule) => {
    const spec = `{ issuers: { "${cluster}": { tokenReview: { cluster: local } }, "${other}": ${rule} } }`
    expect(combine(spec, new Set(['local', 'east'])).findings).toEqual([])
  })
})
