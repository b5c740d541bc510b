import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { errorsOf, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'
import { reportOnConfigMaps } from './config-map-report.js'
import { configMapLimits, createConfigMapSource } from './config-map-source.js'
import { FakeConfigMaps, guardrail, server } from './config-maps.fixture.js'
import { type LoadReport, PolicyStore } from './policy-store.js'

function setUp(files: Record<string, string> = { 'server.yaml': server }) {
  const collection = new FakeConfigMaps()
  const source = createConfigMapSource({ name: 'policies', namespace: 'policies', collection, except: ['status'] })
  const loads: LoadReport[] = []
  const errors: unknown[] = []
  const store = new PolicyStore({
    sources: [memorySource(files), source],
    compile: {},
    assemble: { clusters: ['local'], authenticator: () => ({ value: namesAsTokens({}), findings: [] }) },
    onLoaded: report => loads.push(report),
    onError: error => errors.push(error),
  })
  return { collection, source, store, loads, errors, files }
}

const stateOf = (report: LoadReport) =>
  report.states
    .filter(({ source }) => source === 'policies')
    .map(({ kind, name, file, state }) => `${kind}/${name} ${file} ${state}`)

describe('a source of ConfigMaps', () => {
  it('reads the keys that end in .yaml and .yml, and says what it passes over', () => {
    const { collection, source } = setUp()
    const data = { 'b.yml': '# b', 'a.yaml': '# a', readme: 'hello' }
    collection.put('one', { data, binaryData: { 'c.yaml': '//8=', logo: 'AA==' } })
    collection.put('nothing', {})
    collection.put('status', { data: { 'pod.yaml': 'not: a policy' } })
    const { files, findings, lost } = source.read()
    expect(lost).toBeUndefined()
    expect(files.map(file => file.name)).toEqual(['ConfigMap/policies/one/a.yaml', 'ConfigMap/policies/one/b.yml'])
    expect(findings.map(({ severity, location, message }) => `${severity} ${location.file} ${message}`)).toEqual([
      'warning ConfigMap/policies/nothing holds no policies',
      'warning ConfigMap/policies/one/readme keys of another ending are not read',
      'error ConfigMap/policies/one/c.yaml stands in binaryData, so it is not UTF-8 text',
      'warning ConfigMap/policies/one/logo binaryData is not read',
    ])
    expect(source.origins.get('ConfigMap/policies/one/b.yml')).toMatchObject({
      configMap: { name: 'one', resourceVersion: '101' },
      key: 'b.yml',
    })
  })

  it('passes over tests of policies, which lie beside them in the same folder', () => {
    const { collection, source } = setUp()
    const tests = 'apiVersion: mcp-authz.dev/v1alpha1\nkind: PolicyTest\n'
    collection.put('one', { data: { 'a.yaml': '# a', 'a_test.yaml': tests, 'load_test.yaml': 'kind: Guardrail' } })
    const { files, findings } = source.read()
    expect(files.map(file => file.name)).toEqual([
      'ConfigMap/policies/one/a.yaml',
      'ConfigMap/policies/one/load_test.yaml',
    ])
    expect(findings).toEqual([])
  })

  it('is lost until it was listed once, and while there is too much of it', () => {
    const { collection, source } = setUp()
    collection.put('one', { data: { 'a.yaml': '# a' } })
    const before = source.fingerprint()
    collection.state = { synced: false, staleForMs: Number.POSITIVE_INFINITY, problem: 'forbidden' }
    expect(source.fingerprint()).not.toBe(before)
    expect(source.read()).toMatchObject({
      files: [],
      lost: true,
      findings: [{ severity: 'error', message: 'the ConfigMaps could not be listed yet: forbidden' }],
    })
    collection.state = { synced: true, staleForMs: 0, problem: '' }
    expect(source.read().lost).toBeUndefined()
    for (let i = 0; i < configMapLimits.objects; i++) collection.put(`n${i}`, { data: { 'a.yaml': '# a' } })
    expect(source.read()).toMatchObject({ lost: true, files: [] })
  })

  it('does not read a key that is too large, whose last good version stays', () => {
    const collection = new FakeConfigMaps()
    const good = guardrail('g', 'true')
    collection.put('one', { data: { 'a.yaml': good, 'b.yaml': guardrail('h', 'true') } })
    const source = createConfigMapSource({ name: 'policies', namespace: 'policies', collection })
    expect(source.read().files).toHaveLength(2)
    collection.put('one', { data: { 'a.yaml': `${good}#${'é'.repeat(128 * 1024)}`, 'b.yaml': good } })
    expect(source.read()).toMatchObject({
      files: [{ name: 'ConfigMap/policies/one/b.yaml' }],
      findings: [
        { severity: 'error', location: { file: 'ConfigMap/policies/one/a.yaml' }, message: 'is larger than 256 KiB' },
      ],
    })
  })

  it('of two clusters with namespaces of one name are not mixed up', () => {
    const [near, far] = [new FakeConfigMaps(), new FakeConfigMaps()]
    const options = { namespace: 'policies', kinds: ['Guardrail'] }
    const sources = [
      createConfigMapSource({ ...options, name: 'near', place: 'ConfigMap/near/policies', collection: near }),
      createConfigMapSource({ ...options, name: 'far', place: 'ConfigMap/far/policies', collection: far }),
    ]
    near.put('one', { data: { 'a.yaml': guardrail('g', 'true') } })
    far.put('one', { data: { 'a.yaml': 'kind: [' } })
    const store = storeOf([memorySource({ 'server.yaml': server }), ...sources], namesAsTokens({}), 'serve')
    // What the one holds says nothing of what the other would.
    store.load()
    expect(store.load()).toMatchObject({ documents: 2, broken: ['ConfigMap/far/policies/one/a.yaml'] })
    expect(reportOnConfigMaps(store.load(), sources[0] ?? expect.fail()).entries).toMatchObject([{ state: 'loaded' }])
  })

  it('is lost when its keys or bytes are too many', () => {
    const { collection, source } = setUp()
    const key = (i: number) => [`k${i}.yaml`, '#'] as const
    const many = Object.fromEntries(Array.from({ length: configMapLimits.files + 1 }, (_, i) => key(i)))
    collection.put('keys', { data: many })
    expect(source.read()).toMatchObject({ lost: true })
    collection.delete('keys')
    for (let i = 0; i < 9; i++) collection.put(`big${i}`, { data: { 'a.yaml': '#'.repeat(250 * 1024) } })
    expect(source.read()).toMatchObject({ lost: true })
  })

  it('may not hold a Server, or whatever says who is who', () => {
    const { collection, store } = setUp()
    collection.put('one', { data: { 's.yaml': server.replaceAll('files', 'mine') } })
    const report = store.load()
    expect(report.inForce).toBe(false)
    expect(errorsOf(report.findings)).toEqual([
      'ConfigMap/policies/one/s.yaml:2 the source policies may not hold a Server',
    ])
  })

  it('takes part in a snapshot, and leaves it with its ConfigMap', () => {
    const { collection, store } = setUp()
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'true') } })
    const report = store.load()
    expect(errorsOf(report.findings)).toEqual([])
    expect(report).toMatchObject({ inForce: true, documents: 2, broken: [] })
    expect(stateOf(report)).toEqual(['Guardrail/g ConfigMap/policies/one/g.yaml loaded'])
    collection.delete('one')
    expect(store.load()).toMatchObject({ documents: 1 })
  })

  it('keeps the last good version of what is broken, as long as its key is there', () => {
    const { collection, store } = setUp()
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'true'), 'h.yaml': guardrail('h', 'true') } })
    const { revision } = store.load()
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'nope'), 'h.yaml': '{' } })
    const broken = store.load()
    expect(broken).toMatchObject({ inForce: true, documents: 3, revision })
    expect(stateOf(broken).sort()).toEqual([
      'Guardrail/g ConfigMap/policies/one/g.yaml kept-last-good',
      'Guardrail/h ConfigMap/policies/one/h.yaml kept-last-good',
    ])
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'nope') } })
    expect(store.load()).toMatchObject({ documents: 2 })
  })

  it('stays as it was while it is lost', () => {
    const { collection, store } = setUp()
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'true') } })
    const { revision } = store.load()
    collection.state = { synced: false, staleForMs: 0, problem: 'more than 500 objects' }
    expect(store.load()).toMatchObject({ inForce: true, revision, documents: 2 })
  })

  it('is not in force at the start until it was listed', () => {
    const { collection, store } = setUp()
    collection.state = { synced: false, staleForMs: Number.POSITIVE_INFINITY, problem: '' }
    expect(store.load().inForce).toBe(false)
    collection.state = { synced: true, staleForMs: 0, problem: '' }
    expect(store.load().inForce).toBe(true)
  })
})

describe('versions of one ConfigMap', () => {
  const old = 'guards-5g8tf29bkm'
  const next = 'guards-h2dm4ttb7c'

  it('count as one: the newest does, and keeps what is broken in it from the one before', () => {
    const { collection, store } = setUp()
    collection.put(old, { data: { 'g.yaml': guardrail('g', 'true'), 'h.yaml': guardrail('h', 'true') } })
    const first = store.load()
    expect(stateOf(first)[0]).toBe('Guardrail/g ConfigMap/policies/guards-*/g.yaml loaded')

    collection.put(next, { data: { 'g.yaml': guardrail('g', '{') }, created: '2026-01-02T00:00:00Z' })
    const second = store.load()
    expect(stateOf(second)).toEqual(['Guardrail/g ConfigMap/policies/guards-*/g.yaml kept-last-good'])
    expect(second).toMatchObject({ inForce: true, documents: 2 })
    expect(second.findings).toContainEqual(
      expect.objectContaining({
        severity: 'warning',
        location: expect.objectContaining({ file: `ConfigMap/policies/${old}` }),
        message: `is an older version of the ConfigMap ${next}, and does not count any more`,
      }),
    )
    collection.delete(old)
    expect(stateOf(store.load())).toEqual(['Guardrail/g ConfigMap/policies/guards-*/g.yaml kept-last-good'])
  })

  it('created within one second: the one that changed last counts', () => {
    const { collection, store } = setUp()
    collection.put(next, { data: { 'g.yaml': guardrail('g', 'true') } })
    collection.put(old, { data: { 'h.yaml': guardrail('h', 'true') } })
    expect(stateOf(store.load())).toEqual(['Guardrail/h ConfigMap/policies/guards-*/h.yaml loaded'])
  })

  it.each([
    ['no hash', 'guards-background', 'guards-foreground'],
    ['digits that are in no hash', 'guards-2026010100', 'guards-2026010103'],
    ['too short', 'guards-5g8tf29bk', 'guards-h2dm4ttb7'],
    ['no name before the hash', '5g8tf29bkm', 'h2dm4ttb7c'],
    ['different names', 'a-5g8tf29bkm', 'b-h2dm4ttb7c'],
  ])('are not what is named by %s', (_, one, other) => {
    const { collection, store } = setUp()
    collection.put(one, { data: { 'g.yaml': guardrail('g', 'true') } })
    collection.put(other, { data: { 'h.yaml': guardrail('h', 'true') }, created: '2026-01-02T00:00:00Z' })
    expect(store.load()).toMatchObject({ documents: 3, broken: [] })
  })

  it('are told by an annotation, too, and by nothing else', () => {
    const { collection, store } = setUp()
    const annotations = { 'mcp-authz.dev/versions-of': 'guards' }
    collection.put('guards-v1', { data: { 'g.yaml': guardrail('g', 'true') }, annotations })
    collection.put('guards-v2', {
      data: { 'g.yaml': guardrail('g', 'false') },
      annotations,
      created: '2026-01-02T00:00:00Z',
    })
    expect(store.load()).toMatchObject({ inForce: true, documents: 2 })
    expect(stateOf(store.load())).toEqual(['Guardrail/g ConfigMap/policies/versions-of=guards/g.yaml loaded'])
    collection.put('guards', { data: { 'k.yaml': guardrail('k', 'true') }, created: '2026-01-03T00:00:00Z' })
    expect(store.load()).toMatchObject({ documents: 3 })
  })
})

describe('two ConfigMaps with the same document', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('may say the same for as long as they like', () => {
    const { collection, store } = setUp()
    collection.put('old', { data: { 'g.yaml': guardrail('g', 'true') } })
    const { revision } = store.load()
    collection.put('new', { data: { 'other.yaml': guardrail('g', 'true') } })
    const both = store.load()
    expect(both).toMatchObject({ inForce: true, revision, broken: [] })
    expect(errorsOf(both.findings)).toEqual([])
    expect(both.findings.map(({ message }) => message)).toContainEqual(expect.stringContaining('in the same words'))
    collection.delete('old')
    expect(store.load()).toMatchObject({ inForce: true, revision, documents: 2 })
  })

  it('that say different things: what is in force stays so for a minute, then neither counts', () => {
    const { collection, store, loads } = setUp()
    collection.put('old', { data: { 'g.yaml': guardrail('g', 'true') } })
    const { revision } = store.load()
    store.watch()
    collection.put('a-new', { data: { 'g.yaml': guardrail('g', '1 == 1') } })
    store.changed()
    vi.advanceTimersByTime(100)
    expect(loads.at(-1)).toMatchObject({ inForce: true, revision, broken: [] })
    expect(stateOf(store.load()).sort()).toEqual([
      'Guardrail/g ConfigMap/policies/a-new/g.yaml overridden',
      'Guardrail/g ConfigMap/policies/old/g.yaml loaded',
    ])
    vi.advanceTimersByTime(58_000)
    expect(loads.at(-1)).toMatchObject({ broken: [] })
    vi.advanceTimersByTime(4000)
    expect(loads.at(-1)).toMatchObject({ inForce: true, broken: ['Guardrail/g'] })
    expect(store.current?.revision).not.toBe(revision)
    const count = loads.length
    vi.advanceTimersByTime(10_000)
    expect(loads).toHaveLength(count)
    collection.delete('old')
    store.changed()
    vi.advanceTimersByTime(1000)
    expect(loads.at(-1)).toMatchObject({ inForce: true, broken: [], documents: 2 })
    store.stop()
  })

  it('of which none was in force before: neither counts, at once', () => {
    const { collection, store } = setUp()
    store.load()
    collection.put('a', { data: { 'g.yaml': guardrail('g', 'true') } })
    collection.put('b', { data: { 'g.yaml': guardrail('g', 'false') } })
    expect(store.load().broken).toEqual(['Guardrail/g'])
  })

  it('does not excuse it twice in one ConfigMap', () => {
    const { collection, store } = setUp()
    store.load()
    collection.put('a', { data: { 'g.yaml': guardrail('g', 'true'), 'h.yaml': guardrail('g', 'true') } })
    expect(store.load().broken).toEqual(['Guardrail/g'])
  })
})

describe('changes of ConfigMaps', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('are loaded well within a second, without what is being written to a directory', () => {
    const { collection, store, loads, files } = setUp({ 's.yaml': server, 'h.yaml': guardrail('h', 'true') })
    store.load()
    store.watch()
    files['h.yaml'] = ''
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'true') } })
    store.changed()
    vi.advanceTimersByTime(60)
    expect(loads).toHaveLength(2)
    expect(loads.at(-1)).toMatchObject({ documents: 3 })
    files['h.yaml'] = guardrail('h', 'false')
    vi.advanceTimersByTime(3000)
    expect(loads).toHaveLength(3)
    expect(loads.at(-1)).toMatchObject({ documents: 3 })
    store.stop()
  })

  it('are few loads however many they are', () => {
    const { collection, store, loads } = setUp()
    store.load()
    store.watch()
    for (let i = 0; i < 1000; i++) {
      collection.put('one', { data: { 'g.yaml': guardrail('g', `${i} >= 0`) } })
      store.changed()
      vi.advanceTimersByTime(1)
    }
    expect(loads.length).toBeGreaterThan(3)
    expect(loads.length).toBeLessThan(8)
    vi.advanceTimersByTime(1000)
    expect(store.current?.documents).toBe(2)
    store.stop()
  })

  it('are seen within a second by looking, if nobody tells', () => {
    const { collection, store, loads } = setUp()
    store.load()
    store.watch()
    collection.put('one', { data: { 'g.yaml': guardrail('g', 'true') } })
    vi.advanceTimersByTime(1100)
    expect(loads.at(-1)).toMatchObject({ documents: 2 })
    expect(loads).toHaveLength(2)
    vi.advanceTimersByTime(5000)
    expect(loads).toHaveLength(2)
    store.stop()
  })

  it('are not looked at before the store watches, nor after it stops', () => {
    const { collection, store, loads } = setUp()
    collection.put('one', { data: {} })
    store.changed()
    vi.advanceTimersByTime(1000)
    store.load()
    store.watch()
    store.changed()
    store.stop()
    vi.advanceTimersByTime(1000)
    expect(loads).toHaveLength(1)
  })
})
