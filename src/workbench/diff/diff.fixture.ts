import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogs, memorySource, namesAsTokens, storeOf } from '../../../test/support/policies.js'
import { readDocuments } from '../../documents/read-documents.js'
import type { SourceDocument } from '../../documents/source-document.js'
import { packageRoot } from '../../package-root.js'
import { readFile } from '../../policy/gather-documents.js'
import { isTestFile } from '../policy-tests/find-test-files.js'
import { type ComparedSet, type DiffOptions, diffPolicies, type PolicyDiff } from './diff-policies.js'

/** The shipped catalogues are read once: parsing them takes longer than most of what tests do with them. */
const shippedFiles = catalogs.read().files.map(file => ({ file, read: readFile(file) }))
const shipped: SourceDocument[] = shippedFiles.flatMap(({ read }) => [...read.documents])
const shippedSource = {
  ...catalogs,
  read: () => ({ files: shippedFiles.map(({ file, read }) => ({ ...file, read: () => read })), findings: [] }),
}

const files = { 'policies.yaml': '' }
/** One store, so that what two sets share is compiled once. */
const store = storeOf([shippedSource, memorySource(files)], namesAsTokens({}))

/** Policies as the commands would load them. Throws where they do not compile. */
export function setOf(text: string): ComparedSet {
  files['policies.yaml'] = text
  const { findings } = store.load()
  const snapshot = store.current
  const wrong = findings.filter(({ severity }) => severity === 'error')
  if (snapshot === undefined || wrong.length > 0)
    throw new Error(wrong.map(({ subject, path, message }) => `${subject} ${path}: ${message}`).join('\n'))
  return { snapshot, documents: [...shipped, ...readDocuments('policies.yaml', text).documents] }
}

/** The text of the demo's policies, and of those of its second server. */
export const demoText: string = ['policies/demo', 'policies/demo-ledger']
  .flatMap(folder => readdirSync(join(packageRoot, folder)).map(name => join(packageRoot, folder, name)))
  .filter(file => !isTestFile(file))
  .map(file => readFileSync(file, 'utf8'))
  .join('\n---\n')

/** What the demo does not have: Grants with scopes, claims, tenants, headers, sizes, patterns, lists, variables, two groups. */
export const workshopText = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: https://mcp.example.com/files, audiences: ["https://mcp.example.com/mcp"] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: readers }
spec: { match: { servers: [files], tools: [list_files, "read_*"], subjects: [{ kind: Group, name: staff }] }, scopes: [files:read] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: writers }
spec:
  match: { servers: [files], tools: [write_file, pay], subjects: [{ kind: Group, name: editors }], agents: [{ kind: Agent, name: "acme:scribe" }] }
  matchConditions: [{ name: tenant, expression: "tenant in ['blue', 'green']" }]
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: auditors }
spec: { match: { servers: [files], resources: ["file:///audit/*"], subjects: [{ kind: User, name: audrey }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: reporters }
spec: { match: { servers: [files], prompts: [report], subjects: [{ kind: User, name: audrey }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: amounts }
spec:
  match: { servers: [files], tools: [pay] }
  variables: [{ name: limit, expression: "'cashiers' in user.groups ? 500 : 100" }]
  validations:
  - { expression: "has(args.amount) && args.amount <= variables.limit" }
  - { expression: "args.currency in ['EUR', 'USD']" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: paths }
spec:
  match: { servers: [files], tools: ["read_*", write_file] }
  validations:
  - { expression: "!has(args.path) || args.path.startsWith('/srv/')" }
  - { expression: "!has(args.path) || size(args.path) < 30" }
  - { expression: "!has(args.lines) || args.lines.all(line, line.matches('^[a-z]+-[0-9]{2}$'))" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ticket }
spec:
  match: { servers: [files], tools: [write_file] }
  matchConditions: [{ name: outside, expression: "!(has(claims.dept) && claims.dept == 'it')" }]
  validations: [{ expression: "'x-ticket' in request.headers && request.headers['x-ticket'].startsWith('OPS-')" }]
`

export function diffTexts(old: string, candidate: string, options: Partial<DiffOptions> = {}): Promise<PolicyDiff> {
  return diffPolicies({ old: setOf(old), candidate: setOf(candidate), ...options })
}
