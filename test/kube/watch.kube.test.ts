import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { UserInfo } from '../../src/identity/principal.js'
import type { ApiServer } from '../../src/kube/api-server.js'
import type { ConnectedApiServer } from '../../src/kube/create-api-server.js'
import { type CollectionEvent, watchCollection } from '../../src/kube/watch-collection.js'
import type { WatchedCollection } from '../../src/kube/watched-collection.js'
import { isJsonObject } from '../../src/protocol/json-value.js'
import type { Access } from '../../src/rbac/authorizer.js'
import type { RbacWatch } from '../../src/rbac/rbac-watch.js'
import { watchRbac } from '../../src/rbac/watch-rbac.js'
import { createWatchedAuthorizer } from '../../src/rbac/watched-authorizer.js'
import { eventually } from '../e2e/support/eventually.js'
import { Random } from '../fuzz/random.js'
import type { OracleRequest } from '../rbac-oracle/question.js'
import { randomSet, setNamespaces } from './differential/random-set.js'
import { sameAnswer, userOf } from './differential/same-answer.js'
import { connect } from './sar-stand.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'

const seed = Number(process.env.WATCH_SEED ?? 20_261_121)
const sets = Number(process.env.WATCH_SETS ?? 25)
const soonMs = 1_000

const namespace = 'watched'
const path = `/api/v1/namespaces/${namespace}/configmaps`
const label = 'mcp-authz.dev/policy'
const configMap = (name: string, value: string, labels: Record<string, string> = { [label]: 'true' }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  data: { value },
})

const allowPods = (user: string) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: `pods-${user}`, namespace },
    rules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: `pods-${user}`, namespace },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: `pods-${user}` },
  },
]
const bindingOf = (user: string) =>
  `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/pods-${user}`

const listPods = { verb: 'list', group: '', resource: 'pods', subresource: '', namespace, name: '' }
const user = (username: string, ...groups: string[]): UserInfo => ({ username, uid: '', groups, extra: new Map() })

describeKube('watching a real API server', () => {
  let server: TestApiServer
  let api: ConnectedApiServer
  const ends: (() => void)[] = []

  beforeAll(async () => {
    server = await startApiServer({ audit: false })
    api = await connect(server, 'watcher', { role: 'cluster-admin' })
    for (const name of [namespace, ...setNamespaces])
      await server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  })
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })
  afterAll(async () => {
    api?.close()
    await server?.stop()
  })

  function watchPolicies(through: ApiServer = api, onEvent?: (event: CollectionEvent) => void): WatchedCollection {
    const watched = watchCollection({
      api: through,
      path,
      labelSelector: `${label}=true`,
      maxObjects: 1_000,
      maxBytes: 10_000_000,
      onChange() {},
      ...(onEvent === undefined ? {} : { onEvent }),
    })
    watched.start()
    ends.push(() => watched.stop())
    return watched
  }

  function watchAllRbac(timings?: Parameters<typeof watchRbac>[1]): RbacWatch {
    const watch = watchRbac(api, timings)
    watch.start()
    ends.push(() => watch.stop())
    return watch
  }

  async function synced<T extends WatchedCollection | RbacWatch>(watched: T): Promise<T> {
    await eventually('the first list', () => watched.freshness().synced)
    return watched
  }

  const valueIn = (watched: WatchedCollection, name: string) => {
    const data = watched.objects.get(`${namespace}/${name}`)?.get('data')
    return isJsonObject(data) ? data.get('value') : undefined
  }
  const soon = (what: string, probe: () => boolean) => eventually(what, probe, soonMs)

  describe('a collection', () => {
    it('sees what is added, changed, unlabelled, labelled and deleted within a second', async () => {
      const watched = await synced(watchPolicies())
      await server.apply(configMap('plain', '1', {}))
      await server.apply(configMap('a', '1'))
      await soon('the added one', () => valueIn(watched, 'a') === '1')
      await server.apply(configMap('a', '2'))
      await soon('the change', () => valueIn(watched, 'a') === '2')
      await server.admin.patch(`${path}/a`, { metadata: { labels: { [label]: null } } })
      await soon('the loss of the label', () => !watched.objects.has(`${namespace}/a`))
      await server.admin.patch(`${path}/a`, { metadata: { labels: { [label]: 'true' } } })
      await soon('the label', () => valueIn(watched, 'a') === '2')
      await server.admin.delete(`${path}/a`)
      await soon('the deletion', () => watched.objects.size === 0)
      expect(watched.freshness().problem).toBe('')
    })

    it('reads more than one page', async () => {
      const names = Array.from({ length: 620 }, (_, at) => `many-${at}`)
      for (let at = 0; at < names.length; at += 31)
        await Promise.all(names.slice(at, at + 31).map(name => server.admin.post(path, configMap(name, name))))
      const watched = await synced(watchPolicies())
      expect(watched.objects.size).toBe(620)
      await server.admin.delete(`${path}?labelSelector=${label}`)
      await eventually('the deletion of all', () => watched.objects.size === 0)
    })

    it('reads ConfigMaps as large as they can be', async () => {
      const value = '<'.repeat(1_048_576)
      await server.admin.post(path, configMap('large', value))
      const watched = await synced(watchPolicies())
      expect(valueIn(watched, 'large')).toBe(value)
      const changed = '>'.repeat(1_048_576)
      await server.admin.patch(`${path}/large`, { data: { value: changed } })
      await soon('the large change', () => valueIn(watched, 'large') === changed)
      await server.admin.delete(`${path}/large`)
    })

    it('lists anew after 410', async () => {
      const events: CollectionEvent[] = []
      const gate = gated(api)
      const watched = await synced(watchPolicies(gate.api, event => void events.push(event)))
      gate.close()
      await server.apply(configMap('missed', '1'))
      await server.admin.delete(`${path}/missed`)
      await server.apply(configMap('after', '1'))
      await server.restart()
      gate.open()
      await eventually('the new list', () => valueIn(watched, 'after') === '1', 20_000)
      expect(
        events
          .filter(({ type }) => type === 'failed')
          .map(event => JSON.stringify(event))
          .join(),
      ).toContain('too old resource version')
      await server.admin.delete(`${path}/after`)
      await soon('the deletion', () => watched.objects.size === 0)
    })

    it('goes on after the API server was killed and came back', async () => {
      const watched = await synced(watchPolicies())
      await server.kill()
      await eventually('the problem', () => watched.freshness().problem !== '')
      await server.restart()
      await server.apply(configMap('b', '1'))
      await eventually('the object', () => valueIn(watched, 'b') === '1', 5_000)
      await eventually('the end of the problem', () => watched.freshness().problem === '', 5_000)
      await server.admin.delete(`${path}/b`)
      await soon('the deletion', () => watched.objects.size === 0)
    })

    it('finds out that the version it has is of the future', async () => {
      const ahead = watchCollection({
        ...{ api: shifted(api), path, maxObjects: 1_000, maxBytes: 10_000_000, onChange() {} },
        timings: { watchMs: 4_000 },
      })
      ahead.start()
      ends.push(() => ahead.stop())
      await synced(ahead)
      await server.apply(configMap('c', '1'))
      await eventually('the object', () => valueIn(ahead, 'c') === '1', 20_000)
      await server.admin.delete(`${path}/c`)
    })
  })

  describe('RBAC', () => {
    it('is confirmed all the time where nothing happens', async () => {
      const watch = await synced(watchAllRbac({ timings: { watchMs: 2_000 } }))
      for (let at = 0; at < 80; at++) {
        await sleep(100)
        expect(watch.freshness().staleForMs).toBeLessThan(4_500)
      }
      expect(watch.freshness().problem).toBe('')
    })

    it('gives and takes within a second', async () => {
      const watch = await synced(watchAllRbac())
      const authorizer = createWatchedAuthorizer(watch)
      const may = () => authorizer.authorize(user('dora'), listPods).allowed
      expect(may()).toBe(false)
      for (const object of allowPods('dora')) await server.apply(object)
      await soon('the permission', may)
      await server.admin.delete(bindingOf('dora'))
      await soon('the revocation', () => !may())
    })

    it('denies while the API server is silent for too long, and answers again when it is back', async () => {
      for (const object of allowPods('erin')) await server.apply(object)
      const watch = await synced(watchAllRbac({ timings: { watchMs: 2_000, openTimeoutMs: 1_000 } }))
      const authorizer = createWatchedAuthorizer(watch, { maxStaleMs: 4_500 })
      const access = () => authorizer.authorize(user('erin'), listPods)
      await soon('the permission', () => access().allowed)
      await server.pause()
      try {
        await sleep(1_000)
        expect(access().allowed).toBe(true)
        await eventually('the denial', () => !access().allowed, 5_000)
        expect(access()).toMatchObject({ failed: 'dependency.rbac_stale' })
      } finally {
        server.resume()
      }
      await eventually('the permission', () => access().allowed, 10_000)
    })

    it('takes an aggregated ClusterRole as the controller fills it', async () => {
      const watch = await synced(watchAllRbac())
      const authorizer = createWatchedAuthorizer(watch)
      const rbac = 'rbac.authorization.k8s.io'
      const part = { 'example.com/aggregate': 'to-parts' }
      const role = { apiVersion: `${rbac}/v1`, kind: 'ClusterRole' }
      await server.apply({
        ...role,
        metadata: { name: 'parts' },
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: part }] },
      })
      await server.apply({
        ...{ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'parts' } },
        subjects: [{ apiGroup: rbac, kind: 'User', name: 'fred' }],
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'parts' },
      })
      const rules = [{ verbs: ['list'], apiGroups: [''], resources: ['pods'] }]
      await server.apply({ ...role, metadata: { name: 'part', labels: part }, rules })
      await eventually('the rule', () => authorizer.authorize(user('fred'), listPods).allowed, 5_000)
      const { verb, resource } = listPods
      expect(await server.review({ user: 'fred', resourceAttributes: { verb, resource, namespace } })).toEqual(
        authorizer.authorize(user('fred'), listPods),
      )
    })

    it('answers like a SubjectAccessReview for system:masters', async () => {
      const authorizer = createWatchedAuthorizer(await synced(watchAllRbac()))
      const { verb, resource } = listPods
      const resourceAttributes = { verb, resource, namespace }
      const root = user('root', 'system:masters')
      // What was watched has to be indexed first.
      await eventually('an answer', () => !('failed' in authorizer.authorize(root, listPods)), 5_000)
      expect(authorizer.authorize(root, listPods)).toEqual(
        await server.review({ user: 'root', groups: ['system:masters'], resourceAttributes }),
      )
    })

    it(`answers like SubjectAccessReviews to random questions about random objects (seed ${seed})`, async () => {
      const watch = await synced(watchAllRbac())
      const authorizer = createWatchedAuthorizer(watch)
      const ours = (request: OracleRequest) => {
        const { verb, path: url } = request
        return url === undefined
          ? authorizer.authorize(userOf(request), request)
          : authorizer.authorizeUrl(userOf(request), { verb, path: url })
      }
      let asked = 0
      let allowed = 0
      for (let number = 0; number < sets; number++) {
        const { objects, requests } = randomSet(new Random(seed, number), number, 20, [])
        for (const object of objects) await store(server, object)
        for (const request of requests) {
          const answer = await eventually('the same answer', async () => {
            const { allowed: may, reason } = await server.review(reviewOf(request))
            const theirs: Access = may ? { allowed: true, reason } : { allowed: false, reason }
            const mine = ours(request)
            return sameAnswer(watch.objects(), request, mine, theirs) && mine
          })
          asked++
          if (answer.allowed) allowed++
        }
      }
      expect(asked).toBe(sets * 20)
      expect(allowed).toBeGreaterThan(asked / 10)
    }, 120_000)
  })
})

/** What an API server refuses is refused: the watch must be right about the others. */
async function store({ admin }: TestApiServer, object: Readonly<Record<string, unknown>>): Promise<void> {
  const plurals: Readonly<Record<string, string>> = {
    Role: 'roles',
    ClusterRole: 'clusterroles',
    RoleBinding: 'rolebindings',
    ClusterRoleBinding: 'clusterrolebindings',
  }
  const { metadata } = object
  const place =
    typeof metadata === 'object' && metadata !== null && 'namespace' in metadata
      ? `/namespaces/${encodeURIComponent(String(metadata.namespace))}`
      : ''
  await admin.post(`/apis/rbac.authorization.k8s.io/v1${place}/${plurals[String(object.kind)]}`, object)
}

function reviewOf({ user: name, groups, verb, path: url, ...attributes }: OracleRequest): object {
  const { group, resource, subresource, namespace: where, name: what } = attributes
  const about =
    url === undefined
      ? { resourceAttributes: { verb, group, resource, subresource, namespace: where, name: what } }
      : { nonResourceAttributes: { verb, path: url } }
  return { user: name, groups, ...about }
}

/** An API server whose watches can be held back. */
function gated(api: ApiServer): { readonly api: ApiServer; open(): void; close(): void } {
  let shut = false
  const running = new Set<() => void>()
  return {
    api: {
      ...{ cluster: api.cluster, request: request => api.request(request), close() {} },
      follow(request) {
        const fail = () =>
          request.onEnd({ ok: false, reason: 'unavailable', status: undefined, message: 'the gate is shut' })
        if (shut) {
          const timer = setTimeout(fail, 1)
          return { close: () => clearTimeout(timer) }
        }
        const following = api.follow(request)
        const end = () => {
          following.close()
          fail()
        }
        running.add(end)
        return {
          close() {
            running.delete(end)
            following.close()
          },
        }
      },
    },
    open() {
      shut = false
    },
    close() {
      shut = true
      for (const end of [...running]) end()
    },
  }
}

/** An API server whose first list says a version of the far future, as if its etcd had been restored since. */
function shifted(api: ApiServer): ApiServer {
  let first = true
  return {
    cluster: api.cluster,
    follow: request => api.follow(request),
    close() {},
    async request(request) {
      const answer = await api.request(request)
      if (!first || !answer.ok || !isJsonObject(answer.body)) return answer
      first = false
      return { ...answer, body: new Map([...answer.body, ['metadata', new Map([['resourceVersion', '900000000']])]]) }
    },
  }
}
