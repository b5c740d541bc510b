import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { readDocuments } from '../../src/documents/read-documents.js'
import { readAuthenticationConfiguration } from '../../src/identity/authentication-configuration.js'
import type { Authenticated } from '../../src/identity/authenticator.js'
import { AuthenticatorSource } from '../../src/identity/authenticator-source.js'
import { readIdentityDocument } from '../../src/identity/identity-document.js'
import type { IdentityEvent } from '../../src/identity/identity-event.js'
import type { UserInfo } from '../../src/identity/principal.js'
import { compileWorkload, workloadUser } from '../../src/identity/workload-mapping.js'
import { createApiServer } from '../../src/kube/create-api-server.js'
import type { InboundRequest } from '../../src/protocol/inbound-request.js'
import { RequestHeaders } from '../../src/protocol/request-headers.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import { type ApiServerAccess, startApiServer } from './start-api-server.js'

const issuer = 'https://kubernetes.default.svc'
const mcp = 'https://mcp.example.com/mcp'
/** A yes may be kept by us for a second, and by the API server for ten (apiserver, TokenSuccessCacheTTL). */
const endsWithinMs = 20_000

const own = 'review-authz'
const agents = 'review-agents'

const reviewed = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers: { "${issuer}": { alias: cluster, tokenReview: { cluster: local, cacheSeconds: 1 } } }
`
/** As in docs/identity.md. */
const byKeys = `
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: ${issuer}, audiences: ["${mcp}"] }
  claimMappings:
    username:
      expression: '"system:serviceaccount:" + claims["kubernetes.io"].namespace + ":" + claims["kubernetes.io"].serviceaccount.name'
    groups:
      expression: '["system:serviceaccounts", "system:serviceaccounts:" + claims["kubernetes.io"].namespace]'
    uid: { expression: 'claims["kubernetes.io"].serviceaccount.uid' }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers: { "${issuer}": { alias: cluster, jwksCluster: local } }
`

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

/** Ours, with a connection as whoever has the token. */
async function authenticatorOf(api: ApiServerAccess, token: string, yaml: string) {
  const cluster = createApiServer({
    cluster: 'local',
    connection: { kind: 'kubeconfig', file: await api.kubeconfig({ token }), context: undefined },
    timeoutMs: 5000,
    maxInFlight: 32,
  })
  const events: IdentityEvent[] = []
  const clock = { ahead: 0 }
  const source = new AuthenticatorSource({
    now: () => Date.now() + clock.ahead,
    clusters: new Map([['local', cluster]]),
    onEvent: event => events.push(event),
    timings: { coolDown: 200 },
  })
  cleanups.push(
    () => source.stop(),
    () => cluster.close(),
  )
  const { documents } = readDocuments('identity.yaml', yaml)
  const of = (kind: string) => documents.filter(document => document.kind === kind)
  const configurations = of('AuthenticationConfiguration').flatMap(
    one => readAuthenticationConfiguration(one).value ?? [],
  )
  const [identity] = of('Identity').flatMap(one => readIdentityDocument(one).value ?? [])
  const { value, findings } = source.for(configurations, identity)
  if (value === undefined) throw new Error(JSON.stringify(findings))
  await source.started()
  const ask = async (bearer: string, audiences: readonly string[] = [mcp]) =>
    value.authenticate(requestWith(bearer), {
      ...{ server: 'kubernetes', audiences, urls: [mcp], identity: 'token', anonymous: 'Deny' },
    })
  return { ask, events, clock, authenticator: value }
}

function requestWith(token: string): InboundRequest {
  return {
    method: 'POST',
    scheme: 'https',
    authority: 'mcp.example.com',
    path: '/mcp',
    query: undefined,
    headers: RequestHeaders.from([['authorization', `Bearer ${token}`]]),
    body: { state: 'absent' },
    peer: { address: '', principal: '' },
    context: { extensions: new Map(), routeMetadata: new Map(), filterMetadata: new Map() },
    traceparent: undefined,
    deadline: undefined,
    listener: { name: 'default', door: 'ext-authz', profile: 'envoy', trust: 'none' },
  }
}

const outcome = (answer: Authenticated) => (answer.ok ? 'ok' : answer.reason)

function userOf(answer: Authenticated): UserInfo {
  if (!answer.ok) throw new Error(`${answer.reason}: ${answer.message}`)
  return answer.principal.user
}

async function preparedOn(api: ApiServerAccess): Promise<string> {
  await api.apply(`
apiVersion: v1
kind: Namespace
metadata: { name: ${own} }
---
apiVersion: v1
kind: Namespace
metadata: { name: ${agents} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${own} }
subjects: [{ kind: ServiceAccount, name: default, namespace: ${own} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:auth-delegator }
`)
  return api.serviceAccountToken(own, 'default')
}

describeKube('tokens of ServiceAccounts', () => {
  let api: ApiServerAccess
  let ours: string
  beforeAll(async () => {
    api = sharedApiServer()
    ours = await preparedOn(api)
  })

  const account = (name: string) =>
    api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: agents } })
  const pod = (name: string, serviceAccountName: string) =>
    api.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: agents },
      spec: { serviceAccountName, containers: [{ name: 'agent', image: 'example.com/agent:1' }] },
    })

  it('name whom the API server says, in pods and outside', async () => {
    await account('sre')
    await pod('sre-1', 'sre')
    const { ask, authenticator } = await authenticatorOf(api, ours, reviewed)
    expect(authenticator.ready).toBe(true)
    const token = await api.serviceAccountToken(agents, 'sre', { audiences: [mcp], boundPod: 'sre-1' })
    const user = userOf(await ask(token))
    expect(user).toMatchObject({
      username: `system:serviceaccount:${agents}:sre`,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      groups: ['system:serviceaccounts', `system:serviceaccounts:${agents}`, 'system:authenticated'],
    })
    expect(user.extra.get('authentication.kubernetes.io/pod-name')).toEqual(['sre-1'])
    const outside = await api.serviceAccountToken(agents, 'sre', { audiences: ['https://other.example', mcp] })
    expect(userOf(await ask(outside))).toMatchObject({ username: user.username, uid: user.uid, groups: user.groups })
  })

  it('are refused for what they are not', async () => {
    await account('other')
    const { ask, clock } = await authenticatorOf(api, ours, reviewed)
    const good = await api.serviceAccountToken(agents, 'other', { audiences: [mcp], expirationSeconds: 600 })
    const other = await api.serviceAccountToken(agents, 'other', { audiences: ['https://other.example'] })
    const { privateKey } = await generateKeyPair('RS256')
    const claims = JSON.parse(Buffer.from(good.split('.')[1] ?? '', 'base64url').toString())
    const header = JSON.parse(Buffer.from(good.split('.')[0] ?? '', 'base64url').toString())
    const forged = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey)
    const strange = await new SignJWT(claims).setProtectedHeader({ ...header, kid: 'x' }).sign(privateKey)
    const person = await new SignJWT({ ...claims, iss: 'https://idp.example.com', sub: 'alice' })
      .setProtectedHeader(header)
      .sign(privateKey)
    expect(await Promise.all([other, ours, forged, strange, person].map(async one => outcome(await ask(one))))).toEqual(
      [
        'identity.audience',
        'identity.audience',
        'identity.signature',
        'identity.key_unknown',
        'identity.issuer_unknown',
      ],
    )
    for (const one of [api.adminToken, api.tokens.alice ?? '', 'garbage', `${good}x`])
      expect(outcome(await ask(one))).not.toBe('ok')
    expect(outcome(await ask(good))).toBe('ok')
    clock.ahead = 601_000
    expect(outcome(await ask(good))).toBe('identity.expired')
  })

  it('of the API server itself are good only where a Server says so', async () => {
    const { ask } = await authenticatorOf(api, ours, reviewed)
    expect(outcome(await ask(ours, [issuer]))).toBe('ok')
    expect(outcome(await ask(api.adminToken, [issuer]))).toBe('identity.token_malformed')
  })

  it('end with their pod', async () => {
    await account('short')
    await pod('short-1', 'short')
    const { ask } = await authenticatorOf(api, ours, reviewed)
    const token = await api.serviceAccountToken(agents, 'short', { audiences: [mcp], boundPod: 'short-1' })
    const unbound = await api.serviceAccountToken(agents, 'short', { audiences: [mcp] })
    expect(outcome(await ask(token))).toBe('ok')
    await api.admin.delete(`/api/v1/namespaces/${agents}/pods/short-1?gracePeriodSeconds=0`)
    const revoked = async () => outcome(await ask(token)) === 'identity.token_revoked'
    await eventually('the end of the token', revoked, endsWithinMs)
    expect(outcome(await ask(unbound))).toBe('ok')
  })

  it('end with their ServiceAccount, and do not come back with one of its name', async () => {
    await account('gone')
    const { ask } = await authenticatorOf(api, ours, reviewed)
    const keys = await authenticatorOf(api, ours, byKeys)
    const token = await api.serviceAccountToken(agents, 'gone', { audiences: [mcp] })
    expect(outcome(await ask(token))).toBe('ok')
    await api.admin.delete(`/api/v1/namespaces/${agents}/serviceaccounts/gone`)
    await account('gone')
    const revoked = async () => outcome(await ask(token)) === 'identity.token_revoked'
    await eventually('the end of the token', revoked, endsWithinMs)
    // What keys alone cannot know.
    expect(outcome(await keys.ask(token))).toBe('ok')
  })

  it('name the same user by keys alone', async () => {
    await account('same')
    const token = await api.serviceAccountToken(agents, 'same', { audiences: [mcp] })
    const [review, keys] = await Promise.all(
      [reviewed, byKeys].map(async yaml => (await authenticatorOf(api, ours, yaml)).ask(token)),
    )
    if (review === undefined || keys === undefined) throw new Error('no answers')
    expect(userOf(keys)).toEqual(userOf(review))
    expect(keys).toMatchObject({ principal: { kind: 'machine', agent: { assurance: 'attested' } } })
    expect(review).toMatchObject({ principal: { kind: 'machine', agent: { assurance: 'attested' } } })
  })

  it('cannot be reviewed without the permission, which is said', async () => {
    await account('mine')
    const token = await api.serviceAccountToken(agents, 'mine', { audiences: [mcp] })
    const powerless = await api.serviceAccountToken(agents, 'default')
    const { ask, events } = await authenticatorOf(api, powerless, reviewed)
    expect(outcome(await ask(token))).toBe('dependency.api_server')
    expect(events.at(-1)).toMatchObject({
      kind: 'review_failed',
      cluster: 'local',
      message: expect.stringMatching(/cannot create resource "tokenreviews".*system:auth-delegator/),
    })
    const keys = await authenticatorOf(api, powerless, byKeys)
    expect(outcome(await keys.ask(token))).toBe('ok')
  })

  it('have the groups that a mapped workload has, for RBAC', async () => {
    await account('mesh')
    const compiled = compileWorkload('spiffe://acme.com/ns/*/sa/*', '$1/$2')
    const mapped = compiled.ok ? workloadUser(`spiffe://acme.com/ns/${agents}/sa/mesh`, [compiled.mapping]) : undefined
    const { ask } = await authenticatorOf(api, ours, reviewed)
    const user = userOf(await ask(await api.serviceAccountToken(agents, 'mesh', { audiences: [mcp] })))
    expect(mapped).toMatchObject({ username: user.username, groups: user.groups })
    await api.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: mesh, namespace: ${agents} }
subjects: [{ kind: ServiceAccount, name: mesh, namespace: ${agents} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: all-agents, namespace: ${own} }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts:${agents}" }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
`)
    for (const namespace of [agents, own])
      await eventually('the binding', async () => {
        const resourceAttributes = { verb: 'list', resource: 'pods', namespace }
        const { username, groups } = mapped ?? user
        return (await api.review({ user: username, groups, resourceAttributes })).allowed
      })
  })
})

describeKube('the keys of a cluster', () => {
  it('may change', async () => {
    const api = await startApiServer({ audit: false })
    try {
      const ours = await preparedOn(api)
      const { ask } = await authenticatorOf(api, ours, reviewed)
      const keys = await authenticatorOf(api, ours, byKeys)
      const before = await api.serviceAccountToken(agents, 'default', { audiences: [mcp] })
      expect([outcome(await ask(before)), outcome(await keys.ask(before))]).toEqual(['ok', 'ok'])
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      await writeFile(join(api.directory, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }))
      await api.restart()
      const after = await api.serviceAccountToken(agents, 'default', { audiences: [mcp] })
      // Our own token is signed with the old key too: whoever changes keys at once locks everybody out.
      const renewed = await authenticatorOf(api, await api.serviceAccountToken(own, 'default'), byKeys)
      expect([outcome(await renewed.ask(after)), outcome(await renewed.ask(before))]).toEqual([
        'ok',
        'identity.key_unknown',
      ])
      expect(outcome(await keys.ask(after))).toBe('dependency.keys_unavailable')
    } finally {
      await api.stop()
    }
  })
})
