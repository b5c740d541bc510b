import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'
import { configMapLimits } from '../../../src/policy/config-map-source.js'
import { FakeConfigMaps } from '../../../src/policy/config-maps.fixture.js'
import { writePolicies } from '../policies.js'
import { loadProgram } from '../program-parts.js'
import type { Code } from '../server-process.js'
import { createTokenIssuer } from '../tokens.js'
import { round3 } from './costs-of.js'
import { usedBytes } from './measure-memory.js'
import { policySet, serverName } from './policy-sets.js'
import { Reference } from './reference.js'

/** What a source of ConfigMaps costs when it holds as many as it may (by bytes), each with several Guardrails. */
export interface ConfigMapCost {
  readonly configMaps: number
  readonly guardrails: number
  readonly servers: number
  /** Milliseconds of processor time: all of them from nothing, and after one ConfigMap has changed. */
  readonly loadMs: number
  readonly reloadMs: number
  readonly heapBytes: number
}

const perConfigMap = 10

export async function measureConfigMaps(code: Code, configMaps: number, servers: number): Promise<ConfigMapCost> {
  const parts = await loadProgram(code)
  const sources = parts.configMapSource
  const size = { servers, toolsPerServer: 10, guardrails: 0, grants: 0, bindings: 0 }
  const policies = writePolicies(createTokenIssuer().jwks, policySet(size))
  const identities = new parts.authenticators.AuthenticatorSource({ now: Date.now })
  const collection = new FakeConfigMaps()
  const put = (at: number, version: number) =>
    collection.put(`rules-${at}`, { data: { 'rules.yaml': rules(at, servers, version) } })
  for (let at = 0; at < configMaps; at++) put(at, 0)
  try {
    const { createDirectorySource } = parts.directorySource
    const catalogs = join(packageRoot, 'policies', 'catalogs')
    const fixed = [
      createDirectorySource({ directory: catalogs, kinds: ['ToolCatalog'], trust: 0 }),
      createDirectorySource({ directory: policies.directory }),
    ]
    const clusters = ['local']
    const store = new parts.policyStore.PolicyStore({
      sources: [...fixed, sources.createConfigMapSource({ name: 'policies', namespace: 'policies', collection })],
      compile: {},
      assemble: { clusters, authenticator: (documents, identity) => identities.for(documents, identity) },
    })
    const before = usedBytes()
    const loadMs = cpuMs(() => store.load())
    const heapBytes = usedBytes() - before
    const { report } = store
    const wrong = report?.findings.find(one => one.severity === 'error')
    if (report === undefined || wrong !== undefined) throw new Error(`it does not load: ${wrong?.message}`)
    const reloads = Array.from({ length: 3 }, (_, version) => {
      put(0, version + 1)
      return cpuMs(() => store.load())
    })
    return {
      configMaps,
      guardrails: configMaps * perConfigMap,
      servers,
      loadMs: round3(loadMs),
      reloadMs: round3(Math.min(...reloads)),
      heapBytes: round3(heapBytes),
    }
  } finally {
    identities.stop()
    policies.remove()
  }
}

/** About four KiB: 500 of them are within the two mebibytes of a source. */
function rules(at: number, servers: number, version: number): string {
  const text = Array.from({ length: perConfigMap }, (_, n) => rule(at * perConfigMap + n, servers, version)).join(
    '---\n',
  )
  if (text.length > configMapLimits.bytes / configMapLimits.objects) throw new Error('too large for a full source')
  return text
}

function rule(at: number, servers: number, version: number): string {
  return `apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: map-rule-${at} }
spec:
  match: { servers: [${serverName(at % servers)}], tools: [records_list_${at % 10}] }
  validations:
  - expression: replicas.all(n, n <= ${version + 5})
    message: at most ${version + 5} replicas
    reason: ReplicaCap
`
}

function cpuMs(run: () => unknown): number {
  const reference = new Reference()
  reference.measure(5)
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  reference.measure(5)
  return (user + system) / 1000 / reference.slowness
}
