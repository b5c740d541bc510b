import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../identity/principal.js'
import type { Access } from './authorizer.js'
import type { AccessAttributes } from './operation.js'
import { ask, user } from './rbac.fixture.js'
import { type FakeApi, type FakeWatch, fakeApi, fakeWatch, type Said, settled } from './sar.fixture.js'
import { createSarAuthorizer, type SarAuthorizerOptions } from './sar-authorizer.js'
import type { SarEvent } from './sar-failure.js'

const yes = { status: { allowed: true, reason: 'RBAC: allowed' } }
const no = { status: { allowed: false } }
const alice = user('alice', 'staff', 'system:authenticated')
const second = 1000

interface SetUp extends Partial<SarAuthorizerOptions> {
  readonly say?: (spec: Readonly<Record<string, unknown>>) => Said
  readonly hold?: boolean
}

function setUp({ say = () => yes, hold = false, ...options }: SetUp = {}) {
  const api = fakeApi(say, { hold })
  const clock = { now: 1_000_000 }
  const events: SarEvent[] = []
  const authorizer = createSarAuthorizer({
    api,
    rbacOnly: false,
    watch: undefined,
    now: () => clock.now,
    onEvent: event => events.push(event),
    ...options,
  })
  const pass = (ms: number) => {
    clock.now += ms
  }
  return { api, events, authorizer, pass }
}

/** Whether it was known, and what it was. */
async function known(access: Access | Promise<Access>): Promise<boolean> {
  const now = !(access instanceof Promise)
  await access
  return now
}

describe('a question', () => {
  it('says all that is known of the user and the request, strictly', async () => {
    const { api, authorizer } = setUp()
    const who: UserInfo = {
      username: 'alice',
      uid: 'u-1',
      groups: ['staff', 'system:authenticated'],
      extra: new Map([
        ['Example.com/Team', ['a']],
        ['example.com/team', ['b', '']],
        ['a.example/x', []],
      ]),
    }
    const what: AccessAttributes = {
      ...ask({
        verb: 'list',
        group: 'apps',
        resource: 'deployments',
        subresource: 'scale',
        namespace: 'dev',
        name: 'x/y',
      }),
      fieldSelector: [{ key: 'metadata.name', operator: 'In', values: ['a'] }],
      labelSelector: [
        { key: 'app', operator: 'NotIn', values: ['b', 'c'] },
        { key: 'old', operator: 'DoesNotExist', values: [] },
      ],
    }
    expect(await authorizer.authorize(who, what)).toEqual({ allowed: true, reason: 'RBAC: allowed' })
    const [request] = api.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict',
      repeatable: true,
    })
    expect(JSON.parse(request?.body ?? '')).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'alice',
        uid: 'u-1',
        groups: ['staff', 'system:authenticated'],
        extra: { 'example.com/team': ['a', 'b', ''], 'a.example/x': [] },
        resourceAttributes: {
          verb: 'list',
          group: 'apps',
          resource: 'deployments',
          subresource: 'scale',
          namespace: 'dev',
          name: 'x/y',
          fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] },
          labelSelector: {
            requirements: [
              { key: 'app', operator: 'NotIn', values: ['b', 'c'] },
              { key: 'old', operator: 'DoesNotExist' },
            ],
          },
        },
      },
    })
  })

  it('adds no group and drops none: who has none stands for a user without', async () => {
    const { api, authorizer } = setUp()
    await authorizer.authorize(user('system:serviceaccount:dev:bot', 'system:serviceaccounts'), ask({}))
    await authorizer.authorize(user('bare'), ask({}))
    await authorizer.authorize(user('twice', 'a', 'a'), ask({}))
    expect(api.specs.map(({ groups }) => groups)).toEqual([['system:serviceaccounts'], undefined, ['a', 'a']])
  })

  it('is about a URL where there is no resource', async () => {
    const { api, authorizer } = setUp()
    expect(await authorizer.authorizeUrl(alice, { verb: 'get', path: '/healthz' })).toMatchObject({ allowed: true })
    expect(api.specs).toEqual([
      { user: 'alice', groups: alice.groups, nonResourceAttributes: { verb: 'get', path: '/healthz' } },
    ])
    expect(await known(authorizer.authorizeUrl(user(...names(alice)), { verb: 'get', path: '/healthz' }))).toBe(true)
    expect(await known(authorizer.authorizeUrl(alice, { verb: 'get', path: '/healthz/' }))).toBe(false)
  })

  it('takes members of an operation that are not its business for none', async () => {
    const { api, authorizer } = setUp()
    const operation = { ...ask({}), version: 'v1', clusterScoped: true, object: new Map() }
    await authorizer.authorize(alice, operation)
    expect(Object.keys(api.specs[0]?.resourceAttributes ?? {})).toEqual(Object.keys(ask({})))
  })

  const long = (length: number) => 'x'.repeat(length)
  const refused: readonly [string, UserInfo, Partial<AccessAttributes>, string][] = [
    ['nobody', user('', 'staff'), {}, 'the user has no name'],
    ['a member of system:masters', user('root', 'system:masters'), {}, 'members of system:masters are not known here'],
    ['half a surrogate pair as a user', user('a\ud800'), {}, 'not well-formed Unicode'],
    ['half a surrogate pair as a group', user('a', '\udc00'), {}, 'not well-formed Unicode'],
    ['names without end', user('a', ...Array.from({ length: 600 }, () => long(1000))), {}, 'too long'],
    ['a million empty groups', { ...user('a'), groups: Array<string>(1_000_000).fill('') }, {}, 'too long'],
    ['a slash in the resource', alice, { resource: 'servers/tools' }, 'the resource holds a "/"'],
    ['a slash in the subresource', alice, { subresource: 'a/b' }, 'the subresource holds a "/"'],
    ['a slash in the namespace', alice, { namespace: '../kube-system' }, 'the namespace holds a "/"'],
    ['a slash in the group', alice, { group: 'apps/v1' }, 'the API group holds a "/"'],
    ['a slash in the verb', alice, { verb: 'get/list' }, 'the verb holds a "/"'],
    ['a long namespace', alice, { namespace: long(254) }, 'the namespace is longer than 253 characters'],
    ['a long name', alice, { name: long(4097) }, 'the name is longer than 4096 characters'],
    ['a name of megabytes', alice, { name: long(4_000_000) }, 'the name is longer than 4096 characters'],
    ['half a surrogate pair as a name', alice, { name: '\ud83d' }, 'not well-formed Unicode'],
    [
      'selectors without end',
      alice,
      { labelSelector: [{ key: 'a', operator: 'In', values: Array<string>(20_000).fill('') }] },
      'the selectors are too long',
    ],
    [
      'a selector without values',
      alice,
      { labelSelector: [{ key: 'a', operator: 'NotIn', values: [] }] },
      'a selector lists values where it must not, or none where it must',
    ],
    [
      'a selector with values that mean nothing',
      alice,
      { fieldSelector: [{ key: 'a', operator: 'Exists', values: ['b'] }] },
      'a selector lists values where it must not, or none where it must',
    ],
    [
      'a label that cannot be',
      alice,
      { labelSelector: [{ key: '-', operator: 'Exists', values: [] }] },
      'a label selector holds what cannot be a label',
    ],
    [
      'a label value that cannot be',
      alice,
      { labelSelector: [{ key: 'a', operator: 'In', values: ['b', 'c d'] }] },
      'a label selector holds what cannot be a label',
    ],
    [
      'a field without a name',
      alice,
      { fieldSelector: [{ key: '', operator: 'In', values: ['b'] }] },
      'a field selector names no field',
    ],
    [
      'requirements without end',
      alice,
      { fieldSelector: Array.from({ length: 257 }, () => ({ key: 'a', operator: 'Exists' as const, values: [] })) },
      'the selectors are too long',
    ],
  ]
  it.each(refused)('is not asked about %s', (_what, who, what, why) => {
    const { api, authorizer } = setUp()
    const access = authorizer.authorize(who, ask(what))
    expect(access).toMatchObject({ allowed: false, reason: expect.stringContaining(why) })
    expect(access).not.toHaveProperty('failed')
    expect(access).toMatchObject({ reason: expect.stringMatching(/^not asked: /) })
    expect(api.requests).toEqual([])
    expect(authorizer.stats()).toMatchObject({ refused: 1, entries: 0 })
  })

  it.each([
    ['nobody', user(''), '/', 'get'],
    ['a long path', alice, `/${long(8192)}`, 'get'],
    ['a long verb', alice, '/', long(254)],
    ['half a surrogate pair', alice, '/\udc00', 'get'],
  ])('about a URL is not asked about %s', (_what, who, path, verb) => {
    const { api, authorizer } = setUp()
    expect(authorizer.authorizeUrl(who, { verb, path })).toMatchObject({ allowed: false })
    expect(api.requests).toEqual([])
  })
})

const names = ({ username, groups }: UserInfo): [string, ...string[]] => [username, ...groups]

describe('an answer', () => {
  const table: readonly [string, Said, Access][] = [
    ['allowed', { status: { allowed: true, reason: 'r' } }, { allowed: true, reason: 'r' }],
    ['allowed, an error beside it', { status: { allowed: true, evaluationError: 'e' } }, { allowed: true, reason: '' }],
    [
      'allowed, with fields of later versions',
      { status: { allowed: true, later: [1] } },
      { allowed: true, reason: '' },
    ],
    ['no opinion', { status: { allowed: false } }, { allowed: false, reason: '' }],
    ['denied', { status: { allowed: false, denied: true, reason: 'no' } }, { allowed: false, reason: 'no' }],
    ['allowed and denied', { status: { allowed: true, denied: true } }, { allowed: false, reason: '' }],
    [
      'not allowed, with a reason and an error',
      { status: { allowed: false, reason: 'r', evaluationError: 'e' } },
      { allowed: false, reason: 'r; e' },
    ],
    [
      'allowed under conditions',
      { status: { allowed: true, conditionalDecision: {} } },
      { allowed: false, reason: 'the API server decided under conditions, which counts as no' },
    ],
    [
      'conditions of null',
      { status: { allowed: true, conditionalDecision: null } },
      { allowed: false, reason: 'the API server decided under conditions, which counts as no' },
    ],
    [
      'a reason that plays tricks',
      { status: { allowed: false, reason: 'a\u0000\u001b[31m\n\u202eb\u2028c' } },
      { allowed: false, reason: 'a [31m b c' },
    ],
  ]
  it.each(table)('that says %s', async (_what, said, expected) => {
    const { authorizer } = setUp({ say: () => said })
    expect(await authorizer.authorize(alice, ask({}))).toEqual(expected)
  })

  it('keeps 2,000 characters of a reason', async () => {
    const { authorizer } = setUp({ say: () => ({ status: { allowed: false, reason: 'ü'.repeat(1_000_000) } }) })
    const { reason } = await authorizer.authorize(alice, ask({}))
    expect(reason).toBe(`${'ü'.repeat(1999)}…`)
    expect(authorizer.stats().bytes).toBeLessThan(5_000)
  })

  const spec = { user: 'alice', groups: alice.groups, resourceAttributes: { verb: 'get', resource: 'pods' } }
  const review = { kind: 'SubjectAccessReview', spec, status: { allowed: true } }
  const worthless: readonly [string, unknown][] = [
    ['no object', []],
    ['null', null],
    ['a Status', { kind: 'Status', status: 'Success' }],
    ['no status', { ...review, status: undefined }],
    ['a status without a word', { ...review, status: {} }],
    ['allowed of null', { ...review, status: { allowed: null } }],
    ['allowed as text', { ...review, status: { allowed: 'true' } }],
    ['allowed as a number', { ...review, status: { allowed: 1 } }],
    ['denied as text', { ...review, status: { allowed: true, denied: 'false' } }],
    ['a reason that is none', { ...review, status: { allowed: true, reason: {} } }],
    ['an error that is none', { ...review, status: { allowed: true, evaluationError: ['e'] } }],
    ['no spec', { ...review, spec: undefined }],
    ['another user', { ...review, spec: { ...spec, user: 'bob' } }],
    ['a uid', { ...review, spec: { ...spec, uid: 'x' } }],
    ['other groups', { ...review, spec: { ...spec, groups: ['staff'] } }],
    ['groups in another order', { ...review, spec: { ...spec, groups: [...alice.groups].reverse() } }],
    ['another verb', { ...review, spec: { ...spec, resourceAttributes: { verb: 'list', resource: 'pods' } } }],
    [
      'another namespace',
      { ...review, spec: { ...spec, resourceAttributes: { ...spec.resourceAttributes, namespace: 'kube-system' } } },
    ],
    ['no resource', { ...review, spec: { ...spec, resourceAttributes: undefined } }],
    ['a URL as well', { ...review, spec: { ...spec, nonResourceAttributes: { verb: 'get', path: '/' } } }],
  ]
  it('is taken when it repeats the question', async () => {
    expect(await setUp({ say: () => ({ body: review }) }).authorizer.authorize(alice, ask({}))).toMatchObject({
      allowed: true,
    })
  })
  it.each(worthless)('is none, and is not kept: %s', async (_what, body) => {
    const { authorizer, events } = setUp({ say: () => ({ body }) })
    expect(await authorizer.authorize(alice, ask({}))).toEqual({
      allowed: false,
      failed: 'dependency.api_server',
      reason: 'the API server gave an answer that cannot be relied on',
    })
    expect(events).toMatchObject([{ kind: 'failed', cluster: 'test' }])
    expect(authorizer.stats()).toMatchObject({ entries: 0, failed: 1 })
    expect(await known(authorizer.authorize(alice, ask({})))).toBe(false)
  })
})

describe('a failure', () => {
  const failures = [
    ['timeout', undefined, 'dependency.timeout'],
    ['refused', 403, 'dependency.api_server'],
    ['refused', 401, 'dependency.api_server'],
    ['refused', 422, 'dependency.api_server'],
    ['throttled', 429, 'dependency.api_server'],
    ['overloaded', undefined, 'dependency.api_server'],
    ['unavailable', 503, 'dependency.api_server'],
    ['malformed', 201, 'dependency.api_server'],
  ] as const
  it.each(failures)('%s, HTTP %s: %s, and nothing of it is kept', async (reason, status, failed) => {
    const { api, authorizer } = setUp({ say: () => ({ reason, status, message: 'secret words' }) })
    const access = await authorizer.authorize(alice, ask({}))
    expect(access).toMatchObject({ allowed: false, failed })
    expect(access.reason).not.toContain('secret')
    await authorizer.authorize(alice, ask({}))
    expect(api.requests).toHaveLength(2)
  })

  it('tells the operator once a minute what to do, and how often it happened', async () => {
    const { authorizer, events, pass } = setUp({
      say: () => ({ reason: 'refused', status: 403, message: 'forbidden: x' }),
    })
    for (let i = 0; i < 5; i++) await authorizer.authorize(alice, ask({}))
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ kind: 'not_permitted', cluster: 'test', suppressed: 0 })
    expect(events[0]?.message).toContain('system:auth-delegator')
    expect(events[0]?.message).toContain('forbidden: x')
    pass(60 * second)
    await authorizer.authorize(alice, ask({}))
    expect(events[1]).toMatchObject({ suppressed: 4 })
  })

  it('of the client itself is one, too', async () => {
    const { authorizer } = setUp({
      say: () => {
        throw new Error('a bug')
      },
    })
    expect(await authorizer.authorize(alice, ask({}))).toMatchObject({ failed: 'dependency.api_server' })
  })
})

describe('what is known', () => {
  it('is said at once to the same question of the same user, whatever object stands for them', async () => {
    const { api, authorizer } = setUp()
    await authorizer.authorize(alice, ask({ name: 'a' }))
    expect(authorizer.authorize(alice, ask({ name: 'a' }))).toEqual({ allowed: true, reason: 'RBAC: allowed' })
    expect(authorizer.authorize(user(...names(alice)), ask({ name: 'a' }))).toEqual({
      allowed: true,
      reason: 'RBAC: allowed',
    })
    expect(api.requests).toHaveLength(1)
    expect(authorizer.stats()).toMatchObject({ entries: 1, hits: 2, asked: 1 })
  })

  const base: UserInfo = { username: 'a', uid: 'b', groups: ['c', 'd'], extra: new Map([['e', ['f', 'g']]]) }
  const others: readonly [string, UserInfo, Partial<AccessAttributes>][] = [
    ['username', { ...base, username: 'ab' }, {}],
    ['uid', { ...base, uid: '' }, {}],
    ['groups joined', { ...base, groups: ['cd'] }, {}],
    ['groups in another order', { ...base, groups: ['d', 'c'] }, {}],
    ['a group as a value of extra', { ...base, groups: ['c'], extra: new Map([['d', ['e', 'f', 'g']]]) }, {}],
    ['extra values joined', { ...base, extra: new Map([['e', ['fg']]]) }, {}],
    [
      'an extra value as a key',
      {
        ...base,
        extra: new Map([
          ['e', ['f']],
          ['g', []],
        ]),
      },
      {},
    ],
    ['verb and group shifted', base, { verb: 'ge', group: 't' }],
    ['name', base, { name: 'x' }],
    ['namespace instead of name', base, { namespace: 'x' }],
    ['a field selector', base, { fieldSelector: [{ key: 'x', operator: 'Exists', values: [] }] }],
    ['a label selector', base, { labelSelector: [{ key: 'x', operator: 'Exists', values: [] }] }],
  ]
  it.each(others)('is not said to another one: %s', async (_what, who, what) => {
    const { api, authorizer } = setUp()
    await authorizer.authorize(base, ask({}))
    await authorizer.authorize(who, ask(what))
    expect(api.requests).toHaveLength(2)
  })

  it('is not said to somebody with a long list of groups that is a little different', async () => {
    const { authorizer } = setUp()
    const groups = Array.from({ length: 300 }, (_, at) => `group-${at}`)
    await authorizer.authorize(user('a', ...groups), ask({}))
    expect(await known(authorizer.authorize(user('a', ...groups), ask({})))).toBe(true)
    expect(await known(authorizer.authorize(user('a', ...groups.slice(1)), ask({})))).toBe(false)
    expect(authorizer.stats().bytes).toBeLessThan(1500)
  })

  it.each([
    ['an allow for 10 s', yes, 10 * second],
    ['a denial for 5 s', no, 5 * second],
  ])('counts: %s from when it was asked', async (_what, said, ttl) => {
    const { api, authorizer, pass } = setUp({ say: () => said, hold: true })
    const first = authorizer.authorize(alice, ask({}))
    pass(2 * second)
    await api.release()
    await first
    pass(ttl - 2 * second - 1)
    expect(await known(authorizer.authorize(alice, ask({})))).toBe(true)
    pass(1)
    const again = authorizer.authorize(alice, ask({}))
    expect(again).toBeInstanceOf(Promise)
    await api.release()
    await again
  })

  it('does not count when the clock was set back', async () => {
    const { authorizer, pass } = setUp()
    await authorizer.authorize(alice, ask({}))
    pass(-second)
    expect(await known(authorizer.authorize(alice, ask({})))).toBe(false)
  })

  it('is no longer than 10,000 characters', async () => {
    const { authorizer } = setUp()
    const path = `/${'x'.repeat(8000)}`
    await authorizer.authorizeUrl(alice, { verb: 'get', path })
    expect(await known(authorizer.authorizeUrl(alice, { verb: 'get', path }))).toBe(true)
    const selector = { key: 'metadata.name', operator: 'In' as const, values: ['x'.repeat(9000)] }
    const what = ask({ name: 'x'.repeat(1000) })
    expect(await known(authorizer.authorize(alice, { ...what, fieldSelector: [selector] }))).toBe(false)
    expect(await known(authorizer.authorize(alice, { ...what, fieldSelector: [selector] }))).toBe(false)
    expect(authorizer.stats().entries).toBe(1)
  })

  it('is bounded in number: what was not used for longest goes', async () => {
    const { authorizer } = setUp({ maxEntries: 2 })
    for (const name of ['a', 'b']) await authorizer.authorize(alice, ask({ name }))
    await authorizer.authorize(alice, ask({ name: 'a' }))
    await authorizer.authorize(alice, ask({ name: 'c' }))
    expect(authorizer.stats().entries).toBe(2)
    expect(await known(authorizer.authorize(alice, ask({ name: 'a' })))).toBe(true)
    expect(await known(authorizer.authorize(alice, ask({ name: 'b' })))).toBe(false)
  })

  it('is bounded in bytes', async () => {
    const { authorizer } = setUp({
      maxBytes: 20_000,
      say: () => ({ status: { allowed: false, reason: 'r'.repeat(1000) } }),
    })
    for (let i = 0; i < 50; i++) await authorizer.authorize(alice, ask({ name: `n${i}` }))
    expect(authorizer.stats().bytes).toBeLessThanOrEqual(20_000)
    expect(authorizer.stats().entries).toBeGreaterThan(5)
  })
})

describe('equal questions at the same time', () => {
  it('are one, and its failure is that of all who wait, and of nobody after', async () => {
    const { api, authorizer } = setUp({ hold: true })
    const all = Array.from({ length: 5 }, () => authorizer.authorize(user(...names(alice)), ask({})))
    expect(api.requests).toHaveLength(1)
    await api.release({ reason: 'timeout', status: undefined, message: '' })
    for (const access of await Promise.all(all)) expect(access).toMatchObject({ failed: 'dependency.timeout' })
    expect(authorizer.stats()).toMatchObject({ asked: 1, joined: 4, failed: 1 })
    const again = authorizer.authorize(alice, ask({}))
    await api.release()
    expect(await again).toMatchObject({ allowed: true })
  })

  it('of different users are not', () => {
    const { api, authorizer } = setUp({ hold: true })
    void authorizer.authorize(user('a'), ask({}))
    void authorizer.authorize(user('b'), ask({}))
    expect(api.requests).toHaveLength(2)
  })
})

describe('with a watch', () => {
  async function warm(options: SetUp & { readonly watch: FakeWatch }) {
    const set = setUp({ rbacOnly: true, ...options })
    await set.authorizer.authorize(alice, ask({}))
    return { ...set, isKnown: () => known(set.authorizer.authorize(alice, ask({}))) }
  }

  it('an allow counts for 5 minutes while the watch is fresh', async () => {
    const { isKnown, pass } = await warm({ watch: fakeWatch() })
    pass(300 * second - 1)
    expect(await isKnown()).toBe(true)
    pass(1)
    expect(await isKnown()).toBe(false)
  })

  it('a denial counts for 5 s all the same', async () => {
    const { isKnown, pass } = await warm({ watch: fakeWatch(), say: () => no })
    pass(5 * second)
    expect(await isKnown()).toBe(false)
  })

  it.each([
    ['is stale', { synced: true, staleForMs: 30_000, problem: '' }],
    ['has nothing yet', { synced: false, staleForMs: 0, problem: '' }],
    ['was never heard of', { synced: true, staleForMs: Number.POSITIVE_INFINITY, problem: '' }],
    ['does not know', { synced: true, staleForMs: Number.NaN, problem: '' }],
  ])('an allow counts for 10 s where the watch %s when it is used', async (_what, fresh) => {
    const watch = fakeWatch()
    const { isKnown, pass } = await warm({ watch })
    watch.fresh = fresh
    pass(10 * second - 1)
    expect(await isKnown()).toBe(true)
    pass(1)
    expect(await isKnown()).toBe(false)
  })

  it('an allow counts for 10 s where RBAC is not all there is', async () => {
    const { isKnown, pass } = await warm({ watch: fakeWatch(), rbacOnly: false })
    pass(10 * second)
    expect(await isKnown()).toBe(false)
  })

  it.each([true, false])('every change makes it forget everything (rbacOnly %s)', async rbacOnly => {
    const watch = fakeWatch()
    const { isKnown, authorizer } = await warm({ watch, rbacOnly })
    watch.change()
    expect(authorizer.stats()).toMatchObject({ entries: 0, flushes: 1 })
    expect(await isKnown()).toBe(false)
  })

  it('an answer that was asked for before a change is not kept, and nobody joins it afterwards', async () => {
    const watch = fakeWatch()
    const { api, authorizer } = setUp({ watch, rbacOnly: true, hold: true })
    const before = authorizer.authorize(alice, ask({}))
    watch.change()
    const after = authorizer.authorize(alice, ask({}))
    expect(api.requests).toHaveLength(2)
    await api.release(yes)
    expect(await before).toMatchObject({ allowed: true })
    expect(authorizer.stats()).toMatchObject({ entries: 0, joined: 0 })
    // The question of now is still under way, whatever came of the old one.
    const joined = authorizer.authorize(alice, ask({}))
    expect(api.requests).toHaveLength(2)
    await api.release(no)
    expect(await after).toMatchObject({ allowed: false })
    expect(await joined).toMatchObject({ allowed: false })
    expect(authorizer.authorize(alice, ask({}))).toMatchObject({ allowed: false })
  })

  it('an old answer that comes last does not replace the new one', async () => {
    const watch = fakeWatch()
    const answers: ((said: Said) => void)[] = []
    const held: FakeApi = fakeApi(() => yes)
    const late = {
      ...held,
      request: async (request: Parameters<FakeApi['request']>[0]) => {
        const said = await new Promise<Said>(resolve => answers.push(resolve))
        return fakeApi(() => said).request(request)
      },
    }
    const authorizer = createSarAuthorizer({ api: late, rbacOnly: true, watch, now: () => 0 })
    const before = authorizer.authorize(alice, ask({}))
    watch.change()
    const after = authorizer.authorize(alice, ask({}))
    answers[1]?.(no)
    expect(await after).toMatchObject({ allowed: false })
    answers[0]?.(yes)
    expect(await before).toMatchObject({ allowed: true })
    await settled()
    expect(authorizer.authorize(alice, ask({}))).toMatchObject({ allowed: false })
  })

  it('what was asked soon after a change counts for 10 s: another API server may not have heard of it', async () => {
    const watch = fakeWatch()
    const { isKnown, pass } = await warm({ watch })
    watch.change()
    pass(10 * second - 1)
    expect(await isKnown()).toBe(false)
    pass(10 * second)
    expect(await isKnown()).toBe(false)
    pass(10 * second)
    expect(await isKnown()).toBe(true)
  })
})
