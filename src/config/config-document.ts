import { z } from 'zod'
import { gatewayProfiles } from '../protocol/inbound-request.js'

/** Kinds that a source can be allowed to hold. */
export const sourceKinds = [
  'Server',
  'Identity',
  'ToolCatalog',
  'Grant',
  'Guardrail',
  'Enrichment',
  'AuthenticationConfiguration',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'List',
] as const

const file = z.string().min(1)
const host = z.string().min(1).max(253)
const port = z.int().min(0).max(65535)
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'Use a DNS label: a-z, 0-9 and -')

const source = z.strictObject({
  directory: file.describe('Directory of YAML documents, watched. Relative to the file of this Config.'),
  kinds: z.array(z.enum(sourceKinds)).min(1).optional().describe('Kinds that this source may hold. Default: all.'),
})

const tls = z.strictObject({
  cert: file.describe('PEM file with the certificate chain, leaf first. Followed when it changes.'),
  key: file.describe('PEM file with the private key.'),
  clientCA: file
    .optional()
    .describe('PEM file with the authorities of client certificates; with it, clients without one are refused.'),
  allowedSANs: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'URI or DNS names of clients that may connect; exact, or a prefix that ends in *. Default: all of clientCA.',
    ),
})

const listener = z.strictObject({
  name: dnsLabel.optional().describe('For logs and records. Default: the door, with its number after the first.'),
  door: z.enum(['ext-authz']).default('ext-authz').describe('The protocol of the gateway.'),
  host: host.default('0.0.0.0').describe('Address to listen on.'),
  port: port.optional().describe('TCP port; 0 takes a free one. Either port or socket. Default: 9001.'),
  socket: file.optional().describe('Path of a unix socket. Whoever can open it is trusted as the gateway.'),
  profile: z
    .enum(gatewayProfiles)
    .default('envoy')
    .describe('Which gateway asks: decides how a complete body is proven.'),
  trust: z
    .enum(['none', 'mtls', 'network'])
    .optional()
    .describe(
      'What makes the caller the gateway: none (it may ask, its word on identities does not count), mtls (its client certificate), network (nobody else can reach this port). Default: none; for a socket, the socket.',
    ),
  tls: tls.optional(),
  maxMessageBytes: z
    .int()
    .min(64 * 1024)
    .max(64 * 1024 * 1024)
    .default(5 * 1024 * 1024)
    .describe("Largest message; must exceed the gateway's body limit. Larger ones are denied."),
  maxConcurrentStreams: z.int().min(1).max(100_000).default(1000).describe('Requests per connection at the same time.'),
  maxInFlight: z.int().min(1).max(100_000).default(1024).describe('Decisions that may wait at the same time.'),
  maxConnectionAgeSeconds: z
    .int()
    .min(10)
    .max(86_400)
    .optional()
    .describe('Age at which connections are closed gracefully, so that load spreads anew. Default: never.'),
})

const cluster = z.strictObject({
  authorizer: z
    .enum(['files', 'sar', 'watch'])
    .default('files')
    .describe('Where RBAC comes from: RBAC objects in the sources, the API server, or a watch on it.'),
  rbacOnly: z.boolean().default(false).describe("Says that RBAC is the cluster's only authorizer."),
})

const decisionLog = z.strictObject({
  stdout: z.boolean().optional().describe('Default: true unless there is a file.'),
  file: file.optional().describe('File to append to.'),
  maxBufferedBytes: z
    .int()
    .min(64 * 1024)
    .max(1024 * 1024 * 1024)
    .default(8 * 1024 * 1024)
    .describe('Records that wait for a slow reader, in bytes; beyond it they are dropped and counted.'),
})

export const configSpec = z.strictObject({
  sources: z
    .array(source)
    .min(1)
    .default([{ directory: '/etc/mcp-authz' }]),
  listeners: z.array(listener).min(1).prefault([{}]).describe('Where gateways ask.'),
  http: z
    .strictObject({ host: host.default('0.0.0.0'), port: port.default(9002) })
    .prefault({})
    .describe('Health, readiness, metrics and well-known documents.'),
  admin: z
    .string()
    .regex(/^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):\d{1,5}$/, 'Use host:port')
    .optional()
    .describe('Address of the admin listener, host:port. Not offered yet by this version.'),
  clusters: z.record(dnsLabel, cluster).prefault({ local: {} }).describe('Kubernetes clusters by name.'),
  startup: z
    .strictObject({
      brokenPolicies: z
        .enum(['refuse', 'serve'])
        .default('refuse')
        .describe(
          'refuse: not ready until every document compiles. serve: what the broken ones could govern is denied.',
        ),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      delaySeconds: z
        .int()
        .min(0)
        .max(600)
        .default(0)
        .describe('Time after SIGTERM in which health says NOT_SERVING while requests are still answered.'),
      drainSeconds: z.int().min(0).max(600).default(10).describe('Time for requests in flight after SIGTERM.'),
    })
    .prefault({}),
  decisionLog: decisionLog.prefault({}),
  identity: z
    .strictObject({
      insecureLoopbackIssuers: z
        .boolean()
        .default(false)
        .describe('Accepts http:// issuers on loopback addresses. For trials only.'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
})

export const configApiVersion = 'mcp-authz.dev/v1alpha1'

/** The document of kind Config, as users write it. */
export const configDocument = z.strictObject({
  apiVersion: z.literal(configApiVersion),
  kind: z.literal('Config'),
  metadata: z.strictObject({ name: dnsLabel }).optional(),
  spec: configSpec.prefault({}),
})

export type ConfigDocument = z.output<typeof configDocument>
export type ConfigSpec = z.output<typeof configSpec>
