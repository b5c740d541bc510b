import { describe, expect, it } from 'vitest'
import { readAuthenticationConfiguration } from './authentication-configuration.js'
import { authenticationYaml, documentOf } from './identity.fixture.js'

const read = (text: string) => readAuthenticationConfiguration(documentOf(text))

const issuer = '{ url: "https://idp.example.com", audiences: [a] }'
const username = 'username: { claim: sub, prefix: "" }'
const entry = (rest: string, { issuer: written = issuer, mappings = username } = {}) =>
  authenticationYaml(`- issuer: ${written}\n  claimMappings: { ${mappings} }\n${rest}`)

const certificate = `-----BEGIN CERTIFICATE-----
bm90IGEgY2VydGlmaWNhdGU=
-----END CERTIFICATE-----`

/** By the API server's own rules (apiserver pkg/apis/apiserver/validation), and a few of ours. */
describe('readAuthenticationConfiguration', () => {
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
    ['an older version of the format', entry('').replace('/v1\n', '/v1beta1\n'), 'apiVersion'],
    ['an issuer without a URL', entry('', { issuer: '{ audiences: [a] }' }), 'jwt[0].issuer.url'],
    [
      'a discovery URL that differs in a slash only',
      entry('', {
        issuer: '{ url: "https://idp.example.com", discoveryURL: "https://idp.example.com/", audiences: [a] }',
      }),
      'must differ from url',
    ],
    [
      'a discovery URL over http',
      entry('', { issuer: '{ url: "https://idp.example.com", discoveryURL: "http://svc/d", audiences: [a] }' }),
      'jwt[0].issuer.discoveryURL: must begin with https://',
    ],
    [
      'a discovery URL with a query',
      entry('', { issuer: '{ url: "https://idp.example.com", discoveryURL: "https://svc/d?x=1", audiences: [a] }' }),
      'jwt[0].issuer.discoveryURL: must not have a query',
    ],
    [
      'an empty audience',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [""] }' }),
      'jwt[0].issuer.audiences[0]',
    ],
    [
      'a match policy that is none',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [a], audienceMatchPolicy: MatchAll }' }),
      'jwt[0].issuer.audienceMatchPolicy',
    ],
    [
      'an egress selector of the control plane',
      entry('', { issuer: '{ url: "https://idp.example.com", audiences: [a], egressSelectorType: controlplane }' }),
      'egressSelectorType: is not supported',
    ],
    [
      'a certificate that is cut off',
      entry('', {
        issuer:
          '{ url: "https://idp.example.com", audiences: [a], certificateAuthority: "-----BEGIN CERTIFICATE-----" }',
      }),
      'is not a list of PEM certificates',
    ],
    [
      'a required claim twice',
      entry('  claimValidationRules: [{ claim: hd, requiredValue: a }, { claim: hd, requiredValue: b }]'),
      'jwt[0].claimValidationRules[1].claim: is used by an earlier entry too',
    ],
    [
      'a claim rule twice',
      entry('  claimValidationRules: [{ expression: "claims.a == 1" }, { expression: "claims.a == 1" }]'),
      'jwt[0].claimValidationRules[1].expression: is used by an earlier entry too',
    ],
    [
      'a user rule twice',
      entry('  userValidationRules: [{ expression: "user.uid == \'\'" }, { expression: "user.uid == \'\'" }]'),
      'jwt[0].userValidationRules[1].expression: is used by an earlier entry too',
    ],
    [
      'a rule with claim and expression',
      entry('  claimValidationRules: [{ claim: x, expression: "claims.x == 1" }]'),
      'has both claim and expression',
    ],
    [
      'a required value with an expression',
      entry('  claimValidationRules: [{ requiredValue: x, expression: "claims.x == 1" }]'),
      'jwt[0].claimValidationRules[0].requiredValue: goes with claim only',
    ],
    [
      'a rule that may be no condition',
      entry('  claimValidationRules: [{ expression: claims.admin }]'),
      'may be something else than true or false',
    ],
    [
      'a user rule over a field that no user has',
      entry('  userValidationRules: [{ expression: "user.usernam == \'x\'" }]'),
      "undefined field 'usernam'",
    ],
    [
      'a user rule that takes groups for text',
      entry('  userValidationRules: [{ expression: "user.groups == \'x\'" }]'),
      'no matching overload',
    ],
    ['an empty user rule', entry('  userValidationRules: [{ expression: "" }]'), 'userValidationRules[0].expression'],
    [
      'groups with claim and expression',
      entry('', { mappings: `${username}, groups: { claim: g, prefix: "", expression: claims.g }` }),
      'jwt[0].claimMappings.groups: has both claim and expression',
    ],
    [
      'groups without a prefix',
      entry('', { mappings: `${username}, groups: { claim: g }` }),
      'jwt[0].claimMappings.groups: needs a prefix next to claim',
    ],
    [
      'groups of numbers',
      entry('', { mappings: `${username}, groups: { expression: "[1]" }` }),
      'is neither text nor a list of texts',
    ],
    [
      'uid with claim and expression',
      entry('', { mappings: `${username}, uid: { claim: g, expression: claims.g }` }),
      'jwt[0].claimMappings.uid: has both claim and expression',
    ],
    [
      'an extra value that is a condition',
      entry('', { mappings: `${username}, extra: [{ key: example.org/a, valueExpression: "claims.x == 1" }]` }),
      'is neither text nor a list of texts',
    ],
    [
      'an extra without a value',
      entry('', { mappings: `${username}, extra: [{ key: example.org/a, valueExpression: "" }]` }),
      'jwt[0].claimMappings.extra[0].valueExpression',
    ],
    [
      'a function that the API server does not have',
      entry('', { mappings: 'username: { expression: "cel.bind(s, claims.sub, s + s)" }' }),
      'jwt[0].claimMappings.username.expression',
    ],
    [
      'conditions for anonymous requests that are not admitted',
      `${entry('')}anonymous: { enabled: false, conditions: [{ path: /healthz }] }\n`,
      'anonymous.conditions: go with enabled: true only',
    ],
    [
      'a field of a rule that is none',
      entry('  userValidationRules: [{ expression: "true", messageExpression: x }]'),
      'jwt[0].userValidationRules[0].messageExpression: unknown field',
    ],
    [
      'sources of claims, which only newer API servers have',
      entry('  externalClaimsSources: []'),
      'jwt[0].externalClaimsSources: unknown field',
    ],
    [
      'more than 64 issuers',
      authenticationYaml(
        Array.from(
          { length: 65 },
          (_, index) =>
            `- issuer: { url: "https://idp${index}.example.com", audiences: [a] }\n  claimMappings: { ${username} }`,
        ).join('\n'),
      ),
      'jwt',
    ],
    [
      'the discovery URL twice',
      authenticationYaml(
        ['a', 'b']
          .map(
            name =>
              `- issuer: { url: "https://${name}.example.com", discoveryURL: "https://svc/d", audiences: [a] }\n  claimMappings: { ${username} }`,
          )
          .join('\n'),
      ),
      'jwt[1].issuer.discoveryURL: is used by an earlier entry too',
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
})
