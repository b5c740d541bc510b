import { describe, expect, it } from 'vitest'
import { type AuthenticationOptions, readAuthenticationConfiguration } from './authentication-configuration.js'
import { authenticationYaml, documentOf } from './identity.fixture.js'

const read = (text: string, options: AuthenticationOptions = {}) =>
  readAuthenticationConfiguration(documentOf(text), options)
const lines = (text: string, options: AuthenticationOptions = {}) =>
  read(text, options).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`)

const issuer = '{ url: "https://idp.example.com", audiences: [a] }'
const username = 'username: { claim: sub, prefix: "" }'
const entry = (rest: string, { issuer: written = issuer, mappings = username } = {}) =>
  authenticationYaml(`- issuer: ${written}\n  claimMappings: { ${mappings} }\n${rest}`)

describe('readAuthenticationConfiguration', () => {
  it('reads what the API server reads', () => {
    const { value, findings } = read(`
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://idp.example.com/realms/x
    discoveryURL: https://svc.example.com/.well-known/openid-configuration
    audiences: [a, b]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - { claim: hd, requiredValue: example.com }
  - { claim: present }
  - { expression: 'claims.exp - claims.nbf <= 86400', message: too long }
  claimMappings:
    username: { expression: '"idp:" + claims.sub' }
    groups: { claim: groups, prefix: "idp:" }
    uid: { claim: sub }
    extra:
    - { key: example.org/foo, valueExpression: 'claims.x' }
  userValidationRules:
  - { expression: "!user.username.startsWith('system:')", message: reserved }
  - { expression: "user.groups.all(g, !g.startsWith('system:'))", message: reserved }
`)
    expect(findings).toEqual([])
    expect(value?.issuers[0]).toMatchObject({
      url: 'https://idp.example.com/realms/x',
      discoveryUrl: 'https://svc.example.com/.well-known/openid-configuration',
      audiences: ['a', 'b'],
      groups: { kind: 'claim', claim: 'groups', prefix: 'idp:' },
      uid: { kind: 'claim', claim: 'sub', prefix: '' },
      claimRules: [
        { kind: 'required', claim: 'hd', value: 'example.com' },
        { claim: 'present', value: '' },
        { kind: 'expression', message: 'too long' },
      ],
    })
  })

  it.each([
    [
      '64 issuers',
      authenticationYaml(
        Array.from(
          { length: 64 },
          (_, index) =>
            `- issuer: { url: "https://idp${index}.example.com", audiences: [a] }\n  claimMappings: { ${username} }`,
        ).join('\n'),
      ),
    ],
    [
      'one audience and a policy',
      entry('', { issuer: '{ url: "https://i", audiences: [a], audienceMatchPolicy: MatchAny }' }),
    ],
    [
      'one audience and an empty policy',
      entry('', { issuer: '{ url: "https://i", audiences: [a], audienceMatchPolicy: "" }' }),
    ],
    [
      'empty texts for absent ones',
      entry('  claimValidationRules: [{ claim: hd, requiredValue: "", expression: "", message: "" }]', {
        issuer:
          '{ url: "https://idp.example.com", discoveryURL: "", certificateAuthority: "", egressSelectorType: "", audiences: [a] }',
      }),
    ],
    ['groups and uid of nothing', entry('', { mappings: `${username}, groups: {}, uid: {}` })],
    ['a URL with a slash, a port and a path', entry('', { issuer: '{ url: "https://i:8443/a/", audiences: [a] }' })],
    [
      'a discovery URL that the issuer would not have',
      entry('', { issuer: '{ url: "https://i", discoveryURL: "https://svc.ns.svc:8443/d", audiences: [a] }' }),
    ],
    [
      'texts of unknown type',
      entry('', {
        mappings: `${username}, groups: { expression: claims.groups }, extra: [{ key: e.org/a, valueExpression: "claims.a // all" }]`,
      }),
    ],
    [
      'lists of texts',
      entry('', {
        mappings: `${username}, groups: { expression: 'claims.a.split(",") + ["b"]' }, extra: [{ key: e.org/a, valueExpression: "[]" }]`,
      }),
    ],
    [
      'a time without a zone, as in the API server',
      entry(`  claimValidationRules: [{ expression: 'timestamp("2026-01-01T00:00:00Z").getHours() < 20' }]`),
    ],
    [
      'every field of a user',
      entry(
        `  userValidationRules: [{ expression: 'has(user.extra) && user.uid + user.username != "" && user.groups.all(g, !g.startsWith("system:")) && user.extra.all(k, user.extra[k].size() > 0)' }]`,
      ),
    ],
  ])('accepts %s', (_, text) => {
    expect(lines(text)).toEqual([])
    expect(read(text).value).toBeDefined()
  })

  it('accepts no issuer at all, with a warning', () => {
    expect(lines('apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n')).toEqual([
      'warning jwt: no issuer is configured, so no token will be accepted',
    ])
  })

  it('says that a prefix without a claim does nothing', () => {
    expect(lines(entry('', { mappings: `${username}, groups: { prefix: "x:" }` }))).toEqual([
      'warning jwt[0].claimMappings.groups.prefix: does nothing without claim',
    ])
  })

  it('points at an unknown field where it stands', () => {
    const text = entry('', { mappings: 'usernam: { claim: sub }' })
    const finding = read(text).findings.find(({ message }) => message === 'unknown field')
    expect(finding).toMatchObject({ path: 'jwt[0].claimMappings.usernam', hint: 'did you mean username?' })
    expect(finding?.location.line).toBe(text.split('\n').findIndex(line => line.includes('usernam')) + 1)
  })

  it('points into an expression', () => {
    const text = entry('', { mappings: 'username: { expression: "claims.sub + nonsense" }' })
    const { findings } = read(text)
    const line = text.split('\n').findIndex(candidate => candidate.includes('nonsense')) + 1
    expect(findings[0]?.location).toMatchObject({
      line,
      column: (text.split('\n')[line - 1]?.indexOf('nonsense') ?? 0) + 1,
    })
  })

  it.each(['http://127.0.0.1:8080/realms/x', 'http://localhost:8080', 'http://[::1]:8080'])(
    'accepts %s with the switch',
    url => {
      expect(
        lines(entry('', { issuer: `{ url: "${url}", audiences: [a] }` }), { insecureLoopbackIssuers: true }),
      ).toEqual([])
    },
  )

  it.each(['http://127.0.0.1.evil.example', 'http://localhost.evil.example', 'http://10.0.0.1', 'http://127.1.evil'])(
    'does not take %s for loopback',
    url => {
      expect(
        lines(entry('', { issuer: `{ url: "${url}", audiences: [a] }` }), { insecureLoopbackIssuers: true }),
      ).toHaveLength(1)
    },
  )

  it('reports what admits nobody here', () => {
    expect(lines(`${entry('')}anonymous: { enabled: true }\n`)).toEqual(['warning anonymous: admits nobody here'])
  })

  it.each([
    'claims.email_verified ? claims.email : claims.sub',
    'claims["email_verified"] == true ? claims.email : "x"',
    'has(claims.email_verified) && claims.email_verified == true ? claims.email : claims.sub',
  ])('accepts an e-mail whose verification is looked at: %s', expression => {
    expect(lines(entry('', { mappings: `username: { expression: '${expression}' }` }))).toEqual([])
  })

  it.each([
    'claims.email + "claims.email_verified"',
    "claims['email'] // claims.email_verified",
    'user.claims.email_verified + claims.email',
  ])('is not fooled by %s', expression => {
    const text = entry('', { mappings: `username: { expression: ${JSON.stringify(expression)} }` })
    expect(lines(text).join('\n')).toContain('nothing uses claims.email_verified')
  })
})
