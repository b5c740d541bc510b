import { describe, expect, it } from 'vitest'
import { catalogs, demo, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'
import { absent, cap, demoDocuments, guardrail, guardrailsOf, people, shadowStand } from './shadow.fixture.js'

const separate = [memorySource({ ...demoDocuments })]
const { 'Guardrail-replica-cap.yaml': _, ...others } = demoDocuments

/** Of these documents, in force. */
function revisionOf(files: Record<string, string>): string {
  const store = storeOf([catalogs, memorySource(files)], namesAsTokens(people))
  const { inForce, revision } = store.load()
  expect(inForce).toBe(true)
  return revision
}

describe('the shadow set', () => {
  it('is what is in force, where the shadow says nothing', () => {
    const { set, store } = shadowStand({})
    expect(set.report).toMatchObject({ revision: store.current?.revision, documents: [], findings: [], broken: [] })
    expect(set.current?.inForce).toBe(store.current)
  })

  it.each([
    { what: 'a document more', text: cap(3, 'Enforce', 'new-cap'), moved: demoDocuments },
    { what: 'another version of one', text: cap(3), moved: others },
    { what: 'one taken away', text: absent('Guardrail', 'replica-cap'), moved: others, absent: true },
  ])('has the revision that there will be after the move: $what', ({ text, moved, absent: isAbsent }) => {
    const { set, store } = shadowStand({ 'x.yaml': text }, { sources: separate })
    expect(set.report.revision).toBe(revisionOf(isAbsent ? moved : { ...moved, 'x.yaml': text }))
    expect(set.report.revision).not.toBe(store.current?.revision)
  })

  it('says what each document does', () => {
    const files = {
      'a.yaml': cap(3, 'Enforce', 'new-cap'),
      'b.yaml': cap(3),
      'c.yaml': absent('Guardrail', 'approved-images'),
      'd.yaml': guardrail('agents-do-not-delete', '  nonsense: true'),
      'e.yaml': absent('Guardrail', 'not-there'),
      'f.yaml': demoDocuments['Guardrail-agents-do-not-delete.yaml'] ?? '',
    }
    const { set, store } = shadowStand(files, { sources: separate })
    const states = set.report.documents.map(({ file, state }) => `${file} ${state}`)
    expect(states).toEqual(expect.arrayContaining(['a.yaml added', 'b.yaml replaces', 'c.yaml removes', 'e.yaml idle']))
    // Two that are equally trusted: neither counts, and what is in force does.
    expect(states).toEqual(expect.arrayContaining(['d.yaml broken', 'f.yaml broken']))
    expect(set.report.broken).toEqual(['Guardrail/agents-do-not-delete'])
    expect(guardrailsOf(set.current?.shadow)).toEqual([
      'agents-do-not-delete',
      'new-cap',
      'office-hours',
      'replica-cap',
    ])
    expect(guardrailsOf(store.current)).toEqual([
      ...['agents-do-not-delete', 'approved-images', 'office-hours', 'replica-cap'],
    ])
  })

  it.each<[string, string, string, string]>([
    ['that does not compile', guardrail('replica-cap', '  oops: 1'), 'Guardrail/replica-cap', 'unknown'],
    ['that is no YAML', 'kind: [', 'x.yaml', ''],
    [
      'of an absence with a spec',
      absent('Guardrail', 'replica-cap', 'spec: {}\n'),
      'Guardrail/replica-cap',
      'has no spec',
    ],
    [
      'of a Server without its catalogue',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: kubernetes }\nspec: { resource: https://mcp.example.com/mcp, catalog: nobody-has-it }\n',
      'Server/kubernetes',
      'nobody-has-it',
    ],
    [
      'of a Server where one stands already',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Server\nmetadata: { name: second }\nspec: { resource: https://mcp.example.com/mcp, catalog: kubernetes-mcp-server }\n',
      'Server/second',
      '',
    ],
  ])('leaves out a document %s, and goes on with the rest', (_, text, name, message) => {
    const { set, store } = shadowStand({ 'x.yaml': text, 'y.yaml': cap(3, 'Enforce', 'new-cap') })
    expect(set.report.broken).toEqual([name])
    expect(set.report.findings.some(one => one.severity === 'error' && one.message.includes(message))).toBe(true)
    const { current } = set
    expect(guardrailsOf(current?.shadow)).toEqual(expect.arrayContaining(['new-cap', 'replica-cap']))
    expect(current?.shadow.servers.all.map(one => one.name)).toEqual(store.current?.servers.all.map(one => one.name))
    // Nothing is closed because of it.
    expect(current?.shadow.broken.ofServer('kubernetes')).toEqual([])
    expect(current?.shadow.servers.all.length).toBeGreaterThan(0)
  })

  it('mends what is broken in force', () => {
    const broken = memorySource({ 'broken.yaml': guardrail('new-cap', '  oops: 1') })
    const { set, store } = shadowStand({ 'x.yaml': cap(3, 'Enforce', 'new-cap') }, { sources: [demo, broken] })
    expect(store.current?.broken.ofServer('kubernetes').map(one => one.name)).toEqual(['Guardrail/new-cap'])
    expect(set.current?.shadow.broken.ofServer('kubernetes')).toEqual([])
    expect(guardrailsOf(set.current?.shadow)).toContain('new-cap')
  })

  it('does not try who is who, and says so', () => {
    const { set } = shadowStand({
      'x.yaml':
        'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer: { url: https://other.example.com, audiences: [a] }\n  claimMappings: { username: { claim: sub, prefix: "" } }\n',
      'y.yaml': 'apiVersion: mcp-authz.dev/v1alpha1\nkind: Identity\nmetadata: { name: default }\nspec: {}\n',
    })
    expect(set.report.documents.map(one => one.state)).toEqual(['idle', 'idle'])
    expect(set.report.findings.map(one => one.message)).toEqual(
      Array(2).fill('is not tried in the shadow: who is asking was found out by the documents in force'),
    )
    expect(set.report.broken).toEqual([])
  })

  it('does not repeat what is said of the policies in force', () => {
    const text =
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Guardrail\nmetadata: { name: nowhere }\nspec: { match: { servers: [nobody] }, validations: [{ expression: "false", message: x }] }\n'
    const { set, store } = shadowStand({}, { sources: [demo, memorySource({ 'a.yaml': text })] })
    expect(store.current?.findings.length).toBeGreaterThan(0)
    expect(set.report.findings).toEqual([])
  })

  it('follows the policies in force, and its own files once they have come to rest', async () => {
    const files: Record<string, string> = { 'x.yaml': cap(3) }
    const inForce: Record<string, string> = Object.fromEntries(demo.read().files.map(one => [one.name, one.text]))
    const { set, store } = shadowStand(files, { sources: [memorySource(inForce)] })
    const until = async (what: () => boolean) => {
      const end = performance.now() + 5000
      while (!what()) {
        if (performance.now() > end) throw new Error('it does not follow')
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
    set.watch(10)
    files['y.yaml'] = cap(2, 'Enforce', 'second')
    await until(() => set.report.documents.length === 2)
    inForce['z.yaml'] = cap(9, 'Enforce', 'third')
    store.load()
    set.rebase()
    await until(() => set.current?.inForce === store.current)
    expect(guardrailsOf(set.current?.shadow)).toEqual(expect.arrayContaining(['second', 'third']))
    set.stop()
  })
})
