import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { memorySource, namesAsTokens } from '../../test/support/policies.js'
import type { ApiFailure, ApiRequest } from '../kube/api-server.js'
import { createConfigMapSource } from './config-map-source.js'
import { createConfigMapStatus } from './config-map-status.js'
import { FakeApiServer, FakeConfigMaps, guardrail, server } from './config-maps.fixture.js'
import { PolicyStore } from './policy-store.js'

const failure: ApiFailure = { ok: false, reason: 'refused', status: 404, message: 'configmaps "status" not found' }

function setUp(replica = 'pod-1') {
  const collection = new FakeConfigMaps()
  const api = new FakeApiServer()
  const source = createConfigMapSource({ name: 'policies', namespace: 'policies', collection, except: ['status'] })
  const failures: string[] = []
  const status = createConfigMapStatus({
    ...{ api, source, replica, name: 'status', version: '1.2.3' },
    onFailure: one => failures.push(one),
  })
  const store = new PolicyStore({
    sources: [memorySource({ 'server.yaml': server }), source],
    compile: {},
    assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({}), findings: [] }) },
    onLoaded: report => status.loaded(report),
  })
  return { collection, api, status, store, failures }
}
const passing = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const dataOf = ({ body }: ApiRequest): Record<string, string> => JSON.parse(body ?? '').data ?? {}
const minute = 60_000

describe('the status of ConfigMaps', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is applied under the key and as the manager of the replica', async () => {
    const { collection, api, store } = setUp()
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'true'), 'bad.yaml': guardrail('bad', 'nope') } })
    store.load()
    await passing(300)
    expect(api.requests).toMatchObject([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/policies/configmaps/status?fieldValidation=Strict&fieldManager=mcp-authz-pod-1&force=true',
        contentType: 'application/apply-patch+yaml',
      },
    ])
    const [request] = api.requests
    const data = dataOf(request ?? { method: 'GET', path: '' })
    expect(Object.keys(data)).toEqual(['pod-1.yaml'])
    expect(parse(data['pod-1.yaml'] ?? '')).toEqual({
      time: expect.stringMatching(/Z$/),
      version: '1.2.3',
      revision: store.report?.revision,
      inForce: false,
      documents: { broken: 1, loaded: 1 },
      states: [
        {
          ...{ document: 'Guardrail/bad', configMap: 'caps', key: 'bad.yaml', resourceVersion: '101', state: 'broken' },
          errors: [expect.stringContaining('line 7, column 18: spec.validations[0].expression: ')],
        },
        { document: 'Guardrail/cap', configMap: 'caps', key: 'cap.yaml', resourceVersion: '101', state: 'loaded' },
      ],
    })
  })

  it('is written on changes, and otherwise every five minutes or so', async () => {
    const { collection, api, store } = setUp()
    store.load()
    await passing(minute)
    store.load()
    await passing(3 * minute)
    expect(api.requests).toHaveLength(1)
    await passing(2 * minute)
    expect(api.requests).toHaveLength(2)
    collection.put('caps', { data: { 'cap.yaml': guardrail('cap', 'true') } })
    store.load()
    await passing(300)
    expect(api.requests).toHaveLength(3)
    await passing(6 * minute)
    expect(api.requests).toHaveLength(4)
  })

  it('is written once per second at most', async () => {
    const { collection, api, store } = setUp()
    for (let i = 0; i < 100; i++) {
      collection.put('caps', { data: { 'cap.yaml': guardrail('cap', `${i} > 0`) } })
      store.load()
      await passing(100)
    }
    await passing(1000)
    expect(api.requests.length).toBeLessThanOrEqual(11)
    const last = dataOf(api.requests.at(-1) ?? { method: 'GET', path: '' })['pod-1.yaml'] ?? ''
    expect(parse(last).revision).toBe(store.report?.revision)
  })

  it('is tried again, ever more slowly, when it fails', async () => {
    const { api, store, status, failures } = setUp()
    api.answer = () => failure
    store.load()
    await passing(10 * minute)
    expect(status.failures).toBeGreaterThan(9)
    expect(status.failures).toBeLessThan(17)
    expect(failures[0]).toContain('create the ConfigMap status, empty')
    api.answer = () => ({ ok: true, status: 200, body: new Map() })
    const before = api.requests.length
    await passing(70_000)
    expect(api.requests).toHaveLength(before + 1)
    await status.stop()
  })

  it('leaves out what there is no room for, and says how much', async () => {
    const { collection, api, store } = setUp()
    const others = Array.from({ length: 30 }, (_, i) => [`pod-${i}.yaml`, 'time: 2020\n'] as const)
    api.answer = () => ({ ok: true, status: 200, body: new Map([['data', new Map(others)]]) })
    const data = Object.fromEntries(Array.from({ length: 1900 }, (_, i) => [`k${i}.yaml`, guardrail(`g${i}`, 'true')]))
    collection.put('caps', { data: { ...data, 'bad.yaml': guardrail('bad', 'nope') } })
    store.load()
    await passing(300)
    collection.put('caps', { data: { ...data, 'bad.yaml': guardrail('bad', 'nopes') } })
    store.load()
    await passing(2000)
    const texts = api.requests.map(request => dataOf(request)['pod-1.yaml'] ?? '')
    expect(texts.map(text => text.length > 32_000)).toEqual([true, false])
    for (const text of texts) {
      const { states, leftOut, documents } = parse(text)
      expect(documents).toEqual({ broken: 1, loaded: 1900 })
      expect(states.length + leftOut).toBe(1901)
      expect(states[0]).toMatchObject({ document: 'Guardrail/bad', state: 'broken' })
    }
    expect(texts[0]?.length).toBeLessThan(64 * 1024)
    expect(texts[1]?.length).toBeLessThan(16 * 1024)
  })

  it('takes away keys of replicas that are gone, as their managers, and no others', async () => {
    const { api, store } = setUp()
    const at = (ago: number) => `time: ${new Date(Date.now() - ago).toISOString()}\nrevision: x\n`
    const data = new Map([
      ['pod-1.yaml', at(60 * minute)],
      ['gone.yaml', at(16 * minute)],
      ['late.yaml', at(14 * minute)],
      ['ahead.yaml', at(-60 * minute)],
      ['strange.yaml', 'hello'],
      ['note', at(60 * minute)],
    ])
    api.answer = () => ({ ok: true, status: 200, body: new Map([['data', data]]) })
    store.load()
    await passing(300)
    expect(api.requests.slice(1)).toMatchObject([{ path: expect.stringContaining('fieldManager=mcp-authz-gone&') }])
    expect(dataOf(api.requests[1] ?? { method: 'GET', path: '' })).toEqual({})
  })

  it('goes with its replica', async () => {
    const { api, status, store } = setUp()
    store.load()
    await passing(300)
    await status.stop()
    expect(api.requests).toHaveLength(2)
    expect(dataOf(api.requests[1] ?? { method: 'GET', path: '' })).toEqual({})
    store.load()
    await passing(10 * minute)
    expect(api.requests).toHaveLength(2)
  })

  it('is not written by a replica that never was, and takes any name of one', async () => {
    const { api, status } = setUp()
    await status.stop()
    expect(api.requests).toEqual([])
    const long = setUp(`${'x'.repeat(300)}/ä`)
    long.store.load()
    await passing(300)
    const [request] = long.api.requests
    expect(Object.keys(dataOf(request ?? { method: 'GET', path: '' }))[0]).toMatch(/^x{240}\.yaml$/)
    expect(/fieldManager=([^&]+)/.exec(request?.path ?? '')?.[1]?.length).toBeLessThanOrEqual(128)
  })

  it('says when the ConfigMaps cannot be listed', async () => {
    const { collection, api, store } = setUp()
    collection.state = { synced: false, staleForMs: Number.POSITIVE_INFINITY, problem: 'configmaps is forbidden' }
    store.load()
    await passing(300)
    const text = dataOf(api.requests[0] ?? { method: 'GET', path: '' })['pod-1.yaml'] ?? ''
    expect(parse(text)).toMatchObject({
      inForce: false,
      problems: ['the ConfigMaps could not be listed yet: configmaps is forbidden'],
    })
  })
})
