import { expect, it } from 'vitest'
import { loadConfig } from './config/load-config.js'
import { workerConfig, workerEnvironment } from './worker-config.js'

const file = (spec: string) => ({
  path: '/etc/config.yaml',
  text: `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\n${spec}`,
})
const everything = file(`
spec:
  workers: 4
  sources: [{ directory: a }, { configMaps: { namespace: policies } }]
  listeners: [{ socket: a.sock }, { door: ext-proc, port: 3 }, { door: authzen, host: 127.0.0.1, port: 1, authzen: { tokenFile: t } }, { port: 4, maxConnectionAgeSeconds: 60 }]
  clusters: { local: { authorizer: sar, kubeconfig: k }, other: { authorizer: sar, kubeconfig: l, cacheBytes: 8000000 } }
  identity: { cacheBytes: 4000003 }
  admin: { port: 2 }
  shutdown: { delaySeconds: 5, drainSeconds: 6 }
  decisionLog: { file: d, rotate: {}, chain: true, arguments: { mode: paths, paths: ["$.a[*].b"] } }
  signing: { issuer: https://a.example.com, keys: [{ file: k }] }
  tokenExchange: { idp: { tokenEndpoint: https://idp.example.com, clientId: c, clientSecretFile: s } }
  sessions: { keys: [{ file: s }] }
`)

it.each([
  ['the defaults', undefined],
  ['all of it', everything],
])('a configuration reaches a worker as it is: %s', (_name, config) => {
  const loaded = loadConfig(config === undefined ? {} : { file: config })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.findings))
  // As it goes through the channel.
  expect(structuredClone(loaded.config)).toEqual(loaded.config)
})

it('a worker has its part of the caches, no admin listener and no delay of its own, and exports spans only', () => {
  const loaded = loadConfig({ file: everything })
  if (!loaded.ok) throw new Error('the configuration is wrong')
  const { admin, shutdown, listeners, identity, clusters } = workerConfig(loaded.config)
  // A quarter of what is configured for all four.
  expect(identity).toEqual({ insecureLoopbackIssuers: false, cacheBytes: 1_000_000 })
  const caches = new Map([...clusters].map(([name, { cacheBytes }]) => [name, cacheBytes]))
  expect(caches).toEqual(new Map(Object.entries({ local: 8 * 1024 * 1024, other: 2_000_000 })))
  expect(loaded.config.identity.cacheBytes).toBe(4_000_003)
  expect(listeners.map(({ maxConnectionAgeMs }) => maxConnectionAgeMs)).toEqual([300_000, undefined, undefined, 60_000])
  expect([admin, shutdown]).toEqual([undefined, { delayMs: 0, drainMs: 6000 }])
  const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', A: 'b' }
  expect(workerEnvironment(env)).toEqual({
    ...{ OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', A: 'b' },
  })
})
