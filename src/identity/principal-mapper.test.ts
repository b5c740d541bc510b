import { describe, expect, it } from 'vitest'
import { actorChain, chainId } from './actor-chain.js'
import { authenticationYaml, claimsOf, configurationOf, epoch, identityYaml, issuerUrl } from './identity.fixture.js'
import { PrincipalMapper } from './principal-mapper.js'

const authentication = authenticationYaml(`- issuer: { url: "${issuerUrl}", audiences: [a] }
  claimMappings:
    username: { expression: 'has(claims.preferred_username) ? claims.preferred_username : claims.sub' }
    groups: { claim: groups, prefix: "" }`)

function map(claims: Readonly<Record<string, unknown>>, spec = '{}', workload = '') {
  const configuration = configurationOf(
    authentication,
    identityYaml(spec.replace('{', `{ issuers: { "${issuerUrl}": { alias: acme } }, `)),
  )
  const issuer = configuration.issuers.get(issuerUrl)
  if (issuer === undefined) throw new Error('no issuer')
  const mapped = new PrincipalMapper(configuration).map(
    claimsOf({ iss: issuerUrl, ...claims }),
    issuer,
    epoch * 1000,
    workload,
  )
  return mapped.ok ? mapped.principal : mapped
}

/** Token shapes as real issuers make them (Keycloak 26, oidc-provider 9, SPIRE 1.13, Kubernetes 1.36, Entra ID). */
const keycloakUser = {
  sub: '0b3f',
  typ: 'Bearer',
  azp: 'mcp-cli',
  sid: 's',
  acr: '1',
  scope: 'openid profile',
  groups: ['/platform/sre'],
  preferred_username: 'bob',
}
const keycloakMachine = {
  sub: '7f1c',
  typ: 'Bearer',
  azp: 'agent',
  scope: '',
  groups: ['/platform'],
  preferred_username: 'service-account-agent',
}
const keycloakExchanged = { ...keycloakUser, azp: 'agent', jti: 'ntrtte:x' }
const rfc9068Machine = { sub: 'agent', client_id: 'agent', groups: ['platform'], scope: 'mcp:tools mcp:read' }
const rfc9068User = { sub: 'alice', client_id: 'mcp-cli', groups: ['staff'] }
const exchanged = { sub: 'alice', client_id: 'agent', groups: ['staff'], act: { sub: 'agent' } }
const tid = '11111111-2222-3333-4444-555555555555'
const entra = { iss: `https://login.microsoftonline.com/${tid}/v2.0`, tid, ver: '2.0' }
const entraV1 = { iss: `https://sts.windows.net/${tid}/`, tid, ver: '1.0' }
const okta = { ver: 1, jti: 'AT.x', scp: ['mcp'] }
const svid = { sub: 'spiffe://mcp.test/ns/tenant-a/sa/agent', aud: ['a'] }

describe('PrincipalMapper', () => {
  it.each([
    ['Keycloak user', keycloakUser, 'user', 'bob', 'mcp-cli', 'claimed'],
    ['Keycloak service account', keycloakMachine, 'machine', 'service-account-agent', 'agent', 'attested'],
    ['Keycloak token exchange', keycloakExchanged, 'user', 'bob', 'agent', 'claimed'],
    ['RFC 9068 client credentials', rfc9068Machine, 'machine', 'agent', 'agent', 'attested'],
    ['RFC 9068 user', rfc9068User, 'user', 'alice', 'mcp-cli', 'claimed'],
    ['RFC 8693 delegation', exchanged, 'user', 'alice', 'agent', 'attested'],
    ['JWT-SVID', svid, 'machine', svid.sub, svid.sub, 'attested'],
    ['Entra ID app', { ...entra, sub: 'o', azp: 'app', idtyp: 'app' }, 'machine', 'o', 'app', 'attested'],
    ['Entra ID app without idtyp', { ...entra, sub: 'o', oid: 'o', azp: 'app' }, 'machine', 'o', 'app', 'attested'],
    ['Entra ID app, version 1', { ...entraV1, sub: 'o', oid: 'o', appid: 'app' }, 'machine', 'o', 'app', 'attested'],
    ['Entra ID user', { ...entra, sub: 'pair', oid: 'o', azp: 'app' }, 'user', 'pair', 'app', 'claimed'],
    ['Entra ID user, version 1', { ...entraV1, sub: 'pair', oid: 'o', appid: 'app' }, 'user', 'pair', 'app', 'claimed'],
    ['Okta service', { ...okta, sub: '0oa2', cid: '0oa2' }, 'machine', '0oa2', '0oa2', 'attested'],
    ['Okta user', { ...okta, sub: 'bob', cid: '0oa2', uid: '00u1' }, 'user', 'bob', '0oa2', 'claimed'],
    [
      'Auth0 machine',
      { sub: 'c@clients', azp: 'c', gty: 'client-credentials' },
      'machine',
      'c@clients',
      'c',
      'attested',
    ],
    ['nobody in between', { sub: 'alice' }, 'user', 'alice', '', 'none'],
    [
      'a person named like the client',
      { sub: 'mcp-cli', client_id: 'mcp-cli', sid: 's' },
      'user',
      'mcp-cli',
      'mcp-cli',
      'claimed',
    ],
    [
      'a person named like a service account',
      { ...keycloakUser, preferred_username: 'service-account-mcp-cli' },
      'user',
      'service-account-mcp-cli',
      'mcp-cli',
      'claimed',
    ],
    [
      'a service account of another client',
      { ...keycloakMachine, azp: 'other' },
      'user',
      'service-account-agent',
      'other',
      'claimed',
    ],
    // What people may choose, or other issuers may mean, makes nobody a machine, which would attest the client.
    [
      'an Okta user who logs in with the id of the client',
      { ...okta, sub: '0oa2', cid: '0oa2', uid: '00u1' },
      'user',
      '0oa2',
      '0oa2',
      'claimed',
    ],
    ['the words of Okta elsewhere', { sub: 'x', cid: 'x' }, 'user', 'x', '', 'none'],
    ['the words of Entra ID elsewhere', { sub: 'x', appid: 'x', oid: 'x', ver: '1.0' }, 'user', 'x', '', 'none'],
    [
      'the words of Entra ID with the tenant of another issuer',
      { ...entraV1, iss: issuerUrl, sub: 'x', oid: 'x', appid: 'cli' },
      'user',
      'x',
      '',
      'none',
    ],
    [
      'a tenant that is a part of the URL of the issuer',
      { iss: issuerUrl, tid: 'realms', idtyp: 'app', sub: 'x', azp: 'cli' },
      'user',
      'x',
      'cli',
      'claimed',
    ],
    ['idtyp elsewhere', { sub: 'x', azp: 'cli', idtyp: 'app' }, 'user', 'x', 'cli', 'claimed'],
    ['gty elsewhere', { sub: 'x', azp: 'cli', gty: 'client-credentials' }, 'user', 'x', 'cli', 'claimed'],
    [
      'a person who chose the name of a service account, where there is no sid',
      { sub: 'x', client_id: 'cli', preferred_username: 'service-account-cli' },
      'user',
      'service-account-cli',
      'cli',
      'claimed',
    ],
    [
      'a SPIFFE id as the name of a person',
      { sub: 'spiffe://a/b', azp: 'cli' },
      'user',
      'spiffe://a/b',
      'cli',
      'claimed',
    ],
    ['a login by its methods', { sub: 'cli', client_id: 'cli', amr: ['pwd'] }, 'user', 'cli', 'cli', 'claimed'],
  ])('%s', (_, claims, kind, username, agent, assurance) => {
    expect(map(claims)).toMatchObject({
      kind,
      user: { username },
      agent: { id: agent, issuer: agent === '' ? '' : 'acme', assurance },
      throughAgent: agent !== '',
      issuerAlias: 'acme',
      agentUser: agent === '' ? undefined : { username: `agent:acme:${agent}`, groups: ['system:authenticated'] },
    })
  })

  it.each([
    ['attested by the list', rfc9068User, '{ clients: { mcp-cli: attested } }', 'mcp-cli', 'attested'],
    ['direct', rfc9068User, '{ clients: { mcp-cli: direct } }', '', 'none'],
    ['direct, but with an actor', exchanged, '{ clients: { agent: direct } }', 'agent', 'attested'],
    ['direct, but a machine', rfc9068Machine, '{ clients: { agent: direct } }', 'agent', 'attested'],
    ['an expression of its own', { sub: 'alice', software: 'bot' }, '{ agent: claims.software }', 'bot', 'claimed'],
    ['an expression that says there is none', rfc9068User, `{ agent: "''" }`, '', 'none'],
    [
      'not an actor that only looks like one',
      { ...rfc9068User, act: { sub: 'real' } },
      '{ agent: claims.client_id }',
      'mcp-cli',
      'claimed',
    ],
    [
      'clients named like members of objects',
      { sub: 'alice', azp: 'constructor' },
      '{ clients: { x: attested } }',
      'constructor',
      'claimed',
    ],
  ])('agent: %s', (_, claims, spec, id, assurance) => {
    expect(map(claims, spec)).toMatchObject({ agent: { id, assurance } })
  })

  it('agent: attested by its workload', () => {
    const id = 'spiffe://acme.com/ns/a/sa/b'
    expect(map({ sub: 'alice', azp: id }, '{}', id)).toMatchObject({
      agent: { id, assurance: 'attested' },
      workload: id,
    })
  })

  it.each([
    ['an agent that is a number', { sub: 'a', azp: 7 }, '{}'],
    ['an agent expression that fails', { sub: 'a' }, '{ agent: claims.software }'],
    ['an actor without a subject', { sub: 'a', act: {} }, '{}'],
    ['an actor that is text', { sub: 'a', act: 'agent' }, '{}'],
    ['an actor of another issuer', { sub: 'a', act: { sub: 'sre-agent', iss: 'https://evil.example' } }, '{}'],
    ['too many actors', { sub: 'a', act: nested(9) }, '{}'],
    ['a scope that is a number', { sub: 'a', scope: 1 }, '{}'],
    ['a scope list with a number', { sub: 'a', scp: [1] }, '{}'],
    ['a tenant that is a list', { sub: 'a', tenant: ['x'] }, '{ tenant: claims.tenant }'],
  ])('refuses %s', (_, claims, spec) => {
    expect(map(claims, spec)).toMatchObject({ ok: false, reason: 'identity.claims' })
  })

  it.each([
    ['text', { scope: 'a b  a' }, ['a', 'b']],
    ['empty', { scope: '' }, []],
    ['absent', {}, []],
    ['split by a gateway', { scope: ['a', 'b'] }, ['a', 'b']],
    ['scp text', { scp: 'a b' }, ['a', 'b']],
    ['scp list', { scp: ['a'] }, ['a']],
    ['scope before scp', { scope: 'a', scp: 'b' }, ['a']],
  ])('scopes: %s', (_, claims, scopes) => {
    expect(map({ sub: 'alice', ...claims })).toMatchObject({ scopes })
  })

  it.each([
    ['known', { tenant: 'x' }, 'x'],
    ['absent', {}, undefined],
    ['empty', { tenant: '' }, undefined],
  ])('tenant: %s', (_, claims, tenant) => {
    expect(map({ sub: 'alice', ...claims }, '{ tenant: claims.tenant }')).toHaveProperty('tenant', tenant)
  })

  it.each([
    ['spiffe://acme.com/ns/prod/sa/bot', 'system:serviceaccount:prod:bot'],
    ['spiffe://other.com/ns/prod/sa/bot', 'agent:acme:mcp-cli'],
    ['spiffe://acme.com/ns/prod/sa/bot/x', 'agent:acme:mcp-cli'],
    ['spiffe://acme.com/ns/prod:x/sa/bot', 'agent:acme:mcp-cli'],
    ['spiffe://acme.com/ns//sa/bot', 'agent:acme:mcp-cli'],
    ['CN=acme.com', 'agent:acme:mcp-cli'],
    ['', 'agent:acme:mcp-cli'],
  ])('workload %s acts as %s', (workload, username) => {
    const spec = '{ workloads: [{ spiffe: "spiffe://acme.com/ns/*/sa/*", serviceAccount: "$1/$2" }] }'
    expect(map(rfc9068User, spec, workload)).toMatchObject({ workload, agentUser: { username } })
  })

  it('keeps a principal per claims and workload', () => {
    const configuration = configurationOf(authentication)
    const issuer = configuration.issuers.get(issuerUrl)
    if (issuer === undefined) throw new Error('no issuer')
    const mapper = new PrincipalMapper(configuration)
    const claims = claimsOf(rfc9068User)
    const first = mapper.map(claims, issuer, 0, '')
    expect(mapper.map(claims, issuer, 0, '')).toBe(first)
    expect(mapper.map(claims, issuer, 0, 'spiffe://a/b')).toMatchObject({ principal: { workload: 'spiffe://a/b' } })
    expect(mapper.map(claims, issuer, 0, '')).toMatchObject({ principal: { workload: '' } })
  })
})

function nested(depth: number): unknown {
  return depth === 1 ? { sub: 'a1' } : { sub: `a${depth}`, act: nested(depth - 1) }
}

describe('actors', () => {
  it('are listed nearest first, up to eight', () => {
    expect(actorChain(claimsOf({ act: nested(3) }), 'i')?.map(({ subject }) => subject)).toEqual(['a3', 'a2', 'a1'])
    expect(actorChain(claimsOf({ act: nested(8) }), 'i')).toHaveLength(8)
    expect(actorChain(claimsOf({ act: nested(9) }), 'i')).toBeUndefined()
  })

  it('have a chain id that no other chain has', () => {
    const chains: [string, string, { subject: string; issuer: string }[]][] = [
      ['i', 's', [{ subject: 'a', issuer: 'i' }]],
      ['i', 's', [{ subject: 'i', issuer: 'a' }]],
      ['i', 'sa', [{ subject: '', issuer: 'i' }]],
      ['is', '', [{ subject: 'a', issuer: 'i' }]],
      ['i', 's', [{ subject: 'a","i","b', issuer: 'i' }]],
      [
        'i',
        's',
        [
          { subject: 'a', issuer: 'i' },
          { subject: 'b', issuer: 'i' },
        ],
      ],
      [
        'i',
        's',
        [
          { subject: 'b', issuer: 'i' },
          { subject: 'a', issuer: 'i' },
        ],
      ],
    ]
    const ids = chains.map(chain => chainId(...chain))
    expect(new Set(ids).size).toBe(chains.length)
    expect(chainId('i', 's', [])).toBe('')
  })
})

describe('roles of Identity', () => {
  const spec =
    '{ roleMapper: "claims.groups.transformList(i, v, v in rolesMap, rolesMap[v])", roleMappings: { staff: [staff, reader] } }'
  it('join the groups, each once', () => {
    expect(map({ sub: 'alice', groups: ['staff', 'other'] }, spec)).toMatchObject({
      user: { groups: ['staff', 'other', 'system:authenticated', 'reader'] },
    })
    expect(map({ sub: 'alice' }, spec)).toMatchObject({ user: { groups: ['system:authenticated'] } })
  })

  it('deny with what they refuse', () => {
    expect(map({ sub: 'alice', groups: ['staff'] }, '{ roleMapper: "claims.sub.roles" }')).toMatchObject({
      ok: false,
      reason: 'identity.claims',
    })
  })
})

describe('may_act of a token of its own', () => {
  it.each([
    ['says who may act next, which is not the one that acts now', { sub: 'planner' }, true],
    ['names the party by its client', { client_id: 'planner' }, true],
    ['is text', 'planner', false],
    ['is a list', [], false],
    ['names nobody', {}, false],
    ['names nothing but an issuer', { iss: issuerUrl }, false],
    ['names a number', { sub: 1 }, false],
  ])('%s', (_, may_act, good) => {
    const mapped = map({ ...exchanged, may_act })
    expect(mapped).toMatchObject(
      good ? { kind: 'user', actors: [{ subject: 'agent' }] } : { reason: 'identity.claims' },
    )
  })
})

describe('names that are too long to be sent', () => {
  const long = 'x'.repeat(257)
  it.each([
    ['an agent', { sub: 'alice', client_id: long }, '{}', ''],
    ['a tenant', { sub: 'alice', tenant: long }, '{ tenant: claims.tenant }', ''],
    ['a workload', { sub: 'alice' }, '{}', `spiffe://mcp.test/${long}`],
  ])('%s', (_, claims, spec, workload) => {
    expect(map(claims, spec, workload)).toMatchObject({
      ok: false,
      reason: 'identity.claims',
      message: expect.stringContaining('longer than 256 characters'),
    })
  })
})
