import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const issuer = 'https://idp.example.com'
export const audience = 'https://mcp.example.com/mcp'

/**
 * One protected server with 30 Guardrails, 3 of which concern a resources_scale: 20 are about other tools, 4 about other
 * kinds of access, 3 about other people. RBAC comes from files.
 * @param more further files, by name
 * @param rules other Guardrails than those thirty
 */
export function writePolicies(
  jwks: unknown,
  more: Readonly<Record<string, string>> = {},
  rules: readonly string[] = guardrails(),
): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-authz-bench-'))
  writeFileSync(join(directory, 'keys.json'), JSON.stringify(jwks))
  writeFileSync(join(directory, 'identity.yaml'), identity)
  writeFileSync(join(directory, 'server.yaml'), server)
  writeFileSync(join(directory, 'rbac.yaml'), rbac)
  writeFileSync(join(directory, 'guardrails.yaml'), rules.join('---\n'))
  for (const [name, text] of Object.entries(more)) writeFileSync(join(directory, name), text)
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

/** How many tools the Server `many` has. */
export const manyTools = 200

/**
 * A Server with {@link manyTools} tools, each with a catalogue entry, and thirty Guardrails of its own. Of four tools the
 * person of the benchmark may read, write and scale, but not see a secret; what deletes is not for agents.
 */
export function manyToolsPolicies(): Readonly<Record<string, string>> {
  const entries = Array.from({ length: manyTools }, (_, at) => manyTool(at)).join('')
  return {
    'many.yaml': `apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: many }
spec: { resource: "https://many.example.com/mcp", audiences: ["${audience}"], catalog: many, mode: Enforce }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: many }
spec:
  unknownTools: deny
  tools:
${entries}`,
    'many-guardrails.yaml': guardrails('many').join('---\n'),
  }
}

/** As the entries of shipped catalogues: some namespaced, some of any kind, and one in four with a manifest. */
function manyTool(at: number): string {
  const namespaced = 'namespace: { argument: namespace, required: true }'
  const kinds = [
    `access: read, operations: [{ verb: list, resource: pods, ${namespaced} }]`,
    `access: delete, operations: [{ verb: delete, resource: pods, ${namespaced}, name: { argument: name, required: true } }]`,
    `access: read, operations: [{ verb: get, resource: secrets, ${namespaced}, name: { argument: name, required: true } }]`,
    'access: write, operations: [{ verbs: [create, patch], manifest: { argument: resource } }]',
  ]
  return `    pods_list_${at}: { ${kinds[at % kinds.length]} }\n`
}

function guardrails(server = 'kubernetes'): readonly string[] {
  return [...matchingGuardrails(3, server), ...otherGuardrails(27, server)]
}

/**
 * Guardrails that concern a resources_scale, and that it keeps to; each looks at something, none at much.
 * @param count at least 3
 */
export function matchingGuardrails(count: number, server = 'kubernetes'): readonly string[] {
  const guardrail = namedGuardrail(server)
  const first = [
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
  const expressions = [
    (n: number) => `replicas.all(n, n <= ${n + 5})`,
    (n: number) => `args.namespace != 'forbidden-${n}'`,
    (n: number) => `!(user.username in ['mallory-${n}@example.com', 'trudy-${n}@example.com'])`,
    (n: number) => `operations.all(o, o.verb != 'verb-${n}')`,
  ]
  const more = Array.from({ length: count - first.length }, (_, n) =>
    guardrail(`more-${n}`, n % 2 === 0 ? '' : 'tools: [resources_scale]', [
      expressions[n % expressions.length]?.(n) ?? 'true',
    ]),
  )
  return [...first, ...more]
}

/** Guardrails that do not concern the call: of 27, 20 are about other tools, 4 other kinds of access, 3 other people. */
export function otherGuardrails(count: number, server = 'kubernetes'): readonly string[] {
  const guardrail = namedGuardrail(server)
  return Array.from({ length: count }, (_, n) => {
    const kind = n % 27
    if (kind < 20) return guardrail(`tool-${n}`, `tools: [tool_${n}, "family_${n}_*"]`, [`args.size() < ${n + 10}`])
    if (kind < 24) return guardrail(`access-${n}`, 'access: [delete, exec]', ['principal.throughAgent == false'])
    return guardrail(`people-${n}`, `subjects: [{ kind: Group, name: contractors-${n} }]`, [
      `user.username != 'nobody'`,
    ])
  })
}

function namedGuardrail(server: string) {
  const prefix = server === 'kubernetes' ? '' : `${server}-`
  return (name: string, match: string, lines: readonly string[]) => guardrailOf(server, prefix + name, match, lines)
}

function guardrailOf(
  server: string,
  name: string,
  match: string,
  [expression = '', ...more]: readonly string[],
): string {
  const lines = [`- expression: ${JSON.stringify(expression)}`, ...more.map(line => `  ${line}`)]
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ${name} }
spec:
  match: { servers: [${server}]${match === '' ? '' : `, ${match}`} }
  validations:
${lines.map(line => `  ${line}\n`).join('')}`
}
