import type { ApiServerEvent } from '../../src/kube/api-server-event.js'
import { type ConnectedApiServer, createApiServer } from '../../src/kube/create-api-server.js'
import type { ApiServerAccess } from './start-api-server.js'

const account = (name: string, role: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${name} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: ${name}, namespace: ${name} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: ${name}-rbac-reader }
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings, clusterroles, clusterrolebindings]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${name} }
subjects: [{ kind: ServiceAccount, name: ${name}, namespace: ${name} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "${role}" }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: ${name}-rbac-reader }
subjects: [{ kind: ServiceAccount, name: ${name}, namespace: ${name} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${name}-rbac-reader }
`

/** Our own client, as a ServiceAccount of this name (and namespace) that may ask what others may do, and read RBAC. */
export async function connect(
  api: ApiServerAccess,
  name: string,
  options: { readonly role?: string; readonly timeoutMs?: number; onEvent?(event: ApiServerEvent): void } = {},
): Promise<ConnectedApiServer> {
  const { role = 'system:auth-delegator', timeoutMs = 10_000, onEvent } = options
  await api.apply(account(name, role))
  const file = await api.kubeconfig({ token: await api.serviceAccountToken(name, name) })
  return createApiServer({
    cluster: 'local',
    connection: { kind: 'kubeconfig', file, context: undefined },
    timeoutMs,
    maxInFlight: 48,
    ...(onEvent !== undefined && { onEvent }),
  })
}
