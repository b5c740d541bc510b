import { memorySource } from '../../../test/support/policies.js'
import type { Finding } from '../../documents/finding.js'
import { AuthenticatorSource } from '../../identity/authenticator-source.js'
import { PolicyStore } from '../../policy/policy-store.js'
import type { PolicySource } from '../../policy/source.js'
import { codeOf } from './check-codes.js'
import { checkPolicies } from './check-policies.js'
import type { CheckedSet } from './checked-set.js'

const version = 'apiVersion: mcp-authz.dev/v1alpha1'

export function written(kind: string, name: string, spec: string): string {
  return `{ ${version}, kind: ${kind}, metadata: { name: ${name} }, spec: { ${spec} } }`
}

export const guardrail = (name: string, spec: string) => written('Guardrail', name, spec)
export const grant = (name: string, spec: string) => written('Grant', name, spec)
export const validations = (...expressions: readonly string[]) =>
  `validations: [${expressions.map(expression => `{ expression: ${JSON.stringify(expression)} }`).join(', ')}]`
export const rule = (kind: string, name: string, rest: string, namespace = '') =>
  `{ apiVersion: rbac.authorization.k8s.io/v1, kind: ${kind}, metadata: { name: ${name}${namespace} }, ${rest} }`
export const binding = (role: string, subject: string) =>
  rule(
    'ClusterRoleBinding',
    `b-${role}`,
    `roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ${role} }, subjects: [{ apiGroup: rbac.authorization.k8s.io, ${subject} }]`,
  )

/** Four tools, of which two have the schema of their arguments, and one prompt. */
const catalog = written(
  'ToolCatalog',
  'bank',
  [
    'tools: {',
    'balance: { access: read, labels: { risk: low }, arguments: [account], operations: [{ verb: get, resource: pods, namespace: { argument: account, required: true } }] },',
    'pay: { access: write, arguments: [account, amount, note], inputSchema: { type: object, properties: { account: { type: string }, amount: { type: integer }, note: { type: string } }, required: [account] }, operations: [{ verb: create, resource: pods, namespace: { argument: account, required: true } }] },',
    'close: { access: delete, arguments: [account], operations: [{ verb: delete, resource: pods, namespace: { argument: account, required: true } }] },',
    'audit: { access: sensitive, refuse: never },',
    '}, prompts: { report: { access: read, operations: none } }',
  ].join(' '),
)

/** A Server `bank` that asks for Grants and RBAC, and `open`, without a catalogue. */
export const base: readonly string[] = [
  catalog,
  written('Server', 'bank', "resource: 'https://bank.example.com/mcp', catalog: bank, require: [operations, grants]"),
  written('Server', 'open', "resource: 'https://open.example.com/mcp', audiences: ['https://bank.example.com/mcp']"),
]

export const issuer = (username = '""', groups = '""') =>
  `{ apiVersion: apiserver.config.k8s.io/v1, kind: AuthenticationConfiguration, jwt: [{ issuer: { url: "https://idp.example.com", audiences: ["https://bank.example.com/mcp"] }, claimMappings: { username: { claim: sub, prefix: ${username} }, groups: { claim: groups, prefix: ${groups} } } }] }`

/** Policies as `check` sees them. Throws for what does not compile. */
export function setOf(sources: readonly PolicySource[]): CheckedSet & { readonly findings: readonly Finding[] } {
  const identities = new AuthenticatorSource({ now: Date.now })
  const store = new PolicyStore({
    sources,
    compile: { lint: true },
    assemble: {
      clusters: ['local'],
      authenticator: (configurations, identity) => identities.for(configurations, identity),
    },
  })
  const { findings } = store.load()
  identities.stop()
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0 || store.current === undefined) throw new Error(errors.map(({ message }) => message).join('; '))
  return { snapshot: store.current, documents: store.documents, fileClusters: new Set(['local']), findings }
}

/** What is found about documents beside the base: `code subject path`, and what else is asked for. */
export function findingsOf(...documents: readonly string[]): readonly string[] {
  const set = setOf([memorySource({ 'p.yaml': [...base, ...documents].join('\n---\n') })])
  return checkPolicies(set).map(one => `${codeOf(one)} ${one.subject} ${one.path}`)
}

export function messagesOf(...documents: readonly string[]): readonly string[] {
  const set = setOf([memorySource({ 'p.yaml': [...base, ...documents].join('\n---\n') })])
  return checkPolicies(set).map(({ message, hint }) => `${message} | ${hint}`)
}
