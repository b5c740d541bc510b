import type { Endpoint } from '../envoy-configuration.js'
import type { StartInput } from './start-input.js'
import { yamlText } from './yaml-text.js'

/** How mcp-authz runs beside this Envoy. */
export function configFile({ issuer, authz, http }: StartInput): string {
  const place = ({ host, port }: Endpoint) => `{ host: ${yamlText(host)}, port: ${port} }`
  const insecure = issuer.startsWith('http:')
    ? `  # The issuer is on this machine and speaks plain http. Not for service.
  identity: { insecureLoopbackIssuers: true }
`
    : ''
  return `# How mcp-authz runs: mcp-authz serve --config config.yaml. Every setting: docs/configuration.md.
apiVersion: mcp-authz.dev/v1alpha1
kind: Config
spec:
  sources: [{ directory: policies }]
  # Envoy asks here.
  listeners: [${place(authz)}]
  # Health, metrics.
  http: ${place(http)}
${insecure}`
}
