import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UserInfo } from '../../src/identity/principal.js'
import type { ConnectedApiServer } from '../../src/kube/create-api-server.js'
import type { Access } from '../../src/rbac/authorizer.js'
import { createEmbeddedAuthorizer } from '../../src/rbac/embedded-authorizer.js'
import type { AccessAttributes, SelectorRequirement } from '../../src/rbac/operation.js'
import { createSarAuthorizer } from '../../src/rbac/sar-authorizer.js'
import type { SarEvent } from '../../src/rbac/sar-failure.js'
import { resourceSpec, sarBody } from '../../src/rbac/sar-question.js'
import { sarUser } from '../../src/rbac/sar-user.js'
import { virtualOperations } from '../../src/rbac/virtual-resources.js'
import { watchRbac } from '../../src/rbac/watch-rbac.js'
import { eventually } from '../e2e/support/eventually.js'
import { loadManifest } from '../rbac-oracle/our-reply.js'
import { connect } from './sar-stand.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import { type ApiServerAccess, startApiServer, type TestApiServer } from './start-api-server.js'

const group = 'rbac.authorization.k8s.io'
const user = (username: string, ...groups: string[]): UserInfo => ({ username, uid: '', groups, extra: new Map() })
const ask = (parts: Partial<AccessAttributes>): AccessAttributes => ({
  verb: 'get',
  group: '',
  resource: 'pods',
  subresource: '',
  namespace: 'sar',
  name: '',
  ...parts,
})

// Names are this test's own: others use the same API server.
const roles = [
  {
    kind: 'ClusterRole',
    metadata: { name: 'sar-reader' },
    rules: [
      { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get', 'list'] },
      { nonResourceURLs: ['/sar/*'], verbs: ['get'] },
    ],
  },
  {
    kind: 'Role',
    metadata: { name: 'sar-tools', namespace: 'sar' },
    rules: [
      { apiGroups: ['mcp-authz.dev'], resources: ['tools'], resourceNames: ['files.read'], verbs: ['call'] },
      { apiGroups: ['mcp-authz.dev'], resources: ['servers/resources'], resourceNames: ['files'], verbs: ['read'] },
    ],
  },
]
const binding = (kind: string, name: string, roleRef: object, subject: object, namespace?: string) => ({
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
  roleRef: { apiGroup: group, ...roleRef },
  subjects: [subject],
})
const clusterRole = (name: string) => ({ kind: 'ClusterRole', name })
const named = (kind: 'User' | 'Group', name: string) => ({ apiGroup: group, kind, name })
const bindings = [
  binding('RoleBinding', 'sar-alice', { kind: 'Role', name: 'sar-tools' }, named('User', 'sar-alice'), 'sar'),
  binding('RoleBinding', 'sar-staff', clusterRole('sar-reader'), named('Group', 'sar-staff'), 'sar'),
  binding('ClusterRoleBinding', 'sar-bot', clusterRole('sar-reader'), {
    kind: 'ServiceAccount',
    name: 'sar-bot',
    namespace: 'sar',
  }),
  binding('RoleBinding', 'sar-broken', clusterRole('sar-gone'), named('User', 'sar-bob'), 'sar'),
]
const manifests = [...roles, ...bindings].map(one => ({ apiVersion: `${group}/v1`, ...one }))

const alice = user('sar-alice', 'system:authenticated')
const staff = user('sar-carol', 'sar-staff', 'system:authenticated')
const bot = user('system:serviceaccount:sar:sar-bot', 'system:serviceaccounts', 'system:serviceaccounts:sar')

const cases: readonly [string, UserInfo, AccessAttributes][] = [
  ['a group in its namespace', staff, ask({ name: 'p' })],
  ['a group in its namespace, a subresource', staff, ask({ subresource: 'log' })],
  ['a group in another namespace', staff, ask({ namespace: 'default' })],
  ['a group everywhere', staff, ask({ namespace: '' })],
  ['another verb', staff, ask({ verb: 'delete' })],
  ['an account everywhere', bot, ask({ namespace: '' })],
  ['a binding whose role is gone', user('sar-bob'), ask({})],
  ['somebody unknown', user('sar-nobody', 'system:authenticated'), ask({})],
  ['a virtual tool', alice, ask({ verb: 'call', group: 'mcp-authz.dev', resource: 'tools', name: 'files.read' })],
  [
    'another virtual tool',
    alice,
    ask({ verb: 'call', group: 'mcp-authz.dev', resource: 'tools', name: 'files.write' }),
  ],
  [
    'a virtual server',
    alice,
    ask({ verb: 'read', group: 'mcp-authz.dev', resource: 'servers', subresource: 'resources', name: 'files' }),
  ],
  [
    'a name with everything in it',
    alice,
    ask({
      verb: 'read',
      group: 'mcp-authz.dev',
      resource: 'resources',
      name: 'files.file:///a b/ü?x=%00#"\\\u{1f600}',
    }),
  ],
  [
    'selectors, which RBAC does not look at',
    staff,
    ask({
      verb: 'list',
      fieldSelector: [{ key: 'metadata.name', operator: 'In', values: ['a'] }],
      labelSelector: [
        { key: 'app', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist', values: [] },
      ],
    }),
  ],
]

describeKube('SubjectAccessReviews of a real API server', () => {
  let server: ApiServerAccess
  let api: ConnectedApiServer
  const embedded = createEmbeddedAuthorizer(manifests.flatMap(one => loadManifest(one).objects))

  beforeAll(async () => {
    server = sharedApiServer()
    api = await connect(server, 'sar')
    for (const manifest of manifests) await server.apply(manifest)
    const last = bindings.at(-1)
    await eventually(`the binding ${last?.metadata.name}`, async () => {
      const said = await createSarAuthorizer({ api, rbacOnly: false, watch: undefined }).authorize(
        user('sar-bob'),
        ask({}),
      )
      return said.reason !== ''
    })
  })
  afterAll(() => api?.close())

  const create = (onEvent?: (event: SarEvent) => void) =>
    createSarAuthorizer({ api, rbacOnly: false, watch: undefined, ...(onEvent !== undefined && { onEvent }) })

  it.each(cases)('say what RBAC in this process says: %s', async (_what, who, what) => {
    expect(await create().authorize(who, what)).toEqual(embedded.authorize(who, what))
  })

  it.each([
    ['/sar/x', bot, 'get'],
    ['/sar/x', bot, 'post'],
    ['/sar', bot, 'get'],
    ['', bot, 'get'],
    ['*', bot, 'get'],
    ['/sar/x', staff, 'get'],
  ])('say so about URLs, too: %s', async (path, who, verb) => {
    expect(await create().authorizeUrl(who, { verb, path })).toEqual(embedded.authorizeUrl(who, { verb, path }))
  })

  it('know the virtual resources that stand for calls', async () => {
    const call = (name: string) =>
      virtualOperations(
        { name: 'files', namespace: 'sar' },
        {
          ...{ protocol: 'mcp', kind: 'request', era: 'legacy', version: undefined, id: '1', sessionId: undefined },
          ...{ method: 'tools/call', target: { kind: 'tool', name }, alsoTargets: [] },
          ...{ params: undefined, arguments: undefined },
        },
      )[0]?.anyOf
    const verdicts = async (name: string) =>
      Promise.all((call(name) ?? []).map(async one => (await create().authorize(alice, one)).allowed))
    expect(await verdicts('read')).toEqual([true, false])
    expect(await verdicts('write')).toEqual([false, false])
  })

  it('see the same user as from a token: no group more, none less', async () => {
    const byGroup = binding(
      'RoleBinding',
      'sar-everybody',
      clusterRole('sar-reader'),
      named('Group', 'system:authenticated'),
      'sar',
    )
    const manifest = { apiVersion: `${group}/v1`, ...byGroup, metadata: { name: 'sar-everybody', namespace: 'sar' } }
    await server.apply(manifest)
    try {
      const allowed = async (who: UserInfo) => (await create().authorize(who, ask({}))).allowed
      await eventually('the binding', () => allowed(user('sar-zoe', 'system:authenticated')))
      expect(await allowed(user('sar-zoe'))).toBe(false)
      expect(await allowed(user('system:serviceaccount:default:x', 'system:serviceaccounts'))).toBe(false)
    } finally {
      await server.admin.delete(`/apis/${group}/v1/namespaces/sar/rolebindings/sar-everybody`)
    }
  })

  const selector = (key: string, operator: SelectorRequirement['operator'], ...values: string[]) => [
    { key, operator, values },
  ]
  it.each([
    ['a label without values', 'labelSelector', selector('a', 'In')],
    ['a label with values that mean nothing', 'labelSelector', selector('a', 'Exists', 'b')],
    ['a label that cannot be', 'labelSelector', selector('-', 'Exists')],
    ['a label value that cannot be', 'labelSelector', selector('a', 'In', 'b c')],
    ['a field without values', 'fieldSelector', selector('a', 'NotIn')],
    ['a field with values that mean nothing', 'fieldSelector', selector('a', 'DoesNotExist', 'b')],
    ['a field without a name', 'fieldSelector', selector('', 'In', 'b')],
    ['a field with several values', 'fieldSelector', selector('a', 'In', 'b', 'c')],
    ['a field with an odd name', 'fieldSelector', selector('a b=c', 'In', 'b,c')],
  ] as const)('are not asked about what the API server would not look at: %s', async (_what, field, requirements) => {
    const what = ask({ verb: 'list', [field]: requirements })
    const body = sarBody(resourceSpec(sarUser(staff).fields, what))
    const sent = await api.request({ method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body })
    const access = await create().authorize(staff, what)
    expect({ looks: sent.ok, ...access, sent }).toMatchObject({ looks: !access.reason.startsWith('not asked: ') })
    expect(access).not.toHaveProperty('failed')
  })

  it('take users with uid and extra, and keep them apart', async () => {
    const authorizer = create()
    const who: UserInfo = { ...staff, uid: 'u-1', extra: new Map([['Example.com/Team', ['a', 'b']]]) }
    expect(await authorizer.authorize(who, ask({}))).toMatchObject({ allowed: true })
    expect(authorizer.authorize({ ...who }, ask({}))).toMatchObject({ allowed: true })
    expect(authorizer.authorize({ ...who, uid: 'u-2' }, ask({}))).toBeInstanceOf(Promise)
  })

  it('take the longest questions that we ask', async () => {
    const groups = Array.from({ length: 500 }, (_, at) => `${at}-${'ü'.repeat(250)}`)
    const what = ask({
      name: 'ü'.repeat(4096),
      labelSelector: [{ key: 'a', operator: 'In', values: ['x'.repeat(63)] }],
    })
    expect(await create().authorize(user('sar-long', ...groups), what)).toEqual({ allowed: false, reason: '' })
    const requirements = Array.from({ length: 256 }, (_, at) => ({
      key: `k${at}`,
      operator: 'Exists' as const,
      values: [],
    }))
    expect(await create().authorize(staff, ask({ labelSelector: requirements }))).toMatchObject({ allowed: true })
  })

  describe('with a watch on RBAC', () => {
    it('forget an allow within a second of the change that takes it away', async () => {
      const watch = watchRbac(api)
      const authorizer = createSarAuthorizer({ api, rbacOnly: true, watch })
      watch.start()
      try {
        await eventually('the first list', () => watch.freshness().synced)
        const who = user('sar-temp')
        const manifest = {
          apiVersion: `${group}/v1`,
          ...binding('RoleBinding', 'sar-temp', clusterRole('sar-reader'), named('User', 'sar-temp'), 'sar'),
        }
        for (let round = 0; round < 3; round++) {
          await server.apply(manifest)
          await eventually('the allow', async () => (await authorizer.authorize(who, ask({}))).allowed)
          expect(authorizer.authorize(who, ask({}))).toMatchObject({ allowed: true })
          const removed = await server.admin.delete(`/apis/${group}/v1/namespaces/sar/rolebindings/sar-temp`)
          const at = performance.now()
          expect(removed.status).toBe(200)
          await eventually('the denial', async () => !(await authorizer.authorize(who, ask({}))).allowed)
          expect(performance.now() - at).toBeLessThan(1000)
          // A denial does not outlive a new permission either: the next round begins at once.
        }
        expect(authorizer.stats().flushes).toBeGreaterThanOrEqual(6)
      } finally {
        watch.stop()
      }
    })
  })

  it('that we may not ask are a failure, and the operator hears why', async () => {
    const events: SarEvent[] = []
    const other = await connect(server, 'sar-not-permitted', { role: 'view' })
    const authorizer = createSarAuthorizer({
      api: other,
      rbacOnly: false,
      watch: undefined,
      onEvent: event => events.push(event),
    })
    for (let i = 0; i < 3; i++)
      expect(await authorizer.authorize(staff, ask({}))).toMatchObject({
        allowed: false,
        failed: 'dependency.api_server',
      })
    expect(events).toHaveLength(1)
    expect(events[0]?.message).toContain('system:auth-delegator')
    expect(events[0]?.message).toContain('cannot create resource "subjectaccessreviews"')
    other.close()
  })

  it('are one for equal questions at the same time', async () => {
    const authorizer = create()
    const all = await Promise.all(Array.from({ length: 200 }, () => authorizer.authorize(staff, ask({ name: 'same' }))))
    expect(new Set(all.map(({ reason }) => reason)).size).toBe(1)
    expect(authorizer.stats()).toMatchObject({ asked: 1, joined: 199, entries: 1 })
  })
})

describeKube('an API server that fails', () => {
  let server: TestApiServer
  beforeAll(async () => {
    server = await startApiServer({ audit: false })
  })
  afterAll(() => server?.stop())

  it('is a failure in time, and no denial that stands; what is known goes on', async () => {
    const api = await connect(server, 'sar', { timeoutMs: 500 })
    let now = 0
    const authorizer = createSarAuthorizer({ api, rbacOnly: false, watch: undefined, now: () => now })
    const admin = user('system:serviceaccount:sar:sar')
    const may = ask({ verb: 'list', group, resource: 'roles' })
    const within = async (access: Access | Promise<Access>) => {
      const at = performance.now()
      const settled = await access
      return { settled, ms: performance.now() - at }
    }
    expect((await eventually('the first answer', () => authorizer.authorize(admin, may))).allowed).toBe(true)
    await server.pause()
    expect(authorizer.authorize(admin, may)).toMatchObject({ allowed: true })
    const slow = await within(authorizer.authorize(admin, ask({})))
    server.resume()
    expect(slow.settled).toMatchObject({ allowed: false, failed: 'dependency.timeout' })
    expect(slow.ms).toBeLessThan(1500)
    await server.kill()
    now += 9_999
    expect(authorizer.authorize(admin, may)).toMatchObject({ allowed: true })
    now += 1
    const gone = await within(authorizer.authorize(admin, may))
    expect(gone.settled).toMatchObject({ allowed: false, failed: expect.stringMatching(/^dependency\./) })
    expect(gone.ms).toBeLessThan(1500)
    await server.restart()
    expect(await eventually('an answer', async () => (await authorizer.authorize(admin, may)).allowed, 30_000)).toBe(
      true,
    )
    api.close()
  })
})
