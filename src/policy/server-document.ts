import { z } from 'zod'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import { didYouMean, validate } from '../documents/validate.js'
import type { MetaTool } from '../protocol/mcp/meta-tool.js'
import { type McpMethod, methodTable } from '../protocol/mcp/method-table.js'
import { toolNamePattern } from '../protocol/mcp/tool-name.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import type { Compilation } from './compilation.js'
import { policyApiVersion } from './document-schema.js'
import { headerName, headerNameProblem } from './header-names.js'
import { type DenialMode, denialModes, type Mode, type PrincipalRole, type Requirement, type Server } from './server.js'

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

const argumentName = z.string().min(1).max(128)
const methodName = z.string().min(1).max(128)

const extensionMethod = z.strictObject({
  name: methodName,
  /** What the method touches, and under which member of its params that is named. */
  target: z.strictObject({ kind: z.enum(['tool', 'prompt', 'resource']), field: z.enum(['name', 'uri']) }),
  /** Whether it takes `arguments` like a tool. */
  arguments: z.boolean().default(false),
})

const metaTool = z.strictObject({
  tool: z.string().regex(toolNamePattern, 'not the name of a tool'),
  name: argumentName.default('name'),
  arguments: argumentName.default('arguments'),
  encoding: z.enum(['object', 'json']).default('object'),
  otherArguments: z.array(argumentName).min(1).max(16).optional(),
})

const schema = z.strictObject({
  resource: z.string().min(1).max(2048),
  audiences: z.array(z.string().min(1)).min(1).optional(),
  identity: z.enum(['token', 'gatewayMetadata']).default('token'),
  protocol: z.enum(['mcp', 'json']).default('mcp'),
  sse: z
    .strictObject({
      messages: z.string().min(1).max(2048),
      session: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'not the name of a plain query parameter')
        .default('sessionId'),
    })
    .optional(),
  catalog: z.string().min(1).optional(),
  require: z
    .array(z.enum(['operations', 'tools', 'grants']))
    .min(1)
    .optional(),
  principals: z
    .array(z.enum(['user', 'agent']))
    .min(1)
    .default(['user']),
  connect: z.enum(['authenticated', 'required']).default('authenticated'),
  anonymous: z.enum(['Deny', 'Allow']).default('Deny'),
  kubernetes: z
    .strictObject({
      cluster: z.string().min(1).default('local'),
      defaultNamespace: z.string().regex(dnsLabel, 'not a namespace name').optional(),
      contexts: z.record(z.string(), z.string()).optional(),
    })
    .default({ cluster: 'local' }),
  upstream: z
    .strictObject({
      authorization: z.enum(['strip', 'passthrough', 'exchange', 'mint']).default('strip'),
      identity: z.enum(['headers', 'impersonation', 'none']).default('headers'),
      headers: z.array(headerName).min(1).max(16).optional(),
    })
    .default({ authorization: 'strip', identity: 'headers' }),
  methods: z
    .array(z.union([methodName, extensionMethod]))
    .min(1)
    .max(64)
    .optional(),
  toolPrefix: z.string().max(64).default(''),
  metaTools: z.array(metaTool).min(1).max(16).optional(),
  batches: z.enum(['deny', 'legacy']).default('deny'),
  denial: z.enum(denialModes).default('toolError'),
  mode: z.enum(['Enforce', 'Audit']).default('Enforce'),
})

const document = z.strictObject({
  apiVersion: z.literal(policyApiVersion),
  kind: z.literal('Server'),
  metadata: z.strictObject({
    name: z.string().regex(dnsLabel, 'the name of a Server is a DNS label: lower-case letters, digits and "-"'),
    namespace: z.string().regex(dnsLabel, 'not a namespace name').default('mcp-authz'),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: schema,
})

export interface ServerContext {
  readonly catalogs: ReadonlyMap<string, ToolCatalog>
  /** By cluster name. */
  readonly authorizers: ReadonlyMap<string, Authorizer>
}

/** What of a Server is read from its own document alone; the rest is resolved when the set is put together. */
export interface ServerDraft {
  readonly name: string
  readonly catalogName: string | undefined
  readonly host: string
  readonly path: string
  /** The second path of a server of the transport HTTP+SSE. */
  readonly messages: string | undefined
  resolve(context: ServerContext): Compilation<Server>
}

export function compileServer(source: SourceDocument): Compilation<ServerDraft> {
  const parsed = validate(source, document)
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const { metadata, spec } = parsed.value
  const address = readResource(spec.resource)
  if (typeof address === 'string') {
    return {
      value: undefined,
      findings: [
        source.finding('error', ['spec', 'resource'], address, {
          hint: 'write the URL that clients use, e.g. https://mcp.example.com/mcp',
        }),
      ],
    }
  }
  const findings = []
  if (spec.upstream.authorization !== 'strip') {
    findings.push(
      source.finding(
        'error',
        ['spec', 'upstream', 'authorization'],
        `${spec.upstream.authorization} is not offered by this version`,
        {
          hint: 'write strip: the server acts as itself, and mcp-authz is the guard',
        },
      ),
    )
  }
  if (spec.upstream.identity === 'impersonation') {
    findings.push(
      source.finding('error', ['spec', 'upstream', 'identity'], 'impersonation is not offered by this version', {
        hint: 'write headers or none',
      }),
    )
  }
  for (const [index, name] of (spec.upstream.headers ?? []).entries()) {
    const problem = headerNameProblem(name)
    if (problem === undefined) continue
    const { message, hint } = problem
    findings.push(source.finding('error', ['spec', 'upstream', 'headers', index], message, { hint }))
  }
  const required: readonly Requirement[] = spec.require ?? (spec.catalog === undefined ? ['grants'] : ['operations'])
  if (required.includes('operations') && spec.catalog === undefined) {
    findings.push(
      source.finding('error', ['spec', 'require'], 'operations needs a catalog that says what each tool does', {
        hint: 'add catalog: kubernetes-mcp-server (or your own ToolCatalog), or require tools or grants',
      }),
    )
  }
  findings.push(...checkMethods(source, spec))
  findings.push(...checkSse(source, spec, address.path))
  if (findings.length > 0) return { value: undefined, findings }
  const roles: readonly PrincipalRole[] = [...new Set(spec.principals)]
  const denial: DenialMode = spec.denial
  const mode: Mode = spec.mode
  const base = {
    name: metadata.name,
    namespace: metadata.namespace,
    labels: new Map(Object.entries(metadata.labels)),
    resource: spec.resource,
    ...address,
    audience: {
      server: metadata.name,
      audiences: spec.audiences ?? [spec.resource],
      identity: spec.identity,
      anonymous: spec.anonymous,
    },
    protocol: spec.protocol,
    sse: spec.sse && { ...spec.sse, stream: address.path },
    require: [...new Set(required)],
    principals: roles,
    connect: spec.connect,
    kubernetes: {
      cluster: spec.kubernetes.cluster,
      defaultNamespace: spec.kubernetes.defaultNamespace,
      contexts: new Map(Object.entries(spec.kubernetes.contexts ?? {})),
    },
    identityHeaders: spec.upstream.identity === 'headers',
    upstreamHeaders: spec.upstream.headers ?? [],
    ...compileMethods(spec.methods ?? []),
    toolPrefix: spec.toolPrefix,
    metaTools: new Map((spec.metaTools ?? []).map(meta => [meta.tool, compileMetaTool(meta)])),
    batches: spec.batches,
    denial,
    mode,
  }
  return {
    value: {
      name: metadata.name,
      catalogName: spec.catalog,
      host: address.host,
      path: address.path,
      messages: spec.sse?.messages,
      resolve(context) {
        const catalog = spec.catalog === undefined ? undefined : context.catalogs.get(spec.catalog)
        const authorizer = context.authorizers.get(spec.kubernetes.cluster)
        const problems = []
        if (spec.catalog !== undefined && catalog === undefined) {
          const near = didYouMean(spec.catalog, [...context.catalogs.keys()])
          problems.push(
            source.finding('error', ['spec', 'catalog'], `there is no ToolCatalog "${spec.catalog}"`, {
              hint:
                near === undefined ? 'add a document of kind ToolCatalog with this name' : `did you mean "${near}"?`,
            }),
          )
        }
        if (authorizer === undefined) {
          problems.push(
            source.finding(
              'error',
              ['spec', 'kubernetes', 'cluster'],
              `there is no cluster "${spec.kubernetes.cluster}" in the configuration`,
              {
                hint: `one of: ${[...context.authorizers.keys()].join(', ')}`,
              },
            ),
          )
        }
        for (const [argument, cluster] of base.kubernetes.contexts) {
          if (context.authorizers.has(cluster)) continue
          problems.push(
            source.finding(
              'error',
              ['spec', 'kubernetes', 'contexts', argument],
              `there is no cluster "${cluster}" in the configuration`,
              {
                hint: `one of: ${[...context.authorizers.keys()].join(', ')}`,
              },
            ),
          )
        }
        if (authorizer === undefined || problems.length > 0) return { value: undefined, findings: problems }
        return { value: { ...base, catalog, authorizer, authorizers: context.authorizers }, findings: [] }
      },
    },
    findings: [],
  }
}

type ServerSpec = z.output<typeof schema>

function compileMethods(listed: NonNullable<ServerSpec['methods']>): Pick<Server, 'methods' | 'extensions'> {
  const extensions = new Map<string, McpMethod>()
  for (const method of listed) {
    if (typeof method === 'string') continue
    const { name, target } = method
    extensions.set(name, {
      name,
      eras: ['legacy', 'modern'],
      direction: 'toServer',
      kind: 'request',
      target,
      nameHeader: false,
      takesArguments: method.arguments,
      needs: 'default',
    })
  }
  return { methods: new Set(listed.map(method => (typeof method === 'string' ? method : method.name))), extensions }
}

function checkSse(source: SourceDocument, { sse, protocol }: ServerSpec, stream: string): Finding[] {
  if (sse === undefined) return []
  const path = ['spec', 'sse']
  const findings: Finding[] = []
  if (protocol === 'json') findings.push(source.finding('error', path, 'sse is about MCP, not json'))
  const wrong = pathProblem(sse.messages)
  const hint = 'write the path that the server names to its clients, e.g. /messages'
  if (wrong !== undefined) findings.push(source.finding('error', [...path, 'messages'], wrong, { hint }))
  else if (sse.messages === stream) {
    const same = 'the same path as that of the stream, which is the path of resource'
    findings.push(source.finding('error', [...path, 'messages'], same, { hint }))
  }
  return findings
}

/** What is wrong with a path of the configuration; requests are compared with it as they are. */
export function pathProblem(path: string): string | undefined {
  const address = path.startsWith('/') ? readResource(`http://localhost${path}`) : 'a path begins with "/"'
  return typeof address === 'string' ? address : undefined
}

function compileMetaTool(spec: z.output<typeof metaTool>): MetaTool {
  const { name, encoding, otherArguments } = spec
  return { name, arguments: spec.arguments, encoding, others: new Set(otherArguments ?? []) }
}

function checkMethods(source: SourceDocument, spec: ServerSpec): Finding[] {
  const findings: Finding[] = []
  for (const [index, method] of (spec.methods ?? []).entries()) {
    const at = ['spec', 'methods', index]
    if (typeof method === 'string') continue
    if (methodTable.has(method.name)) {
      const hint = 'name it alone, if it needs enabling; what it touches is known'
      findings.push(source.finding('error', [...at, 'name'], `${method.name} is a method of MCP itself`, { hint }))
    }
    if ((method.target.kind === 'resource') !== (method.target.field === 'uri')) {
      const hint = `write field: ${method.target.kind === 'resource' ? 'uri' : 'name'}`
      findings.push(source.finding('error', [...at, 'target', 'field'], 'not how such a thing is named', { hint }))
    }
  }
  const seen = new Set<string>()
  for (const [index, meta] of (spec.metaTools ?? []).entries()) {
    const at = ['spec', 'metaTools', index]
    if (seen.has(meta.tool)) findings.push(source.finding('error', [...at, 'tool'], 'is named twice'))
    seen.add(meta.tool)
    const names = [meta.name, meta.arguments, ...(meta.otherArguments ?? [])]
    if (new Set(names).size === names.length) continue
    findings.push(source.finding('error', at, 'one argument cannot be two of name, arguments and otherArguments'))
  }
  if (spec.protocol === 'json' && (spec.metaTools !== undefined || spec.batches !== 'deny')) {
    findings.push(source.finding('error', ['spec', 'protocol'], 'metaTools and batches are about MCP, not json'))
  }
  return findings
}

/** Splits a resource URL of the configuration (never of a request). Returns what is wrong with it as a string. */
export function readResource(resource: string): { origin: string; host: string; path: string } | string {
  let url: URL
  try {
    url = new URL(resource)
  } catch {
    return 'not a URL'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'not an http or https URL'
  if (url.username !== '' || url.password !== '' || url.hash !== '' || url.search !== '' || resource.includes('?')) {
    return 'a resource has no user, query or fragment (RFC 8707, section 2)'
  }
  const authority = resource.slice(resource.indexOf('//') + 2)
  const slash = authority.indexOf('/')
  const path = slash === -1 ? '/' : authority.slice(slash)
  if (path !== url.pathname) return 'the path is not in its plain form: no dot segments, escapes or blanks'
  if (path.length > 1 && path.endsWith('/')) return 'the path ends in "/"'
  return { origin: `${url.protocol}//${url.host}`, host: url.host, path }
}
