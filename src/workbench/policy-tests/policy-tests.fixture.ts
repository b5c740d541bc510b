import { catalogs, memorySource } from '../../../test/support/policies.js'
import { readDocuments } from '../../documents/read-documents.js'
import type { PolicySource } from '../../policy/source.js'
import type { PolicyTest } from './policy-test.js'
import { readPolicyTest } from './read-policy-test.js'
import { type RunOptions, type RunReport, runPolicyTests } from './run-policy-tests.js'

const version = 'apiVersion: mcp-authz.dev/v1alpha1'

export function document(kind: string, name: string, spec: string): string {
  return `{ ${version}, kind: ${kind}, metadata: { name: ${name} }, spec: { ${spec} } }`
}

/** A Server with a small catalogue, RBAC, a Grant-only Server, and one rule of each kind. */
export const policies = [
  document(
    'ToolCatalog',
    'small',
    'tools: { pods_get: { access: read, arguments: [namespace, name], operations: [{ verb: get, resource: pods, namespace: { argument: namespace, required: true }, name: { argument: name } }] }, pods_delete: { access: delete, operations: [{ verb: delete, resource: pods, namespace: { argument: namespace, required: true } }] }, secret: { access: sensitive, refuse: "holds keys" } }',
  ),
  document('Server', 'pods', "resource: 'https://mcp.example.com/pods', catalog: small"),
  document('Server', 'files', "resource: 'https://mcp.example.com/files', audiences: ['https://mcp.example.com/pods']"),
  document(
    'Grant',
    'read-files',
    'match: { servers: [files], tools: ["read_*"], subjects: [{ kind: Group, name: staff }] }',
  ),
  document(
    'Grant',
    'write-files',
    'match: { servers: [files], tools: [write], subjects: [{ kind: Group, name: staff }] }, scopes: ["files:write"]',
  ),
  document(
    'Guardrail',
    'no-system',
    `match: { servers: [pods] }, matchConditions: [{ name: named, expression: "has(args.namespace)" }], validations: [{ expression: "args.namespace != 'kube-system'", message: not there, reason: SystemNamespace, hint: Use another namespace. }, { expression: "args.namespace != 'other'", message: not there either, reason: OtherNamespace }]`,
  ),
  document(
    'Guardrail',
    'office-hours',
    `match: { servers: [files] }, validations: [{ expression: "request.time.getHours('UTC') < 18", message: too late, reason: Late }], mode: Audit`,
  ),
  document(
    'Guardrail',
    'careful',
    `match: { servers: [files], tools: [write] }, validations: [{ expression: "false", message: writing is watched }], mode: Warn`,
  ),
  document(
    'Guardrail',
    'keys',
    "on: response, match: { servers: [files] }, patterns: [{ pattern: 'KEY-[0-9]+' }, { pattern: 'NEVER', action: Deny, message: never, reason: Never }], maxBytes: 2000",
  ),
  document(
    'Enrichment',
    'team',
    'match: { servers: [files] }, requestHeaders: [{ name: x-mcp-authz-team, valueExpression: tenant }]',
  ),
  '{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: { name: reader }, rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }, { apiGroups: [""], resources: [nodes], verbs: [get] }] }',
  '{ apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: { name: readers, namespace: a }, roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }, subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: staff }] }',
  '{ apiVersion: apiserver.config.k8s.io/v1, kind: AuthenticationConfiguration, jwt: [{ issuer: { url: "https://idp.example.com", audiences: ["https://mcp.example.com/pods"] }, claimMappings: { username: { claim: sub, prefix: "" }, groups: { claim: groups, prefix: "" } } }] }',
]

export const sources = (documents: readonly string[] = policies): readonly PolicySource[] => [
  catalogs,
  memorySource({ 'policies.yaml': documents.join('\n---\n') }),
]

/** The parts of `spec` that most tests share. */
export const cast = `
  principals:
    ann: { user: ann, groups: [staff], tenant: blue }
    bob: { user: bob }
  calls:
    get: { server: pods, tool: pods_get, arguments: { namespace: a, name: web } }
    getSystem: { server: pods, tool: pods_get, arguments: { namespace: kube-system, name: web } }
    getElsewhere: { server: pods, tool: pods_get, arguments: { namespace: b, name: web } }
    getNowhere: { server: pods, tool: pods_get }
    secret: { server: pods, tool: secret }
    read: { server: files, tool: read_all }
    write: { server: files, tool: write }
`

export function read(...specs: readonly string[]): readonly PolicyTest[] {
  const text = specs
    .map(
      (spec, index) => `${version}\nkind: PolicyTest\nmetadata: { name: t${index === 0 ? '' : index} }\nspec:${spec}`,
    )
    .join('\n---\n')
  const { documents, findings } = readDocuments('x_test.yaml', text)
  const read = documents.map(readPolicyTest)
  const wrong = [...findings, ...read.flatMap(one => one.findings)]
  if (wrong.length > 0) throw new Error(wrong.map(({ message }) => message).join('; '))
  return read.flatMap(({ value }) => value ?? [])
}

export function run(
  spec: string,
  options: Partial<RunOptions> = {},
  documents?: readonly string[],
): Promise<RunReport> {
  return runPolicyTests({
    tests: read(spec),
    policiesOf: () => ({ key: '', options: { sources: sources(documents), compile: {}, clusters: ['local'] } }),
    ...options,
  })
}
