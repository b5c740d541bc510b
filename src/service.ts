import { join } from 'node:path'
import { missingServers } from './authzen-servers.js'
import type { Config } from './config/config.js'
import { guardsResults, seesAnswers } from './config/sees-answers.js'
import { type AdminParts, createAdmin } from './create-admin.js'
import { type AdmissionParts, createAdmission } from './create-admission.js'
import { type ClusterParts, createClusters } from './create-clusters.js'
import { createDoor } from './create-doors.js'
import { createIdentities } from './create-identities.js'
import { createSessionKeys, type SessionKeyFiles } from './create-session-keys.js'
import { createShadow, type ShadowParts } from './create-shadow.js'
import { capabilitiesOf, createUpstream, type UpstreamParts } from './create-upstream.js'
import { metadataDocument } from './decision/answer-well-known.js'
import { createDecide } from './decision/create-decide.js'
import { foreseeCalls } from './decision/foresee-calls.js'
import { createArgumentRecorder } from './decision/record-arguments.js'
import { DecisionReporter } from './decision-reporter.js'
import { formatFinding } from './documents/format-finding.js'
import type { BoundAddress } from './doors/grpc/grpc-transport.js'
import { createHttpDoor, type HttpDoor, type Readiness } from './doors/http/http-door.js'
import type { AuthenticatorSource } from './identity/authenticator-source.js'
import { protectedResourceMetadataPath } from './identity/protected-resource-metadata.js'
import { openDecisionLogs } from './open-decision-logs.js'
import { packageRoot } from './package-root.js'
import type { AssembleContext } from './policy/assemble-snapshot.js'
import { createDirectorySource } from './policy/directory-source.js'
import { type LoadReport, PolicyStore } from './policy/policy-store.js'
import { pooledDoors, type ServiceDoor } from './pooled-doors.js'
import { refuseUntrusted } from './refuse-untrusted.js'
import { reportFinding } from './report-finding.js'
import { createWorkerPool, dividedMemory, handedListeners, type ServicePart, workerRecords } from './service-part.js'
import type { DecisionLog, DecisionLogTarget } from './telemetry/decision-log.js'
import { type EventLoopMonitor, monitorEventLoop } from './telemetry/event-loop.js'
import { limitedErrors } from './telemetry/limited-errors.js'
import type { Logging } from './telemetry/logger.js'
import { createMetrics, type Metrics } from './telemetry/metrics.js'
import { createMetricExport, type MetricExport } from './telemetry/otlp/create-metric-export.js'
import { createTracing, type Tracing } from './telemetry/tracing/create-tracing.js'
import { poolMetrics } from './workers/pooled-metrics.js'
import type { WorkerPool } from './workers/worker-pool.js'

export interface ServiceOptions {
  readonly config: Config
  readonly logging: Logging
  /** Where records go when the configuration says stdout. Default: file descriptor 1. */
  readonly recordTarget?: DecisionLogTarget
  /** Read: OTEL_*, see docs/tracing.md. Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Of a service of several processes. Default: this one is all of it. */
  readonly part?: ServicePart
}

export interface Service {
  /** Loads the policies and opens every door. Rejects when a listener cannot be opened; what was opened is closed. */
  start(): Promise<ServiceAddresses>
  /** Readiness off, no new work, work in flight ends within `shutdown.drainSeconds`, records are written. */
  stop(): Promise<void>
  readiness(): Readiness
}

export interface ServiceAddresses {
  readonly listeners: readonly { readonly name: string; readonly address: BoundAddress }[]
  readonly http: { readonly host: string; readonly port: number }
  /** undefined: there is no admin listener. */
  readonly admin: { readonly host: string; readonly port: number } | undefined
}

/** The catalogues that come with the program; less trusted than anything a user writes. */
export const shippedCatalogs = join(packageRoot, 'policies', 'catalogs')

const unboundSessions = 'sessions: not bound to their callers because there are no sessions.keys'

/** How often readiness looks whether it may turn on; it never turns off before the end. */
const readinessIntervalMs = 200

/** Milliseconds after a load while it is not ready: what is foreseen must not keep it from getting ready, nor its first requests waiting. */
const foreseeingDelayMs = 1000

/** The whole program: policies, decision, doors, telemetry. `stop` undoes `start`. */
export function createService(options: ServiceOptions): Service {
  return new RunningService(options)
}

class RunningService implements Service {
  readonly #config: Config
  readonly #logging: Logging
  readonly #records: readonly DecisionLog[]
  readonly #metrics: Metrics
  readonly #reporter: DecisionReporter
  readonly #tracing: Tracing
  readonly #identities: AuthenticatorSource
  readonly #store: PolicyStore
  readonly #upstream: UpstreamParts
  readonly #clusters: ClusterParts
  readonly #sessions: SessionKeyFiles | undefined
  readonly #part: ServicePart | undefined
  readonly #pool: WorkerPool | undefined
  readonly #doors: readonly { readonly name: string; readonly door: ServiceDoor }[]
  /** A worker has none. */
  readonly #http: HttpDoor | undefined
  readonly #eventLoop: EventLoopMonitor
  readonly #metricExport: MetricExport
  readonly #admin: AdminParts | undefined
  readonly #admission: AdmissionParts
  readonly #shadow: ShadowParts | undefined
  #ready = false
  #stopping = false
  #stopped: Promise<void> | undefined
  #lastSuccess: number | undefined
  /** Findings of the last load. */
  #said: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #stopForeseeing = (): void => undefined

  constructor({ config, logging, recordTarget = 1, env = process.env, part }: ServiceOptions) {
    this.#config = config
    this.#part = part
    this.#pool = createWorkerPool(part, config, logging, line => this.#reporter.recorded(line))
    this.#logging = logging
    this.#records =
      part?.role === 'worker'
        ? [workerRecords(part, config, logging)]
        : openDecisionLogs(config, logging, recordTarget, env)
    this.#clusters = createClusters(config, logging, {
      writes: part?.role !== 'worker',
      onConfigMaps: () => this.#store.changed(),
      onAnswered: (cluster, event) => this.#metrics.answered({ cluster, ...event }),
    })
    this.#eventLoop = monitorEventLoop()
    this.#tracing = createTracing(env, logging.subsystem('telemetry'))
    const pool = this.#pool
    const metrics = createMetrics({
      ...(pool !== undefined && { workers: () => pool.counts }),
      ...(this.#tracing.spans !== undefined && { spans: this.#tracing.spans }),
      eventLoop: () => this.#eventLoop.read(),
      overload: () => this.#admission.sample(),
      droppedRecords: () => this.#records.reduce((sum, log) => sum + log.dropped, pool?.lostRecords ?? 0),
      ...(this.#records.some(log => log.samples !== undefined) && {
        sinks: () => this.#records.flatMap(log => log.samples ?? []),
      }),
      waitingRecords: () => this.#records.reduce((sum, log) => sum + (log.waitingBytes ?? 0), 0),
      identity: () => this.#identities.state,
      clusters: () => this.#clusters.samples(),
      shadow: config.shadow !== undefined,
    })
    this.#metrics = pool === undefined ? metrics : poolMetrics(metrics, () => pool.collect())
    this.#reporter = new DecisionReporter({
      ...{ metrics: this.#metrics, records: this.#records, tracing: this.#tracing },
      admin: () => this.#admin,
      shadow: () => this.#shadow,
    })
    // Those of workers are told with ours.
    const exportEnv = part?.role === 'worker' ? {} : env
    this.#metricExport = createMetricExport(exportEnv, this.#metrics, logging.subsystem('telemetry'))
    this.#admission = createAdmission(config, logging, refused =>
      this.#reporter.emergency(refused.listener, refused.decision, refused.request, refused),
    )
    this.#identities = createIdentities(this.#clusters.apiServers, logging, config.identity.cacheBytes)
    const policyError = limitedErrors(logging.subsystem('policy'))
    const compile = {
      insecureLoopbackIssuers: config.identity.insecureLoopbackIssuers,
      seesAnswers: seesAnswers(config),
      guardsResults: guardsResults(config),
    }
    const assemble: AssembleContext = {
      clusters: this.#clusters.fromFiles,
      authorizers: this.#clusters.authorizers,
      kinds: this.#clusters.kinds,
      upstream: capabilitiesOf(config),
      authenticator: (configurations, identity) => this.#identities.for(configurations, identity),
    }
    this.#store = new PolicyStore({
      sources: [
        createDirectorySource({ directory: shippedCatalogs, kinds: ['ToolCatalog'], trust: 0 }),
        ...config.sources.flatMap(source => (source.from === 'directory' ? [createDirectorySource(source)] : [])),
        ...this.#clusters.configMaps.map(({ source }) => source),
      ],
      brokenPolicies: config.startup.brokenPolicies,
      ...{ compile, assemble },
      onLoaded: report => this.#loaded(report),
      onError: error => policyError('the policies could not be looked at; those in force stay', error),
    })
    this.#shadow = createShadow({
      ...{ config, logging, compile, assemble, metrics: this.#metrics, store: this.#store },
      sources: this.#clusters.shadowConfigMaps.map(({ source }) => source),
      onDifference: (compared, line) => this.#reporter.differs(compared, line),
    })
    const decisionLog = logging.subsystem('decision')
    this.#upstream = createUpstream(config, logging)
    const serviceLog = logging.subsystem('service')
    this.#sessions = createSessionKeys(config.sessionKeys, {
      onReloaded: ids => serviceLog.info('session keys reloaded', { count: ids.length }),
      onError: message => serviceLog.error(message),
    })
    const sessions = this.#sessions?.keys
    const decide = createDecide({
      snapshot: () => this.#store.current,
      ...(sessions !== undefined && { sessions }),
      upstream: this.#upstream,
      seesAnswers: seesAnswers(config),
      recordArguments: createArgumentRecorder(config.decisionLog.arguments),
      onDecided: decided => this.#reporter.decided(decided),
      tracer: () => this.#tracing.tracer(),
      stageTimer: () => this.#metrics.stageTimer(),
      onBug: (error, { decisionId, traceId }) =>
        decisionLog.error('a decision failed; the request was denied', {
          ...{ decisionId, error },
          ...(traceId !== undefined && { traceId }),
        }),
    })
    const createDoors = () =>
      handedListeners(part, config.listeners).map(listener => ({
        name: listener.name,
        door: createDoor({
          ...{ listener, decide, sessions, admission: this.#admission.admission },
          snapshot: () => this.#store.current,
          onError: limitedErrors(logging.subsystem(listener.door), listener.name),
          onEmergency: (decision, request) => this.#reporter.emergency(listener, decision, request),
          onRefused: refused => this.#reporter.refused(listener, refused),
          onGuarded: guarded => this.#reporter.guarded(guarded),
          onBug: error => decisionLog.error('a result could not be judged; it was refused', { error }),
        }),
      }))
    this.#doors = pool === undefined ? createDoors() : pooledDoors(config.listeners, pool)
    this.#http =
      part?.role === 'worker'
        ? undefined
        : createHttpDoor({
            ...config.http,
            readiness: () => this.readiness(),
            metrics: () => this.#metrics,
            metadataFor: path => this.#metadataFor(path),
            documentAt: path => this.#upstream.document(path),
            onError: (detail, error) => logging.subsystem('http').error(detail, error === undefined ? {} : { error }),
          })
    this.#admin =
      config.admin &&
      createAdmin({
        ...{ admin: config.admin, config, store: this.#store, metrics: this.#metrics },
        shadow: () => this.#shadow?.report,
        readiness: () => this.readiness(),
        onError: limitedErrors(logging.subsystem('admin')),
      })
    if (part?.role === 'worker')
      part.channel.serve({
        collect: () => this.#metrics.collect(),
        readiness: () => this.readiness(),
        retire: () => this.#retire(),
      })
  }

  async start(): Promise<ServiceAddresses> {
    const log = this.#logging.subsystem('service')
    try {
      // They need as long as we do. Whether it went well is asked below.
      this.#pool?.start().catch(() => undefined)
      await this.#goOn(this.#tracing.start())
      await this.#goOn(this.#metricExport.start())
      await this.#goOn(this.#clusters.start())
      refuseUntrusted(this.#store.load().findings, this.#config, this.#store.current)
      this.#store.watch()
      this.#shadow?.start()
      await this.#goOn(this.#upstream.start())
      const http = this.#http === undefined ? { host: '', port: 0 } : await this.#goOn(this.#http.start())
      const admin = this.#admin && (await this.#goOn(this.#admin.start()))
      if (this.#part?.role === 'worker') await this.#goOn(this.#readyWithin(this.#part.openWithinMs))
      const listeners = []
      const isWorker = this.#part?.role === 'worker'
      for (const { name, door } of this.#doors) {
        const address = await this.#goOn(door.start())
        listeners.push({ name, address })
        if (!isWorker) log.info('listening', { listener: name, address: describeAddress(address) })
      }
      if (this.#part?.role === 'worker') this.#part.channel.opened()
      if (this.#leavesSessionsUnbound && !isWorker) log.warn(unboundSessions)
      if (!isWorker) log.info('listening', { listener: 'http', address: `${http.host}:${http.port}` })
      if (admin !== undefined) log.info('listening', { listener: 'admin', address: `${admin.host}:${admin.port}` })
      this.#timer = setInterval(() => this.#becomeReady(), readinessIntervalMs).unref()
      await this.#goOn(this.#identities.started())
      this.#becomeReady()
      return { listeners, http, admin }
    } catch (error) {
      await this.stop()
      // What came up while it stopped.
      await this.#close()
      throw error
    }
  }

  /** A step of the start, after which nothing more is begun if somebody has stopped it meanwhile. */
  async #goOn<T>(step: Promise<T>): Promise<T> {
    const value = await step
    if (this.#stopping) throw new Error('it was stopped while it started')
    return value
  }

  async #close(): Promise<void> {
    await Promise.all(this.#doors.map(({ door }) => door.stop().catch(() => undefined)))
    await this.#http?.stop().catch(() => undefined)
    await this.#admin?.stop()
    this.#eventLoop.stop()
    this.#identities.stop()
    await this.#clusters.stop()
    await this.#upstream.stop()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#retire()
    this.#store.stop()
    this.#stopForeseeing()
    this.#shadow?.stop()
    this.#sessions?.close()
    const { delayMs, drainMs } = this.#config.shutdown
    // Gateways need a moment to see that health has changed; what they still send in it is answered.
    if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs))
    const drainBegan = performance.now()
    const cut = await Promise.all(this.#doors.map(({ door }) => door.drain(drainMs).catch(() => 0)))
    const lost = cut.reduce((sum, one) => sum + one, 0)
    if (lost > 0) this.#logging.subsystem('service').warn('requests in flight were cut off', { count: lost })
    await this.#close()
    this.#admission.admission.stop()
    const flushMs = flushLimitMs(drainMs - (performance.now() - drainBegan))
    await Promise.all([
      this.#tracing.stop(flushMs),
      this.#metricExport.stop(flushMs),
      ...this.#records.map(log => log.close()),
    ])
    this.#logging.flush()
  }

  /** Health says so from now on; what is asked is answered until `stop`. */
  #retire(): void {
    this.#stopping = true
    this.#ready = false
    clearInterval(this.#timer)
    for (const { door } of this.#doors) door.setReady(false)
  }

  /** Resolves when it is ready, or when the time is over: whoever takes the place of another denies nobody for being new. */
  async #readyWithin(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs
    while (!this.#stopping && performance.now() < end) {
      this.#becomeReady()
      if (this.#ready) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    if (limitMs > 0 && !this.#stopping)
      this.#logging
        .subsystem('service')
        .warn(
          `not ready after ${limitMs / 1000} s: its doors are opened all the same, and deny what cannot be judged yet`,
        )
  }

  /** Once ready it stays so until the end: a later outage of an issuer must not take the service out of rotation. */
  readiness(): Readiness {
    const reasons: string[] = []
    const { report, current } = this.#store
    if (this.#stopping) reasons.push('stopping')
    if (current === undefined) reasons.push('policies: not in force because documents do not compile')
    for (const name of report?.broken ?? []) reasons.push(`policies: ${name} does not compile`)
    for (const server of current?.servers.all ?? [])
      if (server.mode === 'Audit') reasons.push(`audit: the Server ${server.name} denies nothing`)
    reasons.push(...this.#missingServers())
    for (const line of current?.authenticator.pending ?? []) reasons.push(line)
    if (this.#leavesSessionsUnbound) reasons.push(unboundSessions)
    reasons.push(...this.#clusters.problems())
    reasons.push(...this.#admission.problems())
    reasons.push(...(this.#shadow?.problems() ?? []))
    reasons.push(...dividedMemory(this.#part, current?.authenticator))
    const workers = this.#pool?.readiness
    reasons.push(...(workers?.reasons ?? []))
    return { ready: this.#ready && (workers?.ready ?? true), reasons }
  }

  #missingServers(): readonly string[] {
    const { current } = this.#store
    return current === undefined ? [] : missingServers(this.#config.listeners, current.servers)
  }

  get #leavesSessionsUnbound(): boolean {
    return this.#config.sessionKeys.length === 0 && seesAnswers(this.#config)
  }

  #becomeReady(): void {
    const { current } = this.#store
    if (this.#ready || this.#stopping || current === undefined) return
    const { issuers, ready } = current.authenticator
    // Where nobody has to come with a token, no issuer has to be there.
    const anonymousOnly =
      issuers.length === 0 && current.servers.all.every(server => server.audience.anonymous === 'Allow')
    if ((!ready && !anonymousOnly) || !this.#clusters.ready()) return
    this.#ready = true
    clearInterval(this.#timer)
    for (const { door } of this.#doors) door.setReady(true)
    this.#logging.subsystem('service').info('ready', { revision: current.revision })
  }

  #loaded(report: LoadReport): void {
    this.#clusters.loaded(report)
    this.#admin?.loaded(report)
    this.#stopForeseeing()
    const { current } = this.#store
    if (current !== undefined) this.#stopForeseeing = foreseeCalls(current, this.#ready ? 0 : foreseeingDelayMs)
    this.#shadow?.rebase()
    const log = this.#logging.subsystem('policy')
    // Documents change often where ConfigMaps do; what was said about them before need not be said again.
    const said = new Set(report.findings.map(formatFinding))
    for (const finding of report.findings) if (!this.#said.has(formatFinding(finding))) reportFinding(log, finding)
    this.#said = said
    const servers = this.#store.current?.servers.all ?? []
    if (report.broken.length === 0 && report.inForce) this.#lastSuccess = Date.now()
    this.#metrics.policies({
      revision: this.#store.current?.revision ?? '',
      documents: report.documents,
      brokenDocuments: report.broken.length,
      lastSuccess: this.#lastSuccess,
      servers: servers.map(server => server.name),
      serversInAudit: servers.filter(server => server.mode === 'Audit').length,
    })
    const state = report.inForce ? 'policies loaded' : 'policies are not in force: mend what is reported above'
    log[report.inForce ? 'info' : 'error'](state, { revision: report.revision, count: report.documents })
    for (const line of this.#missingServers()) log.warn(line)
    for (const line of dividedMemory(this.#part, current?.authenticator)) log.warn(line)
    for (const server of servers)
      if (server.mode === 'Audit') log.warn('this Server is in Audit: nothing is denied', { server: server.name })
  }

  #metadataFor(path: string): string | undefined {
    const snapshot = this.#store.current
    const server = snapshot?.servers.all.find(one => protectedResourceMetadataPath(one.path) === path)
    return snapshot === undefined || server === undefined ? undefined : metadataDocument(snapshot, server)
  }
}

/** What is left of the time to drain is for collectors, a second in any case, and five seconds at most. */
function flushLimitMs(leftMs: number): number {
  return Math.min(Math.max(1000, leftMs), 5000)
}

function describeAddress(address: BoundAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`
}
