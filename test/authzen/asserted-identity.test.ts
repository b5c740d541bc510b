import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDecide } from '../../src/decision/create-decide.js'
import { evaluation, temporaryFolder, unsignedToken } from '../../src/doors/http/authzen/authzen.fixture.js'
import { createAuthzenDoor } from '../../src/doors/http/authzen/authzen-door.js'
import { AuthenticatorSource } from '../../src/identity/authenticator-source.js'
import { PolicyStore } from '../../src/policy/policy-store.js'
import type { ListenerTrust } from '../../src/protocol/inbound-request.js'
import { policyDocument } from '../support/judge.js'
import { catalogs, errorsOf, memorySource } from '../support/policies.js'
import { postTo } from './post-to.js'

const issuer = 'https://idp.example.com'
const audience = 'https://mcp.example.com/mcp'
const now = () => Math.floor(Date.now() / 1000)

const authentication = JSON.stringify({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  jwt: [
    {
      issuer: { url: issuer, audiences: [audience] },
      claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { claim: 'groups', prefix: '' } },
    },
  ],
})

const server = (name: string, spec: object) =>
  policyDocument('Server', name, {
    ...{ resource: `https://mcp.example.com/${name}`, audiences: [audience], require: ['grants'] },
    ...spec,
  })

describe('whose word counts', () => {
  const records: string[] = []
  const folder = temporaryFolder()
  let identities: AuthenticatorSource
  let token: string
  let store: PolicyStore
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }]
    identities = new AuthenticatorSource({
      now: Date.now,
      fetcher: async ({ url }) => {
        const discovery = url.endsWith('/.well-known/openid-configuration')
        const answer = discovery ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys }
        return { ok: true, bytes: Buffer.from(JSON.stringify(answer)) }
      },
    })
    store = new PolicyStore({
      sources: [
        catalogs,
        memorySource({
          '1.json': authentication,
          '2.json': server('verified', {}),
          '3.json': server('told', { identity: 'gatewayMetadata' }),
          '4.json': policyDocument('Grant', 'staff', {
            match: { servers: ['verified', 'told'], subjects: [{ kind: 'Group', name: 'staff' }] },
          }),
        }),
      ],
      brokenPolicies: 'refuse',
      compile: { insecureLoopbackIssuers: false },
      assemble: { clusters: ['local'], authenticator: (found, identity) => identities.for(found, identity) },
    })
    const report = store.load()
    if (!report.inForce) throw new Error(errorsOf(report.findings).join('\n'))
    await identities.started()
    token = await new SignJWT({ groups: ['staff'], client_id: 'console', secret: 'CLAIM-VALUE' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
      .setSubject('alice')
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
  })
  afterAll(async () => {
    identities.stop()
    for (const stop of stops) await stop()
    folder.remove()
  })

  async function ask(trust: ListenerTrust, value: object) {
    records.length = 0
    const door = createAuthzenDoor({
      decide: createDecide({
        snapshot: () => store.current,
        onDecided: decided => records.push(decided.record()),
      }),
      listener: {
        name: 'gateways',
        trust,
        address: { kind: 'unix', path: `${folder.path}/${stops.length}` },
      },
      findServer: id => {
        const found = store.current?.servers.byName(id)
        return found && { name: found.name, authority: found.host, path: found.path, protocol: found.protocol }
      },
      onError: () => undefined,
    })
    stops.push(() => door.stop())
    const answer = await postTo(await door.start(), '/access/v1/evaluation', JSON.stringify(value))
    expect(answer.status).toBe(200)
    const { decision, context } = JSON.parse(answer.body)
    return decision === true ? 'allow' : context.reason
  }

  const of = (name: string, properties: object, id = 'alice') =>
    evaluation('run', {
      subject: { type: 'identity', id, properties },
      action: { name: 'tools/call', properties: { params: { arguments: { a: 'ARGUMENT-VALUE' } } } },
      resource: { type: 'tool', id: 'run', properties: { server: name } },
    })
  const claims = (more: object = {}) => ({
    ...{ sub: 'alice', iss: issuer, aud: audience, exp: now() + 600, groups: ['staff'], client_id: 'console' },
    ...more,
  })
  const token_header = { alg: 'ES256', typ: 'at+jwt' }

  it.each<[string, ListenerTrust, () => object, string]>([
    ['a token', 'none', () => of('verified', { access_token: token }), 'allow'],
    [
      'a token of another than is named',
      'none',
      () => of('verified', { access_token: token }, 'bob'),
      'identity.source_conflict',
    ],
    [
      'a token that nobody signed',
      'unix',
      () => of('verified', { access_token: unsignedToken(claims()) }),
      'identity.signature',
    ],
    ['a name alone', 'unix', () => of('verified', {}), 'identity.token_missing'],
    ['a name alone, where the gateway is believed', 'unix', () => of('told', {}), 'identity.token_missing'],
    [
      'claims, where tokens are verified here',
      'unix',
      () => of('verified', { claims: claims(), token_header }),
      'identity.token_missing',
    ],
    ['claims', 'unix', () => of('told', { claims: claims(), token_header }), 'allow'],
    [
      'claims of a gateway that is not known',
      'none',
      () => of('told', { claims: claims(), token_header }),
      'identity.gateway_untrusted',
    ],
    [
      'claims for another name',
      'unix',
      () => of('told', { claims: claims(), token_header }, 'admin'),
      'identity.source_conflict',
    ],
    ['claims without the header of the token', 'unix', () => of('told', { claims: claims() }), 'identity.token_type'],
    [
      'claims of an ID token',
      'unix',
      () => of('told', { claims: claims({ nonce: 'n', at_hash: 'h' }), token_header: { alg: 'ES256', typ: 'JWT' } }),
      'identity.token_type',
    ],
    [
      'claims of another issuer',
      'unix',
      () => of('told', { claims: claims({ iss: 'https://evil.example.com' }), token_header }),
      'identity.issuer_unknown',
    ],
    [
      'claims for another audience',
      'unix',
      () => of('told', { claims: claims({ aud: 'x' }), token_header }),
      'identity.audience',
    ],
    [
      'claims that have expired',
      'unix',
      () => of('told', { claims: claims({ exp: now() - 1 }), token_header }),
      'identity.expired',
    ],
    [
      'claims with a second identity in the header',
      'unix',
      () => of('told', { claims: claims(), token_header: { ...token_header, iss: issuer } }),
      'identity.source_conflict',
    ],
  ])('%s', async (_name, trust, value, expected) => {
    expect(await ask(trust, value())).toBe(expected)
    const recorded = records.join('\n')
    for (const secret of ['CLAIM-VALUE', 'ARGUMENT-VALUE', token, 'eyJ']) expect(recorded).not.toContain(secret)
  })

  it('is recorded with the door', async () => {
    expect(await ask('none', of('verified', { access_token: token }))).toBe('allow')
    expect(records.map(line => JSON.parse(line))).toMatchObject([
      {
        decision: 'allow',
        door: 'authzen',
        listener: 'gateways',
        server: 'verified',
        subject: { user: 'alice' },
        mcp: { method: 'tools/call', target: { kind: 'tool', name: 'run' } },
      },
    ])
  })
})
