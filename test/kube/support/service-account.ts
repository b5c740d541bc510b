import { reviewerAccount } from '../../../src/demo/kube-identity.js'

/** The ServiceAccount of mcp-authz, with the rights to ask and to watch RBAC. */
export const account = `${reviewerAccount}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: watches-rbac }
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings, clusterroles, clusterrolebindings]
  verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: watches-rbac }
subjects: [{ kind: ServiceAccount, name: mcp-authz, namespace: mcp-authz }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: watches-rbac }
`

/** Lets a user list pods in a namespace. */
export const pods = (user: string, namespace = 'team') => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: ${user}, namespace: ${namespace} }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: ${user} }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
`
