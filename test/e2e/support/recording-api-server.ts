import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { startLoopbackServer } from '../../../src/demo/loopback-server.js'
import { readBody } from '../../../src/demo/read-body.js'

/** One request as the API server's authorizer would see it, reviews and discovery left out. */
export interface SeenOperation {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  /** "" for cluster scope or all namespaces. */
  readonly namespace: string
  readonly name: string
  /** The body as the API server reads it; undefined without one. */
  readonly body: unknown
}

export interface RecordingApiServer {
  /** Two contexts, `ctx-a` (current) and `ctx-b`; namespace `home` in both. */
  readonly kubeconfig: string
  readonly seen: readonly SeenOperation[]
  /** Paths that are neither discovery nor about a resource in the table below. */
  readonly strange: readonly string[]
  forget(): void
  stop(): Promise<void>
}

/** `Kind=plural`, `*` before the plural = cluster-scoped. */
const table: Readonly<Record<string, string>> = {
  v1: `Namespace=*namespaces Node=*nodes Pod=pods Service=services ConfigMap=configmaps Secret=secrets Event=events
    ServiceAccount=serviceaccounts PersistentVolumeClaim=persistentvolumeclaims`,
  'apps/v1': 'Deployment=deployments StatefulSet=statefulsets DaemonSet=daemonsets ReplicaSet=replicasets',
  'batch/v1': 'Job=jobs CronJob=cronjobs',
  'storage.k8s.io/v1': 'StorageClass=*storageclasses',
  'rbac.authorization.k8s.io/v1': 'ClusterRole=*clusterroles RoleBinding=rolebindings',
  'authorization.k8s.io/v1': 'SelfSubjectAccessReview=*selfsubjectaccessreviews',
  'metrics.k8s.io/v1beta1': 'NodeMetrics=*nodes PodMetrics=pods',
  'project.openshift.io/v1': 'Project=*projects',
  'tenancy.kcp.io/v1alpha1': 'Workspace=*workspaces',
  'tekton.dev/v1': 'Pipeline=pipelines PipelineRun=pipelineruns Task=tasks TaskRun=taskruns',
  'operator.tekton.dev/v1alpha1': 'TektonConfig=*tektonconfigs',
  'pipelinesascode.tekton.dev/v1alpha1': 'Repository=repositories',
  'kubevirt.io/v1':
    'VirtualMachine=virtualmachines VirtualMachineInstance=virtualmachineinstances VirtualMachineInstanceMigration=virtualmachineinstancemigrations KubeVirt=kubevirts',
  'subresources.kubevirt.io/v1': 'VirtualMachine=virtualmachines VirtualMachineInstance=virtualmachineinstances',
  'clone.kubevirt.io/v1beta1': 'VirtualMachineClone=virtualmachineclones',
  'cdi.kubevirt.io/v1beta1': 'DataSource=datasources DataVolume=datavolumes CDI=*cdis',
  'instancetype.kubevirt.io/v1beta1': `VirtualMachineClusterPreference=*virtualmachineclusterpreferences
    VirtualMachinePreference=virtualmachinepreferences
    VirtualMachineClusterInstancetype=*virtualmachineclusterinstancetypes
    VirtualMachineInstancetype=virtualmachineinstancetypes`,
  'template.kubevirt.io/v1beta1': 'VirtualMachineTemplate=virtualmachinetemplates',
  'subresources.template.kubevirt.io/v1beta1': 'VirtualMachineTemplate=virtualmachinetemplates',
  'hco.kubevirt.io/v1': 'HyperConverged=hyperconvergeds',
  'networkaddonsoperator.network.kubevirt.io/v1': 'NetworkAddonsConfig=*networkaddonsconfigs',
}

interface Served {
  readonly groupVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const served: readonly Served[] = Object.entries(table).flatMap(([groupVersion, kinds]) =>
  kinds.split(/\s+/).map(entry => {
    const [kind = '', plural = ''] = entry.split('=')
    return { groupVersion, kind, plural: plural.replace('*', ''), namespaced: !plural.startsWith('*') }
  }),
)
const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

/**
 * An API server that knows many groups, has every object that is asked for, lets its client do everything, keeps nothing,
 * and remembers what it was asked. Plain HTTP on 127.0.0.1. `without`: groups that it does not serve.
 */
export async function startRecordingApiServer(
  options: { readonly without?: readonly string[] } = {},
): Promise<RecordingApiServer> {
  const kinds = served.filter(({ groupVersion }) => !options.without?.includes(groupVersion.split('/')[0] ?? ''))
  const seen: SeenOperation[] = []
  const strange: string[] = []

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    const body = await readBody(request, 4 * 1024 * 1024)
    const discovery = discoveryAt(kinds, path)
    if (discovery !== undefined) return send(response, 200, discovery)
    const target = targetOf(kinds, path)
    if (target === undefined) {
      strange.push(`${request.method} ${path}`)
      return send(response, 404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 })
    }
    const { kind, namespace, name, subresource } = target
    if (kind.plural === 'selfsubjectaccessreviews') {
      const review = { apiVersion: kind.groupVersion, kind: 'SelfSubjectAccessReview', metadata: {}, spec: {} }
      return send(response, 201, { ...review, status: { allowed: true } })
    }
    const text = body?.toString('utf8') ?? ''
    const object: unknown = text === '' ? undefined : parse(text)
    const watch = new URLSearchParams(query).get('watch') === 'true'
    const verb = verbOf(request.method ?? '', name, watch)
    const group = kind.groupVersion.includes('/') ? (kind.groupVersion.split('/')[0] ?? '') : ''
    seen.push({ verb, group, resource: kind.plural, subresource, namespace, name, body: object })
    if (subresource === 'log') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('a line\n')
    if (verb === 'list') {
      return send(response, 200, {
        ...{ kind: `${kind.kind}List`, apiVersion: kind.groupVersion },
        ...{ metadata: { resourceVersion: '1' }, items: [] },
      })
    }
    const answer = object ?? objectFor(kind, namespace, name, subresource)
    return send(response, verb === 'create' ? 201 : 200, withMetadata(answer, namespace, name))
  }

  const server = await startLoopbackServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  // Exec upgrades; it is enough to have seen the request.
  server.server.on('upgrade', (request, socket) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    const target = targetOf(kinds, path)
    if (target !== undefined) {
      const { kind, namespace, name, subresource } = target
      const verb = verbOf(request.method ?? '', name, false)
      seen.push({ ...{ verb, group: '', resource: kind.plural, subresource, namespace, name }, body: undefined })
    }
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-api-'))
  const kubeconfig = join(directory, 'kubeconfig.yaml')
  const context = { cluster: 'c', user: 'u', namespace: 'home' }
  await writeFile(
    kubeconfig,
    stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'ctx-a' },
      clusters: [{ name: 'c', cluster: { server: server.url } }],
      users: [{ name: 'u', user: {} }],
      contexts: ['ctx-a', 'ctx-b'].map(name => ({ name, context })),
    }),
    { mode: 0o600 },
  )
  return {
    kubeconfig,
    seen,
    strange,
    forget: () => {
      seen.length = 0
      strange.length = 0
    },
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function discoveryAt(kinds: readonly Served[], path: string): object | undefined {
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.0', platform: 'recorded' }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
  if (path === '/apis') {
    const versions = [...new Set(kinds.map(({ groupVersion }) => groupVersion))].filter(one => one.includes('/'))
    const groups = versions.map(groupVersion => {
      const [name = '', version = ''] = groupVersion.split('/')
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
    })
    return { kind: 'APIGroupList', apiVersion: 'v1', groups }
  }
  const groupVersion = /^\/(?:api|apis)\/([^/]+(?:\/[^/]+)?)$/.exec(path)?.[1]
  const resources = kinds.filter(kind => kind.groupVersion === groupVersion)
  if (resources.length === 0) return undefined
  return {
    ...{ kind: 'APIResourceList', apiVersion: 'v1', groupVersion },
    resources: resources.flatMap(({ plural, kind, namespaced }) => [
      { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs },
      ...(groupVersion === 'apps/v1'
        ? [
            {
              name: `${plural}/scale`,
              singularName: '',
              namespaced,
              kind: 'Scale',
              group: 'autoscaling',
              version: 'v1',
              verbs,
            },
          ]
        : []),
    ]),
  }
}

interface Target {
  readonly kind: Served
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

/** As k8s.io/apiserver RequestInfo splits a path; `namespaces/x` is a namespace itself unless a resource follows. */
function targetOf(kinds: readonly Served[], path: string): Target | undefined {
  const parts = path
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent)
  const core = parts[0] === 'api'
  const groupVersion = core ? parts[1] : `${parts[1]}/${parts[2]}`
  const rest = parts.slice(core ? 2 : 3)
  const find = (plural: string | undefined) =>
    kinds.find(kind => kind.groupVersion === groupVersion && kind.plural === plural)
  const below = rest[0] === 'namespaces' && rest.length > 2 ? find(rest[2]) : undefined
  if (below !== undefined) {
    return { kind: below, namespace: rest[1] ?? '', name: rest[3] ?? '', subresource: rest.slice(4).join('/') }
  }
  const kind = find(rest[0])
  if (kind === undefined) return undefined
  const subresource = rest[2] ?? ''
  return { kind, namespace: '', name: rest[1] ?? '', subresource }
}

function verbOf(method: string, name: string, watch: boolean): string {
  switch (method) {
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete'
    default:
      if (watch) return 'watch'
      return name === '' ? 'list' : 'get'
  }
}

function objectFor(kind: Served, namespace: string, name: string, subresource: string): object {
  const base = { apiVersion: kind.groupVersion, kind: kind.kind, metadata: { name, namespace } }
  if (subresource === 'scale')
    return { ...base, apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 1 } }
  switch (kind.kind) {
    case 'Pod':
      return { ...base, spec: { containers: [{ name: 'c', image: 'i' }] }, status: { phase: 'Running' } }
    case 'VirtualMachine':
      return { ...base, spec: { runStrategy: 'Halted', template: { spec: { domain: {} } } }, status: {} }
    case 'VirtualMachineInstance':
      return { ...base, spec: { domain: {} }, status: { phase: 'Running' } }
    case 'PipelineRun':
      return {
        ...base,
        spec: { pipelineRef: { name: 'p' } },
        status: { childReferences: [{ kind: 'TaskRun', apiVersion: 'tekton.dev/v1', name: 't' }] },
      }
    case 'TaskRun':
      return {
        ...base,
        spec: { taskRef: { name: 't' } },
        status: { podName: 'pod-of-t', steps: [{ container: 'step-a', name: 'a' }] },
      }
    default:
      return { ...base, spec: {}, status: {} }
  }
}

function withMetadata(object: unknown, namespace: string, name: string): object {
  const given = Object(object)
  const metadata = { name: name === '' ? 'generated' : name, uid: 'u', resourceVersion: '1', ...given.metadata }
  return { ...given, metadata: namespace === '' ? metadata : { namespace, ...metadata } }
}
