import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KubeClient as ApiClient } from '../../src/demo/kube-client.js'
import type { ConnectedApiServer } from '../../src/kube/create-api-server.js'
import type { Access } from '../../src/rbac/authorizer.js'
import { createEmbeddedAuthorizer } from '../../src/rbac/embedded-authorizer.js'
import type { RbacObject } from '../../src/rbac/rbac-objects.js'
import { createSarAuthorizer } from '../../src/rbac/sar-authorizer.js'
import { Random } from '../fuzz/random.js'
import { metadataOf } from '../rbac-oracle/generate.js'
import type { Json } from '../rbac-oracle/mutate-manifest.js'
import { loadManifest } from '../rbac-oracle/our-reply.js'
import type { OracleRequest } from '../rbac-oracle/question.js'
import { randomSet, setNamespaces } from './differential/random-set.js'
import { embeddedAnswer, sameAnswer, userOf } from './differential/same-answer.js'
import { connect } from './sar-stand.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'

// For longer runs: SAR_SEED=7 SAR_COUNT=1000000 npm run test:kube -- test/kube/sar-differential.kube.test.ts
const seed = Number(process.env.SAR_SEED ?? 20_261_121)
const count = Number(process.env.SAR_COUNT ?? 21_000)
const requestsPerSet = 40
const setsAtOnce = 25
/** How long the API server may take to make known what it stored, and to aggregate roles. */
const settleMs = 10_000

const rbacApi = '/apis/rbac.authorization.k8s.io/v1'
const resources: Readonly<Record<string, string>> = {
  Role: 'roles',
  ClusterRole: 'clusterroles',
  RoleBinding: 'rolebindings',
  ClusterRoleBinding: 'clusterrolebindings',
}

describeKube('RBAC in this process and the API server', () => {
  let server: TestApiServer
  let api: ConnectedApiServer
  beforeAll(async () => {
    server = await startApiServer({ audit: false })
    api = await connect(server, 'asker')
    for (const name of setNamespaces) await server.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  })
  afterAll(async () => {
    api?.close()
    await server?.stop()
  })

  it(`say the same to ${count} random questions (seed ${seed})`, { timeout: 60_000 + count * 10 }, async () => {
    const defaults = await readAll(server.admin)
    const known = load(defaults)
    const totals = { sets: 0, objects: 0, refused: 0, decisions: 0, allowed: 0, explained: 0, urls: 0, byDefaults: 0 }
    const differences: string[] = []
    const sets = Math.ceil(count / requestsPerSet)
    for (let first = 0; first < sets && differences.length < 10; first += setsAtOnce) {
      const batch = Array.from({ length: Math.min(setsAtOnce, sets - first) }, (_, at) =>
        randomSet(new Random(seed, first + at), first + at, requestsPerSet, defaults),
      )
      await Promise.all(
        batch.map(async ({ objects, requests }) => {
          const own: RbacObject[] = []
          for (const object of objects) {
            const stored = await store(server.admin, object)
            const ours = loadManifest(object)
            if ((stored === '') !== (ours.refused === ''))
              differences.push(`stored: ${stored || 'yes'}; we: ${ours.refused || 'yes'}: ${JSON.stringify(object)}`)
            if (stored === '') own.push(...ours.objects)
            else totals.refused++
          }
          const world = [...known, ...own]
          const embedded = createEmbeddedAuthorizer(world)
          const expected = requests.map(request => embeddedAnswer(embedded, request))
          const wrong = await askUntilSame(api, requests, (at, theirs) => {
            const [request, ours] = [requests[at], expected[at]]
            return request !== undefined && ours !== undefined && sameAnswer(world, request, ours, theirs)
          })
          for (const { at, theirs } of wrong)
            differences.push(`${JSON.stringify(requests[at])}: ${JSON.stringify({ ours: expected[at], theirs })}`)
          totals.sets++
          totals.objects += own.length
          totals.decisions += requests.length
          totals.urls += requests.filter(({ path }) => path !== undefined).length
          totals.allowed += expected.filter(({ allowed }) => allowed).length
          totals.explained += expected.filter(({ allowed, reason }) => !allowed && reason !== '').length
          totals.byDefaults += expected.filter(({ reason }) =>
            /"(system:|admin|edit|view|cluster-admin)/.test(reason),
          ).length
        }),
      )
    }
    process.stderr.write(`${JSON.stringify(totals)}\n`)
    expect(differences.slice(0, 10)).toEqual([])
    // Not by asking nothing.
    expect(totals.decisions).toBeGreaterThanOrEqual(count)
    expect(totals.sets).toBeGreaterThanOrEqual(count / requestsPerSet)
    expect(totals.allowed).toBeGreaterThan(count / 10)
    expect(totals.explained).toBeGreaterThan(count / 200)
    expect(totals.urls).toBeGreaterThan(count / 200)
    expect(totals.byDefaults).toBeGreaterThan(count / 200)
  })
})

/** Everything that the API server has, as manifests. */
async function readAll(admin: ApiClient): Promise<readonly Json[]> {
  const all: Json[] = []
  for (const [kind, resource] of Object.entries(resources)) {
    const { body } = await admin.get(`${rbacApi}/${resource}`)
    const { items } = body as { readonly items: readonly Json[] }
    all.push(...items.map(item => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, ...item })))
  }
  return all
}

function load(manifests: readonly Json[]): readonly RbacObject[] {
  return manifests.flatMap(manifest => {
    const { objects, refused } = loadManifest(manifest)
    if (refused !== '') throw new Error(`${metadataOf(manifest).name}: ${refused}`)
    return objects
  })
}

/** Why it was refused; "" when it was not. */
async function store(admin: ApiClient, object: Json): Promise<string> {
  const { namespace } = metadataOf(object)
  const scope = typeof namespace === 'string' && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const path = `${rbacApi}${scope}/${resources[String(object.kind)]}?fieldValidation=Strict`
  const { status, message } = await admin.post(path, object)
  return status === 201 ? '' : `${status} ${message}`
}

/** Asks all of them, and those again whose answers are not right yet; what is left after a while is wrong. */
async function askUntilSame(
  api: ConnectedApiServer,
  requests: readonly OracleRequest[],
  isSame: (at: number, theirs: Access) => boolean,
): Promise<readonly { readonly at: number; readonly theirs: Access }[]> {
  const end = performance.now() + settleMs
  let open = requests.map((_, at) => at)
  for (;;) {
    const authorizer = createSarAuthorizer({ api, rbacOnly: true, watch: undefined })
    const wrong: { readonly at: number; readonly theirs: Access }[] = []
    for (const at of open) {
      const request = requests[at]
      if (request === undefined) continue
      const { verb, path } = request
      const user = userOf(request)
      const theirs = await (path === undefined
        ? authorizer.authorize(user, request)
        : authorizer.authorizeUrl(user, { verb, path }))
      if (!isSame(at, theirs)) wrong.push({ at, theirs })
    }
    if (wrong.length === 0 || performance.now() > end) return wrong
    open = wrong.map(({ at }) => at)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
