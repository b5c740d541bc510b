import type { ApiRequest, ApiResponse, ApiServer } from '../../../src/kube/api-server.js'
import { parseStrictJson } from '../../../src/protocol/strict-json.js'
import type { RbacObject } from '../../../src/rbac/rbac-objects.js'
import { loadProgram } from '../program-parts.js'
import type { Code } from '../server-process.js'
import { round3 } from './costs-of.js'
import { usedBytes } from './measure-memory.js'
import { Reference } from './reference.js'

/** What one entry of a cache, or one watched object, takes. Bytes after a collection of garbage. */
export interface EntryCost {
  readonly count: number
  readonly bytesEach: number
  /** Milliseconds of processor time to make the index of all of them anew; of watched bindings only. */
  readonly rebuildMs?: number
}

/** Known answers of an API server, to questions of many people about many names. */
export async function measureReviewEntries(code: Code, count: number): Promise<EntryCost> {
  const { sarAuthorizer } = await loadProgram(code)
  const authorizer = sarAuthorizer.createSarAuthorizer({ api: allowingApi, rbacOnly: false, watch: undefined })
  const users = Array.from({ length: 100 }, (_, at) => ({
    username: `person-${at}@example.com`,
    uid: `f3b5c0de-7a52-4b1e-9f0a-${at}`,
    groups: ['team-a-developers', 'staff', 'oncall', 'system:authenticated'],
    extra: new Map<string, readonly string[]>(),
  }))
  const before = usedBytes()
  for (let at = 0; at < count; at++) {
    const user = users[at % users.length]
    if (user === undefined) continue
    const name = `checkout-${at}-7d9f8b6c5d`
    const attributes = {
      verb: 'get',
      group: 'apps',
      resource: 'deployments',
      subresource: '',
      namespace: 'team-a',
      name,
    }
    await authorizer.authorize(user, attributes)
  }
  const bytesEach = round3((usedBytes() - before) / count)
  if (authorizer.stats().entries !== count) throw new Error('not all answers are kept')
  return { count, bytesEach }
}

/** RoleBindings as the watch keeps them, and the index made of them. */
export async function measureBindings(code: Code, count: number): Promise<EntryCost> {
  const { storedRbac: stored, embeddedAuthorizer: embedded } = await loadProgram(code)
  const before = usedBytes()
  const objects: RbacObject[] = []
  const kept: unknown[] = []
  const keep = (kind: RbacObject['kind'], value: object) => {
    const parsed = parseStrictJson(Buffer.from(JSON.stringify(value)))
    if (!parsed.ok || !(parsed.value instanceof Map)) throw new Error('not an object')
    const read = stored.readStoredRbac(kind, parsed.value)
    if (!read.ok) throw new Error(read.message)
    kept.push(parsed.value)
    objects.push(read.object)
  }
  keep('ClusterRole', clusterRole)
  for (let at = 0; at < count; at++) keep('RoleBinding', roleBinding(at))
  const times: number[] = []
  let index = embedded.createEmbeddedAuthorizer(objects)
  for (let again = 0; again < 3; again++) {
    const reference = new Reference()
    reference.measure(3)
    const cpu = process.cpuUsage()
    index = embedded.createEmbeddedAuthorizer(objects)
    const { user, system } = process.cpuUsage(cpu)
    times.push((user + system) / 1000 / reference.slowness)
  }
  const bytesEach = round3((usedBytes() - before) / count)
  if (kept.length !== count + 1 || index === undefined) throw new Error('nothing was kept')
  return { count, bytesEach, rebuildMs: round3(Math.min(...times)) }
}

const clusterRole = {
  metadata: { name: 'developer', uid: 'c1b1f8f2-6d3c-4f0e-8a55-0f6ad7f0a9b3', resourceVersion: '42' },
  rules: [{ verbs: ['get', 'list'], apiGroups: ['', 'apps'], resources: ['pods', 'deployments'] }],
}

function roleBinding(at: number): object {
  const metadata = {
    name: `developers-${at}`,
    namespace: `team-${at % 500}`,
    uid: `c1b1f8f2-6d3c-4f0e-8a55-${at}`,
    resourceVersion: String(1000 + at),
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'app.kubernetes.io/managed-by': 'argocd' },
  }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'developer' }
  const subjects = [
    { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: `team-${at}` },
    { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: `person-${at}@example.com` },
  ]
  return { metadata, roleRef, subjects }
}

/** Says yes to everything. */
const allowingApi: ApiServer = {
  cluster: 'local',
  request: ({ body = '' }: ApiRequest): Promise<ApiResponse> => {
    const status = '"status":{"allowed":true,"reason":"RBAC: allowed by RoleBinding \\"developers/team-a\\""}}'
    const parsed = parseStrictJson(Buffer.from(`${body.slice(0, -1)},${status}`))
    if (!parsed.ok) throw new Error(parsed.message)
    return Promise.resolve({ ok: true, status: 201, body: parsed.value })
  },
  follow: () => ({ close: () => undefined }),
  close: () => undefined,
}
