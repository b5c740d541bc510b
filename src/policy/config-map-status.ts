import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { apiPath, strictFields } from '../kube/api-path.js'
import type { ApiFailure, ApiServer } from '../kube/api-server.js'
import { isJsonObject } from '../protocol/json-value.js'
import { type ConfigMapEntry, describeFinding, reportOnConfigMaps } from './config-map-report.js'
import type { ConfigMapSource } from './config-map-source.js'
import { memberOf } from './config-map-versions.js'
import type { LoadReport } from './policy-store.js'

/** Milliseconds between two loads and the writing, so that what comes together is written together. */
const gatherMs = 200
/** Between two writings of one replica at least. */
const distanceMs = 1000
const heartbeatMs = 5 * 60_000
/** A replica that has said nothing for so long is gone: three heartbeats. */
const expiryMs = 15 * 60_000
const firstRetryMs = 5000
const mostRetryMs = 60_000
/** Bytes of all replicas together, and of one. A ConfigMap holds 1 MiB. */
const maxBytes = 480 * 1024
const maxOwnBytes = 64 * 1024
/** Keys of gone replicas that are removed in one go. */
const maxPruned = 10
const stopTimeoutMs = 1000

export interface ConfigMapStatusOptions {
  readonly api: ApiServer
  readonly source: ConfigMapSource
  /** Of the ConfigMap that is written, in the namespace of the source. */
  readonly name: string
  /** Name of this replica; its key is `<replica>.yaml`. */
  readonly replica: string
  /** Of the program. */
  readonly version?: string
  /** When the status could not be written. Must not throw. */
  onFailure?(message: string): void
}

export interface ConfigMapStatus {
  /** To be called right after a load. Never waits for anything. */
  loaded(report: LoadReport): void
  /** Takes the key of this replica away again, if that takes no longer than a second. */
  stop(): Promise<void>
  /** Attempts that failed. */
  readonly failures: number
}

/**
 * Writes into a ConfigMap of our own what this replica makes of the policies. Each replica applies its own key as a field
 * manager of its own (server-side apply), so that none reads what another writes, and none can undo it. Written when
 * something changed, and every five minutes as a sign of life; keys of replicas that are silent for 15 minutes are removed.
 */
export function createConfigMapStatus(options: ConfigMapStatusOptions): ConfigMapStatus {
  return new StatusWriter(options)
}

/** What the next writing says. */
interface Latest {
  readonly report: LoadReport
  readonly entries: readonly Record<string, unknown>[]
  readonly digest: string
}

class StatusWriter implements ConfigMapStatus {
  readonly #options: ConfigMapStatusOptions
  readonly #key: string
  #failures = 0
  #retries = 0
  /** How many replicas the last answer showed. */
  #replicas = 1
  #latest: Latest | undefined
  #written: string | undefined
  #writtenAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY
  #writing: Promise<void> | undefined
  #stopped = false
  #problems: readonly string[] = []

  constructor(options: ConfigMapStatusOptions) {
    this.#options = options
    this.#key = keyOf(options.replica)
  }

  get failures(): number {
    return this.#failures
  }

  loaded(report: LoadReport): void {
    if (this.#stopped) return
    const { entries, problems } = reportOnConfigMaps(report, this.#options.source)
    this.#problems = problems.map(({ message }) => message)
    const lines = entries.map(lineOf)
    const digest = JSON.stringify([report.revision, report.inForce, lines, this.#problems])
    this.#latest = { report, entries: lines, digest }
    if (digest !== this.#written) this.#schedule(Math.max(gatherMs, this.#writtenAt + distanceMs - performance.now()))
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#writing
    if (this.#written !== undefined) await this.#apply(this.#options.replica, undefined, stopTimeoutMs)
  }

  #schedule(waitMs: number): void {
    const due = performance.now() + waitMs
    if (this.#stopped || due >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#due = Number.POSITIVE_INFINITY
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined
        this.#next()
      })
    }, waitMs).unref()
  }

  #next(): void {
    if (this.#retries > 0) this.#schedule(jitter(Math.min(mostRetryMs, firstRetryMs * 2 ** (this.#retries - 1))))
    else if (this.#latest?.digest !== this.#written) this.#schedule(distanceMs)
    else this.#schedule(jitter(heartbeatMs))
  }

  async #write(): Promise<void> {
    const latest = this.#latest
    if (latest === undefined) return
    const answer = await this.#apply(this.#options.replica, this.#text(latest))
    if (!answer.ok) {
      this.#failures++
      this.#retries++
      this.#options.onFailure?.(explain(this.#options.name, answer))
      return
    }
    this.#retries = 0
    this.#written = latest.digest
    this.#writtenAt = performance.now()
    const data = isJsonObject(answer.body) ? memberOf(answer.body, 'data') : undefined
    this.#replicas = Math.max(1, data?.size ?? 0)
    const gone = [...(data ?? [])].flatMap(([key, text]) =>
      key !== this.#key && key.endsWith('.yaml') && typeof text === 'string' && isExpired(text) ? [key] : [],
    )
    for (const key of gone.slice(0, maxPruned)) {
      if (this.#stopped) return
      await this.#apply(key.slice(0, -'.yaml'.length), undefined)
    }
  }

  /** As the field manager of that replica, which thereby owns its key and nothing else; `undefined` gives it up. */
  #apply(replica: string, text: string | undefined, timeoutMs?: number) {
    const { api, source, name } = this.#options
    const path = apiPath(['api', 'v1', 'namespaces', source.namespace, 'configmaps', name], {
      ...strictFields,
      fieldManager: managerOf(replica),
      force: true,
    })
    const metadata = { namespace: source.namespace, name }
    const data = text === undefined ? {} : { data: { [keyOf(replica)]: text } }
    return api.request({
      method: 'PATCH',
      path: path ?? '/',
      // JSON is YAML.
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...data }),
      repeatable: true,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
  }

  #text({ report, entries }: Latest): string {
    const budget = Math.min(maxOwnBytes, Math.floor(maxBytes / this.#replicas))
    const counts: Record<string, number> = {}
    for (const { state } of entries) counts[String(state)] = (counts[String(state)] ?? 0) + 1
    const head = {
      time: new Date().toISOString(),
      ...(this.#options.version !== undefined && { version: this.#options.version }),
      revision: report.revision,
      inForce: report.inForce,
      ...(this.#problems.length > 0 && { problems: this.#problems }),
      documents: counts,
    }
    const write = (part: unknown) => stringify(part, { lineWidth: 0 })
    const kept: string[] = []
    let bytes = Buffer.byteLength(write(head)) + 100
    for (const entry of entries) {
      const text = write([entry])
      bytes += Buffer.byteLength(text)
      if (bytes > budget) break
      kept.push(text)
    }
    const left = entries.length - kept.length
    const states = kept.length === 0 ? 'states: []\n' : `states:\n${kept.join('')}`
    return `${write({ ...head, ...(left > 0 && { leftOut: left }) })}${states}`
  }
}

function lineOf({ document, configMap, key, file, state, errors, warnings }: ConfigMapEntry): Record<string, unknown> {
  return {
    ...(document !== '' && { document }),
    ...(configMap === undefined ? { file } : { configMap: configMap.name }),
    ...(key !== undefined && { key }),
    ...(configMap !== undefined && { resourceVersion: configMap.resourceVersion }),
    state,
    ...(errors.length > 0 && { errors: errors.slice(0, 10).map(describeFinding) }),
    ...(warnings.length > 0 && { warnings: warnings.slice(0, 10).map(describeFinding) }),
  }
}

function explain(name: string, { status, message }: ApiFailure): string {
  const hint =
    status === 403 || status === 404
      ? `; create the ConfigMap ${name}, empty, and let the ServiceAccount patch it (deploy/kubernetes/status.yaml)`
      : ''
  return `the status could not be written: ${message}${hint}`
}

/** Names of pods fit as they are. */
function keyOf(replica: string): string {
  return `${replica.replace(/[^-._a-zA-Z0-9]/g, '-').slice(0, 240)}.yaml`
}

/** At most 128 characters. */
function managerOf(replica: string): string {
  const name = keyOf(replica).slice(0, -'.yaml'.length)
  if (name.length <= 100) return `mcp-authz-${name}`
  return `mcp-authz-${name.slice(0, 80)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

/** By the time that its replica wrote, which stands on the first line. */
function isExpired(text: string): boolean {
  const written = /^time: "?([-0-9T:.Z]{20,30})"?\n/.exec(text)?.[1]
  const time = written === undefined ? Number.NaN : Date.parse(written)
  return Date.now() - time > expiryMs
}

function jitter(ms: number): number {
  return ms * (0.9 + 0.2 * Math.random())
}
