import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { mergePatch } from './cluster-object.js'
import { type SimulatedCluster, startSimulatedCluster } from './simulated-cluster.js'

const DEPLOYMENTS = '/apis/apps/v1/namespaces/team-a/deployments'
const APPLY = 'application/apply-patch+yaml'

let cluster: SimulatedCluster
beforeEach(async () => {
  cluster = await startSimulatedCluster()
})
afterEach(() => cluster.stop())

async function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(cluster.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, body: parse(await response.text()) }
}

const scale = (replicas: unknown) => `{"spec":{"replicas":${String(replicas)}}}`
const deployment = (name: string, replicas: unknown = 1, kind = 'Deployment') => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec: { replicas: ${String(replicas)}, template: { metadata: { labels: { app: ${name} } }, spec: { containers: [{ name: c, image: i }] } } }`

describe('discovery', () => {
  it.each(['/version', '/api', '/apis', '/api/v1', '/apis/apps', '/apis/apps/v1', '/healthz'])(
    'answers %s',
    async path => {
      expect((await call('GET', path)).status).toBe(200)
    },
  )

  it.each([
    '/openapi/v2',
    '/apis/nobody.example.com/v1',
    '/apis/apps/v2',
    '/api/v1/widgets',
    '/api/v1/namespaces/team-a/pods/x/exec',
    '/api/v1/namespaces//pods',
    '/',
  ])('answers 404 with a Status for %s', async path => {
    expect(await call('GET', path)).toMatchObject({
      status: 404,
      body: { kind: 'Status', reason: 'NotFound', code: 404 },
    })
  })
})

describe('reading', () => {
  it('lists in one namespace and in all', async () => {
    expect((await call('GET', '/api/v1/namespaces/team-a/pods')).body.items).toHaveLength(2)
    expect((await call('GET', '/api/v1/pods')).body.items).toHaveLength(4)
    expect((await call('GET', '/api/v1/namespaces')).body.items).toHaveLength(4)
  })

  it('selects by labels and fields', async () => {
    const names = async (query: string) => (await call('GET', `/api/v1/pods?${query}`)).body.items.length
    expect(await names('labelSelector=app%3Dweb')).toBe(4)
    expect(await names('labelSelector=app==api')).toBe(0)
    expect(await names('fieldSelector=metadata.namespace=team-a,status.phase=Running')).toBe(2)
    expect((await call('GET', '/api/v1/pods?labelSelector=app!=web')).status).toBe(400)
  })

  it('answers with a table when asked for one', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    const { body } = await call('GET', '/api/v1/namespaces/team-a/pods', undefined, { accept })
    expect(body.kind).toBe('Table')
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toContain('Status')
    expect(body.rows[0].cells).toContain('Running')
    expect(body.rows[0].object.metadata.namespace).toBe('team-a')
  })

  it('gets one object, its log, or a Status', async () => {
    const [pod = ''] = cluster.podsIn('team-a')
    expect((await call('GET', `/api/v1/namespaces/team-a/pods/${pod}`)).body.metadata.name).toBe(pod)
    expect((await call('GET', `/api/v1/namespaces/team-a/pods/${pod}/log`)).status).toBe(200)
    const missing = await call('GET', '/api/v1/namespaces/team-a/pods/none')
    expect(missing).toMatchObject({ status: 404, body: { message: 'pods "none" not found' } })
  })
})

describe('scaling', () => {
  it.each(['PUT', 'PATCH'])('by %s changes the pods', async method => {
    const type = { 'content-type': 'application/merge-patch+json' }
    expect(await call(method, `${DEPLOYMENTS}/web/scale`, scale(5), type)).toMatchObject({
      status: 200,
      body: { kind: 'Scale', spec: { replicas: 5 }, status: { selector: 'app=web' } },
    })
    expect(cluster.replicasOf('team-a', 'web')).toBe(5)
    expect(cluster.podsIn('team-a')).toHaveLength(5)
    expect(cluster.podsIn('team-b')).toHaveLength(2)
    await call(method, `${DEPLOYMENTS}/web/scale`, scale(0), type)
    expect(cluster.podsIn('team-a')).toEqual([])
  })

  it('is read by GET', async () => {
    expect((await call('GET', `${DEPLOYMENTS}/web/scale`)).body.spec).toEqual({ replicas: 2 })
    expect((await call('GET', `${DEPLOYMENTS}/none/scale`)).status).toBe(404)
  })

  it.each([-1, 1.5, 101, '"3"', 'null', '99999999999999999999'])('refuses %s replicas', async replicas => {
    expect((await call('PUT', `${DEPLOYMENTS}/web/scale`, scale(replicas))).status).toBe(422)
    expect(cluster.replicasOf('team-a', 'web')).toBe(2)
  })
})

describe('writing', () => {
  it('applies: creates, then changes', async () => {
    const path = `${DEPLOYMENTS}/api?fieldManager=test&force=true`
    const type = { 'content-type': APPLY }
    expect((await call('PATCH', path, deployment('api', 3), type)).status).toBe(201)
    expect(cluster.podsIn('team-a')).toHaveLength(5)
    expect((await call('PATCH', path, deployment('api', 1), type)).status).toBe(200)
    expect(cluster.podsIn('team-a')).toHaveLength(3)
    expect(cluster.get('apps/v1', 'deployments', 'team-a', 'api')?.status).toMatchObject({ readyReplicas: 1 })
  })

  it('creates once, deletes with what belongs to it', async () => {
    expect((await call('POST', DEPLOYMENTS, deployment('api'))).status).toBe(201)
    expect(await call('POST', DEPLOYMENTS, deployment('api'))).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists' },
    })
    expect((await call('DELETE', `${DEPLOYMENTS}/api`)).status).toBe(200)
    expect((await call('DELETE', `${DEPLOYMENTS}/api`)).status).toBe(404)
    expect(cluster.podsIn('team-a')).toHaveLength(2)
  })

  it('replaces a deleted pod of a deployment', async () => {
    const [pod = ''] = cluster.podsIn('team-a')
    await call('DELETE', `/api/v1/namespaces/team-a/pods/${pod}`)
    expect(cluster.podsIn('team-a')).toHaveLength(2)
  })

  it('empties a namespace that is deleted', async () => {
    await call('DELETE', '/api/v1/namespaces/team-a')
    expect(cluster.podsIn('team-a')).toEqual([])
    expect(cluster.replicasOf('team-a', 'web')).toBeUndefined()
    expect(cluster.replicasOf('team-b', 'web')).toBe(2)
  })

  it('ignores the status that a client sends, and a dry run changes nothing', async () => {
    const pod = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{},"status":{"phase":"Failed"}}'
    await call('POST', '/api/v1/namespaces/team-a/pods?dryRun=All', pod)
    expect(cluster.podsIn('team-a')).not.toContain('p')
    await call('POST', '/api/v1/namespaces/team-a/pods', pod)
    expect(cluster.get('v1', 'pods', 'team-a', 'p')?.status).toEqual({ phase: 'Running' })
  })

  const hostile: [what: string, method: string, path: string, body: string, type: string, status: number][] = [
    ['another kind than the path', 'POST', DEPLOYMENTS, deployment('x', 1, 'StatefulSet'), 'application/json', 400],
    ['another name than the path', 'PUT', `${DEPLOYMENTS}/web`, deployment('x'), 'application/json', 400],
    [
      'a namespace that is not there',
      'POST',
      DEPLOYMENTS.replace('team-a', 'nowhere'),
      deployment('x'),
      'application/json',
      404,
    ],
    ['a name with a path in it', 'POST', DEPLOYMENTS, deployment('"../x"'), 'application/json', 422],
    [
      'no containers',
      'POST',
      DEPLOYMENTS,
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}',
      'application/json',
      422,
    ],
    ['what is not YAML', 'POST', DEPLOYMENTS, '{"a', 'application/json', 422],
    ['an apply without field manager', 'PATCH', `${DEPLOYMENTS}/web`, deployment('web'), APPLY, 422],
    ['a JSON patch', 'PATCH', `${DEPLOYMENTS}/web`, '[]', 'application/json-patch+json', 415],
    ['protobuf', 'POST', DEPLOYMENTS, 'k8s', 'application/vnd.kubernetes.protobuf', 415],
    ['an unknown method', 'PROPFIND', DEPLOYMENTS, '', 'application/json', 405],
    ['deletion of everything', 'DELETE', DEPLOYMENTS, '', 'application/json', 405],
    ['a body that is too large', 'POST', DEPLOYMENTS, ' '.repeat(3 * 1_048_576 + 1), 'application/json', 413],
  ]
  it.each(hostile)('refuses %s', async (_what, method, path, body, type, status) => {
    const before = cluster.podsIn('team-a')
    expect((await call(method, path, body, { 'content-type': type })).status).toBe(status)
    expect(cluster.podsIn('team-a')).toEqual(before)
  })
})

describe('the record', () => {
  it('holds who asked for what, and how it ended', async () => {
    await call('GET', '/api/v1/pods?limit=1', undefined, { 'impersonate-user': 'alice' })
    await call('PUT', `${DEPLOYMENTS}/web/scale`, scale(3), { authorization: 'Bearer forwarded' })
    await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'k8s')
    expect(cluster.requests).toMatchObject([
      {
        method: 'GET',
        path: '/api/v1/pods',
        query: 'limit=1',
        user: 'kubernetes-mcp-server',
        impersonateUser: 'alice',
        status: 200,
      },
      {
        method: 'PUT',
        path: `${DEPLOYMENTS}/web/scale`,
        user: 'unknown-token',
        impersonateUser: undefined,
        status: 401,
      },
      { method: 'POST', status: 201 },
    ])
    expect(cluster.writes()).toHaveLength(1)
    expect(cluster.replicasOf('team-a', 'web')).toBe(2)
    cluster.forgetRequests()
    expect(cluster.requests).toEqual([])
  })

  it('comes with a kubeconfig that has no namespace and goes away with the cluster', async () => {
    const other = await startSimulatedCluster({ namespaces: ['only'] })
    const config = parse(await readFile(other.kubeconfig, 'utf8'))
    expect(config.clusters[0].cluster.server).toBe(other.url)
    expect(config.contexts[0].context).not.toHaveProperty('namespace')
    expect(other.podsIn('only')).toHaveLength(2)
    await other.stop()
    expect(existsSync(other.kubeconfig)).toBe(false)
  })
})

describe('mergePatch (RFC 7396)', () => {
  it.each([
    [
      { a: 1, b: 2 },
      { b: null, c: 3 },
      { a: 1, c: 3 },
    ],
    [{ a: { b: 1, c: 2 } }, { a: { b: 9 } }, { a: { b: 9, c: 2 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['text', { a: { b: null } }, { a: {} }],
    [{ a: 1 }, 'text', 'text'],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })

  it('reaches no prototype', () => {
    const merged = mergePatch({}, parse('{"__proto__":{"polluted":true}}'))
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(Object.hasOwn({}, 'polluted') || 'polluted' in {}).toBe(false)
  })
})
