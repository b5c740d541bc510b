import type { SourceDocument } from '../documents/source-document.js'
import { didYouMean, validate } from '../documents/validate.js'
import type { Authorizer } from '../rbac/authorizer.js'
import type { KindResolver } from '../rbac/kind-resolver.js'
import type { ToolCatalog } from '../rbac/tool-catalog.js'
import { checkServer } from './check-server.js'
import { checkCapabilities, type UpstreamCapabilities } from './check-upstream.js'
import type { Compilation } from './compilation.js'
import { listSettings } from './list-settings.js'
import { readResource } from './read-resource.js'
import type { DenialMode, Mode, PrincipalRole, Server } from './server.js'
import { compileMetaTools, compileMethods } from './server-methods.js'
import { requirementsOf, serverSchema } from './server-schema.js'
import { upstreamSettings } from './upstream-settings.js'

export interface ServerContext {
  readonly catalogs: ReadonlyMap<string, ToolCatalog>
  /** By cluster name. */
  readonly authorizers: ReadonlyMap<string, Authorizer>
  /** What clusters serve, by name; undefined where no API server can be asked. */
  readonly kinds: ReadonlyMap<string, KindResolver> | undefined
  /** What the configuration can do for servers; undefined when it is not known. */
  readonly upstream: UpstreamCapabilities | undefined
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
  const parsed = validate(source, serverSchema)
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
  const findings = checkServer(source, spec, address.path)
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
      urls: [address.path, ...(spec.sse === undefined ? [] : [spec.sse.messages])].map(path => address.origin + path),
      identity: spec.identity,
      anonymous: spec.anonymous,
    },
    protocol: spec.protocol,
    sse: spec.sse && { ...spec.sse, stream: address.path },
    require: [...new Set(requirementsOf(spec))],
    principals: roles,
    connect: spec.connect,
    kubernetes: {
      cluster: spec.kubernetes.cluster,
      defaultNamespace: spec.kubernetes.defaultNamespace,
      contexts: new Map(Object.entries(spec.kubernetes.contexts ?? {})),
    },
    upstream: upstreamSettings(spec),
    upstreamHeaders: spec.upstream.headers ?? [],
    ...compileMethods(spec.methods ?? []),
    toolPrefix: spec.toolPrefix,
    metaTools: compileMetaTools(spec.metaTools ?? []),
    batches: spec.batches,
    lists: listSettings(spec),
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
        const upstream = checkCapabilities(source, base.upstream, context.upstream)
        const broken = [...problems, ...upstream].some(({ severity }) => severity === 'error')
        if (authorizer === undefined || broken) return { value: undefined, findings: [...problems, ...upstream] }
        const { kinds, authorizers } = context
        const kubernetes = kinds === undefined ? base.kubernetes : { ...base.kubernetes, kinds }
        return { value: { ...base, kubernetes, catalog, authorizer, authorizers }, findings: upstream }
      },
    },
    findings: [],
  }
}
