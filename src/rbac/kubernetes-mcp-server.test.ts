import { describe, expect, it } from 'vitest'
import { caller, server, shippedCatalog, strict } from './catalog.fixture.js'
import { prompts, tools } from './kubernetes-mcp-server.fixture.js'

const catalog = shippedCatalog('kubernetes-mcp-server')
const { call, operations } = caller(catalog)

describe.each([
  ['tools', tools, catalog.tools, 52],
  ['prompts', prompts, catalog.prompts, 16],
] as const)('the %s of kubernetes-mcp-server', (_kind, rows, entries, count) => {
  it(`are the ${count} of the table`, () => {
    expect([...entries.keys()].sort()).toEqual(Object.keys(rows).sort())
    expect(entries.size).toBe(count)
  })

  const named = Object.entries(rows)
  const allowed = named.flatMap(([name, row]) =>
    (row.allowed ?? []).map(([args, expected]) => ({ name, args, expected })),
  )
  it.each(allowed)('$name $args amounts to $expected', ({ name, args, expected }) => {
    expect(operations(name, args)).toEqual(expected)
  })

  const denied = named.flatMap(([name, row]) =>
    row.denied.map(([what, args, reason]) => ({ name, what, args, reason })),
  )
  it.each(denied)('$name with $what is denied', ({ name, args, reason }) => {
    expect(operations(name, args)).toBe(reason)
  })

  const namespaced = allowed.filter(({ name }) => {
    const entry = entries.get(name)
    return entry?.arguments?.has('namespace') && !entry.noOperations
  })
  it.each(namespaced)('$name $args is denied with a namespace that is none', ({ name, args }) => {
    for (const namespace of [
      'dev/../kube-system',
      '..',
      'Dev',
      'dev%2f',
      'dev\n',
      'a.b',
      '*',
      'x'.repeat(64),
      5n,
      ['dev'],
    ]) {
      expect(operations(name, { ...args, namespace }), String(namespace)).toBe('authorization.namespace')
    }
  })

  it.each(allowed)('$name $args is denied for a cluster that is not listed', ({ name, args }) => {
    expect(operations(name, { ...args, context: 'ctx-a' })).toBe('authorization.cluster_unknown')
    expect(call(name, { ...args, context: 'ctx-b' })).toMatchObject({ ok: true, cluster: 'west' })
  })

  const atHome = allowed.filter(({ expected }) => expected.some(one => one.includes(' home ')))
  it.each(atHome)('$name $args is denied where the Server does not say its namespace', ({ name, args }) => {
    expect(operations(name, args, strict)).toBe('authorization.namespace')
  })

  it.each(named.map(([name, { refuse }]) => ({ name, refuse })))('$name: refused for everybody? $refuse', one => {
    const text = entries.get(one.name)?.refuse
    if (one.refuse === undefined) expect(text).toBeUndefined()
    else expect(text).toMatch(one.refuse)
  })

  it('have an example each', () => {
    for (const [name, row] of named) {
      expect(row.denied.length, name).toBeGreaterThan(0)
      expect(row.refuse !== undefined || (row.allowed ?? []).length > 0, name).toBe(true)
    }
  })

  it('tell nothing of images where runs and machines bring their own', () => {
    for (const [name, entry] of entries) {
      const args = new Map([
        ['name', 'v'],
        ['namespace', 'dev'],
        ['template_name', 'v'],
      ])
      const taken = new Map([...args].filter(([key]) => entry.arguments?.has(key)))
      const resolved = entry.resolve(taken, server)
      const unknown = /^(?:tekton_.*(?:start|restart|lifecycle)|vm_(?:create|clone).*|helm_install)$/.test(name)
      if (resolved.ok) expect(resolved.images === undefined, name).toBe(unknown)
    }
  })
})
