import type { StartInput } from './start-input.js'
import { yamlText } from './yaml-text.js'

/** The issuer of the tokens, and the Server. */
export function serverFile(input: StartInput): string {
  const { name, catalogName, resource, issuer, audience, claims } = input
  return `# Who signs people in, and how a token becomes a user. The API server of Kubernetes reads the same format.
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: ${yamlText(issuer)}
    audiences: [${yamlText(audience)}]
  claimMappings:
    username: { claim: ${yamlText(claims.username)}, prefix: "" }
    groups: { claim: ${yamlText(claims.groups)}, prefix: "" }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: ${yamlText(name)} }
spec:
  # The URL that clients use. Its host and path are those of the gateway.
  resource: ${yamlText(resource)}
  audiences: [${yamlText(audience)}]
  catalog: ${yamlText(catalogName)}
  # Each call needs a Grant. A server that works on Kubernetes can ask RBAC instead: [operations], see docs/catalogs.md.
  require: [grants]
${upstreamLines(input)}  # Nothing is denied yet; records say what would have been. When they look right: Enforce.
  mode: Audit
`
}

function upstreamLines({ serverAsksForToken }: StartInput): string {
  const note = serverAsksForToken
    ? `  # The server wanted a token before it listed its tools. In Enforce it gets none from callers unless their tokens are
  # meant for it as well (authorization: passthrough, with its audience): see docs/upstream.md before you enforce.
`
    : `  # In Enforce the caller's token is taken away, and headers tell the server who asks (docs/upstream.md).
`
  return `${note}  upstream: { authorization: strip }\n`
}
