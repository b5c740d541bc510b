import { hostname } from 'node:os'
import type { Config, ConfigCluster, ConfigConfigMaps } from './config/config.js'
import type { ApiServerEvent } from './kube/api-server-event.js'
import { type ConnectedApiServer, createApiServer } from './kube/create-api-server.js'
import { createDiscovery, type Discovery } from './kube/discovery.js'
import { type CollectionEvent, watchCollection } from './kube/watch-collection.js'
import type { Freshness, WatchedCollection } from './kube/watched-collection.js'
import { type ConfigMapEvents, createConfigMapEvents } from './policy/config-map-events.js'
import { type ConfigMapSource, configMapLimits, createConfigMapSource } from './policy/config-map-source.js'
import { type ConfigMapStatus, createConfigMapStatus } from './policy/config-map-status.js'
import type { LoadReport } from './policy/policy-store.js'
import type { Authorizer } from './rbac/authorizer.js'
import type { RbacWatch } from './rbac/rbac-watch.js'
import { createSarAuthorizer, type SarAuthorizer } from './rbac/sar-authorizer.js'
import { watchRbac } from './rbac/watch-rbac.js'
import { createWatchedAuthorizer } from './rbac/watched-authorizer.js'
import type { ClusterSample } from './telemetry/cluster-metrics.js'
import { limitRepeats } from './telemetry/limit-repeats.js'
import type { Logger, Logging } from './telemetry/logger.js'

/** A cluster whose API server is asked. */
export interface ConnectedCluster {
  readonly name: string
  readonly api: ConnectedApiServer
  /** undefined with `authorizer: files`. */
  readonly authorizer: Authorizer | undefined
  readonly sar: SarAuthorizer | undefined
  readonly watch: RbacWatch | undefined
  /** What its API server serves. */
  readonly discovery: Discovery
  close(): void
}

export interface ClusterParts {
  readonly connected: readonly ConnectedCluster[]
  /** Names of the clusters whose RBAC objects stand in the sources. */
  readonly fromFiles: readonly string[]
  readonly authorizers: ReadonlyMap<string, Authorizer>
  readonly apiServers: ReadonlyMap<string, ConnectedApiServer>
  readonly kinds: ReadonlyMap<string, Discovery>
  readonly configMaps: readonly WatchedConfigMaps[]
  /** Those of the shadow: nothing waits for them, and nobody is told what became of them. */
  readonly shadowConfigMaps: readonly WatchedConfigMaps[]
  /** Begins to watch. Resolves when all was seen once, when it is stopped, or after `patienceMs` (default 5 s). */
  start(patienceMs?: number): Promise<void>
  /** Tells the people behind ConfigMaps what became of them. */
  loaded(report: LoadReport): void
  stop(): Promise<void>
  /** What is not as it should be, one line each, for readiness. */
  problems(): readonly string[]
  /** For metrics. */
  samples(): readonly ClusterSample[]
  /** Whether all that has to be known before the first decision is known. */
  ready(): boolean
}

export interface WatchedConfigMaps {
  readonly config: ConfigConfigMaps
  readonly source: ConfigMapSource
  readonly collection: WatchedCollection
  readonly status: ConfigMapStatus | undefined
  readonly events: ConfigMapEvents | undefined
}

export interface ClusterOptions {
  /** Whether what became of ConfigMaps is written to the cluster. Default true; of several processes one does. */
  readonly writes?: boolean
  /** A source of ConfigMaps changed. Must not throw. */
  onConfigMaps(): void
  /** For counters. Must not throw. */
  onAnswered?(cluster: string, event: Extract<ApiServerEvent, { type: 'answered' }>): void
}

const configMapBytes = configMapLimits.bytes * 2
const syncPollMs = 20
/** A copy that was not confirmed for longer is reported. */
const staleMs = 60_000

/** Connects to the API servers that the configuration names, and to nothing before something is asked of them. */
export function createClusters(
  config: Pick<Config, 'clusters' | 'sources'> & Partial<Pick<Config, 'shadow'>>,
  logging: Logging,
  options: ClusterOptions,
): ClusterParts {
  const log = logging.subsystem('kube')
  const connected = [...config.clusters].flatMap(([name, cluster]) =>
    cluster.connection === undefined ? [] : [connect(name, cluster, cluster.connection, log, options)],
  )
  const apiServers = new Map(connected.map(({ name, api }) => [name, api]))
  const watchAll = (sources: Config['sources'], shadow: boolean, changes: ClusterOptions) =>
    sources.flatMap(source => {
      const api = source.from === 'configMaps' ? apiServers.get(source.cluster) : undefined
      return source.from === 'configMaps' && api !== undefined
        ? [watchConfigMaps(source, placeOf(source, { sources }, shadow), api, log, changes)]
        : []
    })
  const configMaps = watchAll(config.sources, false, options)
  const shadowConfigMaps = watchAll(config.shadow?.sources ?? [], true, { onConfigMaps: () => undefined })
  let stopped = false
  const watches = connected.flatMap(({ watch }) => watch ?? [])
  const synced = () =>
    configMaps.every(({ collection }) => collection.freshness().synced) &&
    connected.every(({ api, sar, watch }) =>
      sar === undefined ? (watch?.freshness().synced ?? true) : api.state().everConnected,
    )
  return {
    connected,
    fromFiles: [...config.clusters].flatMap(([name, { authorizer }]) => (authorizer === 'files' ? [name] : [])),
    authorizers: new Map(
      connected.flatMap(({ name, authorizer }): [string, Authorizer][] => (authorizer ? [[name, authorizer]] : [])),
    ),
    apiServers,
    kinds: new Map(connected.map(({ name, discovery }) => [name, discovery])),
    configMaps,
    shadowConfigMaps,
    async start(patienceMs = 5_000) {
      for (const watch of watches) watch.start()
      for (const { discovery } of connected) discovery.start()
      for (const { collection } of [...configMaps, ...shadowConfigMaps]) collection.start()
      const end = performance.now() + patienceMs
      while (!stopped && !synced() && performance.now() < end)
        await new Promise(resolve => setTimeout(resolve, syncPollMs))
    },
    loaded(report) {
      for (const { status, events } of configMaps) {
        status?.loaded(report)
        events?.loaded(report)
      }
    },
    async stop() {
      stopped = true
      for (const { collection, events } of [...configMaps, ...shadowConfigMaps]) {
        collection.stop()
        events?.stop()
      }
      await Promise.all(configMaps.map(({ status }) => status?.stop()))
      for (const cluster of connected) cluster.close()
    },
    problems: () => [
      ...connected.flatMap(({ name, api, sar, watch }) => [
        ...(api.state().problem === '' ? [] : [`cluster ${name}: ${api.state().problem}`]),
        // With SubjectAccessReviews a watch only makes changes known sooner.
        ...(sar === undefined && watch !== undefined ? behind(`cluster ${name}: RBAC`, watch.freshness()) : []),
      ]),
      ...configMaps.flatMap(({ config: { cluster, namespace }, collection }) =>
        behind(`cluster ${cluster}: ConfigMaps of ${namespace}`, collection.freshness()),
      ),
    ],
    samples: () =>
      connected.map(({ name, api, sar, watch }) => {
        const { connected: stands, inFlight, waiting } = api.state()
        const copies = configMaps.filter(({ config }) => config.cluster === name)
        const watched = [
          ...(watch === undefined ? [] : [{ what: 'rbac', ...watch.freshness() }]),
          ...copies.map(({ config, collection }) => ({
            what: `configmaps/${config.namespace}`,
            ...collection.freshness(),
          })),
        ]
        const reviews = sar === undefined ? {} : { reviews: sar.stats() }
        return { cluster: name, connected: stands, inFlight, waiting, watches: watched, ...reviews }
      }),
    ready: synced,
  }
}

function connect(
  name: string,
  { authorizer, rbacOnly, timeoutMs, maxInFlight, cacheBytes }: ConfigCluster,
  connection: NonNullable<ConfigCluster['connection']>,
  log: Logger,
  { onAnswered }: ClusterOptions,
): ConnectedCluster {
  const report = reporter(log, name)
  const api = createApiServer({
    ...{ cluster: name, connection, timeoutMs, maxInFlight },
    onEvent: event => {
      if (event.type === 'answered') onAnswered?.(name, event)
      else if (event.type === 'connected') report('info', `connected to the API server for ${event.purpose}`)
      else if (event.type === 'connectFailed') report('warn', `the API server cannot be reached: ${event.message}`)
      else if (event.type === 'disconnected') report('info', `the connection to the API server ended: ${event.message}`)
      else if (event.type === 'credentials' && event.message === '') report('info', 'credentials can be read')
      else if (event.type === 'credentials') report('error', `no credentials for the API server: ${event.message}`)
      else report('warn', event.message)
    },
  })
  const discovery = createDiscovery({
    api,
    onEvent: event => {
      if (event.type === 'discovered') log.debug('kinds discovered', { cluster: name, count: event.resources })
      else if (event.type === 'failed')
        report('warn', `the kinds of the cluster cannot be discovered: ${event.message}`)
      else log.debug(`changes of CustomResourceDefinitions are not watched: ${event.message}`, { cluster: name })
    },
  })
  const close = () => {
    discovery.stop()
    api.close()
  }
  if (authorizer === 'files')
    return { name, api, authorizer: undefined, sar: undefined, watch: undefined, discovery, close }
  const reportObject = reporter(log, name)
  const watch = watchRbac(api, {
    onEvent: event => {
      if (event.type === 'unreadable')
        reportObject('warn', `the ${event.kind} ${event.name} cannot be read, and gives nothing here: ${event.message}`)
      else reportCollection(log, report, name, `${event.kind}s`, event)
    },
  })
  const closeAll = () => {
    watch.stop()
    close()
  }
  if (authorizer === 'watch') {
    const watched = createWatchedAuthorizer(watch, {
      onRebuilt: ({ objects, tookMs }) =>
        log.debug('RBAC objects are in force', { cluster: name, count: objects, durationMs: tookMs }),
    })
    const closeWatched = () => {
      watched.close()
      closeAll()
    }
    return { name, api, authorizer: watched, sar: undefined, watch, discovery, close: closeWatched }
  }
  const sar = createSarAuthorizer({
    ...{ api, rbacOnly, watch, maxBytes: cacheBytes },
    onEvent: ({ kind, message, suppressed }) =>
      log[kind === 'not_permitted' ? 'error' : 'warn'](message, {
        cluster: name,
        ...(suppressed > 0 && { suppressed }),
      }),
  })
  return { name, api, authorizer: sar, sar, watch, discovery, close: closeAll }
}

/** Two clusters may have namespaces of one name. */
function placeOf(
  { cluster, namespace }: ConfigConfigMaps,
  { sources }: Pick<Config, 'sources'>,
  shadow: boolean,
): string {
  const elsewhere = sources.some(
    one => one.from === 'configMaps' && one.namespace === namespace && one.cluster !== cluster,
  )
  const place = elsewhere ? `ConfigMap/${cluster}/${namespace}` : `ConfigMap/${namespace}`
  return shadow ? `shadow ${place}` : place
}

function watchConfigMaps(
  config: ConfigConfigMaps,
  place: string,
  api: ConnectedApiServer,
  log: Logger,
  { onConfigMaps, writes = true }: ClusterOptions,
): WatchedConfigMaps {
  const { cluster, namespace, selector, status, events, kinds } = config
  const report = reporter(log, cluster)
  const collection = watchCollection({
    api,
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    labelSelector: selector,
    maxObjects: configMapLimits.objects,
    maxBytes: configMapBytes,
    onChange: onConfigMaps,
    onEvent: event => reportCollection(log, report, cluster, `ConfigMaps of ${namespace}`, event),
  })
  const source = createConfigMapSource({
    name: `ConfigMaps of ${namespace} in ${cluster}, ${selector}`,
    ...{ namespace, place, kinds, collection },
    except: status === undefined ? [] : [status],
  })
  const onFailure = (message: string) => report('warn', message)
  const common = { api, source, replica: replicaName(), onFailure }
  return {
    config,
    source,
    collection,
    status: status === undefined || !writes ? undefined : createConfigMapStatus({ ...common, name: status }),
    events: events && writes ? createConfigMapEvents(common) : undefined,
  }
}

/** In a pod the host's name is that of the pod. */
function replicaName(): string {
  return process.env.HOSTNAME || hostname()
}

type Report = (level: 'info' | 'warn' | 'error', message: string) => void

/**
 * An API server that is away must not fill the log: two lines of each message in ten minutes, which are some thousand a day.
 * By a clock that is never set back.
 */
const rareLines = { burst: 2, intervalMs: 600_000, now: () => performance.now() }

/** Messages that name objects have one of their own: they are so many that they would leave no room for others. */
function reporter(log: Logger, cluster: string): Report {
  const at = (level: 'info' | 'warn' | 'error') =>
    limitRepeats(
      (message, suppressed) => log[level](message, { cluster, ...(suppressed > 0 && { suppressed }) }),
      rareLines,
    )
  const levels = { info: at('info'), warn: at('warn'), error: at('error') }
  return (level, message) => levels[level](message)
}

function reportCollection(log: Logger, report: Report, cluster: string, what: string, event: CollectionEvent): void {
  if (event.type === 'failed') report('warn', `${what} cannot be watched: ${event.message}`)
  else log.debug(`${what} listed`, { cluster, count: event.objects, durationMs: event.tookMs })
}

function behind(what: string, { synced, staleForMs, problem }: Freshness): readonly string[] {
  if (!synced) return [`${what} not listed yet${problem === '' ? '' : `: ${problem}`}`]
  if (staleForMs <= staleMs) return []
  return [`${what} stale for ${Math.round(staleForMs / 1000)} s${problem === '' ? '' : `: ${problem}`}`]
}
