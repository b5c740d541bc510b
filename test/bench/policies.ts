import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const issuer = 'https://idp.example.com'
export const audience = 'https://mcp.example.com/mcp'

/**
 * One protected server with 30 Guardrails, 3 of which concern a resources_scale: 20 are about other tools, 4 about other
 * kinds of access, 3 about other people. RBAC comes from files.
 */
export function writePolicies(jwks: unknown): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-bench-'))
  writeFileSync(join(directory, 'keys.json'), JSON.stringify(jwks))
  writeFileSync(join(directory, 'identity.yaml'), identity)
  writeFileSync(join(directory, 'server.yaml'), server)
  writeFileSync(join(directory, 'rbac.yaml'), rbac)
  writeFileSync(join(directory, 'guardrails.yaml'), guardrails().join('---\n'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

const identity = `apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: "${issuer}", audiences: ["${audience}"] }
  claimMappings:
    username: { claim: preferred_username, prefix: "" }
    groups: { claim: groups, prefix: "" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Identity
metadata: { name: default }
spec:
  issuers: { "${issuer}": { alias: bench, jwksFile: keys.json } }
  clients: { sre-agent: attested }
`

const server = `apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: "${audience}", catalog: kubernetes-mcp-server, mode: Enforce }
`

const rbac = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: developer }
rules:
- { apiGroups: [""], resources: [pods, pods/log, events, configmaps, services], verbs: [get, list, create, patch, delete] }
- { apiGroups: [apps], resources: [deployments, deployments/scale], verbs: [get, list, create, patch, update] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: developers, namespace: team-a }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer }
subjects:
- { apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-a-developers }
`

function guardrails(): readonly string[] {
  const matching = [
    guardrail('replica-cap', '', [
      'replicas.all(n, n <= 5)',
      `messageExpression: '"at most 5 replicas; you asked for " + string(replicas.max())'`,
      'reason: ReplicaCap',
    ]),
    guardrail('no-system-namespaces', 'access: [write, delete]', [
      `operations.all(o, !o.namespace.startsWith('kube-') && o.namespace != 'default')`,
    ]),
    guardrail('known-agents', 'tools: ["resources_*"]', [
      `agent.id == '' || agent.assurance == 'attested' || user.groups.exists(g, g == 'platform')`,
    ]),
  ]
  const others = Array.from({ length: 20 }, (_, n) =>
    guardrail(`tool-${n}`, `tools: [tool_${n}, "family_${n}_*"]`, [`args.size() < ${n + 10}`]),
  )
  const access = Array.from({ length: 4 }, (_, n) =>
    guardrail(`access-${n}`, 'access: [delete, exec]', ['principal.throughAgent == false']),
  )
  const people = Array.from({ length: 3 }, (_, n) =>
    guardrail(`people-${n}`, `subjects: [{ kind: Group, name: contractors-${n} }]`, [`user.username != 'nobody'`]),
  )
  return [...matching, ...others, ...access, ...people]
}

function guardrail(name: string, match: string, [expression = '', ...more]: readonly string[]): string {
  const lines = [`- expression: ${JSON.stringify(expression)}`, ...more.map(line => `  ${line}`)]
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ${name} }
spec:
  match: { servers: [kubernetes]${match === '' ? '' : `, ${match}`} }
  validations:
${lines.map(line => `  ${line}\n`).join('')}`
}
