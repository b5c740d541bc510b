import type { PolicyFiles } from '../e2e/support/policy-directory.js'

/**
 * Everything is given to everybody, also to callers without a token, because the suites can send none. Two rules hang on
 * arguments, so that calls are judged and lists are filtered, though nothing is taken away.
 */
const permissive = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: conformance }
spec:
  resource: https://mcp.example.com/mcp
  require: [grants]
  anonymous: Allow
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: everybody }
spec:
  match: { servers: [conformance], subjects: [{ kind: Group, name: "system:unauthenticated" }] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: no-such-region }
spec:
  match: { servers: [conformance], tools: ["*"] }
  validations:
  - { expression: "!has(args.region) || args.region != 'nowhere'", message: there is no such region }
`

/** A text at the end of every result: what a client gets beside what the server says. */
const context = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Enrichment
metadata: { name: remind }
spec:
  match: { servers: [conformance], tools: ["*"] }
  resultContext:
  - { expression: "'You act for ' + user.username + '.'" }
`

export const permissivePolicies: PolicyFiles = { 'conformance.yaml': permissive }
export const contextPolicies: PolicyFiles = { 'conformance.yaml': permissive, 'context.yaml': context }
