import { audience } from '../policies.js'

/** How much of everything a set of policies has. */
export interface SetSize {
  readonly servers: number
  readonly toolsPerServer: number
  readonly guardrails: number
  readonly grants: number
  readonly bindings: number
}

/**
 * Files of policies of that size, by name, for test/bench/policies.ts to write beside its own. Each Server has a catalogue of
 * its own. One Guardrail in a hundred concerns all Servers, each other one a tool, or a kind of access, of one Server.
 */
export function policySet(size: SetSize): Readonly<Record<string, string>> {
  const { servers, guardrails, grants, bindings } = size
  return {
    ...files('servers', documents(servers, server)),
    ...files(
      'catalogs',
      documents(servers, at => catalog(at, size.toolsPerServer)),
    ),
    ...files(
      'rules',
      documents(guardrails, at => guardrail(at, servers)),
    ),
    ...files(
      'grants',
      documents(grants, at => grant(at, servers)),
    ),
    ...files('bindings', documents(bindings, binding)),
  }
}

/** Files of at most so many bytes: a source takes a mebibyte, and 1000 documents. */
const fileBytes = 800_000
const fileDocuments = 800

function files(name: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  let file: string[] = []
  let bytes = 0
  const close = () => {
    if (file.length > 0) found[`set-${name}-${Object.keys(found).length}.yaml`] = file.join('---\n')
    file = []
    bytes = 0
  }
  for (const text of texts) {
    if (file.length === fileDocuments || bytes + text.length > fileBytes) close()
    file.push(text)
    bytes += text.length
  }
  close()
  return found
}

function documents(count: number, write: (at: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, at) => write(at))
}

/** The n-th Server; `server` and `tool` are what requests of the set name. */
export function serverName(at: number): string {
  return `server-${at}`
}

export function toolName(at: number): string {
  return `records_list_${at}`
}

function server(at: number): string {
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: ${serverName(at)} }
spec: { resource: "https://${serverName(at)}.example.com/mcp", audiences: ["${audience}"], catalog: catalog-${at} }
`
}

/** As the entries of shipped catalogues: what is read, written, deleted; some with a manifest. */
function catalog(at: number, tools: number): string {
  const namespaced = 'namespace: { argument: namespace, required: true }'
  const named = `${namespaced}, name: { argument: name, required: true }`
  const kinds = [
    `access: read, operations: [{ verb: list, resource: pods, ${namespaced} }]`,
    `access: delete, operations: [{ verb: delete, resource: pods, ${named} }]`,
    `access: read, operations: [{ verb: get, resource: secrets, ${named} }]`,
    'access: write, operations: [{ verbs: [create, patch], manifest: { argument: resource } }]',
  ]
  const entries = Array.from({ length: tools }, (_, tool) => `    ${toolName(tool)}: { ${kinds[tool % 4]} }\n`)
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: catalog-${at} }
spec:
  unknownTools: deny
  tools:
${entries.join('')}`
}

const rules = [
  `operations.all(o, !o.namespace.startsWith('kube-') && o.namespace != 'default')`,
  `replicas.all(n, n <= 5)`,
  `agent.id == '' || agent.assurance == 'attested' || user.groups.exists(g, g == 'platform')`,
  `args.size() < 12 && principal.throughAgent == false`,
] as const

function guardrail(at: number, servers: number): string {
  const everywhere = at % 100 === 0
  const match = everywhere ? 'access: [delete, exec]' : `tools: [${toolName(at % 20)}, "family_${at}_*"]`
  const where = everywhere ? '' : `servers: [${serverName(at % Math.max(1, servers))}], `
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: rule-${at} }
spec:
  match: { ${where}${match} }
  validations:
  - expression: ${JSON.stringify(rules[at % rules.length])}
    messageExpression: '"not here: " + string(args.size())'
    reason: Rule${at}
`
}

function grant(at: number, servers: number): string {
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: grant-${at} }
spec:
  match: { servers: [${serverName(at % Math.max(1, servers))}], tools: ["records_*"], subjects: [{ kind: Group, name: team-${at} }] }
`
}

function binding(at: number): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: binding-${at}, namespace: team-${at % 500} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer }
subjects:
- { apiGroup: rbac.authorization.k8s.io, kind: Group, name: team-${at} }
- { apiGroup: rbac.authorization.k8s.io, kind: User, name: "person-${at}@example.com" }
`
}
