import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf, resultOf } from '../e2e/support/answers.js'
import { type LoginClient, sdkV1, sdkV2 } from '../e2e/support/login-clients.js'
import { initialize, toolsCall } from '../e2e/support/messages.js'
import { pythonSdk } from '../e2e/support/python-login-client.js'
import { type Stand, startStand } from '../e2e/support/stand.js'
import { keycloakTokens } from './keycloak-tokens.js'
import { agentSecret, audience, toolsScope } from './realm.js'
import { redactShape, type Shape } from './redact-shape.js'

const issuer = inject('keycloakIssuer')
const keycloak = keycloakTokens(issuer)
const alice = { username: 'alice', password: 'alice' }
const shapes: Record<string, Shape> = {}

/** As docs/identity.md has it for Keycloak. */
const policies = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "${issuer}", audiences: [${audience}] }
  claimMappings:
    username: { claim: preferred_username, prefix: "" }
    groups: { claim: groups, prefix: "" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers: { "${issuer}": { alias: keycloak } }
  clients: { mcp-cli: direct, agent: attested }
  proofs: { dpop: {} }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: everything }
spec: { resource: https://mcp.example.com/mcp, audiences: [${audience}], catalog: server-everything, require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: tools }
spec:
  match: { servers: [everything], tools: [echo, get-sum], subjects: [{ kind: Group, name: /team-a-developers }, { kind: Group, name: /platform }] }
  scopes: ["${toolsScope}"]
`

let stand: Stand
beforeAll(async () => {
  stand = await startStand({ upstream: 'everything', serverName: 'everything', policies: { 'all.yaml': policies } })
})
afterAll(async () => {
  await stand?.stop()
  if (inject('recordShapes'))
    writeFileSync(join(import.meta.dirname, 'shapes.json'), `${JSON.stringify(shapes, undefined, 2)}\n`)
})

const post = (token: string, body = initialize): Promise<RawAnswer> => rawPost({ url: stand.url, token, body })
const echo = toolsCall('echo', { message: 'x' })

function keep(name: string, token: string): Shape {
  const shape = redactShape({ header: decodeProtectedHeader(token), claims: decodeJwt(token) }, issuer)
  shapes[name] = shape
  return shape
}

async function recordOf(answer: RawAnswer) {
  return stand.authz.record(decisionIdOf(answer))
}

describe('tokens of Keycloak', () => {
  it('of a person who signed in with PKCE', async () => {
    const { access_token: token } = await keycloak.login(alice, `openid ${toolsScope}`)
    const { header, claims } = keep('user', token)
    expect(header).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    expect(claims).toMatchObject({
      typ: 'Bearer',
      azp: 'mcp-cli',
      aud: expect.arrayContaining(['agent', audience]),
      preferred_username: 'alice',
      groups: ['/team-a-developers'],
    })
    // Only `azp` names the client, and nothing says from when on it is valid.
    expect(claims).not.toHaveProperty('client_id')
    expect(claims).not.toHaveProperty('nbf')
    expect(await recordOf(await post(token, echo))).toMatchObject({
      decision: 'allow',
      subject: { kind: 'user', user: 'alice', groups: ['/team-a-developers', 'system:authenticated'] },
    })
  })

  it('of a client for itself: a machine, whose subject is no client id', async () => {
    const { access_token: token } = await keycloak.clientCredentials('agent', toolsScope)
    const { claims } = keep('client credentials', token)
    expect(claims).toMatchObject({ azp: 'agent', preferred_username: 'service-account-agent', groups: ['/platform'] })
    expect(claims.sub).not.toBe('agent')
    expect(claims).not.toHaveProperty('sid')
    const answer = await post(token, echo)
    expect(await recordOf(answer)).toMatchObject({
      decision: 'allow',
      subject: { user: 'service-account-agent' },
      agent: { id: 'agent', issuer: 'keycloak', assurance: 'attested' },
    })
  })

  it('exchanged by an agent: the person, and the agent as authorized party, without act', async () => {
    const { access_token: subject } = await keycloak.login(alice, `openid ${toolsScope}`)
    const { access_token: token, issued_token_type } = await keycloak.exchange(subject, toolsScope)
    expect(issued_token_type).toBe('urn:ietf:params:oauth:token-type:access_token')
    const { claims } = keep('exchanged', token)
    expect(claims).toMatchObject({ azp: 'agent', preferred_username: 'alice', groups: ['/team-a-developers'] })
    expect(claims).not.toHaveProperty('act')
    expect(await recordOf(await post(token, echo))).toMatchObject({
      decision: 'allow',
      subject: { kind: 'user', user: 'alice' },
      agent: { id: 'agent', issuer: 'keycloak', assurance: 'attested' },
    })
  })

  it('with the header of every client that nobody set up: JWT', async () => {
    const { access_token: token } = await keycloak.clientCredentials('plain-agent', toolsScope)
    expect(keep('plain header', token).header).toMatchObject({ typ: 'JWT' })
    expect((await post(token)).status).toBe(200)
  })

  it('without the scope that carries the audience: for nobody', async () => {
    const { access_token: token } = await keycloak.clientCredentials('agent')
    expect(keep('without audience', token).claims).not.toHaveProperty('aud')
    const answer = await post(token)
    expect([answer.status, errorOf(answer).data.reason]).toEqual([401, 'identity.audience'])
  })

  it('that say who signed in (ID token) open nothing', async () => {
    const { id_token: token = '' } = await keycloak.login(alice, `openid ${toolsScope}`)
    expect(keep('id token', token).claims).toMatchObject({ typ: 'ID', aud: 'mcp-cli' })
    const answer = await post(token)
    expect(answer.status).toBe(401)
    expect(['identity.audience', 'identity.token_type']).toContain(errorOf(answer).data.reason)
  })

  it('that refresh others open nothing', async () => {
    const { refresh_token: token = '' } = await keycloak.login(alice, `openid ${toolsScope}`)
    expect(keep('refresh token', token)).toMatchObject({ header: { alg: 'HS512' }, claims: { typ: 'Refresh' } })
    const answer = await post(token)
    expect(answer.status).toBe(401)
    expect(['identity.algorithm', 'identity.token_type']).toContain(errorOf(answer).data.reason)
  })

  it('bound to a key open nothing without its proof', async () => {
    const {
      access_token: token,
      token_type,
      proofFor,
    } = await keycloak.boundClientCredentials('bound-agent', toolsScope)
    expect(token_type).toBe('DPoP')
    expect(keep('dpop-bound', token).claims).toMatchObject({ typ: 'DPoP', cnf: { jkt: expect.any(String) } })
    const asBearer = await post(token)
    expect([asBearer.status, errorOf(asBearer).data.reason]).toEqual([401, 'identity.proof_missing'])
    expect(asBearer.headers['www-authenticate']).toMatch(/^Bearer .*, DPoP /)
    const proven = { authorization: `DPoP ${token}`, dpop: await proofFor(stand.url) }
    expect((await rawPost({ url: stand.url, body: initialize, headers: proven })).status).toBe(200)
    // What somebody saw is used up.
    expect((await rawPost({ url: stand.url, body: initialize, headers: proven })).status).toBe(401)
  })
})

const clients: readonly (readonly [name: string, client: LoginClient])[] = [
  ['SDK v1', sdkV1],
  ['SDK v2', sdkV2('auto')],
  ['Python', pythonSdk('auto')],
]

describe.each(clients)('%s, unmodified', (_, run) => {
  it('finds the way from 401 to the result with its secret', async () => {
    const { calls, traffic, token } = await run({
      url: stand.url,
      login: { way: 'secret', clientId: 'agent', clientSecret: agentSecret, issuer, scope: toolsScope },
      calls: [{ name: 'echo', arguments: { message: 'x' } }],
    })
    expect(calls).toEqual(['ok'])
    expect(traffic.slice(0, 4)).toEqual([
      'POST /mcp 401',
      'GET /.well-known/oauth-protected-resource/mcp 200',
      'GET /.well-known/oauth-authorization-server/realms/mcp 200',
      'POST /realms/mcp/protocol/openid-connect/token 200',
    ])
    expect(decodeJwt(token)).toMatchObject({ iss: issuer, azp: 'agent', scope: toolsScope })
  })

  it('has a person sign in at Keycloak', async () => {
    const { calls, token } = await run({
      url: stand.url,
      login: { way: 'person', person: alice, clientId: 'mcp-cli' },
      calls: [{ name: 'get-sum', arguments: { a: 2, b: 3 } }, { name: 'get-env' }],
    })
    expect(calls).toEqual(['ok', expect.stringMatching(/^toolError: .*Denied by policy/)])
    expect(decodeJwt(token)).toMatchObject({ iss: issuer, preferred_username: 'alice' })
  })
})

it('a denial by policy comes as a result that a model can read', async () => {
  const { access_token: token } = await keycloak.login(alice, toolsScope)
  expect(resultOf(await post(token, toolsCall('get-env', {})))).toMatchObject({ isError: true })
})
