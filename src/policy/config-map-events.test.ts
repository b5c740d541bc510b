import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memorySource, namesAsTokens } from '../../test/support/policies.js'
import type { ApiFailure } from '../kube/api-server.js'
import { createConfigMapEvents } from './config-map-events.js'
import { createConfigMapSource } from './config-map-source.js'
import { FakeApiServer, FakeConfigMaps, guardrail, server } from './config-maps.fixture.js'
import { PolicyStore } from './policy-store.js'

const failure: ApiFailure = { ok: false, reason: 'refused', status: 403, message: 'events is forbidden' }

function setUp() {
  const collection = new FakeConfigMaps()
  const api = new FakeApiServer()
  const source = createConfigMapSource({ name: 'policies', namespace: 'policies', collection })
  const failures: string[] = []
  const events = createConfigMapEvents({ api, source, replica: 'pod-1', onFailure: one => failures.push(one) })
  const store = new PolicyStore({
    sources: [memorySource({ 'server.yaml': server }), source],
    compile: {},
    assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({}), findings: [] }) },
    onLoaded: report => events.loaded(report),
  })
  store.load()
  const sent = () => api.requests.map(({ body }): Record<string, unknown> => JSON.parse(body ?? ''))
  const messages = () => sent().map(({ reason, message }) => `${reason} ${message}`)
  return { collection, api, source, events, store, failures, sent, messages }
}
const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('Events about ConfigMaps', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('say what, where, and which version of the ConfigMap', async () => {
    const { collection, api, store, sent } = setUp()
    collection.put('caps', { data: { 'cap.yaml': `# one\n---\n${guardrail('cap', 'usr == 1')}` } })
    store.load()
    await passing(10)
    expect(api.requests).toMatchObject([
      { method: 'POST', path: '/api/v1/namespaces/policies/events?fieldValidation=Strict' },
    ])
    expect(sent()[0]).toMatchObject({
      metadata: { namespace: 'policies', name: expect.stringMatching(/^caps\.[0-9a-f]{16}$/) },
      involvedObject: { kind: 'ConfigMap', name: 'caps', resourceVersion: '101', fieldPath: 'data[cap.yaml]' },
      type: 'Warning',
      reason: 'PolicyInvalid',
      message: expect.stringMatching(
        /^cap\.yaml, Guardrail\/cap: line 9, column 18: spec\.validations\[0\]\.expression: .*\(/,
      ),
      reportingInstance: 'pod-1',
    })
  })

  it('say nothing of what is well, and of what is the same as before', async () => {
    const { collection, store, messages } = setUp()
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'true') } })
    store.load()
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'nope') } })
    store.load()
    for (let i = 0; i < 10; i++) {
      collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'nope') }, annotations: { i: String(i) } })
      store.load()
      await passing(30_000)
    }
    expect(messages()).toHaveLength(1)
    await passing(6 * 60_000)
    store.load()
    await passing(10)
    expect(messages()).toHaveLength(2)
  })

  it('say that it was mended, and say anew when it breaks again', async () => {
    const { collection, store, messages } = setUp()
    for (const expression of ['true', 'nope', 'true', 'nope', 'true']) {
      collection.put('caps', { data: { 'cap.yaml': guardrail('cap', expression) } })
      store.load()
      await passing(3000)
    }
    expect(messages().map(one => one.split(' ')[0])).toEqual([
      'PolicyInvalid',
      'PolicyLoaded',
      'PolicyInvalid',
      'PolicyLoaded',
    ])
  })

  it('say nothing of a ConfigMap that went away', async () => {
    const { collection, store, messages } = setUp()
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'nope') } })
    store.load()
    collection.delete('caps')
    store.load()
    await passing(3000)
    expect(messages()).toHaveLength(1)
  })

  it('are at most five at once, then one per second, and as many may wait as there is room', async () => {
    const { collection, store, events, messages } = setUp()
    for (let i = 0; i < 130; i++) collection.put(`caps-${i}`, { data: { 'cap.yaml': guardrail(`cap${i}`, 'nope') } })
    store.load()
    await passing(10)
    expect(messages()).toHaveLength(5)
    await passing(10_000)
    expect(messages()).toHaveLength(15)
    expect(events.lost).toBe(30)
    await passing(200_000)
    expect(messages()).toHaveLength(100)
    events.stop()
  })

  it('are at most six for one ConfigMap in one load', async () => {
    const { collection, store, messages } = setUp()
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}.yaml`, guardrail(`g${i}`, 'nope')]))
    collection.put('caps', { data })
    store.load()
    await passing(20_000)
    expect(messages()).toHaveLength(6)
    expect(messages().at(-1)).toBe('PolicyInvalid 15 more errors are in the status ConfigMap')
  })

  it('that fail are counted and told, and another replica that said the same is no failure', async () => {
    const { collection, api, store, events, failures } = setUp()
    api.answer = () => failure
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'nope') } })
    store.load()
    await passing(10)
    expect(failures).toEqual(['an Event could not be written: events is forbidden'])
    expect(events.lost).toBe(1)
    api.answer = () => ({ ...failure, status: 409 })
    collection.put('other', { data: { 'cap.yaml': guardrail('other', 'nope') } })
    store.load()
    await passing(2000)
    expect(api.requests).toHaveLength(2)
    expect(events.lost).toBe(1)
  })

  it('hold no control characters, whatever the document holds', async () => {
    const { collection, store, sent } = setUp()
    collection.put('caps', {
      data: { 'cap.yaml': `${guardrail('cap', 'true')}"a\\nb\\u001b[31m${'x'.repeat(2000)}": 1\n` },
    })
    store.load()
    await passing(10)
    const message = String(sent()[0]?.message)
    expect(message).toMatch(/^[^\p{C}\u2028\u2029]+$/u)
    expect(message.length).toBeLessThanOrEqual(1000)
  })
})
