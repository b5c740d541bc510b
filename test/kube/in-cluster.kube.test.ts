import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../../src/package-root.js'
import { type ImageTree, makeImageTree } from '../container/image-tree.js'
import { containerProblem } from '../container/start-container.js'
import { eventually } from '../e2e/support/eventually.js'
import { describeKube } from './shared-api-server.js'
import { startApiServer, type TestApiServer } from './start-api-server.js'
import { type AskingGateway, askAsGateway } from './support/ask-as-gateway.js'
import { type Pod, startPod } from './support/start-pod.js'

const folder = join(packageRoot, 'deploy/kubernetes')
const account = 'system:serviceaccount:mcp-authz:mcp-authz'
const issuer = 'https://idp.example.com/realms/acme'
const cluster = 'https://kubernetes.default.svc'
const configMaps = '/api/v1/namespaces/mcp-authz/configmaps'
const servers = `${configMaps}/mcp-authz-servers`

const Kustomization = z.looseObject({ resources: z.array(z.string()) })
const Rules = z.looseObject({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()).default([]),
      resources: z.array(z.string()).default([]),
      resourceNames: z.array(z.string()).default(['']),
      verbs: z.array(z.string()),
    }),
  ),
})
const Binding = z.looseObject({ kind: z.string(), roleRef: z.looseObject({ name: z.string() }).optional() })
const Data = z.looseObject({ data: z.record(z.string(), z.string()).default({}) })
const Events = z.looseObject({
  items: z.array(z.looseObject({ reason: z.string(), involvedObject: z.looseObject({ name: z.string() }) })),
})

const people = (user: string, role: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: "${user.replaceAll(':', '-')}", namespace: team }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: "${user}" }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${role} }
`

const problem = containerProblem()
if (problem !== undefined) process.stderr.write(`the pod of deploy/kubernetes is not started: ${problem}\n`)

describe.skipIf(problem !== undefined)('in a pod of deploy/kubernetes', () => {
  describeKube('with the rights of rbac.yaml', () => {
    let api: TestApiServer
    let image: ImageTree
    let pod: Pod
    let gateway: AskingGateway
    let tokenOf: (user: string) => Promise<string>
    let scale: (user: string, replicas: number) => ReturnType<AskingGateway['call']>
    let list: (user: string, namespace: string) => ReturnType<AskingGateway['call']>

    beforeAll(async () => {
      ;[api, image] = await Promise.all([startApiServer(), makeImageTree()])
      const text = await readFile(join(folder, 'kustomization.yaml'), 'utf8')
      for (const name of Kustomization.parse(parse(text)).resources) await api.apply(join(folder, name))
      await api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
      await api.apply(people('alice', 'edit'))
      await api.apply(people('system:serviceaccount:team:default', 'view'))
      // The documents of servers.yaml stand as they are. The issuer has its keys in a file, and the cluster is one more.
      const { publicKey, privateKey } = await generateKeyPair('ES256')
      const key = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
      const identity = {
        apiVersion: 'mcp-authz.dev/v1alpha1',
        kind: 'Identity',
        metadata: { name: 'default' },
        spec: {
          issuers: {
            [issuer]: { alias: 'acme', jwksFile: '/etc/mcp-authz/servers/jwks.json' },
            [cluster]: { alias: 'cluster', tokenReview: { cluster: 'local' } },
          },
        },
      }
      const data = { 'keys.yaml': JSON.stringify(identity), 'jwks.json': JSON.stringify({ keys: [key] }) }
      expect(await api.admin.patch(servers, { data })).toMatchObject({ status: 200 })
      tokenOf = user =>
        new SignJWT({ sub: user, preferred_username: user, groups: ['staff'] })
          .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
          .setIssuer(issuer)
          .setAudience('mcp-gateway')
          .setIssuedAt()
          .setExpirationTime('10m')
          .sign(privateKey)
      pod = await startPod({ api, image, name: 'mcp-authz-6d5f9-x2k4q' })
      gateway = askAsGateway(pod.grpcPort)
      list = async (user, namespace) => gateway.call(await tokenOf(user), 'pods_list_in_namespace', { namespace })
      scale = async (user, replicas) =>
        gateway.call(await tokenOf(user), 'resources_scale', {
          ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team', name: 'web', scale: replicas },
        })
    })
    afterAll(async () => {
      gateway?.close()
      await pod?.stop()
      await api?.stop()
      await image?.remove()
    })

    const records = () => pod.lines.filter(({ version }) => version === 'mcp-authz.dev/decision/v1')

    it('becomes ready', async () => {
      await pod.untilReady()
      expect(pod.lines.filter(({ level }) => level === 'error')).toEqual([])
      expect((await pod.readiness()).reasons).toEqual(['audit: the Server kubernetes denies nothing'])
    })

    it('records in Audit what the API server says', async () => {
      expect(await list('alice', 'team')).toMatchObject({ allowed: true })
      expect(await list('bob', 'team')).toMatchObject({ allowed: true })
      await eventually('the records', () => records().length >= 2)
      const [first, second] = records()
      expect(first).toMatchObject({ mode: 'audit', subject: { user: 'alice' } })
      expect(first).not.toHaveProperty('would_deny')
      expect(second).toMatchObject({ subject: { user: 'bob' }, would_deny: [{ reason: 'authorization.rbac' }] })
    })

    it('denies once the Server is no longer in Audit, without a restart', async () => {
      const before = Data.parse((await api.admin.get(servers)).body).data['kubernetes.yaml'] ?? ''
      const after = before.replace(/^ *# Audit denies.*\n *mode: Audit\n/m, '')
      expect(after).not.toBe(before)
      await api.admin.patch(servers, { data: { 'kubernetes.yaml': after } })
      await pod.refreshConfigMaps()
      await eventually('a denial', async () => (await list('bob', 'team')).reason === 'authorization.rbac')
      expect(await list('alice', 'team')).toMatchObject({ allowed: true })
      expect(await scale('alice', 9)).toMatchObject({ allowed: true })
    })

    it('knows a ServiceAccount by what the API server says of its token', async () => {
      const token = await api.serviceAccountToken('team', 'default', { audiences: ['mcp-gateway'] })
      const ask = (namespace: string) => gateway.call(token, 'pods_list_in_namespace', { namespace })
      expect(await ask('team')).toMatchObject({ allowed: true })
      expect(await ask('elsewhere')).toMatchObject({ allowed: false, reason: 'authorization.rbac' })
    })

    it('has a ConfigMap in force within a second, and says so', async () => {
      const started = performance.now()
      await api.apply(join(folder, 'sample-policy.yaml'))
      await eventually('the guardrail', async () => (await scale('alice', 9)).reason === 'guardrail.violated')
      expect(performance.now() - started).toBeLessThan(1000 + 500)
      expect(await scale('alice', 5)).toMatchObject({ allowed: true })
      const status = await eventually('the status', async () => {
        const { body } = await api.admin.get(`${configMaps}/mcp-authz-status`)
        const text = Data.parse(body).data[`${pod.name}.yaml`]
        return text?.includes('replica-cap') ? text : undefined
      })
      expect(parse(status)).toMatchObject({
        inForce: true,
        states: [{ document: 'Guardrail/replica-cap', configMap: 'replica-cap', state: 'loaded' }],
      })
    })

    it('says in Events what is wrong with one, and keeps the last good version', async () => {
      const path = `${configMaps}/replica-cap`
      const good = Data.parse((await api.admin.get(path)).body).data['replica-cap.yaml'] ?? ''
      await api.admin.patch(path, { data: { 'replica-cap.yaml': good.replace('n <= 5', 'n <=') } })
      const said = async (reason: string) =>
        Events.parse((await api.admin.get('/api/v1/namespaces/mcp-authz/events')).body).items.some(
          event => event.reason === reason && event.involvedObject.name === 'replica-cap',
        )
      await eventually('the event', () => said('PolicyInvalid'))
      expect(await scale('alice', 9)).toMatchObject({ reason: 'guardrail.violated' })
      await api.admin.patch(path, { data: { 'replica-cap.yaml': good } })
      await eventually('the other event', () => said('PolicyLoaded'))
    })

    it('goes on when its token is replaced, and the old one ends', async () => {
      const next = await api.serviceAccountToken('mcp-authz', 'mcp-authz')
      await pod.replaceToken(next)
      expect(
        (await api.admin.delete(`/api/v1/namespaces/mcp-authz/pods/${pod.name}?gracePeriodSeconds=0`)).status,
      ).toBe(200)
      const reasons = new Set<string>()
      const ended = async () => (await api.as({ token: pod.token }).get('/api')).status === 401
      let cold = 0
      const ask = async () => reasons.add((await list('bob', `cold-${cold++}`)).reason)
      // The API server takes a token for ten seconds after it ended.
      await eventually(
        'the end of the old token',
        async () => {
          await ask()
          return ended()
        },
        30_000,
      )
      for (let i = 0; i < 20; i++) {
        await ask()
        await sleep(20)
      }
      expect([...reasons]).toEqual(['authorization.rbac'])
    }, 60_000)

    it('did nothing that it may not do, and may do nothing that it does not do', async () => {
      await pod.stop()
      const requests = (await api.audit()).filter(({ user }) => user === account)
      const refused = requests.filter(({ status }) => status === 403 || status === 422 || status === 404)
      expect(refused.map(({ verb, uri, status }) => `${status} ${verb} ${uri}`)).toEqual([])
      const used = requests.flatMap(({ verb, group, resource, name }) =>
        resource === '' ? [] : [{ verb, group, resource, name }],
      )
      const given = await rights(api)
      const unused = given.filter(
        right =>
          !used.some(
            one =>
              one.verb === right.verb &&
              one.group === right.group &&
              one.resource === right.resource &&
              (right.name === '' || one.name === right.name),
          ),
      )
      expect(unused).toEqual([])
    })
  })
})

interface Right {
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** "": any. */
  readonly name: string
}

/** Each single thing that the roles allow to which rbac.yaml binds the ServiceAccount. */
async function rights(api: TestApiServer): Promise<readonly Right[]> {
  const documents = parseAllDocuments(await readFile(join(folder, 'rbac.yaml'), 'utf8')).map(
    one => one.toJS() as unknown,
  )
  const paths = documents.flatMap(one => {
    const { kind, roleRef } = Binding.parse(one)
    if (roleRef === undefined) return []
    const base = '/apis/rbac.authorization.k8s.io/v1'
    return [
      kind === 'RoleBinding'
        ? `${base}/namespaces/mcp-authz/roles/${roleRef.name}`
        : `${base}/clusterroles/${roleRef.name}`,
    ]
  })
  expect(paths.length).toBeGreaterThan(2)
  const roles = await Promise.all(paths.map(async path => Rules.parse((await api.admin.get(path)).body)))
  return roles
    .flatMap(({ rules }) => rules)
    .flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.flatMap(group =>
        resources.flatMap(resource =>
          resourceNames.flatMap(name => verbs.map(verb => ({ verb, group, resource, name }))),
        ),
      ),
    )
}
