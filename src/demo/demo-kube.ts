import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import * as z from 'zod'
import { packageRoot } from '../package-root.js'
import { accessTo } from './kube-access.js'
import type { AuditEvent } from './kube-audit-log.js'
import { certificateOf, makeReviewer, nobodyYet, untilKnown } from './kube-identity.js'
import { startKubeServer } from './kube-server.js'
import type { TlsPair } from './loopback-server.js'

const AUDIT_TIMEOUT_MS = 10_000
const Scale = z.looseObject({ spec: z.looseObject({ replicas: z.number() }) })

/** A real API server as the demo needs it, with what the simulated one has. */
export interface DemoKube {
  readonly url: string
  /** Without credentials: whoever uses it has to come with a token. */
  readonly kubeconfig: string
  /** By which mcp-authz asks what others may do. */
  readonly reviewer: string
  /** For the OpenID provider beside it. */
  readonly tls: TlsPair & { readonly ca: string }
  /** Has the API server know people by the AuthenticationConfiguration of a file, and waits until it takes this token. */
  trust(file: string, token: string): Promise<void>
  replicasOf(namespace: string, name: string): Promise<number | undefined>
  /** What the API server wrote down of the last list of pods in a namespace by kubernetes-mcp-server. Waits for it. */
  auditOfPods(namespace: string): Promise<AuditEvent | undefined>
  stop(): Promise<void>
}

/** Builds it if need be, which is announced. Throws, with what is missing, where it cannot be built. */
export async function startDemoKube(say: (line: string) => void): Promise<DemoKube> {
  const server = await startKubeServer({ authentication: nobodyYet, say })
  try {
    const api = accessTo(server)
    for (const namespace of ['team-a', 'team-b']) await api.apply(inNamespace(namespace))
    await api.apply(join(packageRoot, 'policies', 'demo', 'rbac.yaml'))
    return {
      url: api.url,
      kubeconfig: await api.kubeconfig(),
      reviewer: await makeReviewer(api),
      tls: await certificateOf(api),
      async trust(file, token) {
        const documents = parseAllDocuments(await readFile(file, 'utf8')).map((one): unknown => one.toJS())
        const isConfiguration = z.looseObject({ kind: z.literal('AuthenticationConfiguration') })
        for (const document of documents) {
          const { success, data } = isConfiguration.safeParse(document)
          if (success) await server.setAuthentication(data)
        }
        await untilKnown(api, token)
      },
      async replicasOf(namespace, name) {
        const { body } = await api.admin.get(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`)
        return Scale.safeParse(body).data?.spec.replicas
      },
      async auditOfPods(namespace) {
        const end = Date.now() + AUDIT_TIMEOUT_MS
        for (;;) {
          const event = (await api.audit()).findLast(
            one =>
              one.userAgent.startsWith('kubernetes-mcp-server') &&
              `${one.verb} ${one.resource} ${one.namespace}` === `list pods ${namespace}`,
          )
          if (event !== undefined || Date.now() > end) return event
          await new Promise(resolve => setTimeout(resolve, 50))
        }
      },
      async stop() {
        await api.admin.close()
        await server.stop()
      },
    }
  } catch (cause) {
    await server.stop()
    throw cause
  }
}

/** There are no nodes and no controllers of deployments: the pods are there by themselves, and stay pending. */
function inNamespace(namespace: string): string {
  const containers = '[{ name: web, image: "registry.example.com/web:1.0" }]'
  const pods = ['web-1', 'web-2'].map(
    name => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: web } }
spec: { containers: ${containers} }
`,
  )
  return `apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: ${containers} }
${pods.join('')}`
}
