import { describe, expect, it } from 'vitest'
import {
  type AuthenticationOptions,
  discoveryUrlOf,
  readAuthenticationConfiguration,
} from './authentication-configuration.js'
import { authenticationYaml, documentOf } from './identity.fixture.js'

const read = (text: string, options: AuthenticationOptions = {}) =>
  readAuthenticationConfiguration(documentOf(text), options)
const lines = (text: string, options: AuthenticationOptions = {}) =>
  read(text, options).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`)

const issuer = '{ url: "https://idp.example.com", audiences: [a] }'
const username = 'username: { claim: sub, prefix: "" }'
const entry = (rest: string, { issuer: written = issuer, mappings = username } = {}) =>
  authenticationYaml(`- issuer: ${written}\n  claimMappings: { ${mappings} }\n${rest}`)

const certificate = `-----BEGIN CERTIFICATE-----
bm90IGEgY2VydGlmaWNhdGU=
-----END CERTIFICATE-----`

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
      'an unknown field',
      entry('', { mappings: 'usernam: { claim: sub }' }),
      'jwt[0].claimMappings.usernam: unknown field',
    ],
    ['no username', entry('', { mappings: 'groups: { claim: g, prefix: "" }' }), 'jwt[0].claimMappings.username'],
    [
      'an http issuer',
      entry('', { issuer: '{ url: "http://idp.example.com", audiences: [a] }' }),
      'jwt[0].issuer.url: must begin with https://',
    ],
    [
      'a loopback issuer without the switch',
      entry('', { issuer: '{ url: "http://127.0.0.1:8080", audiences: [a] }' }),
      'insecureLoopbackIssuers',
    ],
    [
      'credentials in the URL',
      entry('', { issuer: '{ url: "https://u:p@idp.example.com", audiences: [a] }' }),
      'user name or password',
    ],
    [
      'a query in the URL',
      entry('', { issuer: '{ url: "https://idp.example.com?x", audiences: [a] }' }),
      'must not have a query',
    ],
    [
      'a fragment in the URL',
      entry('', { issuer: '{ url: "https://idp.example.com#", audiences: [a] }' }),
      'must not have a fragment',
    ],
    ['no URL', entry('', { issuer: '{ url: "idp", audiences: [a] }' }), 'is not a URL'],
    [
      'a discovery URL like the URL',
      entry('', {
        issuer: '{ url: "https://idp.example.com", discoveryURL: "https://idp.example.com", audiences: [a] }',
      }),
      'must differ from url',
    ],
    [
      'no audience',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [] }' }),
      'jwt[0].issuer.audiences',
    ],
    [
      'an audience twice',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [a, a], audienceMatchPolicy: MatchAny }' }),
      'jwt[0].issuer.audiences[1]: is listed twice',
    ],
    [
      'several audiences without a policy',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [a, b] }' }),
      'must be MatchAny',
    ],
    [
      'an egress selector',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [a], egressSelectorType: cluster }' }),
      'egressSelectorType: is not supported',
    ],
    [
      'a certificate that is none',
      entry('', {
        issuer: `{ url: "https://idp.example.com", audiences: [a], certificateAuthority: ${JSON.stringify(certificate)} }`,
      }),
      'is not a list of PEM certificates',
    ],
    ['no prefix', entry('', { mappings: 'username: { claim: sub }' }), 'needs a prefix next to claim'],
    [
      'claim and expression',
      entry('', { mappings: 'username: { claim: sub, prefix: "", expression: claims.sub }' }),
      'has both claim and expression',
    ],
    [
      'prefix and expression',
      entry('', { mappings: 'username: { prefix: "", expression: claims.sub }' }),
      'goes with claim only',
    ],
    ['neither', entry('', { mappings: 'username: {}' }), 'needs a claim or an expression'],
    [
      'an expression over something else',
      entry('', { mappings: 'username: { expression: user.sub }' }),
      'jwt[0].claimMappings.username.expression',
    ],
    [
      'a rule that is not a condition',
      entry('  claimValidationRules: [{ expression: "1 + 1" }]'),
      'jwt[0].claimValidationRules[0].expression',
    ],
    ['an empty rule', entry('  claimValidationRules: [{}]'), 'needs a claim or an expression'],
    [
      'a message with a claim',
      entry('  claimValidationRules: [{ claim: x, message: y }]'),
      'goes with expression only',
    ],
    [
      'a user rule over claims',
      entry('  userValidationRules: [{ expression: "claims.sub == \'x\'" }]'),
      'jwt[0].userValidationRules[0].expression',
    ],
    [
      'an extra key without a domain',
      entry('', { mappings: `${username}, extra: [{ key: foo, valueExpression: claims.x }]` }),
      'must be a domain and a path',
    ],
    [
      'an extra key in upper case',
      entry('', { mappings: `${username}, extra: [{ key: example.org/Foo, valueExpression: claims.x }]` }),
      'must be lower-case',
    ],
    [
      'an extra key of Kubernetes',
      entry('', {
        mappings: `${username}, extra: [{ key: authentication.kubernetes.io/credential-id, valueExpression: claims.x }]`,
      }),
      'must not use a domain of Kubernetes',
    ],
    [
      'an extra key twice',
      entry('', {
        mappings: `${username}, extra: [{ key: example.org/a, valueExpression: claims.x }, { key: example.org/a, valueExpression: claims.y }]`,
      }),
      'is used twice',
    ],
    [
      'e-mail without its verification',
      entry('', { mappings: 'username: { expression: claims.email }' }),
      'nothing uses claims.email_verified',
    ],
    [
      'the issuer twice',
      authenticationYaml(
        `- issuer: ${issuer}\n  claimMappings: { ${username} }\n- issuer: ${issuer}\n  claimMappings: { ${username} }`,
      ),
      'jwt[1].issuer.url: is used by an earlier entry too',
    ],
  ])('refuses %s', (_, text, expected) => {
    const { value, findings } = read(text)
    expect(value).toBeUndefined()
    expect(findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`).join('\n')).toContain(
      expected,
    )
    expect(findings.some(({ severity }) => severity === 'error')).toBe(true)
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
    expect(lines(`${entry('')}anonymous: { enabled: true }\n`, { serverAudiences: new Set(['b']) })).toEqual([
      'warning anonymous: admits nobody here',
      'warning jwt[0].issuer.audiences[0]: admits nobody here: no Server accepts this audience',
    ])
    expect(lines(entry(''), { serverAudiences: new Set(['a']) })).toEqual([])
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

describe('discoveryUrlOf', () => {
  it.each([
    ['https://idp.example.com', 'https://idp.example.com/.well-known/openid-configuration'],
    ['https://idp.example.com/', 'https://idp.example.com/.well-known/openid-configuration'],
    ['https://idp.example.com/realms/x', 'https://idp.example.com/realms/x/.well-known/openid-configuration'],
  ])('%s', (url, expected) => {
    expect(discoveryUrlOf(url)).toBe(expected)
  })
})
