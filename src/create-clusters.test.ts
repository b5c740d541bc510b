import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConfigCluster } from './config/config.js'
import { createClusters } from './create-clusters.js'
import type { Logger, Logging } from './telemetry/logger.js'

const away: ConfigCluster = {
  ...{ authorizer: 'watch', rbacOnly: false, timeoutMs: 2_000, maxInFlight: 8, cacheBytes: 1_048_576 },
  // Outside a pod there are no credentials, and so no connection.
  connection: { kind: 'inCluster' },
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '')
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('createClusters, while an API server is away', () => {
  it('says so, with few lines however long it lasts, and leaves nothing behind', async () => {
    const lines: string[] = []
    const log = (message: string) => void lines.push(message)
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const logging: Logging = { subsystem: () => logger, flush() {} }
    const config = { clusters: new Map([['local', away]]), sources: [] }
    const clusters = createClusters(config, logging, { onConfigMaps() {} })
    const started = clusters.start(3_000)
    await vi.advanceTimersByTimeAsync(3_600_000)
    await started
    expect(clusters.ready()).toBe(false)
    expect(clusters.problems()).toEqual([
      expect.stringContaining('KUBERNETES_SERVICE_HOST'),
      expect.stringContaining('RBAC not listed yet'),
    ])
    expect(lines.join('\n')).toContain('no credentials for the API server')
    expect(lines.length).toBeLessThan(120)
    await clusters.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('createClusters', () => {
  it.each([true, false])('writes to the cluster what became of ConfigMaps: %s', async writes => {
    const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
    const source = {
      ...({ from: 'configMaps', cluster: 'local', namespace: 'policies', selector: 'a=b' } as const),
      ...{ status: 'mcp-authz-status', events: true, kinds: ['Grant'] as const },
    }
    const config = { clusters: new Map([['local', away]]), sources: [source] }
    const clusters = createClusters(config, { subsystem: () => logger, flush() {} }, { writes, onConfigMaps() {} })
    expect(clusters.configMaps.map(({ status, events }) => [status !== undefined, events !== undefined])).toEqual([
      [writes, writes],
    ])
    await clusters.stop()
  })
})
