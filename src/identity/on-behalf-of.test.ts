import { beforeAll, describe, expect, it } from 'vitest'
import { chainId } from './actor-chain.js'
import {
  accepted,
  audience,
  authenticationYaml,
  configurationOf,
  epoch,
  FakeIssuer,
  goodClaims,
  identityYaml,
  issuerUrl,
  type RequestInput,
  requestWith,
  type SigningKey,
  setUp,
  signingKey,
} from './identity.fixture.js'

const peopleAudience = 'agents'
const workload = 'spiffe://acme.com/ns/agents/sa/sre'
const spec = `{
  issuers: { "${issuerUrl}": { alias: acme } },
  tenant: claims.tenant,
  workloads: [{ spiffe: "spiffe://acme.com/ns/*/sa/*", serviceAccount: "$1/$2" }],
  onBehalfOf: [
    { header: x-on-behalf-of, format: jwt, agents: ["acme:sre-agent", "acme:planner"], audiences: [${peopleAudience}] },
    { header: x-user-id, format: plain, workloads: ["spiffe://acme.com/ns/agents/sa/*"], agents: ["acme:sre-agent"], prefix: "kagent:" },
  ],
}`
const authentication =
  authenticationYaml(`- issuer: { url: "${issuerUrl}", audiences: [${audience}, ${peopleAudience}], audienceMatchPolicy: MatchAny }
  claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } }`)

let key: SigningKey
let other: SigningKey
beforeAll(async () => {
  key = await signingKey('one')
  other = await signingKey('one')
})

const agentClaims = {
  iss: issuerUrl,
  aud: audience,
  sub: 'sre-agent',
  client_id: 'sre-agent',
  exp: epoch + 300,
  scope: 'a b',
}
const personClaims = { ...goodClaims, aud: peopleAudience, sub: 'alice', groups: ['staff'], exp: epoch + 200 }
type Claims = Readonly<Record<string, unknown>>

interface Asked {
  readonly agent?: Claims
  readonly person?: Claims
  readonly header?: string
  readonly forged?: boolean
  readonly request?: RequestInput
  readonly headers?: readonly (readonly [string, string])[]
}

async function ask({
  agent = agentClaims,
  person,
  header = 'x-on-behalf-of',
  forged = false,
  request,
  headers,
}: Asked) {
  const { authenticator } = await setUp({
    issuer: new FakeIssuer([key]),
    configuration: configurationOf(authentication, identityYaml(spec)),
  })
  const named = person === undefined ? [] : [[header, await (forged ? other : key).sign(person)] as const]
  const input: RequestInput = {
    authorization: `Bearer ${await key.sign(agent)}`,
    trust: 'mtls',
    headers: headers ?? named,
    ...request,
  }
  const answer = () => authenticator.authenticate(requestWith(input), accepted)
  const first = await answer()
  return { first, second: answer() }
}

const reasonOf = async (asked: Asked) => {
  const { first } = await ask(asked)
  return first.ok ? 'ok' : first.reason
}

describe('an agent that shows a token of the person', () => {
  it('acts for that person, and both are named', async () => {
    const { first, second } = await ask({ person: personClaims })
    const actors = [{ subject: 'sre-agent', issuer: issuerUrl }]
    expect(first).toMatchObject({
      ok: true,
      principal: {
        kind: 'user',
        user: { username: 'alice', groups: ['staff', 'system:authenticated'] },
        issuer: issuerUrl,
        issuerAlias: 'acme',
        agent: { id: 'sre-agent', issuer: 'acme', assurance: 'attested' },
        agentUser: { username: 'agent:acme:sre-agent' },
        throughAgent: true,
        scopes: ['a', 'b'],
        actors,
        chainId: chainId(issuerUrl, 'alice', actors),
        onBehalfOf: 'jwt',
        expiresAt: (epoch + 200) * 1000,
      },
    })
    // Warm, it is answered at once, with the same object.
    expect(first.ok && second).not.toBeInstanceOf(Promise)
    expect(first.ok && !(second instanceof Promise) && second.ok && second.principal === first.principal).toBe(true)
  })

  it('has the claims of the person', async () => {
    const { first } = await ask({ person: { ...personClaims, team: 'blue' } })
    expect(first.ok && first.principal.claims.get('team')).toBe('blue')
  })

  it('is the nearest of the chain that the token of the person tells of', async () => {
    const { first } = await ask({ person: { ...personClaims, act: { sub: 'planner' } } })
    const actors = [
      { subject: 'sre-agent', issuer: issuerUrl },
      { subject: 'planner', issuer: issuerUrl },
    ]
    expect(first).toMatchObject({ ok: true, principal: { actors, chainId: chainId(issuerUrl, 'alice', actors) } })
  })

  it('is not named twice when the token was exchanged for it', async () => {
    const { first } = await ask({ person: { ...personClaims, act: { sub: 'sre-agent', act: { sub: 'planner' } } } })
    expect(first).toMatchObject({ ok: true, principal: { actors: [{ subject: 'sre-agent' }, { subject: 'planner' }] } })
  })

  it('has the same chain id as a token that says the same', async () => {
    const { first } = await ask({ person: personClaims })
    const direct = await ask({ agent: { ...goodClaims, client_id: 'sre-agent', act: { sub: 'sre-agent' } } })
    expect(first.ok && direct.first.ok && first.principal.chainId === direct.first.principal.chainId).toBe(true)
  })

  it('is answered although the configuration is replaced meanwhile', async () => {
    const { authenticator } = await setUp({
      issuer: new FakeIssuer([key]),
      configuration: configurationOf(authentication, identityYaml(spec)),
    })
    const headers = [['x-on-behalf-of', await key.sign(personClaims)]] as const
    const authorization = `Bearer ${await key.sign(agentClaims)}`
    const answer = authenticator.authenticate(requestWith({ authorization, trust: 'mtls', headers }), accepted)
    authenticator.stop()
    expect(await answer).toMatchObject({ ok: true, principal: { user: { username: 'alice' } } })
  })

  const chain = (depth: number): Claims => (depth === 0 ? {} : { act: { sub: `a${depth}`, ...chain(depth - 1) } })

  it.each<[string, Asked, string]>([
    ['nobody named', {}, 'ok'],
    ['the person', { person: personClaims }, 'ok'],
    ['seven actors before it', { person: { ...personClaims, ...chain(7) } }, 'ok'],
    ['eight actors before it', { person: { ...personClaims, ...chain(8) } }, 'identity.on_behalf_of'],
    ['a gateway that is not known', { person: personClaims, request: { trust: 'none' } }, 'identity.gateway_untrusted'],
    [
      'an agent that is not listed',
      { agent: { ...agentClaims, sub: 'x', client_id: 'x' }, person: personClaims },
      'identity.on_behalf_of',
    ],
    [
      'a person with the client of the agent',
      { agent: { ...agentClaims, sub: 'bob' }, person: personClaims },
      'identity.on_behalf_of',
    ],
    [
      'software for which the agent acts already',
      { agent: { ...agentClaims, sub: 'svc', client_id: 'svc', act: { sub: 'sre-agent' } }, person: personClaims },
      'identity.on_behalf_of',
    ],
    [
      'a session of a person with the name of the agent',
      { agent: { ...agentClaims, sid: 's' }, person: personClaims },
      'identity.on_behalf_of',
    ],
    ['a bad token of its own', { agent: { ...agentClaims, exp: epoch }, person: personClaims }, 'identity.expired'],
    ['a token of the person for this server', { person: { ...personClaims, aud: audience } }, 'identity.on_behalf_of'],
    [
      'a token of the person without audience',
      { person: { ...personClaims, aud: undefined } },
      'identity.on_behalf_of',
    ],
    ['an expired token of the person', { person: { ...personClaims, exp: epoch } }, 'identity.on_behalf_of'],
    [
      'a token of the person that is not valid yet',
      { person: { ...personClaims, nbf: epoch + 301 } },
      'identity.on_behalf_of',
    ],
    ['a forged token of the person', { person: personClaims, forged: true }, 'identity.on_behalf_of'],
    [
      'a token of another issuer',
      { person: { ...personClaims, iss: 'https://evil.example' } },
      'identity.on_behalf_of',
    ],
    ['an ID token', { person: { ...personClaims, at_hash: 'x' } }, 'identity.on_behalf_of'],
    [
      'a bound token of the person',
      { person: { ...personClaims, cnf: { jkt: 'A'.repeat(43) } } },
      'identity.on_behalf_of',
    ],
    [
      'a token of other software',
      { person: { ...personClaims, sub: 'bot', client_id: 'bot' } },
      'identity.on_behalf_of',
    ],
    ['its own token', { person: { ...agentClaims, aud: peopleAudience } }, 'identity.on_behalf_of'],
    ['a reserved name', { person: { ...personClaims, sub: 'system:admin' } }, 'identity.on_behalf_of'],
    ['a name of an agent', { person: { ...personClaims, sub: 'agent:acme:x' } }, 'identity.on_behalf_of'],
    ['a reserved group', { person: { ...personClaims, groups: ['system:masters'] } }, 'identity.on_behalf_of'],
    ['text that is no token', { headers: [['x-on-behalf-of', 'alice']] }, 'identity.on_behalf_of'],
    ['an empty header', { headers: [['x-on-behalf-of', '']] }, 'identity.on_behalf_of'],
    ['a token that is too long', { headers: [['x-on-behalf-of', 'a'.repeat(20_000)]] }, 'identity.on_behalf_of'],
    [
      'two headers',
      {
        headers: [
          ['x-on-behalf-of', 'a'],
          ['x-on-behalf-of', 'b'],
        ],
      },
      'identity.on_behalf_of',
    ],
    ['two that a gateway joined', { headers: [['x-on-behalf-of', 'a,b']] }, 'identity.on_behalf_of'],
    [
      'two headers of two rules',
      {
        headers: [
          ['x-on-behalf-of', 'a'],
          ['x-user-id', 'b'],
        ],
      },
      'identity.on_behalf_of',
    ],
    ['may_act for it', { person: { ...personClaims, may_act: { sub: 'sre-agent' } } }, 'ok'],
    [
      'may_act for it, with the issuer',
      { person: { ...personClaims, may_act: { sub: 'sre-agent', iss: issuerUrl } } },
      'ok',
    ],
    ['may_act for its client', { person: { ...personClaims, may_act: { client_id: 'sre-agent' } } }, 'ok'],
    ['may_act for another', { person: { ...personClaims, may_act: { sub: 'planner' } } }, 'identity.on_behalf_of'],
    [
      'may_act for its name at another issuer',
      { person: { ...personClaims, may_act: { sub: 'sre-agent', iss: 'https://b' } } },
      'identity.on_behalf_of',
    ],
    [
      'may_act for more than we understand',
      { person: { ...personClaims, may_act: { sub: 'sre-agent', only: 'x' } } },
      'identity.on_behalf_of',
    ],
    ['may_act for nobody', { person: { ...personClaims, may_act: {} } }, 'identity.on_behalf_of'],
    ['may_act that is text', { person: { ...personClaims, may_act: 'sre-agent' } }, 'identity.on_behalf_of'],
    ['may_act for its issuer', { person: { ...personClaims, may_act: { iss: issuerUrl } } }, 'identity.on_behalf_of'],
    ['one tenant', { agent: { ...agentClaims, tenant: 'a' }, person: { ...personClaims, tenant: 'a' } }, 'ok'],
    [
      'two tenants',
      { agent: { ...agentClaims, tenant: 'a' }, person: { ...personClaims, tenant: 'b' } },
      'identity.tenant_conflict',
    ],
  ])('%s', async (_, asked, expected) => {
    expect(await reasonOf(asked)).toBe(expected)
  })

  it('says what is wrong with the token of the person, and nothing of what is in it', async () => {
    const { first } = await ask({ person: { ...personClaims, exp: epoch } })
    expect(first.ok ? '' : first.message).toBe(
      'The token in x-on-behalf-of is refused: The access token has expired; get a new one.',
    )
  })
})

describe('a workload that names the person', () => {
  const named = (name: string, request: RequestInput = {}): Asked => ({
    headers: [['x-user-id', name]],
    request: { principal: workload, ...request },
  })

  it('acts for that person, who has no groups and no claims', async () => {
    const { first } = await ask(named('alice@example.com'))
    expect(first).toMatchObject({
      ok: true,
      principal: {
        kind: 'user',
        user: { username: 'kagent:alice@example.com', groups: ['system:authenticated'] },
        claims: new Map(),
        issuer: '',
        agent: { id: 'sre-agent', assurance: 'attested' },
        agentUser: { username: 'system:serviceaccount:agents:sre' },
        workload,
        actors: [{ subject: 'sre-agent', issuer: issuerUrl }],
        chainId: chainId('', 'kagent:alice@example.com', [{ subject: 'sre-agent', issuer: issuerUrl }]),
        onBehalfOf: 'plain',
      },
    })
  })

  it.each<[string, Asked, string]>([
    ['a listener behind a network that is trusted', named('alice', { trust: 'network' }), 'ok'],
    ['a unix socket', named('alice', { trust: 'unix' }), 'ok'],
    ['letters of any script', named('zoë'), 'ok'],
    ['a gateway that is not known', named('alice', { trust: 'none' }), 'identity.gateway_untrusted'],
    ['no mTLS', named('alice', { principal: '' }), 'identity.on_behalf_of'],
    ['another workload', named('alice', { principal: 'spiffe://acme.com/ns/other/sa/sre' }), 'identity.on_behalf_of'],
    [
      'another trust domain',
      named('alice', { principal: 'spiffe://evil.com/ns/agents/sa/sre' }),
      'identity.on_behalf_of',
    ],
    ['a longer id', named('alice', { principal: `${workload}/x` }), 'identity.on_behalf_of'],
    ['an empty segment', named('alice', { principal: 'spiffe://acme.com/ns/agents/sa/' }), 'identity.on_behalf_of'],
    ['a DNS name', named('alice', { principal: 'agents.acme.com' }), 'identity.on_behalf_of'],
    [
      'another agent in the same workload',
      { ...named('alice'), agent: { ...agentClaims, sub: 'x', client_id: 'x' } },
      'identity.on_behalf_of',
    ],
    ['no token of its own', named('alice', { authorization: [] }), 'identity.token_missing'],
    ['a reserved name', named('system:masters'), 'identity.reserved_name'],
    ['an empty name', named(''), 'identity.on_behalf_of'],
    ['blanks around it', named(' alice'), 'identity.on_behalf_of'],
    ['a control character', named('al\u0000ice'), 'identity.on_behalf_of'],
    ['a character that turns the writing around', named('al\u202eice'), 'identity.on_behalf_of'],
    ['a character that a gateway could not tell', named('al\ufffdice'), 'identity.on_behalf_of'],
    ['two names', named('alice,bob'), 'identity.on_behalf_of'],
    ['an encoded name', named('system%3Amasters'), 'identity.on_behalf_of'],
    ['a name that is too long', named('a'.repeat(257)), 'identity.on_behalf_of'],
    [
      'a token in the place of a name',
      { headers: [['x-on-behalf-of', 'alice']], request: { principal: workload } },
      'identity.on_behalf_of',
    ],
  ])('%s', async (_, asked, expected) => {
    expect(await reasonOf(asked)).toBe(expected)
  })

  it('is refused where anonymous callers are welcome', async () => {
    const { authenticator } = await setUp({
      issuer: new FakeIssuer([key]),
      configuration: configurationOf(authentication, identityYaml(spec)),
    })
    const request = requestWith({ trust: 'mtls', principal: workload, headers: [['x-user-id', 'alice']] })
    expect(await authenticator.authenticate(request, { ...accepted, anonymous: 'Allow' })).toMatchObject({
      ok: false,
      reason: 'identity.on_behalf_of',
    })
  })
})

describe('the tenant of a route', () => {
  const extensions = new Map([['mcp-tenant', 'a']])
  it.each<[string, Claims, string]>([
    ['the same', { tenant: 'a' }, 'ok'],
    ['another', { tenant: 'b' }, 'identity.tenant_conflict'],
    ['unknown', {}, 'identity.tenant_conflict'],
    ['empty', { tenant: '' }, 'identity.tenant_conflict'],
  ])('%s', async (_, more, expected) => {
    expect(await reasonOf({ agent: { ...agentClaims, ...more }, request: { extensions } })).toBe(expected)
  })

  it('binds the person too', async () => {
    expect(await reasonOf({ person: { ...personClaims, tenant: 'b' }, request: { extensions } })).toBe(
      'identity.tenant_conflict',
    )
  })

  it('is not given to a person by the agent that acts', async () => {
    const asked = { agent: { ...agentClaims, tenant: 'a' }, person: personClaims }
    expect(await reasonOf({ ...asked, request: { extensions } })).toBe('identity.tenant_conflict')
    const { first } = await ask(asked)
    expect(first).toMatchObject({ ok: true, principal: { user: { username: 'alice' }, tenant: undefined } })
  })
})
