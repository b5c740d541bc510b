import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeAccess } from './kube-access.js'
import type { TlsPair } from './loopback-server.js'

/** What an API server starts with that is to learn of its people later. */
export const nobodyYet = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: [] }

/**
 * A certificate for 127.0.0.1 and what to know it by: the API server's own, which is as good for a provider beside it. API
 * servers take tokens only of issuers that speak TLS.
 */
export async function certificateOf({ directory, caFile }: KubeAccess): Promise<TlsPair & { readonly ca: string }> {
  const cert = await readFile(caFile, 'utf8')
  return { cert, ca: cert, key: await readFile(join(directory, 'pki', 'apiserver.key'), 'utf8') }
}

/** Waits until an API server that was told of an issuer knows its tokens, which takes seconds. Throws after `timeoutMs`. */
export async function untilKnown(api: KubeAccess, token: string, timeoutMs = 30_000): Promise<void> {
  const client = api.as({ token })
  const end = Date.now() + timeoutMs
  while ((await client.get('/api')).status === 401) {
    if (Date.now() > end) throw new Error(`the API server did not know the issuer after ${timeoutMs} ms`)
    await sleep(100)
  }
  await client.close()
}

/** The ServiceAccount of mcp-authz, with the right to ask. */
export const reviewerAccount = `
apiVersion: v1
kind: Namespace
metadata: { name: mcp-authz }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: mcp-authz, namespace: mcp-authz }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: mcp-authz }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: mcp-authz }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:auth-delegator }
`

/** Makes the account by which mcp-authz asks what others may do, and which may do nothing else. Returns its kubeconfig. */
export async function makeReviewer(api: KubeAccess): Promise<string> {
  await api.apply(reviewerAccount)
  const token = await api.serviceAccountToken('mcp-authz', 'mcp-authz', { expirationSeconds: 24 * 3600 })
  return api.kubeconfig({ token })
}
