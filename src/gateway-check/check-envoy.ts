import { checkAdmin } from './check-admin.js'
import { checkConnectionManager, type ManagerSummary } from './check-connection-manager.js'
import type { CheckContext } from './check-context.js'
import { checkRouteConfiguration } from './check-routes.js'
import { checkTransportSocket } from './check-transport-socket.js'
import type { ConfigNode } from './config-node.js'
import { gatherResources } from './envoy-resources.js'
import { type EnvoyFinding, Findings } from './findings.js'
import { type EnvoyFile, readEnvoyFiles } from './read-envoy-files.js'
import { textOf } from './read-scalar.js'
import { typedConfig, types } from './typed-config.js'
import { upstreamKeys } from './upstreams.js'

export interface EnvoyCheckOptions {
  /** Of the listener of mcp-authz, in bytes. Default: 5 MiB, as there. */
  readonly maxMessageBytes?: number
  /** Names of the Server documents, `name` and `namespace/name`. Default: not checked. */
  readonly servers?: ReadonlySet<string>
  /** Whether a listener of mcp-authz has door ext-proc and judgesRequests. Default: not checked. */
  readonly judgesRequests?: boolean
}

export interface EnvoyReport {
  /** In the order of the files, then of the lines. */
  readonly findings: readonly EnvoyFinding[]
  /** HTTP connection managers, and those of them that ask mcp-authz. */
  readonly managers: number
  readonly checkedManagers: number
  /** Routes of the connection managers that ask mcp-authz. */
  readonly routes: number
}

/**
 * Looks in Envoy configurations for settings that open a way around mcp-authz, or break it. Every ext_authz filter is
 * taken for ours; of ext_proc filters those that ownProcessors knows. What the files do not show is a finding too; nothing passes in silence.
 */
export function checkEnvoy(files: readonly EnvoyFile[], options: EnvoyCheckOptions = {}): EnvoyReport {
  const findings = new Findings()
  const roots = readEnvoyFiles(files, findings)
  const context: CheckContext = {
    findings,
    roots,
    resources: gatherResources(roots, findings),
    maxMessageBytes: options.maxMessageBytes ?? 5 * 1024 * 1024,
    servers: options.servers,
    judgesRequests: options.judgesRequests,
  }
  const passages = context.resources.listeners.flatMap(listener => passagesOf(listener, context))
  const managers = passages.filter(passage => passage.kind === 'http')
  const checked = managers.filter(({ guarded }) => guarded)
  reportUnguarded(passages, context)
  for (const root of roots) checkAdmin(root, context)
  checkUnusedRoutes(managers, context)
  const [root] = roots
  if (root !== undefined && passages.length === 0)
    findings.addDocument('envoy.no_ext_authz', root.document, 'no HTTP connection manager in these files')

  const order = new Map(files.map(({ file }, index) => [file, index]))
  const place = ({ location }: EnvoyFinding) => order.get(location.file) ?? 0
  const sorted = [...findings.all()].sort(
    (a, b) => place(a) - place(b) || a.location.line - b.location.line || a.location.column - b.location.column,
  )
  return {
    findings: sorted,
    managers: managers.length,
    checkedManagers: checked.length,
    routes: checked.reduce((sum, { routes }) => sum + routes, 0),
  }
}

/** Network filters that end a chain, and lead nowhere but where this check looks. */
const judged: ReadonlySet<string> = new Set([
  types.httpConnectionManager,
  types.tcpProxy,
  'envoy.extensions.filters.network.direct_response.v3.Config',
  'envoy.extensions.filters.network.echo.v3.Echo',
])

/** A way through a listener. */
type Passage = ManagerSummary & { readonly kind: 'http' | 'tcp' }

function passagesOf(listener: ConfigNode, context: CheckContext): readonly Passage[] {
  const fallback = listener.field('default_filter_chain')
  const chains = [...listener.list('filter_chains'), ...(fallback === undefined ? [] : [fallback])]
  const matcher = listener.field('fcds_config')
  if (matcher !== undefined) context.findings.add('envoy.not_checked', matcher, 'filter chains by FCDS')
  const api = listener.deep('api_listener', 'api_listener')
  const filters = chains.flatMap(chain => chain.list('filters'))
  for (const chain of chains) {
    checkTransportSocket(chain, context)
    const last = chain.list('filters').at(-1)
    const any = last?.field('typed_config')
    if (any !== undefined && !judged.has(typedConfig(any).type))
      context.findings.add('envoy.not_checked', any, `the network filter ${textOf(last?.field('name'))}`)
  }
  for (const filter of filters) {
    const discovery = filter.field('config_discovery')
    if (discovery !== undefined)
      context.findings.add('envoy.not_checked', discovery, `the network filter ${textOf(filter.field('name'))}`)
  }
  const configs = [
    ...filters.flatMap(filter => filter.field('typed_config') ?? []),
    ...(api === undefined ? [] : [api]),
  ]
  return configs.flatMap((any): readonly Passage[] => {
    const { type, config } = typedConfig(any)
    if (type === types.httpConnectionManager) return [{ kind: 'http', ...checkConnectionManager(config, context) }]
    if (type !== types.tcpProxy) return []
    const weighted = config.field('weighted_clusters')?.list('clusters') ?? []
    const names = [config.field('cluster'), ...weighted.map(cluster => cluster.field('name'))]
    const upstreams = names.flatMap(node => (node ? upstreamKeys(textOf(node), context.resources.clusters) : []))
    return [{ kind: 'tcp', node: config, guarded: false, routes: 0, upstreams, routesFrom: undefined }]
  })
}

/** What asks nobody: a way around if it leads where the checked routes lead, or if nothing is checked at all. */
function reportUnguarded(passages: readonly Passage[], { findings }: CheckContext): void {
  const checked = passages.filter(({ guarded }) => guarded)
  const protectedUpstreams = new Set(checked.flatMap(({ upstreams }) => upstreams))
  for (const { kind, node, guarded, upstreams } of passages) {
    if (guarded || upstreams.length === 0) continue
    const around = upstreams.some(key => key === 'unknown' || protectedUpstreams.has(key))
    const what = kind === 'tcp' ? 'a TCP proxy' : 'an HTTP connection manager that does not ask mcp-authz'
    findings.add(checked.length === 0 || around ? 'envoy.no_ext_authz' : 'envoy.other_listener', node, what)
  }
  const silent = passages.every(({ guarded, upstreams }) => !guarded && upstreams.length === 0)
  const [first] = passages
  if (first !== undefined && silent)
    findings.add('envoy.no_ext_authz', first.node, 'no filter of these files asks mcp-authz')
}

/** Routes in files of their own, that no connection manager in the files uses: checked with what is known. */
function checkUnusedRoutes(managers: readonly Passage[], context: CheckContext): void {
  const used = new Set(managers.map(({ routesFrom }) => routesFrom))
  for (const [name, configuration] of context.resources.routeConfigurations) {
    if (used.has(name)) continue
    checkRouteConfiguration(configuration, {
      ...context,
      guards: undefined,
      everyRouteLeadsOn: false,
      bodySizeLimit: undefined,
      streamIdleTimeout: 0,
    })
  }
}
