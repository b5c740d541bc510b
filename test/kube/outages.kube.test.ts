import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'
import { type RunningService, type RunningServiceOptions, startService } from './support/running-service.js'
import { account, pods } from './support/service-account.js'

// What docs/kubernetes.md says of outages; see service.kube.test.ts for the rest of that table.

const timeoutMs = 600
const issuer = 'https://kubernetes.default.svc'
const audience = 'https://mcp.example.com/mcp'

/** Reads policies, beside what `account` gives. */
const readsPolicies = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: policies, namespace: mcp-authz }
rules:
- { apiGroups: [""], resources: [configmaps], verbs: [list, watch] }
- { apiGroups: [""], resources: [configmaps], resourceNames: [mcp-authz-status], verbs: [patch] }
- { apiGroups: [""], resources: [events], verbs: [create] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: policies, namespace: mcp-authz }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: mcp-authz }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: policies }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: mcp-authz-status, namespace: mcp-authz }
`

/** A policy that keeps everybody out of a namespace. */
const closed = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'closed', namespace: 'mcp-authz', labels: { 'mcp-authz.dev/policy': 'true' } },
  data: {
    'closed.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: closed }
spec:
  match: { servers: [kubernetes] }
  validations:
  - { expression: "!has(args.namespace) || args.namespace != '${namespace}'", message: closed, reason: Closed }
`,
  },
})

const bindingOf = (user: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings/${user}`
const list = (running: RunningService, user: string, namespace = 'team') =>
  running.call(user, 'pods_list_in_namespace', { namespace })

let questions = 0
const coldly = (running: RunningService) => list(running, 'alice', `unknown-${++questions}`)

const stand = () => {
  const services: RunningService[] = []
  let api: TestApiServer
  let kubeconfig: string
  return {
    get api() {
      return api
    },
    async prepare(...manifests: readonly string[]) {
      api = await startApiServer()
      for (const manifest of [account, pods('alice'), ...manifests]) await api.apply(manifest)
      kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken('mcp-authz', 'mcp-authz') })
    },
    async start(
      cluster: object,
      options: Omit<RunningServiceOptions, 'config'> & { sources?: readonly object[] } = {},
    ) {
      const { sources = [], ...others } = options
      const clusters = { local: { kubeconfig, timeoutMs, ...cluster } }
      const running = await startService({ config: { clusters, sources }, ...others })
      services.push(running)
      return running
    },
    async stop() {
      await Promise.all(services.splice(0).map(running => running.stop()))
      await api?.stop()
    },
  }
}
const ready = (running: RunningService) =>
  eventually('readiness', async () => (await running.readiness()).status === 200, 30_000)

describeKube('while the API server is slow', () => {
  const bed = stand()
  afterAll(() => bed.stop())

  it('what it says in time counts', async () => {
    await bed.prepare()
    const running = await bed.start({ authorizer: 'sar' })
    await ready(running)
    await bed.api.pause()
    const [allowed, denied] = [list(running, 'alice'), coldly(running)]
    await sleep(250)
    bed.api.resume()
    expect(await allowed).toMatchObject({ allowed: true })
    expect(await denied).toMatchObject({ allowed: false, reason: 'authorization.rbac', status: 403 })
    expect((await allowed).tookMs).toBeGreaterThan(200)
  })
})

describeKube('while the API server is down', () => {
  const bed = stand()
  let brief: RunningService
  let long: RunningService
  beforeAll(async () => {
    await bed.prepare()
    ;[brief, long] = await Promise.all([
      bed.start({ authorizer: 'sar' }),
      bed.start({ authorizer: 'sar', rbacOnly: true }),
    ])
    await Promise.all([ready(brief), ready(long)])
    // An answer that came within ten seconds of a change is not kept for longer.
    await sleep(10_500)
  })
  afterAll(() => bed.stop())

  it('answers count as long as they would have: 10 seconds, or with rbacOnly until the watch is 30 seconds old', async () => {
    for (const running of [brief, long]) {
      expect(await list(running, 'alice')).toMatchObject({ allowed: true })
      expect(await list(running, 'mallory')).toMatchObject({ reason: 'authorization.rbac' })
    }
    const [, staleFor = ''] =
      /^mcp_authz_watch_stale_seconds\{[^}]*rbac[^}]*\} (\S+)$/m.exec(await long.metrics()) ?? []
    const longest = Math.max(10, 30 - Number(staleFor)) * 1000
    await bed.api.kill()
    const killed = performance.now()
    const denied = (async () => {
      expect(await list(brief, 'mallory')).toMatchObject({ reason: 'authorization.rbac' })
      const unknown = async () => (await list(brief, 'mallory')).reason === 'dependency.api_server'
      await eventually('the end of the denial', unknown)
      return performance.now() - killed
    })()
    const end = async (running: RunningService) => {
      await eventually('the end of the answer', async () => !(await list(running, 'alice')).allowed, 60_000)
      expect(await list(running, 'alice')).toMatchObject({ reason: 'dependency.api_server', status: 503 })
      return performance.now() - killed
    }
    // What was not asked before is not known, at once.
    for (const running of [brief, long]) {
      expect(await list(running, 'alice')).toMatchObject({ allowed: true })
      expect(await coldly(running)).toMatchObject({ reason: 'dependency.api_server', status: 503 })
      expect((await running.readiness()).status).toBe(200)
    }
    const [afterDenied, afterBrief, afterLong] = await Promise.all([denied, end(brief), end(long)])
    expect(afterDenied).toBeLessThan(6_000)
    expect(afterBrief).toBeLessThan(11_000)
    expect(afterLong).toBeGreaterThan(longest - 1_500)
    expect(afterLong).toBeLessThan(longest + 1_500)
    expect((await brief.readiness()).reasons.join()).toContain('cluster local: no connection to the API server')
    await bed.api.restart()
    for (const running of [brief, long])
      await eventually('the allow', async () => (await list(running, 'alice')).allowed, 20_000)
  }, 120_000)
})

describeKube('policies in ConfigMaps', () => {
  const bed = stand()
  const sources = [{ configMaps: { namespace: 'mcp-authz' } }]
  let running: RunningService
  beforeAll(async () => {
    await bed.prepare(readsPolicies)
    await bed.api.apply(closed('secret'))
    // By a watch, so that the outage itself denies nothing meanwhile.
    running = await bed.start({ authorizer: 'watch', rbacOnly: true }, { sources })
    await ready(running)
    await bed.api.apply(pods('alice', 'secret'))
    await eventually(
      'the guardrail',
      async () => (await list(running, 'alice', 'secret')).reason === 'guardrail.violated',
    )
  })
  afterAll(() => bed.stop())

  it('stay in force in an outage and after it, and are followed again', async () => {
    await bed.api.kill()
    const until = performance.now() + 4_000
    while (performance.now() < until) {
      expect(await list(running, 'alice', 'secret')).toMatchObject({ reason: 'guardrail.violated', status: 403 })
      expect(await list(running, 'alice')).toMatchObject({ allowed: true })
      await sleep(100)
    }
    const restarted = bed.api.restart()
    let over = false
    void restarted.then(() => {
      over = true
    })
    while (!over) {
      expect((await list(running, 'alice', 'secret')).reason).toBe('guardrail.violated')
      await sleep(50)
    }
    await restarted
    await bed.api.apply(closed('team'))
    await eventually(
      'the new version',
      async () => (await list(running, 'alice')).reason === 'guardrail.violated',
      20_000,
    )
    await eventually('the end of the old one', async () => (await list(running, 'alice', 'secret')).allowed, 20_000)
  })

  it('are waited for by a replica that starts in an outage: it denies, and becomes ready by itself', async () => {
    await bed.api.kill()
    const other = await bed.start({ authorizer: 'sar' }, { sources })
    expect(await list(other, 'alice')).toMatchObject({ reason: 'policy.not_loaded', status: 503 })
    const { status, reasons } = await other.readiness()
    expect(status).toBe(503)
    expect(reasons.join()).toContain('ConfigMaps of mcp-authz not listed yet')
    await bed.api.restart()
    await ready(other)
    expect(await list(other, 'alice')).toMatchObject({ reason: 'guardrail.violated' })
  })
})

describeKube('tokens that the API server reviews', () => {
  const bed = stand()
  let running: RunningService
  beforeAll(async () => {
    await bed.prepare(pods('system:serviceaccount:team:default'.replaceAll(':', '-')))
    await bed.api.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'default', namespace: 'team' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'team' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    })
    const issuers = { [issuer]: { alias: 'cluster', tokenReview: { cluster: 'local', cacheSeconds: 2 } } }
    // By a watch, so that what is denied in an outage is denied because of the token.
    running = await bed.start({ authorizer: 'watch', rbacOnly: true }, { issuers })
    await ready(running)
  })
  afterAll(() => bed.stop())

  it('are good for cacheSeconds in an outage, then nobody knows; people with other tokens go on', async () => {
    const [known, fresh] = await Promise.all([
      bed.api.serviceAccountToken('team', 'default', { audiences: [audience] }),
      bed.api.serviceAccountToken('team', 'default', { audiences: [audience] }),
    ])
    const ask = (token: string) => running.callWith(token, 'pods_list_in_namespace', { namespace: 'team' })
    await eventually('the allow', async () => (await ask(known)).allowed)
    await bed.api.kill()
    const killed = performance.now()
    expect(await ask(known)).toMatchObject({ allowed: true })
    expect(await ask(fresh)).toMatchObject({ reason: 'dependency.api_server', status: 503 })
    await eventually('the end of the answer', async () => (await ask(known)).reason === 'dependency.api_server')
    expect(performance.now() - killed).toBeLessThan(4_000)
    expect(await list(running, 'alice')).toMatchObject({ allowed: true })
    await bed.api.restart()
    for (const token of [known, fresh]) await eventually('the allow', async () => (await ask(token)).allowed, 20_000)
  })
})

describeKube('a ServiceAccount', () => {
  const bed = stand()
  let running: RunningService
  beforeAll(async () => {
    await bed.prepare()
    await bed.api.admin.delete('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/watches-rbac')
    running = await bed.start({ authorizer: 'sar' })
    await ready(running)
  })
  afterEach(() => bed.stop())

  it('that may not watch RBAC learns of a change within 10 seconds, and that its account ended at once', async () => {
    expect(await list(running, 'alice')).toMatchObject({ allowed: true })
    await bed.api.admin.delete(bindingOf('alice'))
    const deleted = performance.now()
    await eventually('the denial', async () => (await list(running, 'alice')).reason === 'authorization.rbac', 20_000)
    expect(performance.now() - deleted).toBeGreaterThan(1_000)
    expect(performance.now() - deleted).toBeLessThan(11_000)
    expect((await running.readiness()).reasons).toEqual([])
    await bed.api.admin.delete('/api/v1/namespaces/mcp-authz/serviceaccounts/mcp-authz')
    // The API server takes a token for ten seconds after it ended.
    await eventually('the outage', async () => (await coldly(running)).reason === 'dependency.api_server', 30_000)
    expect(await coldly(running)).toMatchObject({ status: 503 })
  }, 60_000)
})

describeKube('a service with authorizer: watch', () => {
  const bed = stand()
  let running: RunningService
  afterAll(() => bed.stop())

  it('is not ready without the right to watch RBAC, nor while the API server is away, and denies meanwhile', async () => {
    await bed.prepare()
    const binding = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/watches-rbac'
    const { body } = await bed.api.admin.get(binding)
    await bed.api.admin.delete(binding)
    running = await bed.start({ authorizer: 'watch', rbacOnly: true })
    const isAway = async () => {
      const { status, reasons } = await running.readiness()
      expect({ status, reasons: reasons.join() }).toEqual({
        status: 503,
        reasons: expect.stringContaining('cluster local: RBAC not listed yet'),
      })
      expect(await list(running, 'alice')).toMatchObject({ reason: 'dependency.api_server', status: 503 })
    }
    await isAway()
    await bed.api.kill()
    await isAway()
    await bed.api.restart()
    await isAway()
    const { metadata: _, ...rest } = z.looseObject({ metadata: z.unknown() }).parse(body)
    await bed.api.apply({ ...rest, metadata: { name: 'watches-rbac' } })
    await ready(running)
    expect(await list(running, 'alice')).toMatchObject({ allowed: true })
  })
})
