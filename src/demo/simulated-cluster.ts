import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type ApiAnswer, answerApiRequest, failure } from './cluster-api.js'
import { type ClusterObject, DeploymentSpec } from './cluster-object.js'
import { findResourceType, type ResourceType } from './cluster-resources.js'
import { createClusterStore } from './cluster-store.js'
import { startLoopbackServer } from './loopback-server.js'
import { readBody } from './read-body.js'

/** As the API server's own limit for a request body. */
const MAX_BODY = 3 * 1_048_576
const MAX_RECORDED = 10_000

export interface ClusterRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
  /** Whose authority the request carried: that of the MCP server itself, or a caller's that should not be here. */
  readonly user: 'kubernetes-mcp-server' | 'unknown-token'
  /** The header Impersonate-User, if it was there. It is recorded, not honoured. */
  readonly impersonateUser: string | undefined
  readonly status: number
}

export interface SimulatedCluster {
  readonly url: string
  readonly port: number
  /** Path of a kubeconfig with one context and neither default namespace nor credentials. */
  readonly kubeconfig: string
  /** Every request so far (the last 10,000), in order of arrival. */
  readonly requests: readonly ClusterRequest[]
  /** Those that change something; access reviews are not among them. */
  writes(): ClusterRequest[]
  forgetRequests(): void
  /** `spec.replicas` of a deployment; undefined when there is none. */
  replicasOf(namespace: string, name: string): number | undefined
  /** Names of the pods in a namespace. */
  podsIn(namespace: string): string[]
  /** Any object; `apiVersion` like v1 or apps/v1, `plural` like pods. */
  get(apiVersion: string, plural: string, namespace: string, name: string): ClusterObject | undefined
  stop(): Promise<void>
}

export interface SimulatedClusterOptions {
  readonly port?: number
  /** Each namespace starts with a deployment `web` of two replicas. Default: team-a and team-b. */
  readonly namespaces?: readonly string[]
}

/**
 * A Kubernetes API server reduced to what kubernetes-mcp-server needs: discovery, namespaces, pods, deployments and a
 * few more kinds, kept in memory. Plain HTTP on 127.0.0.1, where Kubernetes clients leave out the kubeconfig's credentials:
 * a request without Authorization is from the MCP server itself, which may do everything. One with Authorization carries a
 * token that should have been left behind at the gateway, and is answered 401.
 */
export async function startSimulatedCluster(options: SimulatedClusterOptions = {}): Promise<SimulatedCluster> {
  const store = createClusterStore()
  for (const name of ['default', 'kube-system', ...(options.namespaces ?? ['team-a', 'team-b'])]) {
    store.put(typeOf('v1', 'namespaces'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  for (const namespace of options.namespaces ?? ['team-a', 'team-b']) {
    store.put(typeOf('apps/v1', 'deployments'), webDeployment(namespace))
  }

  const requests: ClusterRequest[] = []
  const server = await startLoopbackServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  }, options.port)
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-cluster-'))
  const kubeconfig = join(directory, 'kubeconfig.yaml')
  await writeFile(kubeconfig, stringify(kubeconfigFor(server.url)), { mode: 0o600 })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2)
    const method = request.method ?? ''
    const { authorization = '', accept = '' } = request.headers
    const user = authorization === '' ? 'kubernetes-mcp-server' : 'unknown-token'
    const contentType = (request.headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase()
    const body = await readBody(request, MAX_BODY)
    const answer =
      user === 'unknown-token'
        ? failure(401, 'Unauthorized', 'Unauthorized')
        : body === undefined
          ? failure(413, 'RequestEntityTooLarge', 'the request is too large')
          : answerApiRequest(store, {
              ...{ method, path: decodePath(path), accept, contentType },
              query: new URLSearchParams(query),
              body: body.toString('utf8'),
            })
    const impersonateUser = request.headers['impersonate-user']
    requests.push({
      ...{ method, path, query, user, status: answer.status },
      impersonateUser: impersonateUser === undefined ? undefined : String(impersonateUser),
    })
    if (requests.length > MAX_RECORDED) requests.shift()
    send(response, answer)
    if (body === undefined) request.destroy()
  }

  return {
    url: server.url,
    port: server.port,
    kubeconfig,
    requests,
    writes: () =>
      requests.filter(({ method, path }) => method !== 'GET' && !path.startsWith('/apis/authorization.k8s.io/')),
    forgetRequests: () => {
      requests.length = 0
    },
    replicasOf: (namespace, name) => {
      const deployment = store.get(typeOf('apps/v1', 'deployments'), namespace, name)
      return deployment === undefined ? undefined : DeploymentSpec.parse(deployment.spec).replicas
    },
    podsIn: namespace => store.list(typeOf('v1', 'pods'), namespace).map(({ metadata }) => metadata.name),
    get: (apiVersion, plural, namespace, name) => store.get(typeOf(apiVersion, plural), namespace, name),
    stop: async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function send(response: ServerResponse, { status, body }: ApiAnswer): void {
  const [type, text] = typeof body === 'string' ? ['text/plain', body] : ['application/json', JSON.stringify(body)]
  response.writeHead(status, { 'content-type': type }).end(text)
}

/** What cannot be decoded stays as it is, and is found nowhere. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function typeOf(apiVersion: string, plural: string): ResourceType {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const type = findResourceType(group, version, plural)
  if (type === undefined) throw new Error(`the simulated cluster has no ${apiVersion} ${plural}`)
  return type
}

function webDeployment(namespace: string): ClusterObject {
  const labels = { app: 'web' }
  const containers = [{ name: 'web', image: 'registry.example.com/web:1.0', ports: [{ containerPort: 8080 }] }]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace, labels },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  }
}

function kubeconfigFor(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'simulated', cluster: { server } }],
    users: [{ name: 'kubernetes-mcp-server', user: {} }],
    contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: 'kubernetes-mcp-server' } }],
    'current-context': 'simulated',
  }
}
