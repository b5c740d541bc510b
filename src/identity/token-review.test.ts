import { beforeAll, describe, expect, it } from 'vitest'
import type { ApiFailure } from '../kube/api-server.js'
import type { Authenticated } from './authenticator.js'
import { type AskedReview, FakeApiServer } from './fake-api-server.fixture.js'
import {
  accepted,
  audience,
  authenticationYaml,
  configurationOf,
  epoch,
  FakeIssuer,
  goodClaims,
  identityYaml,
  requestWith,
  type SigningKey,
  setUp,
  signingKey,
} from './identity.fixture.js'

const cluster = 'https://kubernetes.default.svc.cluster.local'
const username = 'system:serviceaccount:tenant-a:agent'
const podClaims = {
  iss: cluster,
  sub: username,
  aud: [audience],
  exp: epoch + 3600,
  nbf: epoch - 10,
  iat: epoch - 10,
  jti: '6d1c',
  'kubernetes.io': {
    namespace: 'tenant-a',
    serviceaccount: { name: 'agent', uid: 'u-1' },
    pod: { name: 'agent-7d9f', uid: 'p-1' },
    node: { name: 'node-1', uid: 'n-1' },
  },
}
const podUser = {
  username,
  uid: 'u-1',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:tenant-a', 'system:authenticated'],
  extra: {
    'authentication.kubernetes.io/credential-id': ['JTI=6d1c'],
    'authentication.kubernetes.io/pod-name': ['agent-7d9f'],
    'authentication.kubernetes.io/pod-uid': ['p-1'],
    'authentication.kubernetes.io/node-name': ['node-1'],
    'authentication.kubernetes.io/node-uid': ['n-1'],
  },
}
/** As the real one answers (1.36). */
const yes = ({ audiences }: AskedReview) => ({ authenticated: true, user: podUser, audiences })
const no = () => ({ user: {}, error: '[invalid bearer token, service account token has been invalidated]' })

const spec = `{ issuers: { "${cluster}": { alias: cluster, tokenReview: { cluster: local } } } }`

let idp: SigningKey
let own: SigningKey
let strange: SigningKey
beforeAll(async () => {
  idp = await signingKey('idp')
  own = await signingKey('cluster', 'RS256')
  strange = await signingKey('cluster', 'RS256')
})

interface Options {
  readonly answer?: (asked: AskedReview) => unknown
  readonly spec?: string
  readonly verifier?: object
}

async function bed({ answer = yes, spec: identity = spec, verifier }: Options = {}) {
  const api = new FakeApiServer([own], answer)
  const configuration = configurationOf(authenticationYaml(), identityYaml(identity))
  const made = await setUp({
    issuer: new FakeIssuer([idp]),
    configuration,
    clusters: new Map([['local', api]]),
    ...(verifier && { verifier }),
  })
  const ask = (token: string, audiences = [audience], deadline?: number) =>
    made.authenticator.authenticate(
      requestWith({ authorization: `Bearer ${token}`, ...(deadline !== undefined && { deadline }) }),
      { ...accepted, audiences },
    )
  return { ...made, api, ask }
}

const sign = (claims: object = {}, key = own) => key.sign({ ...podClaims, ...claims }, { typ: undefined as never })
const outcome = (answer: Authenticated) => (answer.ok ? 'ok' : answer.reason)

describe('a token of a ServiceAccount', () => {
  it('is whom the API server says', async () => {
    const { ask, api } = await bed()
    const answer = await ask(await sign())
    expect(api.reviews).toMatchObject([{ audiences: [audience] }])
    expect(api.requests.at(-1)).toMatchObject({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews?fieldValidation=Strict',
    })
    if (!answer.ok) throw new Error(answer.message)
    const { user, ...principal } = answer.principal
    expect({ ...user, extra: Object.fromEntries(user.extra) }).toEqual(podUser)
    expect(principal).toMatchObject({
      kind: 'machine',
      issuer: cluster,
      issuerAlias: 'cluster',
      agent: { id: username, issuer: 'cluster', assurance: 'attested' },
      agentUser: { username: `agent:cluster:${username}` },
      throughAgent: true,
      actors: [],
      expiresAt: (epoch + 3600) * 1000,
    })
  })

  it('does not keep people out, who need no API server', async () => {
    const { ask, api } = await bed()
    expect(outcome(await ask(await idp.sign(goodClaims)))).toBe('ok')
    expect(api.reviews).toEqual([])
  })

  it('can be known by a prefix', async () => {
    const { ask } = await bed({
      spec: `{ issuers: { "${cluster}": { tokenReview: { cluster: local, prefix: "east:" } } } }`,
    })
    const answer = await ask(await sign())
    expect(answer).toMatchObject({
      principal: {
        user: {
          username: `east:${username}`,
          groups: ['east:system:serviceaccounts', 'east:system:serviceaccounts:tenant-a', 'system:authenticated'],
        },
      },
    })
  })

  it('is asked for with those of the accepted audiences that it has', async () => {
    const { ask, api } = await bed()
    const token = await sign({ aud: ['https://other', 'b', 'a'] })
    expect(outcome(await ask(token, ['a', 'x', 'b']))).toBe('ok')
    expect(api.reviews).toMatchObject([{ audiences: ['a', 'b'] }])
  })

  it('is good without a pod', async () => {
    const { ask } = await bed({
      answer: ({ audiences }) => ({
        authenticated: true,
        audiences,
        user: { ...podUser, extra: { 'authentication.kubernetes.io/credential-id': ['JTI=6d1c'] } },
      }),
    })
    const bare = { namespace: 'tenant-a', serviceaccount: { name: 'agent', uid: 'u-1' } }
    expect(outcome(await ask(await sign({ 'kubernetes.io': bare })))).toBe('ok')
  })
})

describe('what nobody asks the API server for', () => {
  const said = podClaims['kubernetes.io']
  it.each([
    ['a wrong signature', {}, 'identity.signature', 'strange'],
    ['a token that has expired', { exp: epoch }, 'identity.expired', 'own'],
    ['a token without exp', { exp: undefined }, 'identity.claims', 'own'],
    ['a token for later', { nbf: epoch + 600 }, 'identity.not_yet_valid', 'own'],
    ['a token for another audience', { aud: ['https://kubernetes.default.svc'] }, 'identity.audience', 'own'],
    ['a token for nobody', { aud: undefined }, 'identity.audience', 'own'],
    ['an ID token', { at_hash: 'x' }, 'identity.token_type', 'own'],
    ['a bound token', { cnf: { jkt: 'x' } }, 'identity.token_bound', 'own'],
    ['a user', { sub: 'alice' }, 'identity.claims', 'own'],
    ['an administrator', { sub: 'system:masters' }, 'identity.claims', 'own'],
    ['a name with too many parts', { sub: `${username}:x` }, 'identity.claims', 'own'],
    ['a name of capitals', { sub: 'system:serviceaccount:tenant-a:Agent' }, 'identity.claims', 'own'],
    ['no claims of Kubernetes', { 'kubernetes.io': undefined }, 'identity.claims', 'own'],
    ['another namespace', { 'kubernetes.io': { ...said, namespace: 'kube-system' } }, 'identity.claims', 'own'],
    [
      'another name',
      { 'kubernetes.io': { ...said, serviceaccount: { name: 'root', uid: 'u-1' } } },
      'identity.claims',
      'own',
    ],
    ['no uid', { 'kubernetes.io': { ...said, serviceaccount: { name: 'agent' } } }, 'identity.claims', 'own'],
    ['a pod in another form', { 'kubernetes.io': { ...said, pod: 'agent-7d9f' } }, 'identity.claims', 'own'],
  ] as const)('%s', async (_, claims, expected, key) => {
    const { ask, api } = await bed()
    expect(outcome(await ask(await sign(claims, key === 'own' ? own : strange)))).toBe(expected)
    expect(api.reviews).toEqual([])
  })

  it('a token of an issuer that looks alike', async () => {
    const { ask, api } = await bed()
    for (const iss of [`${cluster}/`, cluster.toUpperCase(), 'https://kubernetes.default.svc'])
      expect(outcome(await ask(await sign({ iss })))).toBe('identity.issuer_unknown')
    expect(api.reviews).toEqual([])
  })

  it('garbage with its name on it, however much', async () => {
    const { ask, api } = await bed()
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, index) => sign({ jti: String(index) }, index % 2 ? strange : idp)),
    )
    for (const token of tokens) expect((await ask(token)).ok).toBe(false)
    expect(api.reviews).toEqual([])
  })

  it('a token that only the gateway has seen', async () => {
    const { authenticator, api } = await bed()
    const payload = new Map<string, never>(Object.entries(podClaims) as never)
    const filterMetadata = new Map([['envoy.filters.http.jwt_authn', new Map([['payload', payload]])]]) as never
    const request = requestWith({ trust: 'mtls', filterMetadata })
    const answer = await authenticator.authenticate(request, { ...accepted, identity: 'gatewayMetadata' })
    expect(answer.ok).toBe(false)
    expect(api.reviews).toEqual([])
  })
})

describe('an API server', () => {
  const told = (change: object) => (asked: AskedReview) => ({ ...yes(asked), ...change })
  const toldUser = (change: object) => told({ user: { ...podUser, ...change } })
  const extra = (change: object) => toldUser({ extra: { ...podUser.extra, ...change } })
  it.each([
    ['that says no', no, 'identity.token_revoked'],
    ['that says no in a word', told({ authenticated: false }), 'identity.token_revoked'],
    ['that says nothing', () => ({}), 'identity.token_revoked'],
    ['that says yes in other words', told({ authenticated: 'true' }), 'dependency.api_server'],
    ['that has no status', () => undefined, 'dependency.api_server'],
    ['that minds no audiences', told({ audiences: undefined }), 'dependency.api_server'],
    ['that has no audience', told({ audiences: [] }), 'dependency.api_server'],
    ['that has another audience', told({ audiences: ['https://other'] }), 'dependency.api_server'],
    ['that names nobody', told({ user: undefined }), 'dependency.api_server'],
    ['that names a person', toldUser({ username: 'alice', groups: [] }), 'dependency.api_server'],
    ['that names another', toldUser({ username: `${username}x` }), 'dependency.api_server'],
    ['that names another of the name', toldUser({ uid: 'u-2' }), 'dependency.api_server'],
    ['that makes it master', toldUser({ groups: [...podUser.groups, 'system:masters'] }), 'dependency.api_server'],
    ['that takes a group away', toldUser({ groups: podUser.groups.slice(1) }), 'dependency.api_server'],
    [
      'that names a group twice',
      toldUser({ groups: [...podUser.groups.slice(1), podUser.groups[1]] }),
      'dependency.api_server',
    ],
    ['that speaks of another pod', extra({ 'authentication.kubernetes.io/pod-name': ['x'] }), 'dependency.api_server'],
    [
      'that speaks of another token',
      extra({ 'authentication.kubernetes.io/credential-id': ['JTI=x'] }),
      'dependency.api_server',
    ],
    ['that speaks in numbers', extra({ 'example.com/x': [1] }), 'dependency.api_server'],
    ['that knows more than we do', extra({ 'authentication.kubernetes.io/later': ['x'] }), 'ok'],
  ] as const)('%s', async (_, answer, expected) => {
    const { ask } = await bed({ answer })
    expect(outcome(await ask(await sign()))).toBe(expected)
  })

  const failures: readonly (readonly [ApiFailure['reason'], number | undefined, string])[] = [
    ['refused', 403, 'dependency.api_server'],
    ['throttled', 429, 'dependency.api_server'],
    ['overloaded', undefined, 'dependency.timeout'],
    ['timeout', undefined, 'dependency.timeout'],
    ['unavailable', undefined, 'dependency.api_server'],
    ['malformed', 201, 'dependency.api_server'],
  ]
  it.each(failures)('that fails (%s) is asked again', async (reason, status, expected) => {
    const { ask, api, events } = await bed()
    const token = await sign()
    api.failure = { ok: false, reason, status, message: 'no' }
    expect(outcome(await ask(token))).toBe(expected)
    expect(events.at(-1)).toMatchObject({ kind: 'review_failed', issuer: cluster, cluster: 'local' })
    expect(JSON.stringify(events.at(-1))).not.toContain(token)
    if (status === 403) expect(events.at(-1)).toMatchObject({ message: expect.stringContaining('auth-delegator') })
    api.failure = undefined
    expect(outcome(await ask(token))).toBe('ok')
  })

  it('that throws is a failure too', async () => {
    const { ask, api } = await bed({
      answer: () => {
        throw new Error('x')
      },
    })
    expect(outcome(await ask(await sign()))).toBe('dependency.api_server')
    api.answer = yes
    expect(outcome(await ask(await sign()))).toBe('ok')
  })

  it('without a connection is said', async () => {
    const configuration = configurationOf(authenticationYaml(), identityYaml(spec))
    const { authenticator } = await setUp({ issuer: new FakeIssuer([idp]), configuration })
    const request = requestWith({ authorization: `Bearer ${await sign()}` })
    expect(outcome(await authenticator.authenticate(request, accepted))).toBe('dependency.keys_unavailable')
    expect(authenticator.pending).toEqual([expect.stringContaining('"local"')])
    authenticator.stop()
  })
})

describe('an answer', () => {
  it('counts for ten seconds, and gives the same principal', async () => {
    const { ask, api, clock } = await bed()
    const token = await sign()
    const first = await ask(token)
    clock.seconds += 6
    const second = ask(token)
    expect(second).not.toBeInstanceOf(Promise)
    expect(api.reviews).toHaveLength(1)
    expect(await second).toBe(first)
    clock.seconds += 4
    expect(ask(token)).toBeInstanceOf(Promise)
    expect(api.reviews).toHaveLength(2)
  })

  it('is renewed before it ends, without anybody waiting', async () => {
    const { ask, api, clock } = await bed()
    const token = await sign()
    const first = await ask(token)
    clock.seconds += 8
    const during = ask(token)
    expect(during).not.toBeInstanceOf(Promise)
    ask(token)
    expect(api.reviews).toHaveLength(2)
    await new Promise(setImmediate)
    clock.seconds += 5
    const after = ask(token)
    expect(after).not.toBeInstanceOf(Promise)
    expect(await after).toBe(first)
    expect(api.reviews).toHaveLength(2)
  })

  it('is not renewed again and again while that fails, and ends on time', async () => {
    const { ask, api, clock } = await bed()
    const token = await sign()
    await ask(token)
    api.failure = { ok: false, reason: 'unavailable', status: undefined, message: 'down' }
    clock.seconds += 8
    for (let index = 0; index < 5; index++) {
      expect(outcome(await ask(token))).toBe('ok')
      await new Promise(setImmediate)
    }
    expect(api.reviews).toHaveLength(2)
    clock.seconds += 2
    expect(outcome(await ask(token))).toBe('dependency.api_server')
  })

  it('ends the token of a pod that is gone', async () => {
    const { ask, api, clock } = await bed()
    const token = await sign()
    expect(outcome(await ask(token))).toBe('ok')
    api.answer = no
    clock.seconds += 8
    await ask(token)
    await new Promise(setImmediate)
    expect(outcome(await ask(token))).toBe('identity.token_revoked')
    expect(api.reviews).toHaveLength(2)
    clock.seconds += 9
    expect(outcome(await ask(token))).toBe('identity.token_revoked')
    expect(api.reviews).toHaveLength(2)
    clock.seconds += 1
    api.answer = yes
    expect(outcome(await ask(token))).toBe('ok')
  })

  it.each([
    [1, 1],
    [60, 60],
  ])('counts for the %i seconds that the document says', async (cacheSeconds, expected) => {
    const { ask, api, clock } = await bed({
      spec: `{ issuers: { "${cluster}": { tokenReview: { cluster: local, cacheSeconds: ${cacheSeconds} } } } }`,
    })
    const token = await sign()
    await ask(token)
    clock.seconds += expected - 0.5
    expect(ask(token)).not.toBeInstanceOf(Promise)
    await new Promise(setImmediate)
    api.answer = no
    clock.seconds += expected
    expect(outcome(await ask(token))).toBe('identity.token_revoked')
  })

  it('does not outlive the token', async () => {
    const { ask, clock } = await bed()
    const token = await sign({ exp: epoch + 5 })
    expect(outcome(await ask(token))).toBe('ok')
    clock.seconds += 5
    expect(outcome(await ask(token))).toBe('identity.expired')
  })

  it('for one audience says nothing of another', async () => {
    const { ask, api } = await bed({
      answer: ({ audiences }) => (audiences.includes('a') ? { ...yes({ token: '', audiences }) } : no()),
    })
    const token = await sign({ aud: ['a', 'b'] })
    expect(outcome(await ask(token, ['a']))).toBe('ok')
    expect(outcome(await ask(token, ['b']))).toBe('identity.token_revoked')
    expect(outcome(await ask(token, ['a', 'c']))).toBe('ok')
    expect(api.reviews).toHaveLength(2)
  })

  it('is asked for once, however many wait', async () => {
    const { ask, api } = await bed()
    const token = await sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token)))
    expect(answers.map(outcome)).toEqual(Array(20).fill('ok'))
    expect(api.reviews).toHaveLength(1)
  })

  it('comes before the deadline or is not waited for', async () => {
    const { ask, api, now } = await bed()
    const token = await sign()
    let open = () => {}
    api.gate = new Promise(resolve => {
      open = resolve
    })
    expect(outcome(await ask(token, [audience], now() + 60))).toBe('dependency.timeout')
    open()
    await new Promise(setImmediate)
    expect(ask(token)).not.toBeInstanceOf(Promise)
  })

  it('is of one configuration', async () => {
    const one = await bed()
    const token = await sign()
    await one.ask(token)
    const two = await bed({ answer: no })
    expect(outcome(await two.ask(token))).toBe('identity.token_revoked')
  })
})

describe('the keys of a cluster', () => {
  const offline = `- issuer: { url: "${cluster}", audiences: [${audience}] }
  claimMappings:
    username: { expression: '"system:serviceaccount:" + claims["kubernetes.io"].namespace + ":" + claims["kubernetes.io"].serviceaccount.name' }`

  it('serve for an issuer of an AuthenticationConfiguration, without any review', async () => {
    const api = new FakeApiServer([own], no)
    const { authenticator, clock } = await setUp({
      issuer: new FakeIssuer([]),
      configuration: configurationOf(
        authenticationYaml(offline),
        identityYaml(`{ issuers: { "${cluster}": { jwksCluster: local, login: false } } }`),
      ),
      clusters: new Map([['local', api]]),
    })
    const ask = async (key: SigningKey) =>
      outcome(
        await authenticator.authenticate(
          requestWith({ authorization: `Bearer ${await sign({ jti: key.kid }, key)}` }),
          accepted,
        ),
      )
    expect(await ask(own)).toBe('ok')
    const next = await signingKey('next', 'RS256')
    expect(await ask(next)).toBe('identity.key_unknown')
    api.keys = [own, next]
    clock.seconds += 60
    expect(await ask(next)).toBe('ok')
    api.keys = [next]
    clock.seconds += 60
    expect(api.reviews).toEqual([])
    expect(api.requests[0]).toMatchObject({ accept: expect.stringContaining('application/jwk-set+json') })
    authenticator.stop()
  })
})
