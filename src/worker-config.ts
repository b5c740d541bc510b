import { availableParallelism } from 'node:os'
import type { Config } from './config/config.js'

type Listener = Config['listeners'][number]

/** A worker that is new has no connections, and those of a gateway stay where they are: so that all have some again. */
const connectionAgeMs = 300_000

/**
 * The configuration of a worker, made from that of its primary: no admin listener, and no delay before it drains, which the
 * primary waits for all of them. Connections do not stay for ever, where closing them cuts nothing off. Caches are as large
 * as configured all together: any worker may get any token.
 */
export function workerConfig(config: Config): Config {
  const count = config.workers === 'auto' ? availableParallelism() : config.workers
  const part = <T extends { readonly cacheBytes: number }>(one: T): T => ({
    ...one,
    cacheBytes: Math.floor(one.cacheBytes / count),
  })
  return {
    ...config,
    identity: part(config.identity),
    clusters: new Map([...config.clusters].map(([name, cluster]) => [name, part(cluster)])),
    admin: undefined,
    shutdown: { ...config.shutdown, delayMs: 0 },
    listeners: config.listeners.map(listener =>
      hasLongCalls(listener) ? listener : { maxConnectionAgeMs: connectionAgeMs, ...listener },
    ),
  }
}

/** A call by ext_proc is as long as its exchange: that of an event stream has no end. AuthZEN's clients let go by themselves. */
function hasLongCalls({ door }: Listener): boolean {
  return door === 'ext-proc' || door === 'authzen'
}

/** Decisions are traced where they are made; metrics and records are the primary's to export. */
export function workerEnvironment(env: Readonly<Record<string, string | undefined>>) {
  return { ...env, OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
}
