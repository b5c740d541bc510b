import { describe, expect, it } from 'vitest'
import { loadConfig } from './load-config.js'

function load(spec: string) {
  const text = `apiVersion: mcp-authz.dev/v1alpha1\nkind: Config\nspec: {${spec}}`
  return loadConfig({ file: { path: '/etc/c/config.yaml', text } })
}

const maps = 'sources: [{ directory: p }, { configMaps: { namespace: policies } }]'

describe('the shadow', () => {
  it('is not there unless it is configured', () => {
    const loaded = load('')
    expect(loaded.ok && loaded.config.shadow).toBe(undefined)
  })

  it('has sources of its own, of which nobody is told what became', () => {
    const loaded = load(
      `${maps}, shadow: { sources: [{ directory: s, kinds: [Guardrail] }, { configMaps: { namespace: policies } }] }`,
    )
    expect(loaded.ok && loaded.warnings).toEqual([])
    expect(loaded.ok && loaded.config.shadow).toEqual({
      sources: [
        { from: 'directory', directory: '/etc/c/s', kinds: ['Guardrail'] },
        {
          ...{ from: 'configMaps', cluster: 'local', namespace: 'policies', selector: 'mcp-authz.dev/policy=shadow' },
          ...{ status: undefined, events: false, kinds: ['Grant', 'Guardrail', 'Enrichment'] },
        },
      ],
      sample: 1,
    })
  })

  it('alone makes a connection to the cluster of its ConfigMaps', () => {
    const loaded = load('sources: [{ directory: p }], shadow: { sources: [{ configMaps: { namespace: policies } }] }')
    expect(loaded.ok && loaded.config.clusters.get('local')?.connection).toEqual({ kind: 'inCluster' })
  })

  it.each([
    ['beside', 'p', 's'],
    ['around', 'p/q', 'p'],
    ['of a name that begins alike', 'p', 'policies'],
    ['of a name that begins with dots', 'p', 'p/../..s'],
  ])('may be %s the policies', (_, policies, shadow) => {
    const loaded = load(`sources: [{ directory: ${policies} }], shadow: { sources: [{ directory: ${shadow} }] }`)
    expect(loaded.ok).toBe(true)
  })

  it.each([
    ['no source', 'shadow: { sources: [] }', 'shadow.sources'],
    ['a source of nothing', 'shadow: { sources: [{}] }', 'names neither a directory nor configMaps'],
    ['a share beyond all', 'shadow: { sources: [{ directory: s }], sample: 1.5 }', 'sample'],
    [
      'a folder that is in force',
      'sources: [{ directory: p }], shadow: { sources: [{ directory: p }] }',
      'is in force',
    ],
    ['a folder within one', 'sources: [{ directory: p }], shadow: { sources: [{ directory: p/s/t }] }', 'is in force'],
    [
      'ConfigMaps that are in force',
      `${maps}, shadow: { sources: [{ configMaps: { namespace: policies, selector: mcp-authz.dev/policy=true } }] }`,
      'are in force',
    ],
    [
      'no such cluster',
      'shadow: { sources: [{ configMaps: { namespace: a, cluster: other } }] }',
      'no cluster is named',
    ],
    ['a status', 'shadow: { sources: [{ configMaps: { namespace: a, status: b } }] }', 'status'],
  ])('is refused with %s', (_, spec, message) => {
    const loaded = load(spec)
    expect(loaded.ok).toBe(false)
    expect(JSON.stringify(loaded.ok ? [] : loaded.findings)).toContain(message)
  })
})
