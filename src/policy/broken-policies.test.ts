import { describe, expect, it } from 'vitest'
import { catalogs, errorsOf, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'
import type { PolicyStore } from './policy-store.js'
import type { PolicySource } from './source.js'

const nobody = namesAsTokens({})
const head = 'apiVersion: mcp-authz.dev/v1alpha1'
const server = (name: string, resource = `https://${name}.example.com/mcp`, more = '') =>
  `${head}\nkind: Server\nmetadata: { name: ${name} }\nspec: { resource: "${resource}"${more} }\n`
const guardrail = (name: string, match = '{ servers: [files] }') =>
  `${head}\nkind: Guardrail\nmetadata: { name: ${name} }\nspec:\n  match: ${match}\n  validations:\n  - expression: "false"\n`
const identity = (name: string, spec = '{ tenant: "claims.tenant" }') =>
  `${head}\nkind: Identity\nmetadata: { name: ${name} }\nspec: ${spec}\n`
const role = (name: string) =>
  `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: ${name} }\nrules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]\n`

const toolCall = {
  protocol: 'mcp',
  kind: 'request',
  era: 'legacy',
  version: undefined,
  id: '1',
  method: 'tools/call',
  target: { kind: 'tool', name: 't' },
  alsoTargets: [],
  params: undefined,
  arguments: undefined,
  sessionId: undefined,
} as const
const matchedAt = (name: string) => ({ server: name, tool: 't', catalogTool: undefined, call: toolCall }) as const
const brokenAt = (store: PolicyStore, name = 'files') =>
  store.current?.broken.candidates(matchedAt(name)).map(rule => rule.name)
const guardrailsAt = (store: PolicyStore, name = 'files') =>
  store.current?.guardrails.candidates(matchedAt(name)).map(rule => rule.name)

/** A store that runs with these files, and the files, to be changed. */
function running(files: Record<string, string>, more: readonly PolicySource[] = []) {
  const store = storeOf([...more, memorySource(files)], nobody)
  const report = store.load()
  expect(errorsOf(report.findings)).toEqual([])
  return { files, store }
}

describe('a Guardrail whose author misspells something', () => {
  const good = guardrail('g')
  const slips = [
    ['its kind', good.replace('kind: Guardrail', 'kind: Gardrail')],
    ['its kind, in lower case', good.replace('kind: Guardrail', 'kind: guardrail')],
    ['its kind, as that of another document', good.replace('kind: Guardrail', 'kind: Grant')],
    ['its kind, as Config', good.replace('kind: Guardrail', 'kind: Config')],
    ['its kind, as a kind of Kubernetes', good.replace('kind: Guardrail', 'kind: ClusterRole')],
    ['its API version', good.replace('mcp-authz.dev', 'mcp-auhtz.dev')],
    ['its API version, of another kind', good.replace('mcp-authz.dev/v1alpha1', 'v1').replace('Guardrail', 'List')],
    ['its name', good.replace('name: g', 'name: G')],
    ['metadata', good.replace('metadata: { name: g }\n', '')],
    ['match', good.replace('match:', 'mach:')],
    ['servers', good.replace('servers:', 'server:')],
    [
      'the kind, with a field that Config does not have',
      good.replace('Guardrail', 'Config').replace('validations', 'v'),
    ],
  ] as const

  it.each(slips)('%s: while running, the last good one stays', (_, text) => {
    const { files, store } = running({ 's.yaml': server('files'), 'g.yaml': good })
    files['g.yaml'] = text
    expect(store.load().broken).not.toEqual([])
    expect(guardrailsAt(store)).toEqual(['g'])
    store.load()
    expect(guardrailsAt(store)).toEqual(['g'])
  })

  it.each(slips)('%s: from the start, what it could govern is denied', (_, text) => {
    const store = storeOf([memorySource({ 's.yaml': server('files'), 'g.yaml': text })], nobody, 'serve')
    store.load()
    expect(brokenAt(store)).toHaveLength(1)
  })

  it.each(slips)('%s: in a file of its own, added while running', (_, text) => {
    const { files, store } = running({ 's.yaml': server('files') })
    files['g.yaml'] = text
    store.load()
    expect(brokenAt(store)).toHaveLength(1)
  })

  it('is gone when its file is mended without it', () => {
    const { files, store } = running({ 's.yaml': server('files'), 'g.yaml': `${good}---\n${guardrail('h')}` })
    files['g.yaml'] = guardrail('h').replace('"false"', 'nope')
    store.load()
    expect(guardrailsAt(store)).toEqual(['g', 'h'])
    files['g.yaml'] = guardrail('h')
    store.load()
    expect(guardrailsAt(store)).toEqual(['h'])
  })

  it('in a source that may hold Guardrails: the last good one stays', () => {
    const files = { 's.yaml': server('files'), 'g.yaml': good }
    const store = storeOf([memorySource(files, { kinds: ['Server', 'Guardrail'] })], nobody)
    store.load()
    files['g.yaml'] = good.replace('kind: Guardrail', 'kind: Gardrail')
    expect(store.load().broken).toContain('Gardrail/g')
    expect(guardrailsAt(store)).toEqual(['g'])
  })

  it('in a source that may not hold Guardrails: it has no say', () => {
    const own = memorySource({ 'g.yaml': good.replace('Guardrail', 'Gardrail') }, { kinds: ['Grant'], name: 'own' })
    const store = storeOf([memorySource({ 's.yaml': server('files') }), own], nobody, 'serve')
    store.load()
    expect(brokenAt(store)).toEqual([])
  })

  it.each([
    ['Grant', []],
    ['Enrichment', []],
    ['Guardrail', ['g.yaml']],
    ['Identity', ['g.yaml']],
    ['Server', ['g.yaml']],
  ] as const)('text that nobody can read, in a source that may hold a %s, closes %j', (kind, closed) => {
    const own = memorySource({ 'g.yaml': 'kind: [' }, { kinds: [kind], name: 'own' })
    const store = storeOf([memorySource({ 's.yaml': server('files') }), own], nobody, 'serve')
    expect(store.load().broken).toEqual(['g.yaml'])
    expect(brokenAt(store)).toEqual(closed)
  })

  it.each([
    ['nothing', {}, [], []],
    ['what is in force', { 'g.yaml': good }, [], []],
    ['what never was in force', { 'g.yaml': good.replace('"false"', 'nope') }, ['Guardrail/g'], ['own']],
    ['what nobody could read', { 'g.yaml': 'kind: [' }, ['g.yaml'], ['own']],
  ])('a source that goes out of sight with %s', (_, files, before, after) => {
    const own = memorySource(files, { name: 'own' })
    let lost = false
    const location = { file: 'own', document: 1, line: 1, column: 1 }
    const finding = { severity: 'error', location, subject: '', path: '', message: 'gone', hint: undefined } as const
    const read = () => (lost ? { files: [], findings: [finding], lost } : own.read())
    const store = storeOf([memorySource({ 's.yaml': server('files') }), { ...own, read }], nobody, 'serve')
    store.load()
    expect(brokenAt(store)).toEqual(before)
    lost = true
    // Twice: what is closed stays closed.
    for (let load = 0; load < 2; load++) {
      store.load()
      expect(brokenAt(store)).toEqual(after)
    }
  })

  it('a Grant that does not compile only gives less', () => {
    const grant = `${head}\nkind: Grant\nmetadata: { name: x }\nspec: { match: { servers: [files] }, scops: [a] }`
    const store = storeOf([memorySource({ 's.yaml': server('files'), 'g.yaml': grant })], nobody, 'serve')
    store.load()
    expect(brokenAt(store)).toEqual([])
  })
})

describe('a Config among the policies', () => {
  it('is only a warning when it is one', () => {
    const store = storeOf(
      [memorySource({ 's.yaml': server('files'), 'c.yaml': `${head}\nkind: Config\nspec: { log: { level: debug } }` })],
      nobody,
    )
    expect(store.load()).toMatchObject({ inForce: true, findings: [{ severity: 'warning' }] })
  })
})

describe('a file with a syntax error beside good documents', () => {
  it('is governed as a whole until it was read once, also after further loads', () => {
    const { files, store } = running({ 's.yaml': server('files') })
    files['g.yaml'] = `${guardrail('g', '{ servers: [other] }')}---\nkind: [\n`
    store.load()
    expect(brokenAt(store)).toEqual(['g.yaml'])
    store.load()
    expect(brokenAt(store)).toEqual(['g.yaml'])
  })
})

describe('a document that overrides one of less trust', () => {
  const own = `${head}\nkind: ToolCatalog\nmetadata: { name: kubernetes-mcp-server }\nspec:\n  tools:\n    pods_exec: { access: exec, refuse: not here }\n`
  const toolsOf = (store: PolicyStore) => store.current?.servers.byName('k')?.catalog?.tools.size

  it.each([
    ['a syntax error', `${own}  x: [unclosed\n`],
    ['a misspelt kind', own.replace('kind: ToolCatalog', 'kind: ToolCatlog')],
    ['an unknown field', own.replace('refuse:', 'refuze:')],
  ])('stays in force after %s', (_, text) => {
    const { files, store } = running(
      { 's.yaml': server('k', undefined, ', catalog: kubernetes-mcp-server'), 'c.yaml': own },
      [catalogs],
    )
    expect(toolsOf(store)).toBe(1)
    files['c.yaml'] = text
    store.load()
    expect(toolsOf(store)).toBe(1)
    store.load()
    expect(toolsOf(store)).toBe(1)
  })

  it('gives way when it is deleted', () => {
    const { files, store } = running(
      { 's.yaml': server('k', undefined, ', catalog: kubernetes-mcp-server'), 'c.yaml': own },
      [catalogs],
    )
    files['c.yaml'] = role('r')
    store.load()
    expect(toolsOf(store)).toBeGreaterThan(1)
  })
})

describe('a Server that runs on its last good version', () => {
  const start = () =>
    running(
      {
        's.yaml': server('k', undefined, ', catalog: kubernetes-mcp-server'),
        'r.yaml': role('r'),
        'b.yaml': role('b'),
      },
      [catalogs],
    )
  const typo = server('k', undefined, ', catalog: kubernetes-mcp-servr')

  it('asks the RBAC objects that are in force now', () => {
    const { files, store } = start()
    files['s.yaml'] = typo
    store.load()
    const before = store.current?.servers.byName('k')
    delete files['b.yaml']
    store.load()
    const after = store.current?.servers.byName('k')
    expect(after?.authorizer).not.toBe(before?.authorizer)
    expect(after?.authorizers.get('local')).toBe(after?.authorizer)
  })

  it('has another revision than the same documents would have that never were good', () => {
    const { files, store } = start()
    files['s.yaml'] = typo
    store.load()
    const fresh = storeOf([catalogs, memorySource(files)], nobody, 'serve')
    fresh.load()
    expect(store.current?.revision).not.toBe(fresh.current?.revision)
  })

  it('has the same revision on two replicas only if the last good version is the same', () => {
    const one = start()
    const two = running(
      { ...one.files, 's.yaml': server('k', undefined, ', catalog: kubernetes-mcp-server, mode: Audit') },
      [catalogs],
    )
    const three = start()
    for (const { files, store } of [one, two, three]) {
      files['s.yaml'] = typo
      store.load()
      store.load()
    }
    expect(two.store.current?.revision).not.toBe(one.store.current?.revision)
    expect(three.store.current?.revision).toBe(one.store.current?.revision)
  })
})

describe('a Server that is not in force, below another one', () => {
  const parent = server('parent', 'https://h.example.com', ', mode: Audit')
  const kid = server('kid', 'https://h.example.com/mcp')
  const at = (store: PolicyStore, path: string) => store.current?.servers.byAddress('h.example.com', path)?.name

  it.each([
    ['it does not compile', { 'b.yaml': kid.replace(' }\n', ' }\n').replace('" }', '", denail: hide }') }],
    ['its kind is misspelt', { 'b.yaml': kid.replace('kind: Server', 'kind: Servr') }],
    ['its catalogue is not there', { 'b.yaml': server('kid', 'https://h.example.com/mcp', ', catalog: nope') }],
    ['it stands in two files', { 'b.yaml': kid, 'c.yaml': kid }],
    ['two have its address', { 'b.yaml': kid, 'c.yaml': server('kid2', 'https://h.example.com/mcp') }],
  ])('%s: requests for it do not fall to the other', (_, files) => {
    const store = storeOf([catalogs, memorySource({ 'a.yaml': parent, ...files })], nobody, 'serve')
    store.load()
    expect(at(store, '/mcp')).toBeUndefined()
    expect(at(store, '/mcp/x')).toBeUndefined()
    expect(at(store, '/other')).toBe('parent')
    expect(store.current?.servers.byName('kid')).toBeUndefined()
    expect(store.current?.servers.byName('parent')?.name).toBe('parent')
  })

  it('nor when it is renamed and broken in one edit', () => {
    const { files, store } = running({ 'a.yaml': parent, 'b.yaml': kid })
    expect(at(store, '/mcp')).toBe('kid')
    files['b.yaml'] = server('kid2', 'https://h.example.com/mcp', ', mod: Enforce')
    store.load()
    expect(at(store, '/mcp')).toBeUndefined()
  })

  it('nor at the new address of one that keeps its last good version', () => {
    const { files, store } = running({ 'a.yaml': parent, 'b.yaml': kid })
    files['b.yaml'] = server('kid', 'https://h.example.com/moved', ', mod: Enforce')
    store.load()
    expect(at(store, '/mcp')).toBe('kid')
    expect(at(store, '/moved')).toBeUndefined()
  })

  it('nor when another takes the address at which its last good version still stands', () => {
    const { files, store } = running({ 'a.yaml': parent, 'b.yaml': kid })
    files['b.yaml'] = server('kid', 'https://h.example.com/moved', ', catalog: nope')
    files['c.yaml'] = server('heir', 'https://h.example.com/mcp', ', mode: Audit')
    store.load()
    expect(at(store, '/mcp')).toBeUndefined()
    expect(at(store, '/moved')).toBeUndefined()
  })

  it('and everything is governed while its address cannot be read', () => {
    const broken = server('kid', 'https://h.example.com/mcp?x=1')
    const store = storeOf(
      [memorySource({ 'a.yaml': parent, 's.yaml': server('files'), 'b.yaml': broken })],
      nobody,
      'serve',
    )
    store.load()
    expect(brokenAt(store)).toEqual(['Server/kid'])
    expect(at(store, '/mcp')).toBeUndefined()
    expect(store.current?.servers.byAddress('files.example.com', '/mcp')?.name).toBe('files')
    expect(store.current?.servers.byName('parent')?.name).toBe('parent')
  })
})

describe('two Identity documents', () => {
  it('are an error each, neither is used, and everything is governed', () => {
    const store = storeOf(
      [memorySource({ 's.yaml': server('files'), 'i.yaml': `${identity('a')}---\n${identity('b')}` })],
      nobody,
      'serve',
    )
    const report = store.load()
    expect(errorsOf(report.findings)).toHaveLength(2)
    expect(errorsOf(report.findings)[0]).toContain('only one Identity')
    expect(brokenAt(store)).toEqual(['Identity/a', 'Identity/b'])
  })

  it('leave the one that was in force before', () => {
    const { files, store } = running({ 's.yaml': server('files'), 'i.yaml': identity('a') })
    files['j.yaml'] = identity('b')
    const report = store.load()
    expect(errorsOf(report.findings)).toHaveLength(2)
    expect(report.broken).toEqual(['Identity/a', 'Identity/b'])
    expect(brokenAt(store)).toEqual([])
    expect(report.documents).toBe(2)
  })
})

describe('a source that cannot be read any more', () => {
  it('keeps all that it gave', () => {
    let lost = false
    const inner = memorySource({ 's.yaml': server('files'), 'g.yaml': guardrail('g') }, { name: 'dir' })
    const location = { file: 'dir', document: 1, line: 1, column: 1 }
    const finding = { severity: 'error', location, subject: '', path: '', message: 'gone', hint: undefined } as const
    const source: PolicySource = {
      ...inner,
      read: () => (lost ? { files: [], findings: [finding], lost: true } : inner.read()),
    }
    const store = storeOf([source], nobody)
    store.load()
    lost = true
    expect(store.load()).toMatchObject({ documents: 2, broken: ['dir'] })
    expect(guardrailsAt(store)).toEqual(['g'])
    expect(brokenAt(store)).toEqual([])
  })
})
