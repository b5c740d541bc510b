import type { SortedTools } from './sort-tools.js'
import type { StartInput } from './start-input.js'

/** What is here, and what to do next. */
export function readmeFile(input: StartInput, { given, keptBack }: SortedTools): string {
  const { name, resource, groups, upstream, reviewed } = input
  const whom = groups.length === 0 ? 'everybody who signs in' : `the group ${groups.map(code).join(' and the group ')}`
  const nobody =
    upstream === undefined ? '\nSet the address of the MCP server in `envoy.yaml` (cluster `mcp_server`) first.\n' : ''
  const shipped =
    reviewed === undefined
      ? ''
      : `
A reviewed catalogue for this server is shipped, \`${reviewed.name}\`. To use it, name it as \`catalog\` in \`policies/server.yaml\`
and delete \`policies/catalog.yaml\`. Where tools work on Kubernetes, let RBAC decide about them with \`require: [operations]\`
and roles of yours: docs/quick-start.md.
`
  return `# Guarding ${name}

| file | |
|---|---|
| \`config.yaml\` | how mcp-authz runs |
| \`envoy.yaml\` | the gateway: clients use ${code(resource)} |
| \`policies/server.yaml\` | who signs people in, and what is protected. \`mode: Audit\`: nothing is denied yet |
| \`policies/catalog.yaml\` | what each tool does. Those that do not call themselves read-only are refused until reviewed |
| \`policies/grants.yaml\` | who may do what: ${given.length} of ${given.length + keptBack.length} tools for ${whom} |
| \`policies/guardrails.yaml\` | what nobody may do |
| \`policies/${name}_test.yaml\` | tests of the policies |
${nobody}${shipped}
## Next

\`\`\`
mcp-authz check --config config.yaml --envoy envoy.yaml
mcp-authz test --config config.yaml
mcp-authz serve --config config.yaml > records.ndjson
envoy -c envoy.yaml
jq -c 'select(.would_deny) | [.subject.user, .mcp.target.name, .would_deny[0].reason]' records.ndjson
\`\`\`

\`serve\` and \`envoy\` go on until they are stopped: give each a terminal of its own. The last command tells, after your
clients have worked through the gateway for a while, what Enforce would have denied.

## Enforce

When that is only what you want denied, write \`mode: Enforce\` in \`policies/server.yaml\`, then in
\`policies/guardrails.yaml\`, and in the tests what stood in \`would\`: \`{ decision: allow, would: { reason: … } }\` becomes
\`{ reason: … }\`. All at once, with GNU sed:

\`\`\`
sed -i 's/mode: Audit/mode: Enforce/; s/decision: allow, would: { \\(.*\\) } }/\\1 }/' policies/*.yaml
mcp-authz test --config config.yaml
\`\`\`

Changed files are in force within seconds.
`
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``
}
