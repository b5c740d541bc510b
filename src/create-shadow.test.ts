import { describe, expect, it } from 'vitest'
import { toolsCall } from '../test/support/inbound.js'
import { catalogs, demo, memorySource, namesAsTokens, storeOf } from '../test/support/policies.js'
import { createShadow } from './create-shadow.js'
import { createDecide } from './decision/create-decide.js'
import { createConfigMapSource } from './policy/config-map-source.js'
import { FakeConfigMaps } from './policy/config-maps.fixture.js'
import type { PolicySource } from './policy/source.js'
import { cap, guardrail, people, requestOf, settled } from './shadow/shadow.fixture.js'
import type { Logger } from './telemetry/logger.js'
import { createMetrics } from './telemetry/metrics.js'

function stand(sources: readonly PolicySource[]) {
  const lines: string[] = []
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`)
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const metrics = createMetrics({ droppedRecords: () => 0, defaults: false, shadow: true })
  metrics.policies({
    ...{ revision: '', documents: 1, brokenDocuments: 0, lastSuccess: 1, servers: ['kubernetes'], serversInAudit: 0 },
  })
  const store = storeOf([catalogs, demo], namesAsTokens(people))
  store.load()
  const differences: string[] = []
  const shadow = createShadow({
    config: { shadow: { sources: [], sample: 1 } },
    logging: { subsystem: () => logger, flush: () => undefined },
    ...{ metrics, store, sources, compile: {} },
    assemble: { clusters: ['local'], authenticator: () => ({ value: undefined, findings: [] }) },
    onDifference: (_, line) => differences.push(line),
  })
  if (shadow === undefined) throw new Error('there is none')
  const decide = createDecide({ snapshot: () => store.current, onDecided: decided => shadow.decided(decided) })
  return {
    ...{ shadow, store, lines, differences },
    async scale(replicas: number) {
      const args = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'team-a', name: 'web', scale: replicas }
      await decide(requestOf('alice', toolsCall('resources_scale', args)))
      await settled()
    },
    async metric(series: string) {
      const found = (await metrics.text()).split('\n').find(line => line.startsWith(`mcp_authz_shadow_${series} `))
      return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ')))
    },
  }
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!what()) {
    if (performance.now() > end) throw new Error('it does not come')
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

describe('the shadow of a service', () => {
  it('that cannot be loaded at the start keeps nothing from starting, and is tried again', async () => {
    const source = memorySource({ 'x.yaml': cap(3) })
    let looks = 0
    const read = () => {
      if (++looks === 1) throw new Error('a bug')
      return source.read()
    }
    const { shadow, lines } = stand([{ ...source, atomic: true, read }])
    shadow.start()
    expect(lines).toEqual(['error the shadow policies could not be looked at; those that were tried stay'])
    await until(() => shadow.report.documents.length === 1)
    shadow.stop()
  })

  it('is none unless it is configured', () => {
    const never = () => {
      throw new Error('nothing is to be done')
    }
    const parts = { store: { current: undefined, input: undefined }, sources: [], compile: {}, onDifference: never }
    const metrics = createMetrics({ droppedRecords: () => 0, defaults: false })
    const assemble = { clusters: [], authenticator: never }
    const logging = { subsystem: never, flush: never }
    expect(createShadow({ config: { shadow: undefined }, logging, metrics, assemble, ...parts })).toBe(undefined)
  })

  it('counts all, and hands over what is different', async () => {
    const { shadow, scale, metric, differences, lines } = stand([memorySource({ 'x.yaml': cap(3) })])
    shadow.start()
    for (const replicas of [2, 4, 9]) await scale(replicas)
    shadow.stop()
    expect(await metric('decisions_total{server="kubernetes",result="tightened"}')).toBe(1)
    expect(await metric('decisions_total{server="kubernetes",result="same"}')).toBe(2)
    expect(differences.map(line => JSON.parse(line).result)).toEqual(['tightened'])
    expect(await metric('documents')).toBe(1)
    expect(lines).toEqual(['info shadow policies loaded: they are compared and not enforced'])
  })

  it('says what is broken in warnings, in readiness and in a metric', async () => {
    const broken = Object.fromEntries(
      Array.from({ length: 25 }, (_, at) => [`${at}.yaml`, guardrail(`broken-${at}`, '  oops: 1')]),
    )
    const { shadow, lines, metric } = stand([memorySource(broken)])
    shadow.start()
    shadow.stop()
    expect(shadow.problems()).toHaveLength(21)
    expect(shadow.problems()[0]).toBe('shadow: Guardrail/broken-0 is broken, and is not tried')
    expect(shadow.problems()[20]).toBe('shadow: 5 more are broken')
    expect(await metric('broken_documents')).toBe(25)
    expect(await metric('documents')).toBe(0)
    expect(lines.filter(line => line.startsWith('error'))).toEqual([])
    expect(lines.filter(line => line.startsWith('warn')).length).toBeGreaterThanOrEqual(25)
  })

  it('rests while requests are refused', async () => {
    const { shadow, scale, metric } = stand([memorySource({ 'x.yaml': cap(3) })])
    shadow.start()
    shadow.overloaded()
    await scale(4)
    expect(await metric('dropped_total{cause="overload"}')).toBe(1)
    shadow.stop()
  })

  it('follows ConfigMaps, also when they can be listed only later', async () => {
    const maps = new FakeConfigMaps()
    maps.state = { synced: false, staleForMs: 0, problem: 'nobody answers' }
    const source = createConfigMapSource({
      ...{ name: 'maps', namespace: 'policies', place: 'shadow ConfigMap/policies', collection: maps },
    })
    const { shadow, lines, scale, differences } = stand([source])
    shadow.start()
    expect(shadow.problems()).toEqual(['shadow: shadow ConfigMap/policies is broken, and is not tried'])
    expect(lines).toContainEqual(expect.stringContaining('could not be listed yet: nobody answers'))
    maps.put('few', { data: { 'few.yaml': cap(3) } })
    maps.state = { synced: true, staleForMs: 0, problem: '' }
    await until(() => shadow.report.documents.length === 1)
    expect(shadow.problems()).toEqual([])
    await scale(4)
    expect(differences).toHaveLength(1)
    // The label is changed: it is not among these any more.
    maps.delete('few')
    await until(() => shadow.report.documents.length === 0)
    shadow.stop()
  })
})
