import * as z from 'zod'
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
const mebibyte = 1024 * 1024
const cacheBytes = z
  .int()
  .min(mebibyte)
  .max(64 * 1024 * mebibyte)
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'Use a DNS label: a-z, 0-9 and -')

const configMaps = z.strictObject({
  cluster: dnsLabel.default('local').describe('The cluster that holds them, by its name under clusters.'),
  namespace: dnsLabel.describe('Whoever may write ConfigMaps here writes policies. Use a namespace of its own.'),
  selector: z
    .string()
    .min(1)
    .max(1024)
    .default('mcp-authz.dev/policy=true')
    .describe('Label selector of the ConfigMaps that hold policies.'),
  status: z
    .string()
    .regex(/^(?:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$/, 'Use a name: a-z, 0-9, - and .')
    .default('mcp-authz-status')
    .describe('ConfigMap of the same namespace in which the state of each document is written; "" for none.'),
  events: z
    .boolean()
    .default(true)
    .describe('Whether Events say which documents load, and what is wrong with those that do not.'),
})

const source = z.strictObject({
  directory: file.optional().describe('Directory of YAML documents, watched. Relative to the file of this Config.'),
  configMaps: configMaps.optional().describe('ConfigMaps of one namespace, watched. Either this or directory.'),
  kinds: z
    .array(z.enum(sourceKinds))
    .min(1)
    .optional()
    .describe('Kinds that this source may hold. Default: all; for configMaps, Grant, Guardrail and Enrichment.'),
})

const shadowSource = z.strictObject({
  directory: source.shape.directory,
  configMaps: z
    .strictObject({
      cluster: configMaps.shape.cluster,
      namespace: configMaps.shape.namespace,
      selector: z
        .string()
        .min(1)
        .max(1024)
        .default('mcp-authz.dev/policy=shadow')
        .describe('Label selector of the ConfigMaps that hold policies to try.'),
    })
    .optional()
    .describe('ConfigMaps of one namespace, watched. Either this or directory.'),
  kinds: source.shape.kinds,
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

const authzen = z.strictObject({
  tokenFile: file
    .optional()
    .describe('File with the bearer tokens of gateways, one per line. Followed when it changes.'),
  identifier: z
    .string()
    .max(512)
    .regex(
      /^https:\/\/(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/,
      'Use https://host or https://host:port, without a path or a slash at the end',
    )
    .optional()
    .describe('https://host[:port] under which gateways know this listener; with it there is a metadata document.'),
  server: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe('Name or resource of the Server for requests that name none.'),
  subjectClaim: z
    .string()
    .min(1)
    .max(256)
    .default('sub')
    .describe("The claim of the caller's token that subject.id must equal."),
  maxEvaluations: z.int().min(1).max(1000).default(50).describe('Evaluations in one request.'),
})

const listener = z.strictObject({
  name: dnsLabel.optional().describe('For logs and records. Default: the door, with its number after the first.'),
  door: z
    .enum(['ext-authz', 'ext-proc', 'ext-mcp', 'authzen'])
    .default('ext-authz')
    .describe(
      "The protocol of the gateway: ext-authz decides about requests, ext-proc sees answers, beside ext-authz or alone (judgesRequests), ext-mcp is agentgateway's own, authzen is HTTP for gateways that ask over the AuthZEN API.",
    ),
  host: host.default('0.0.0.0').describe('Address to listen on.'),
  port: port
    .optional()
    .describe(
      'TCP port; 0 takes a free one. Either port or socket. Default: 9001; 9003 for ext-proc, 9004 for ext-mcp, 9005 for authzen.',
    ),
  judgesRequests: z
    .boolean()
    .default(false)
    .describe('Of a listener with door ext-proc: it decides about requests as well, so that there is no ext_authz.'),
  socket: file.optional().describe('Path of a unix socket. Whoever can open it is trusted as the gateway.'),
  profile: z
    .enum(gatewayProfiles)
    .default('envoy')
    .describe(
      'Which gateway asks: decides how a complete body is proven, and what is known of a token that it verified. No effect with ext-mcp and authzen.',
    ),
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
    .optional()
    .describe(
      "Largest message; must exceed the gateway's body limit. Larger ones are denied. Default: 5 MiB; 1 MiB for authzen.",
    ),
  gatewayBodyBytes: z
    .int()
    .min(1)
    .max(64 * 1024 * 1024)
    .optional()
    .describe(
      'Of a listener with door ext-authz: the body limit of a gateway that cuts bodies and cannot name mcp-max-request-bytes per route. Bodies that fill it are refused.',
    ),
  answerWithinMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(900)
    .describe(
      "Of a listener with door ext-proc: how long one part of an exchange may take; below Envoy's message_timeout.",
    ),
  transport: z
    .enum(['grpc-js', 'native'])
    .default('grpc-js')
    .describe(
      'What speaks gRPC: grpc-js, or native, which is our own, faster, and new. No effect with authzen, which is HTTP.',
    ),
  maxConcurrentStreams: z.int().min(1).max(100_000).default(1000).describe('Requests per connection at the same time.'),
  maxInFlight: z.int().min(1).max(100_000).default(1024).describe('Decisions that may wait at the same time.'),
  maxConnectionAgeSeconds: z
    .int()
    .min(10)
    .max(86_400)
    .optional()
    .describe('Age at which connections are closed gracefully, so that load spreads anew. Default: never.'),
  authzen: authzen.optional().describe('Of a listener with door authzen.'),
})

const cluster = z.strictObject({
  authorizer: z
    .enum(['files', 'sar', 'watch'])
    .default('files')
    .describe('Where RBAC comes from: RBAC objects in the sources, the API server, or a watch on it.'),
  rbacOnly: z
    .boolean()
    .default(false)
    .describe("Says that RBAC is the cluster's only authorizer: needed for watch, and lets sar keep answers longer."),
  api: z
    .boolean()
    .default(false)
    .describe('Whether the API server is asked although the authorizer is files, for TokenReviews say.'),
  kubeconfig: file.optional().describe('How to reach the API server. Default: as the ServiceAccount of the pod.'),
  context: z.string().min(1).max(1024).optional().describe('Context of the kubeconfig. Default: its current one.'),
  timeoutMs: z
    .int()
    .min(50)
    .max(10_000)
    .default(1000)
    .describe('Time for a question to the API server, one retry included. Keep it below that of the gateway.'),
  maxInFlight: z
    .int()
    .min(1)
    .max(90)
    .default(48)
    .describe('Questions to the API server at the same time; as many again wait, others are refused.'),
  cacheBytes: cacheBytes
    .default(32 * mebibyte)
    .describe(
      'With sar: memory for its answers, in bytes; workers have equal parts of it. The oldest unused go first.',
    ),
})

const signing = z.strictObject({
  issuer: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[\x21-\x7e]+$/, 'Use a URL')
    .describe(
      '`iss` of context tokens and minted tokens. A URL under which http is reachable, if servers use discovery.',
    ),
  keys: z
    .array(
      z.strictObject({
        file: file.describe('PEM with one private key, EC P-256 (ES256) or Ed25519 (EdDSA). Followed when it changes.'),
        optional: z.boolean().default(false).describe('The file may be missing.'),
      }),
    )
    .min(1)
    .max(8)
    .describe('All are published; the first that was published for leadSeconds signs.'),
  leadSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(600)
    .describe('Time for which a new key is published before it signs.'),
  contextTokenSeconds: z.int().min(5).max(30).default(30).describe('How long a context token is good.'),
  accessTokenSeconds: z
    .int()
    .min(30)
    .max(3600)
    .default(300)
    .describe('How long a minted access token is good; never longer than the token of the caller.'),
})

export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const

const tokenExchange = z.strictObject({
  tokenEndpoint: z.string().min(1).max(2048).describe('URL of the token endpoint of the identity provider.'),
  clientId: z.string().min(1).max(512).describe('How the provider knows mcp-authz.'),
  clientAuthentication: z
    .enum(clientAuthenticationMethods)
    .default('client_secret_basic')
    .describe('How mcp-authz proves that it is this client.'),
  clientSecretFile: file.optional().describe('The secret. Read for each exchange.'),
  privateKeyFile: file.optional().describe('PEM with the key of private_key_jwt. Read for each exchange.'),
  certificateAuthority: file.optional().describe("PEM; replaces the system's roots for this provider."),
  timeoutMs: z.int().min(50).max(30_000).default(1500).describe('Time for one exchange, all in all.'),
  maxInFlight: z.int().min(1).max(1024).default(64).describe('Exchanges at the same time.'),
})

const sessions = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        file: file.describe('At least 32 random bytes, the same for all replicas. Read at the start.'),
      }),
    )
    .min(1)
    .max(8)
    .describe('The first tags session ids, all of them open tags.'),
})

const toldDecisions = z.enum(['none', 'denials', 'all'])

const recordsInKubernetes = z.strictObject({
  cluster: dnsLabel.default('local').describe('By its name under clusters.'),
  namespace: dnsLabel.describe('Where they stand. Whoever may read them there reads who asked for what.'),
  events: toldDecisions
    .default('denials')
    .describe('Decisions of which Events tell, one for each Server, reason and subject. Denials: in Audit as well.'),
  invocations: toldDecisions
    .default('none')
    .describe('Calls of tools of which an MCPToolInvocation tells, an object for each.'),
  retentionHours: z.int().min(1).max(8760).default(24).describe('Older MCPToolInvocations are removed.'),
  maxObjects: z.int().min(1).max(10_000).default(1000).describe('The oldest beyond are removed, once a minute.'),
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
  rotate: z
    .strictObject({
      maxBytes: z
        .int()
        .min(64 * 1024)
        .max(1024 * 1024 * 1024 * 1024)
        .default(100 * 1024 * 1024)
        .describe('A file that would grow beyond it is put aside.'),
      files: z.int().min(1).max(1000).default(5).describe('How many are kept, as FILE.1 (the latest) and so on.'),
    })
    .optional()
    .describe('Default: the file grows. A file that somebody else renames or removes is opened anew in any case.'),
  chain: z
    .boolean()
    .default(false)
    .describe('Each line says its number and the digest of the line before, for mcp-authz log verify.'),
  chainKeyFile: file
    .optional()
    .describe(
      'At least 32 random bytes: each line carries an HMAC that nobody can make without them. Read at the start.',
    ),
  kubernetes: recordsInKubernetes
    .optional()
    .describe('Decisions are told to a cluster as well, beside the log. Absent: they are not.'),
  arguments: z
    .strictObject({
      mode: z
        .enum(['none', 'paths', 'all'])
        .default('none')
        .describe('none: a digest of them. paths: what paths name. all: all of them.'),
      paths: z
        .array(z.string().min(1).max(256))
        .max(64)
        .optional()
        .describe('Places in the arguments, such as $.namespace or $.containers[*].image.'),
      redact: z
        .array(z.strictObject({ pattern: z.string().min(1).max(1024).describe('A regular expression of RE2.') }))
        .max(32)
        .optional()
        .describe('What is found in a value is replaced by [redacted].'),
      maxBytes: z
        .int()
        .min(256)
        .max(64 * 1024)
        .default(4096)
        .describe('What of the arguments is beyond it is left out.'),
    })
    .prefault({})
    .describe('What records hold of the arguments of calls.'),
})

const admin = z.strictObject({
  host: host
    .default('127.0.0.1')
    .describe('Address to listen on. Beyond loopback it takes tls, and tokenFile or tls.clientCA.'),
  port: port.default(9006).describe('TCP port; 0 takes a free one.'),
  hosts: z
    .array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'Use a name without a port'))
    .max(32)
    .default([])
    .describe('Further names by which it may be called: a browser is not answered under any other.'),
  tokenFile: file.optional().describe('File with bearer tokens, one per line. Followed when it changes.'),
  tls: tls.optional(),
  recentDecisions: z.int().min(0).max(100_000).default(1000).describe('Decisions that are kept to be looked at.'),
})

export const configSpec = z.strictObject({
  workers: z
    .union([z.int().min(1).max(64), z.literal('auto')])
    .default(1)
    .describe(
      'Processes that decide. 1: this one does. More: it listens and writes, and as many others decide. auto: one per core.',
    ),
  sources: z
    .array(source)
    .min(1)
    .default([{ directory: '/etc/mcp-authz' }]),
  shadow: z
    .strictObject({
      sources: z.array(shadowSource).min(1).max(16).describe('Where they stand. Nothing of it is ever enforced.'),
      sample: z.number().min(0).max(1).default(1).describe('Share of the decisions that are judged again.'),
    })
    .optional()
    .describe('Policies that are tried beside those in force, see docs/shadow.md. Absent: none are.'),
  listeners: z.array(listener).min(1).prefault([{}]).describe('Where gateways ask.'),
  http: z
    .strictObject({ host: host.default('0.0.0.0'), port: port.default(9002) })
    .prefault({})
    .describe('Health, readiness, metrics and well-known documents.'),
  admin: admin
    .optional()
    .describe('The admin listener: state of the policies, recent decisions, explanations. Absent: there is none.'),
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
  overload: z
    .strictObject({
      maxTurnMs: z
        .int()
        .min(10)
        .max(10_000)
        .default(100)
        .describe(
          'Milliseconds of decisions in one turn of the event loop, beyond a reserve of four times as much that idle time refills; what comes later in it is refused.',
        ),
      memoryBytes: z
        .int()
        .min(64 * 1024 * 1024)
        .optional()
        .describe('Memory in use above which new work is refused. Default: 85 % of what the process may have.'),
    })
    .prefault({})
    .describe('When new work is refused with dependency.overloaded, see docs/overload.md.'),
  decisionLog: decisionLog.prefault({}),
  identity: z
    .strictObject({
      insecureLoopbackIssuers: z
        .boolean()
        .default(false)
        .describe('Accepts http:// issuers on loopback addresses. For trials only.'),
      cacheBytes: cacheBytes
        .default(64 * mebibyte)
        .describe('Memory for verified tokens, in bytes; workers have equal parts of it. The oldest unused go first.'),
    })
    .prefault({}),
  signing: signing.optional().describe('Keys of mcp-authz, with which it signs context tokens and minted tokens.'),
  tokenExchange: z
    .record(dnsLabel, tokenExchange)
    .prefault({})
    .describe('Identity providers that exchange tokens (RFC 8693), by the name that Servers use.'),
  sessions: sessions
    .optional()
    .describe('Keys with which a listener with door ext-proc binds legacy sessions to their callers.'),
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
