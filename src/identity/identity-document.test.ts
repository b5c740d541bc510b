import { describe, expect, it } from 'vitest'
import { readAuthenticationConfiguration } from './authentication-configuration.js'
import { authenticationYaml, documentOf, identityYaml, issuerUrl } from './identity.fixture.js'
import { clientKey, combineIdentity } from './identity-configuration.js'
import { readIdentityDocument } from './identity-document.js'

const lines = (spec: string) =>
  readIdentityDocument(documentOf(identityYaml(spec))).findings.map(
    ({ severity, path, message }) => `${severity} ${path}: ${message}`,
  )

describe('readIdentityDocument', () => {
  it('reads every field, files relative to the document', () => {
    const { value, findings } = readIdentityDocument(
      documentOf(
        identityYaml(`
  issuers: { "${issuerUrl}": { alias: acme, jwksFile: keys/acme.json }, "https://b": { jwksUri: https://b/jwks, login: false } }
  clients: { sre-agent: attested, ops-console: direct }
  agent: claims.azp
  tenant: claims.tenant
  workloads: [{ spiffe: "spiffe://acme.com/ns/*/sa/*", serviceAccount: "$1/$2" }]`),
      ),
    )
    expect(findings).toEqual([])
    expect(value?.issuers.get(issuerUrl)).toEqual({
      alias: 'acme',
      jwksFile: '/etc/mcp-authz/keys/acme.json',
      jwksUri: undefined,
      login: true,
    })
    expect(value?.issuers.get('https://b')?.login).toBe(false)
    expect(value?.clients.get('ops-console')).toBe('direct')
    expect(value?.workloads).toHaveLength(1)
  })

  it.each([
    ['an unknown field', '{ issuer: {} }', 'spec.issuer: unknown field'],
    ['roleMappings without a mapper', '{ roleMappings: { a: b } }', 'spec.roleMappings: is read by nothing'],
    [
      'a role mapper that gives a number',
      '{ roleMapper: "1 + 1" }',
      'spec.roleMapper: must give a text or a list of texts',
    ],
    [
      'a role mapper that gives numbers',
      '{ roleMapper: "[1]" }',
      'spec.roleMapper: must give a text or a list of texts',
    ],
    [
      'a role mapper that adds a text to a text and a number',
      '{ roleMapper: "rolesMap[\'a\'] + 1", roleMappings: { a: b } }',
      'spec.roleMapper',
    ],
    ['a role mapper over something else', '{ roleMapper: "user.groups" }', 'spec.roleMapper'],
    ['a role that is a number', '{ roleMapper: "claims.groups", roleMappings: { a: 1 } }', 'spec.roleMappings.a'],
    ['a role that is an empty list', '{ roleMapper: "claims.groups", roleMappings: { a: [] } }', 'spec.roleMappings.a'],
    ['a proof of another kind', '{ proofs: { oauth1: {} } }', 'spec.proofs.oauth1'],
    [
      'proofs that may be an hour old',
      '{ proofs: { dpop: { leewaySeconds: 3600 } } }',
      'spec.proofs.dpop.leewaySeconds',
    ],
    [
      'nobody who may act',
      '{ onBehalfOf: [{ header: x-a, format: jwt, audiences: [a] }] }',
      'must say who may act for others',
    ],
    [
      'a signed person without an audience',
      '{ onBehalfOf: [{ header: x-a, format: jwt, agents: ["a:b"] }] }',
      'spec.onBehalfOf[0]: needs audiences',
    ],
    [
      'an unsigned person over no mTLS',
      '{ onBehalfOf: [{ header: x-a, format: plain, agents: ["a:b"] }] }',
      'spec.onBehalfOf[0]: needs workloads',
    ],
    [
      'a reserved prefix',
      '{ onBehalfOf: [{ header: x-a, format: plain, workloads: ["spiffe://a/b"], prefix: "system:serviceaccount:" }] }',
      'spec.onBehalfOf[0].prefix: begins with a prefix that is reserved',
    ],
    [
      'an agent without an issuer',
      '{ onBehalfOf: [{ header: x-a, format: jwt, audiences: [a], agents: [bot] }] }',
      'spec.onBehalfOf[0].agents[0]: must be <issuer alias>:<id>',
    ],
    [
      'workloads of any trust domain',
      '{ onBehalfOf: [{ header: x-a, format: plain, workloads: ["spiffe://*/a"] }] }',
      'spec.onBehalfOf[0].workloads[0]: must be a SPIFFE id',
    ],
    ...['authorization', 'X-A', 'x-envoy-peer', 'x-forwarded-for', 'x-mcp-authz-user', 'host', 'x_a', 'x-'].map(
      (header): [string, string, string] => [
        `a person in ${header}`,
        `{ onBehalfOf: [{ header: "${header}", format: jwt, audiences: [a], agents: ["a:b"] }] }`,
        'spec.onBehalfOf[0].header: must be a lower-case name',
      ],
    ),
    ['a client of another kind', '{ clients: { a: trusted } }', 'spec.clients.a'],
    ['an alias with a colon', '{ issuers: { "https://a": { alias: "a:b" } } }', 'alias'],
    [
      'keys from two places',
      '{ issuers: { "https://a": { jwksFile: a, jwksUri: "https://a/b" } } }',
      'has both jwksFile and jwksUri',
    ],
    ['keys over http', '{ issuers: { "https://a": { jwksUri: "http://a/b" } } }', 'must begin with https://'],
    ['an agent that is no text', '{ agent: 1 + 1 }', 'spec.agent'],
    ['an agent over something else', '{ agent: user.name }', 'spec.agent'],
    ['an empty list of workloads', '{ workloads: [] }', 'spec.workloads'],
    [
      'a workload of any trust domain',
      '{ workloads: [{ spiffe: "spiffe://*/ns/*", serviceAccount: "a/$1" }] }',
      'must name the trust domain',
    ],
    [
      'a star within a segment',
      '{ workloads: [{ spiffe: "spiffe://a/ns-*", serviceAccount: "a/$1" }] }',
      'a star stands for a whole path segment',
    ],
    [
      'a reference to no star',
      '{ workloads: [{ spiffe: "spiffe://a/ns/*", serviceAccount: "$1/$2" }] }',
      '"$2" refers to a star',
    ],
    [
      'a service account without a namespace',
      '{ workloads: [{ spiffe: "spiffe://a/ns/*", serviceAccount: "$1" }] }',
      'must be namespace/name',
    ],
    [
      'another scheme',
      '{ workloads: [{ spiffe: "https://a/ns/*", serviceAccount: "a/$1" }] }',
      'must begin with spiffe://',
    ],
    ['an empty segment', '{ workloads: [{ spiffe: "spiffe://a//b", serviceAccount: "a/b" }] }', 'empty segments'],
  ])('refuses %s', (_, spec, expected) => {
    expect(lines(spec).join('\n')).toContain(expected)
    expect(readIdentityDocument(documentOf(identityYaml(spec))).value).toBeUndefined()
  })
})

describe('a role mapper that can be meant otherwise', () => {
  it('gets a warning when it does not read its map', () => {
    expect(lines('{ roleMapper: "claims.groups", roleMappings: { a: b } }').join()).toContain(
      'warning spec.roleMapper: does not read rolesMap',
    )
  })
})

describe('combineIdentity', () => {
  const authentication = (...urls: string[]) => {
    const jwt = urls.map(
      url =>
        `- issuer: { url: "${url}", audiences: [a] }\n  claimMappings: { username: { claim: sub, prefix: "${url}#" } }`,
    )
    const { value } = readAuthenticationConfiguration(documentOf(authenticationYaml(jwt.join('\n'))))
    if (value === undefined) throw new Error('fixture does not load')
    return value
  }
  const identity = (spec: string) => readIdentityDocument(documentOf(identityYaml(spec))).value
  const aliases = (combined: ReturnType<typeof combineIdentity>) =>
    [...(combined.value?.issuers.values() ?? [])].map(({ alias }) => alias)
  const messages = (combined: ReturnType<typeof combineIdentity>) =>
    combined.findings.map(({ severity, message }) => `${severity}: ${message}`)

  it('names issuers by alias, else by host', () => {
    const combined = combineIdentity(
      [authentication('https://a.example/x', 'https://b.example:8443')],
      identity('{ issuers: { "https://a.example/x": { alias: acme } } }'),
    )
    expect(aliases(combined)).toEqual(['acme', 'b.example-8443'])
    expect(combined.findings).toEqual([])
  })

  it.each([
    [
      'two issuers on one host',
      ['https://a.example/x', 'https://a.example/y'],
      '{}',
      'error: another issuer has the alias "a.example" too',
    ],
    [
      'an alias that another host has',
      ['https://a.example', 'https://b.example'],
      '{ issuers: { "https://b.example": { alias: a.example } } }',
      'error: another issuer has the alias',
    ],
    [
      'an issuer that nobody configured',
      ['https://a.example'],
      '{ issuers: { "https://a.example/": { alias: x } } }',
      'warning: no AuthenticationConfiguration has this issuer',
    ],
  ])('reports %s', (_, urls, spec, expected) => {
    expect(messages(combineIdentity([authentication(...urls)], identity(spec))).join('\n')).toContain(expected)
  })

  it.each([
    ['one prefix for users', 'username: { claim: sub, prefix: "" }', ['users of one name are the same users']],
    [
      'one prefix for users and groups',
      'username: { claim: sub, prefix: "x:" }, groups: { claim: groups, prefix: "x:" }',
      ['users of one name', 'groups of one name'],
    ],
    ['names by expression', 'username: { expression: "claims.iss + claims.sub" }', []],
  ])('reports issuers that share %s', (_, mappings, expected) => {
    const jwt = ['https://a.example', 'https://b.example'].map(
      url => `- issuer: { url: "${url}", audiences: [a] }\n  claimMappings: { ${mappings} }`,
    )
    const { value } = readAuthenticationConfiguration(documentOf(authenticationYaml(jwt.join('\n'))))
    if (value === undefined) throw new Error('fixture does not load')
    const reported = messages(combineIdentity([value], undefined))
    expect(reported.map(text => expected.find(part => text.includes(part)) ?? text)).toEqual(expected)
  })

  it('tells the clients of several issuers apart', () => {
    const urls = ['https://a.example', 'https://b.example']
    const aliased = 'issuers: { "https://a.example": { alias: a }, "https://b.example": { alias: b } }'
    const combined = combineIdentity(
      [authentication(...urls)],
      identity(
        `{ ${aliased}, clients: { "a:sre": attested, "spiffe://x/y": attested, sre: direct, "c:sre": direct } }`,
      ),
    )
    expect([...(combined.value?.clients ?? [])].sort()).toEqual([
      ['a:c:sre', 'direct'],
      ['a:spiffe://x/y', 'attested'],
      ['a:sre', 'attested'],
      ['b:c:sre', 'direct'],
      ['b:spiffe://x/y', 'attested'],
      ['b:sre', 'direct'],
    ])
    expect(messages(combined)).toEqual(Array(3).fill('warning: is meant for the clients of every issuer'))
    expect(
      messages(combineIdentity([authentication('https://a.example')], identity('{ clients: { sre: direct } }'))),
    ).toEqual([])
  })

  it('takes an alias in the id of a client of another issuer for a part of the id', () => {
    const combined = combineIdentity(
      [authentication('https://a.example', 'https://b.example')],
      identity(
        '{ issuers: { "https://a.example": { alias: a }, "https://b.example": { alias: b } }, clients: { "a:sre": attested } }',
      ),
    )
    // A client of b may be registered as "a:sre".
    expect(combined.value?.clients.has(clientKey('b', 'a:sre'))).toBe(false)
    expect(combined.value?.clients.get(clientKey('a', 'sre'))).toBe('attested')
  })

  it('reports an agent of an issuer that is not there', () => {
    const rule = (agent: string) =>
      `{ issuers: { "https://a.example": { alias: acme } }, onBehalfOf: [{ header: x-on-behalf-of, format: jwt, agents: ["${agent}"], audiences: [a] }] }`
    const reported = (agent: string) =>
      messages(combineIdentity([authentication('https://a.example')], identity(rule(agent))))
    expect(reported('acme:sre')).toEqual([])
    expect(reported('acm:sre')).toEqual(['warning: names an agent of an issuer that is not configured: acm:sre'])
  })

  it('reports an issuer of two files', () => {
    const combined = combineIdentity(
      [authentication('https://a.example'), authentication('https://a.example')],
      undefined,
    )
    expect(combined.value).toBeUndefined()
    expect(messages(combined)).toEqual(['error: another AuthenticationConfiguration has this issuer too'])
  })

  it('gives equal key sources equal revisions, and others others', () => {
    const revision = (spec: string, url = 'https://a.example') =>
      [...(combineIdentity([authentication(url)], identity(spec)).value?.issuers.values() ?? [])].map(
        ({ keys }) => keys.revision,
      )[0]
    expect(revision('{}')).toBe(revision('{ clients: { a: direct } }'))
    const others = [
      revision('{}'),
      revision('{}', 'https://b.example'),
      revision('{ issuers: { "https://a.example": { jwksFile: x } } }'),
    ]
    expect(new Set(others).size).toBe(3)
  })
})
