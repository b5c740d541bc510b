import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'
import type { Asked } from './support/ask-as-gateway.js'
import { type RunningService, startService } from './support/running-service.js'
import { account, pods } from './support/service-account.js'

/** Of the Config in these tests, milliseconds. */
const timeoutMs = 600
/** What a busy machine may add to it. */
const slackMs = 700

const bindingOf = (user: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings/${user}`

const listPods = (running: RunningService, user: string, namespace = 'team') =>
  running.call(user, 'pods_list_in_namespace', { namespace })

/** About a namespace that nobody asked about before, so that no cache has the answer. */
let questions = 0
const coldly = (running: RunningService, user: string) => listPods(running, user, `unknown-${++questions}`)

const inTime = (answers: readonly Asked[]) => Math.max(...answers.map(({ tookMs }) => tookMs)) < timeoutMs + slackMs

interface Mode {
  readonly authorizer: 'sar' | 'watch'
  readonly rbacOnly: boolean
}

for (const { authorizer, rbacOnly } of [
  { authorizer: 'sar', rbacOnly: false },
  { authorizer: 'sar', rbacOnly: true },
  { authorizer: 'watch', rbacOnly: true },
] as const satisfies readonly Mode[])
  describeKube(`a service with authorizer: ${authorizer}${rbacOnly ? ' and rbacOnly' : ''}`, () => {
    let api: TestApiServer
    let running: RunningService
    beforeAll(async () => {
      api = await startApiServer()
      await api.apply(account)
      for (const user of ['alice', 'bob', 'carol']) await api.apply(pods(user))
      const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken('mcp-authz', 'mcp-authz') })
      running = await startService({
        config: { clusters: { local: { authorizer, rbacOnly, kubeconfig, timeoutMs } } },
      })
      await eventually('readiness', async () => ((await running.readiness()).status === 200 ? true : undefined))
    })
    afterAll(async () => {
      await running?.stop()
      await api?.stop()
    })

    it('allows what RBAC allows, and denies the rest', async () => {
      expect(await listPods(running, 'alice')).toMatchObject({ allowed: true })
      expect(await listPods(running, 'alice', 'other')).toMatchObject({ allowed: false, reason: 'authorization.rbac' })
      expect(await listPods(running, 'mallory')).toMatchObject({ allowed: false, reason: 'authorization.rbac' })
    })

    it('has a change of RBAC in force within a second, either way', async () => {
      expect(await listPods(running, 'bob')).toMatchObject({ allowed: true })
      await api.admin.delete(bindingOf('bob'))
      const deleted = performance.now()
      await eventually('the denial', async () => ((await listPods(running, 'bob')).allowed ? undefined : true))
      expect(performance.now() - deleted).toBeLessThan(1000)
      await api.apply(pods('bob'))
      const applied = performance.now()
      await eventually('the allow', async () => ((await listPods(running, 'bob')).allowed ? true : undefined))
      expect(performance.now() - applied).toBeLessThan(1000)
    })

    it('goes through a kill and a restart of the API server under load', async () => {
      const answers: Asked[] = []
      const wrong: Asked[] = []
      let over = false
      const ask = async (n: number) => {
        while (!over) {
          const may = n % 2 === 0
          const answer = await (may ? listPods(running, 'carol') : coldly(running, 'carol'))
          answers.push(answer)
          if (!may && answer.allowed) wrong.push(answer)
          await sleep(10)
        }
      }
      const load = Promise.all(Array.from({ length: 16 }, (_, n) => ask(n)))
      await sleep(500)
      await api.kill()
      await sleep(1500)
      await api.restart()
      await eventually(
        'decisions by the API server again',
        async () => {
          const { reason } = await coldly(running, 'carol')
          return reason === 'authorization.rbac' ? true : undefined
        },
        20_000,
      )
      over = true
      await load
      expect(wrong).toEqual([])
      expect(inTime(answers)).toBe(true)
      // What could not be asked is an outage, and never somebody's fault.
      const reasons = new Set(answers.filter(({ allowed }) => !allowed).map(({ reason }) => reason))
      for (const reason of reasons)
        expect(['authorization.rbac', 'dependency.api_server', 'dependency.timeout']).toContain(reason)
      expect((await running.readiness()).status).toBe(200)
    })

    it('answers in time while the API server is silent, and goes on afterwards', async () => {
      expect(await listPods(running, 'alice')).toMatchObject({ allowed: true })
      await api.pause()
      try {
        const warm = await listPods(running, 'alice')
        expect(warm).toMatchObject({ allowed: true })
        const cold = await Promise.all(Array.from({ length: 20 }, () => coldly(running, 'alice')))
        expect(inTime(cold)).toBe(true)
        // A watch has the answers, for 30 seconds; a question has none.
        const expected = authorizer === 'watch' ? 'authorization.rbac' : 'dependency.timeout'
        for (const answer of cold) expect(answer).toMatchObject({ allowed: false, reason: expected })
        if (authorizer === 'sar') for (const { status } of cold) expect(status).toBe(503)
        expect((await running.readiness()).status).toBe(200)
      } finally {
        api.resume()
      }
      await eventually('decisions again', async () =>
        (await coldly(running, 'alice')).reason === 'authorization.rbac' ? true : undefined,
      )
    })
  })

describeKube('a service whose API server was away from the start', () => {
  let api: TestApiServer
  let running: RunningService
  afterEach(async () => {
    await running?.stop()
    await api?.stop()
  })

  it('is not ready, denies, and becomes ready by itself', async () => {
    api = await startApiServer()
    await api.apply(account)
    await api.apply(pods('alice'))
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken('mcp-authz', 'mcp-authz') })
    await api.kill()
    running = await startService({ config: { clusters: { local: { authorizer: 'sar', kubeconfig, timeoutMs } } } })
    const { status, reasons } = await running.readiness()
    expect(status).toBe(503)
    expect(reasons.join()).toContain('cluster local: ')
    expect(await listPods(running, 'alice')).toMatchObject({ reason: 'dependency.api_server', status: 503 })
    await api.restart()
    await eventually('readiness', async () => ((await running.readiness()).status === 200 ? true : undefined), 20_000)
    await eventually('the allow', async () => ((await listPods(running, 'alice')).allowed ? true : undefined), 20_000)
  })
})

describeKube('a service that lost its right to ask', () => {
  let api: TestApiServer
  let running: RunningService
  afterAll(async () => {
    await running?.stop()
    await api?.stop()
  })

  it('denies as an outage, not as a judgement', async () => {
    api = await startApiServer()
    await api.apply(account)
    await api.apply(pods('alice'))
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken('mcp-authz', 'mcp-authz') })
    running = await startService({ config: { clusters: { local: { authorizer: 'sar', kubeconfig, timeoutMs } } } })
    await eventually('the allow', async () => ((await listPods(running, 'alice')).allowed ? true : undefined))
    await api.admin.delete('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/mcp-authz')
    await eventually('the denial', async () =>
      (await coldly(running, 'alice')).reason === 'dependency.api_server' ? true : undefined,
    )
  })
})

describeKube('a watch that was not confirmed for 30 seconds', () => {
  let api: TestApiServer
  let running: RunningService
  afterAll(async () => {
    await running?.stop()
    await api?.stop()
  })

  it('denies everything as stale, says so, and recovers', async () => {
    api = await startApiServer()
    await api.apply(account)
    await api.apply(pods('alice'))
    const kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken('mcp-authz', 'mcp-authz') })
    const cluster = { authorizer: 'watch', rbacOnly: true, kubeconfig, timeoutMs }
    running = await startService({ config: { clusters: { local: cluster } } })
    expect(await listPods(running, 'alice')).toMatchObject({ allowed: true })
    await api.kill()
    const killed = performance.now()
    const reasons = await eventually(
      'staleness',
      async () => ((await listPods(running, 'alice')).reason === 'dependency.rbac_stale' ? true : undefined),
      60_000,
    )
    expect(reasons).toBe(true)
    const took = performance.now() - killed
    // Confirmed last by the opening of a watch, up to 20 s before the kill.
    expect(took).toBeGreaterThan(5_000)
    expect(took).toBeLessThan(33_000)
    await api.restart()
    await eventually('the allow', async () => ((await listPods(running, 'alice')).allowed ? true : undefined), 20_000)
  })
})
