import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ApiFailure, ApiRequest, ApiResponse } from '../../src/kube/api-server.js'
import type { ApiServerEvent } from '../../src/kube/api-server-event.js'
import {
  type ApiServerEnvironment,
  type ConnectedApiServer,
  createApiServer,
} from '../../src/kube/create-api-server.js'
import type { JsonValue } from '../../src/protocol/json-value.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube, sharedApiServer } from './shared-api-server.js'
import { type ApiServerAccess, startApiServer, type TestApiServer } from './start-api-server.js'

/** The client of src/kube/ against the real API server: as a pod would use it, by files that change. */
const namespace = 'cluster-client'
const review: ApiRequest = {
  method: 'POST',
  path: '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldValidation=Strict',
  body: JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: 'alice', resourceAttributes: { verb: 'list', resource: 'pods', namespace } },
  }),
  repeatable: true,
}

const account = `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: mcp-authz, namespace: ${namespace} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${namespace} }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: ${namespace} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:auth-delegator }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${namespace}-view }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: ${namespace} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
`

type Times = Pick<ApiServerEnvironment, 'checkMs'>

/** The folder that a pod finds its credentials in, and a client that uses it. */
class Pod {
  readonly events: ApiServerEvent[] = []
  readonly api: ConnectedApiServer
  readonly folder: string

  private constructor(server: ApiServerAccess, folder: string, maxInFlight: number, times: Times) {
    this.folder = folder
    this.api = createApiServer({
      cluster: 'local',
      connection: { kind: 'inCluster' },
      timeoutMs: 5000,
      maxInFlight,
      onEvent: event => this.events.push(event),
      environment: {
        variables: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(server.port) },
        serviceAccountDirectory: folder,
        checkMs: 50,
        pingAfterMs: 500,
        pingMs: 500,
        ...times,
      },
    })
  }

  static async in(server: ApiServerAccess, maxInFlight = 32, times: Times = {}): Promise<Pod> {
    await server.apply(account)
    const folder = await mkdtemp(join(tmpdir(), 'pod-'))
    await copyFile(server.caFile, join(folder, 'ca.crt'))
    const pod = new Pod(server, folder, maxInFlight, times)
    await pod.put('token', await server.serviceAccountToken(namespace, 'mcp-authz'))
    return pod
  }

  async put(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, `${name}.new`), text)
    await rename(join(this.folder, `${name}.new`), join(this.folder, name))
  }

  async remove(): Promise<void> {
    this.api.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

const pods: Pod[] = []
afterEach(async () => {
  for (const pod of pods.splice(0)) await pod.remove()
})
async function podIn(server: ApiServerAccess, maxInFlight?: number, times?: Times): Promise<Pod> {
  const pod = await Pod.in(server, maxInFlight, times)
  pods.push(pod)
  return pod
}

/** Asks without pause from so many places at once, until told to stop. */
function load(pod: Pod, places: number, request: ApiRequest) {
  const answers: { readonly answer: ApiResponse; readonly ms: number }[] = []
  let on = true
  const loops = Array.from({ length: places }, async () => {
    while (on) {
      const startedAt = performance.now()
      const answer = await pod.api.request(request)
      answers.push({ answer, ms: performance.now() - startedAt })
      if (!answer.ok) await sleep(5)
    }
  })
  const stop = async () => {
    on = false
    await Promise.all(loops)
    return answers
  }
  return { answers, stop }
}

const failed = (answers: readonly { readonly answer: ApiResponse }[]): ApiFailure[] =>
  answers.flatMap(({ answer }) => (answer.ok ? [] : [answer]))

describeKube('the client of an API server', () => {
  let server: ApiServerAccess
  beforeAll(() => {
    server = sharedApiServer()
  })

  it('asks and is answered, over one connection', async () => {
    const pod = await podIn(server)
    const answers = await Promise.all(Array.from({ length: 60 }, () => pod.api.request(review)))
    expect(failed(answers.map(answer => ({ answer })))).toEqual([])
    expect(answers[0]).toMatchObject({ status: 201 })
    expect(await pod.api.request({ method: 'GET', path: '/version' })).toMatchObject({ ok: true })
    expect(pod.api.state()).toMatchObject({ connected: true, connects: 1, problem: '' })
  })

  it('says why it was refused', async () => {
    const pod = await podIn(server)
    expect(await pod.api.request({ method: 'GET', path: '/api/v1/secrets' })).toMatchObject({
      reason: 'refused',
      status: 403,
      message: expect.stringContaining(`system:serviceaccount:${namespace}:mcp-authz`),
    })
    const body = (review.body ?? '').replace('"user"', '"usr":"x","user"')
    expect(await pod.api.request({ ...review, body })).toMatchObject({
      reason: 'refused',
      status: 400,
      message: expect.stringContaining('unknown field "spec.usr"'),
    })
  })

  it('reads the kinds of JSON that it asks for', async () => {
    const pod = await podIn(server)
    expect(
      await pod.api.request({ method: 'GET', path: '/openid/v1/jwks', accept: 'application/jwk-set+json' }),
    ).toMatchObject({ ok: true })
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    expect(await pod.api.request({ method: 'GET', path: '/api/v1/namespaces', accept })).toMatchObject({ ok: true })
  })

  it('takes the next token of the kubelet while it is in use', async () => {
    const pod = await podIn(server)
    expect(await pod.api.request(review)).toMatchObject({ ok: true })
    await server.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'gone', namespace } })
    await server.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `${namespace}-gone` },
      subjects: [{ kind: 'ServiceAccount', name: 'gone', namespace }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
    })
    const good = await readFile(join(pod.folder, 'token'), 'utf8')
    await pod.put('token', await server.serviceAccountToken(namespace, 'gone'))
    await eventually('the other token', async () => {
      await pod.api.request({ ...review, repeatable: false })
      const seen = await server.audit()
      return seen.some(event => event.user === `system:serviceaccount:${namespace}:gone`)
    })
    expect(pod.api.state().connects).toBe(1)
    await pod.put('token', good)
  })

  it('looks for another token at once when the API server no longer takes the one it has', async () => {
    const pod = await podIn(server, 32, { checkMs: 60_000 })
    const good = await readFile(join(pod.folder, 'token'), 'utf8')
    await pod.put('token', 'no-token-of-this-cluster')
    expect(await pod.api.request(review)).toMatchObject({ reason: 'refused', status: 401 })
    await pod.put('token', good)
    await sleep(1100) // the file was looked at for the first 401, and no sooner than a second later it is again
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => pod.api.request({ ...review, repeatable: false })),
    )
    expect(failed(answers.map(answer => ({ answer })))).toEqual([])
    // After a 401 the API server also sends the connection away (UnauthenticatedHTTP2DOSMitigation, for CVE-2023-44487).
    expect(pod.api.state().connects).toBeGreaterThan(1)
  })

  it('takes another authority when the file changes, and goes back', async () => {
    const pod = await podIn(server)
    expect(await pod.api.request(review)).toMatchObject({ ok: true })
    const bundle = await readFile(server.caFile, 'utf8')
    await pod.put('ca.crt', await otherAuthority())
    await eventually('it trusts the API server no longer', async () => {
      const answer = await pod.api.request(review)
      return !answer.ok && answer.message.includes('not signed by') ? true : undefined
    })
    await pod.put('ca.crt', bundle)
    await eventually('it trusts it again', async () => ((await pod.api.request(review)).ok ? true : undefined))
    expect(pod.api.state()).toMatchObject({ connected: true, problem: '' })
  })

  it('follows, with what the watch says, beside its requests', async () => {
    const pod = await podIn(server)
    const path = `/api/v1/namespaces/${namespace}/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=20`
    const lines: JsonValue[] = []
    let opened = false
    const following = pod.api.follow({
      path,
      silenceMs: 30_000,
      onOpen: () => {
        opened = true
      },
      onLine: line => lines.push(line),
      onEnd: () => {},
    })
    await eventually('it is open', async () => (opened ? true : undefined))
    await server.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'news', namespace },
      data: { text: 'ü€😀' },
    })
    await eventually('it tells of it', async () => {
      const text = JSON.stringify(lines, (_, value) =>
        value instanceof Map ? Object.fromEntries(value) : String(value),
      )
      return lines.length > 0 && text.includes('object') ? true : undefined
    })
    following.close()
    expect(pod.api.state().following).toBe(0)
  })

  it('ends when the server does: a watch with its time', async () => {
    const pod = await podIn(server)
    const ended = await new Promise<ApiFailure | undefined>(resolve => {
      pod.api.follow({
        path: `/api/v1/namespaces/${namespace}/configmaps?watch=true&timeoutSeconds=1`,
        silenceMs: 30_000,
        onLine: () => {},
        onEnd: resolve,
      })
    })
    expect(ended).toBeUndefined()
  })

  it('is used with a kubeconfig as well', async () => {
    const file = await server.kubeconfig({ user: 'admin' })
    const api = createApiServer({
      cluster: 'local',
      connection: { kind: 'kubeconfig', file, context: undefined },
      timeoutMs: 10_000,
      maxInFlight: 8,
    })
    expect(await api.request(review)).toMatchObject({ ok: true })
    api.close()
  })
})

describeKube('the client of an API server of its own', () => {
  describe('that dies and comes back', () => {
    let server: TestApiServer
    beforeAll(async () => {
      server = await startApiServer({ audit: false })
    }, 180_000)
    afterAll(() => server?.stop())

    it('answers in time throughout, and is answered again soon after', async () => {
      const pod = await podIn(server)
      const timeoutMs = 500
      const under = load(pod, 16, { ...review, timeoutMs })
      await eventually('answers', async () => (under.answers.length > 50 ? true : undefined))
      await server.kill()
      const before = under.answers.length
      await eventually('failures', async () => (under.answers.length > before + 50 ? true : undefined))
      await server.restart()
      const startedAt = performance.now()
      const since = under.answers.length
      await eventually('good answers', async () =>
        under.answers.slice(since).some(({ answer }) => answer.ok) ? true : undefined,
      )
      expect(performance.now() - startedAt).toBeLessThan(7000) // the longest pause before a connection is five seconds
      const answers = await under.stop()
      for (const { reason } of failed(answers))
        expect(['unavailable', 'timeout', 'throttled', 'refused']).toContain(reason)
      // Late by no more than what an event loop on a busy machine is.
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(timeoutMs + 300)
    })

    it('gives up a server that stands still, and finds it again', async () => {
      const pod = await podIn(server)
      expect(await pod.api.request(review)).toMatchObject({ ok: true })
      await server.pause()
      const answer = await pod.api.request({ ...review, timeoutMs: 300 })
      await eventually('the connection is given up', async () =>
        pod.events.some(event => event.type === 'disconnected') ? true : undefined,
      )
      server.resume()
      expect(answer).toMatchObject({ reason: 'timeout' })
      await eventually('an answer', async () => ((await pod.api.request(review)).ok ? true : undefined))
    })
  })

  describe('that takes few requests at once', () => {
    let server: TestApiServer
    beforeAll(async () => {
      const flags = [
        '--max-requests-inflight=2',
        '--max-mutating-requests-inflight=2',
        '--enable-priority-and-fairness=false',
      ]
      server = await startApiServer({ audit: false, flags })
    }, 180_000)
    afterAll(() => server?.stop())

    it('asks less after a 429, and no answer is late', async () => {
      // Whoever is in system:masters is exempt from the limit; the account of the pod is not.
      const pod = await podIn(server, 90)
      expect(await pod.api.request(review)).toMatchObject({ ok: true })
      const timeoutMs = 1500
      const under = load(pod, 90, { ...review, timeoutMs })
      await eventually('the limit is narrower', async () => (pod.api.state().limit < 90 ? true : undefined))
      await sleep(3000)
      const answers = await under.stop()
      const failures = failed(answers)
      for (const { reason } of failures) expect(['throttled', 'timeout', 'overloaded']).toContain(reason)
      expect(failures.filter(({ reason }) => reason === 'throttled').every(({ status }) => status === 429)).toBe(true)
      expect(answers.filter(({ answer }) => answer.ok).length).toBeGreaterThan(failures.length)
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(timeoutMs + 300)
    })
  })

  describe('that sends connections away now and then', () => {
    let server: TestApiServer
    beforeAll(async () => {
      server = await startApiServer({ audit: false, flags: ['--goaway-chance=0.02'] })
    }, 180_000)
    afterAll(() => server?.stop())

    it('is answered all the same', async () => {
      const pod = await podIn(server)
      await pod.api.request(review)
      const under = load(pod, 16, { ...review, repeatable: false })
      await sleep(3000)
      const answers = await under.stop()
      expect(failed(answers)).toEqual([])
      expect(pod.api.state().connects).toBeGreaterThan(1)
    })
  })
})

/** An authority that signed nothing here: another cluster's. */
async function otherAuthority(): Promise<string> {
  const { execFileSync } = await import('node:child_process')
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  return execFileSync('openssl', [...words, '-keyout', '/dev/null', '-subj', '/CN=other', '-days', '1'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
