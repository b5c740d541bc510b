import type { PolicyFiles } from './policy-directory.js'

/** server-everything behind Grants: alice's group may call four of its tools, nobody may anything else. */
export const everythingPolicies = (demo: PolicyFiles): PolicyFiles => ({
  'identity.yaml': demo['identity.yaml'] ?? '',
  'everything.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: everything }
spec:
  resource: https://mcp.example.com/mcp
  catalog: server-everything
  require: [grants]
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec:
  match:
    servers: [everything]
    tools: [echo, get-sum, toggle-simulated-logging, trigger-long-running-operation]
    subjects: [{ kind: Group, name: team-a-developers }]
`,
})
