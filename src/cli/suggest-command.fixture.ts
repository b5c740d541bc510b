import { memorySource, namesAsTokens, person, storeOf, through } from '../../test/support/policies.js'
import { logOf, methodCall, toolCall } from '../workbench/suggest/decision-log.fixture.js'

/** The Servers of docs/suggest.md, which give nothing yet. */
export const documentedServers = `apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: https://mcp.example.com/files, mode: Audit }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: pods }
spec:
  tools:
    pods_list:
      access: read
      arguments: [namespace]
      operations: [{ verb: list, resource: pods, namespace: { argument: namespace } }]
    pods_delete:
      access: delete
      arguments: [namespace, name]
      operations: [{ verbs: [get, delete], resource: pods, namespace: { argument: namespace }, name: { argument: name } }]
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: kubernetes }
spec: { resource: https://mcp.example.com/kubernetes, catalog: pods, mode: Audit }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff-lists }
spec: { match: { servers: [files], tools: [list_files], subjects: [{ kind: Group, name: staff }] } }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: auditors }
spec: { match: { servers: [files], subjects: [{ kind: Group, name: auditors }] } }
`

/** The log of docs/suggest.md: what came in while both Servers were in Audit. */
export async function documentedLog(): Promise<string> {
  const store = storeOf([memorySource({ 'servers.yaml': documentedServers })], namesAsTokens({}))
  const ann = person('ann', ['staff'])
  const ben = person('ben', ['staff'])
  const cara = person('cara', ['contractors'])
  const lines = await logOf(store, [
    methodCall(ann, 'files', 'tools/list'),
    toolCall(ann, 'files', 'list_files', { folder: 'reports' }),
    toolCall(ben, 'files', 'list_files', { folder: 'drafts' }),
    toolCall(ann, 'files', 'read_file', { folder: 'reports', lines: 20 }),
    toolCall(ben, 'files', 'read_file', { folder: 'reports', lines: 500 }),
    toolCall(ben, 'files', 'write_file', { folder: 'drafts', content: 'x'.repeat(200) }),
    toolCall(through(cara, 'indexer'), 'files', 'read_file', { folder: 'reports', lines: 100 }),
    toolCall(ann, 'kubernetes', 'pods_list', { namespace: 'team-a' }),
    toolCall(ben, 'kubernetes', 'pods_list', { namespace: 'team-a' }),
    toolCall(ben, 'kubernetes', 'pods_delete', { namespace: 'team-a', name: 'web-1' }),
    toolCall(cara, 'kubernetes', 'pods_list', {}),
  ])
  return `${lines.join('\n')}\n`
}
