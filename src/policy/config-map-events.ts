import { createHash } from 'node:crypto'
import { apiPath, strictFields } from '../kube/api-path.js'
import type { ApiServer } from '../kube/api-server.js'
import { describeFinding, reportOnConfigMaps } from './config-map-report.js'
import type { ConfigMapSource } from './config-map-source.js'
import type { ConfigMap } from './config-map-versions.js'
import type { LoadReport } from './policy-store.js'

/** The same thing about the same ConfigMap is said once in this many milliseconds, unless it was mended meanwhile. */
const repeatMs = 10 * 60_000
/** Events that may go out at once; after that one per second. */
const burst = 5
const secondMs = 1000
/** Events that wait, and things said that are remembered. */
const maxWaiting = 100
const maxRemembered = 1000
/** Of one ConfigMap in one load. The status has them all. */
const maxPerConfigMap = 5
/** The API server refuses more in the newer Events API. */
const maxCharacters = 1000

export interface ConfigMapEventsOptions {
  readonly api: ApiServer
  readonly source: ConfigMapSource
  /** Name of this replica. */
  readonly replica: string
  /** When an Event could not be written. Must not throw. */
  onFailure?(message: string): void
}

export interface ConfigMapEvents {
  /** To be called right after a load. Never waits for anything. */
  loaded(report: LoadReport): void
  stop(): void
  /** Events that were refused, failed, or had no room to wait. */
  readonly lost: number
}

interface Event {
  readonly type: 'Normal' | 'Warning'
  readonly reason: 'PolicyLoaded' | 'PolicyInvalid'
  readonly configMap: ConfigMap
  readonly key: string | undefined
  readonly message: string
}

/**
 * Says on the ConfigMaps themselves what is wrong with their policies (`kubectl describe configmap`), and that it was
 * mended. The name of an Event follows from what it says, so that replicas which say the same write one Event together.
 */
export function createConfigMapEvents(options: ConfigMapEventsOptions): ConfigMapEvents {
  const { api, source, replica, onFailure } = options
  const waiting: Event[] = []
  /** When something was said, by ConfigMap and text. */
  const said = new Map<string, number>()
  /** ConfigMaps with errors in the last load. */
  let invalid = new Set<string>()
  let lost = 0
  let allowance = burst
  let refilledAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  function say(event: Event): void {
    const now = performance.now()
    const what = `${event.configMap.uid}\0${event.reason}\0${event.message}`
    if (now - (said.get(what) ?? Number.NEGATIVE_INFINITY) < repeatMs) return
    said.delete(what)
    said.set(what, now)
    for (const oldest of said.keys()) {
      if (said.size <= maxRemembered) break
      said.delete(oldest)
    }
    if (waiting.length >= maxWaiting) lost++
    else waiting.push(event)
    pump()
  }

  function pump(): void {
    if (stopped || timer !== undefined || waiting.length === 0) return
    const now = performance.now()
    allowance = Math.min(burst, allowance + (now - refilledAt) / secondMs)
    refilledAt = now
    const wait = allowance >= 1 ? 0 : (1 - allowance) * secondMs
    timer = setTimeout(() => {
      const event = waiting.shift()
      if (event === undefined || stopped) return
      allowance = Math.min(burst, allowance + (performance.now() - refilledAt) / secondMs) - 1
      refilledAt = performance.now()
      void send(event).finally(() => {
        timer = undefined
        pump()
      })
    }, wait).unref()
  }

  async function send(event: Event): Promise<void> {
    const path = apiPath(['api', 'v1', 'namespaces', source.namespace, 'events'], { ...strictFields })
    if (path === undefined) return
    const body = JSON.stringify(manifest(event, replica))
    const answer = await api.request({ method: 'POST', path, body })
    // Conflict: another replica has said the same.
    if (answer.ok || answer.status === 409) return
    lost++
    onFailure?.(`an Event could not be written: ${answer.message}`)
  }

  return {
    get lost() {
      return lost
    },
    loaded(report) {
      if (stopped) return
      const { entries } = reportOnConfigMaps(report, source)
      const found = new Map<string, Event[]>()
      const present = new Map<string, ConfigMap>()
      for (const { configMap, key, document, errors } of entries) {
        if (configMap === undefined) continue
        present.set(configMap.uid, configMap)
        for (const error of errors) {
          const subject = [key, document].filter(part => part !== undefined && part !== '').join(', ')
          const message = cut(`${subject}: ${describeFinding(error)}`)
          const events = found.get(configMap.uid) ?? []
          events.push({ type: 'Warning', reason: 'PolicyInvalid', configMap, key, message })
          found.set(configMap.uid, events)
        }
      }
      for (const events of found.values()) {
        for (const event of events.slice(0, maxPerConfigMap)) say(event)
        const [first] = events
        const more = events.length - maxPerConfigMap
        if (first !== undefined && more > 0)
          say({ ...first, key: undefined, message: `${more} more errors are in the status ConfigMap` })
      }
      for (const uid of invalid) {
        if (found.has(uid)) continue
        // What was mended may be said anew when it breaks again.
        for (const what of said.keys()) if (what.startsWith(`${uid}\0`)) said.delete(what)
        const configMap = present.get(uid)
        const message = 'all policies of this ConfigMap are in force'
        if (configMap !== undefined && report.inForce)
          say({ type: 'Normal', reason: 'PolicyLoaded', configMap, key: undefined, message })
      }
      invalid = new Set(found.keys())
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

function manifest({ type, reason, configMap, key, message }: Event, replica: string): unknown {
  const { namespace, name, uid, resourceVersion } = configMap
  const now = new Date().toISOString()
  const digest = createHash('sha256').update([uid, resourceVersion, reason, message].join('\0')).digest('hex')
  // Each part between dots has to end in a letter or digit.
  const base = name.slice(0, 200).replace(/[^a-z0-9]{1,200}$/, '')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: `${base}.${digest.slice(0, 16)}` },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace,
      name,
      uid,
      resourceVersion,
      ...(key !== undefined && { fieldPath: `data[${key}]` }),
    },
    type,
    reason,
    message,
    source: { component: 'mcp-authz', host: replica },
    reportingComponent: 'mcp-authz',
    reportingInstance: replica,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  }
}

function cut(text: string): string {
  const characters = [...text]
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : text
}
