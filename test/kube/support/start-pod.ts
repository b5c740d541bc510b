import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Child } from '../../../src/demo/child-process.js'
import { freePort } from '../../../src/demo/free-port.js'
import { httpReady } from '../../../src/demo/http-ready.js'
import { packageRoot } from '../../../src/package-root.js'
import type { ImageTree } from '../../container/image-tree.js'
import { createMountedVolume, type MountedVolume, type VolumeFile } from '../../container/mounted-volume.js'
import { startContainer } from '../../container/start-container.js'
import type { ApiServerAccess } from '../start-api-server.js'

const folder = join(packageRoot, 'deploy/kubernetes')
const namespace = 'mcp-authz'

const Volume = z.looseObject({
  name: z.string(),
  configMap: z.looseObject({ name: z.string() }).optional(),
  projected: z.looseObject({ defaultMode: z.number().default(0o644) }).optional(),
})
const PodSpec = z.looseObject({
  serviceAccountName: z.string(),
  securityContext: z.looseObject({ runAsUser: z.number(), fsGroup: z.number().optional() }),
  containers: z.tuple([
    z.looseObject({
      args: z.array(z.string()),
      env: z.array(z.object({ name: z.string(), value: z.string() })),
      volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
    }),
  ]),
  volumes: z.array(Volume),
})
const Deployment = z.looseObject({ spec: z.looseObject({ template: z.looseObject({ spec: PodSpec }) }) })
const ConfigMap = z.looseObject({ data: z.record(z.string(), z.string()) })

export interface Pod {
  readonly name: string
  readonly child: Child
  readonly grpcPort: number
  readonly origin: string
  /** What it wrote on its standard output and error, one JSON object per line. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  readonly token: string
  /** Puts the ConfigMaps as they are now where it sees them, as the kubelet does within two minutes. */
  refreshConfigMaps(): Promise<void>
  /** As the kubelet does before a token expires. */
  replaceToken(token: string): Promise<void>
  readiness(): Promise<{ readonly status: number; readonly reasons: readonly string[] }>
  untilReady(): Promise<void>
  /** As when the pod is deleted. */
  stop(): Promise<void>
}

export interface PodOptions {
  readonly api: ApiServerAccess
  readonly image: ImageTree
  readonly name: string
  /** Beside what the Deployment says. */
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Starts what a pod of deploy/kubernetes/deployment.yaml would run, as whom and with the files that it would: there is no
 * kubelet here. Only the ports differ, and that it does not wait before it ends. Resolves when it answers `/healthz`.
 */
export async function startPod({ api, image, name, environment = {} }: PodOptions): Promise<Pod> {
  const { spec } = Deployment.parse(parse(await readFile(join(folder, 'deployment.yaml'), 'utf8'))).spec.template
  const metadata = { name, namespace, labels: { 'app.kubernetes.io/name': 'mcp-authz' } }
  await api.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec })
  const { runAsUser: uid, fsGroup } = spec.securityContext
  const [container] = spec.containers
  const token = await api.serviceAccountToken(namespace, spec.serviceAccountName, { boundPod: name })
  const authority = await readFile(api.caFile, 'utf8')
  const volumes = new Map<string, MountedVolume>()

  /** Modes and owners as pkg/volume/projected and pkg/volume/volume_linux.go of Kubernetes 1.36 give them. */
  const owned = (text: string, mode: number, owner?: number): VolumeFile => ({
    text,
    mode: fsGroup === undefined ? mode : mode | 0o440,
    uid: owner,
    gid: fsGroup,
  })
  async function fill({ name: volume, configMap, projected }: z.infer<typeof Volume>, bearer: string): Promise<void> {
    const made = volumes.get(volume) ?? (await createMountedVolume())
    volumes.set(volume, made)
    if (configMap !== undefined) {
      const { body } = await api.admin.get(`/api/v1/namespaces/${namespace}/configmaps/${configMap.name}`)
      const files = Object.entries(ConfigMap.parse(body).data)
      await made.write(Object.fromEntries(files.map(([file, text]) => [file, owned(text, 0o644)])))
    }
    if (projected !== undefined)
      await made.write({
        // A token belongs to the user of the pod, whatever defaultMode says; the rest is root's.
        token: owned(bearer, 0o600, uid),
        'ca.crt': owned(authority, projected.defaultMode),
        namespace: owned(namespace, projected.defaultMode),
      })
  }
  for (const volume of spec.volumes) await fill(volume, token)

  const [grpcPort, httpPort] = [await freePort(), await freePort()]
  const lines: Record<string, unknown>[] = []
  const child = await startContainer({
    mounts: {
      '/app': image.app,
      ...Object.fromEntries(
        container.volumeMounts.map(mount => [mount.mountPath, volumes.get(mount.name)?.directory ?? '']),
      ),
    },
    environment: {
      NODE_ENV: 'production',
      ...Object.fromEntries(container.env.map(({ name: variable, value }) => [variable, value])),
      HOSTNAME: name,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(api.port),
      MCP_AUTHZ_LISTENERS_0_HOST: '127.0.0.1',
      MCP_AUTHZ_LISTENERS_0_PORT: String(grpcPort),
      MCP_AUTHZ_HTTP_HOST: '127.0.0.1',
      MCP_AUTHZ_HTTP_PORT: String(httpPort),
      MCP_AUTHZ_SHUTDOWN_DELAY_SECONDS: '0',
      ...environment,
    },
    args: ['/app/dist/cli/main.js', ...container.args],
    uid,
    ...(fsGroup !== undefined && { groups: [fsGroup] }),
    onLine: line => {
      if (line.startsWith('{')) lines.push(z.record(z.string(), z.unknown()).parse(JSON.parse(line)))
    },
  })
  const origin = `http://127.0.0.1:${httpPort}`
  const pod: Pod = {
    ...{ name, child, grpcPort, origin, lines, token },
    async refreshConfigMaps() {
      for (const volume of spec.volumes) if (volume.configMap !== undefined) await fill(volume, token)
    },
    async replaceToken(bearer) {
      for (const volume of spec.volumes) if (volume.projected !== undefined) await fill(volume, bearer)
    },
    async readiness() {
      const answer = await fetch(`${origin}/readyz`)
      const { reasons } = z.looseObject({ reasons: z.array(z.string()) }).parse(await answer.json())
      return { status: answer.status, reasons }
    },
    untilReady: () => child.waitUntilReady(httpReady(`${origin}/readyz`), 30_000),
    async stop() {
      await child.stop(10_000)
      for (const volume of volumes.values()) await volume.remove()
    },
  }
  try {
    // Its start waits up to five seconds for the API server.
    await child.waitUntilReady(httpReady(`${origin}/healthz`), 30_000)
  } catch (cause) {
    await pod.stop()
    throw cause
  }
  return pod
}
