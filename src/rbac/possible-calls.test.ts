import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json, server, shippedCatalog, strict } from './catalog.fixture.js'
import type { KindResolver } from './kind-resolver.js'
import { createKinds } from './kinds.js'
import type { Operation } from './operation.js'
import type { PossibleCall, PossibleOperation } from './possible-calls.js'
import type { CatalogTool, ServerKubernetes } from './tool-catalog.js'

const catalog = shippedCatalog('kubernetes-mcp-server')
const entries = [...catalog.tools.values(), ...catalog.prompts.values()].filter(({ refuse }) => refuse === undefined)

const discovery: KindResolver = {
  resolve: (_apiVersion, kind) =>
    kind === 'Widget'
      ? { type: 'found', resource: { resource: 'widgets', namespaced: false, subresources: [] } }
      : { type: 'unknown' },
}
const discovered: ServerKubernetes = { ...server, kinds: new Map([['local', discovery]]) }

function calls(tool: string, where = server): readonly PossibleCall[] {
  const found = catalog.tools.get(tool)?.possible(where)
  if (found === undefined || found === 'anything') throw new Error(`nothing is known of ${tool}`)
  return found
}

const brief = ({ verb, group, resource, subresource, namespace, name }: PossibleOperation): string => {
  const what = `${group ?? '?'}/${resource ?? '?'}${subresource && `/${subresource}`}`
  return `${verb} ${what} ${typeof namespace === 'string' ? namespace || '-' : '?'} ${name ?? '?'}`
}
const texts = (tool: string, where = server) =>
  calls(tool, where).map(({ operations }) => operations.map(brief).join(', '))

describe('what a tool may amount to', () => {
  it.each<[string, readonly string[]]>([
    ['pods_list', ['list /pods - ']],
    ['pods_get', ['get /pods home ?', 'get /pods ? ?']],
    ['pods_list_in_namespace', ['list /pods ? ']],
  ])('%s', (tool, expected) => {
    expect([...new Set(texts(tool))]).toEqual(expected)
  })

  it('is nothing where the Server does not say which namespace an omitted one is', () => {
    expect(texts('pods_get', strict)).toEqual(['get /pods ? ?'])
  })

  it('is about each cluster that the context may name', () => {
    expect(new Set(calls('pods_list').map(({ cluster }) => cluster))).toEqual(new Set(['local', 'west']))
    expect(new Set(calls('pods_list', strict).map(({ cluster }) => cluster))).toEqual(new Set(['local']))
  })

  it('is every kind that may be written, and none that gives power', () => {
    const written = texts('resources_create_or_update', strict)
    expect(written).toContain('create apps/deployments ? ?, patch apps/deployments ? ?')
    expect(written).toContain('create /namespaces - ?, patch /namespaces - ?')
    expect(written.join()).not.toContain('rbac.authorization.k8s.io')
    const kinds = createKinds().all
    const guarded = kinds.filter(({ group }) =>
      [
        'rbac.authorization.k8s.io',
        'admissionregistration.k8s.io',
        'apiregistration.k8s.io',
        'certificates.k8s.io',
      ].includes(group),
    )
    const resources = new Set(kinds.filter(kind => !guarded.includes(kind)).map(one => `${one.group}/${one.resource}`))
    expect(written).toHaveLength(resources.size)
  })

  it('is any resource where the cluster is asked what it serves', () => {
    expect(texts('resources_create_or_update', discovered)).toContain('create ?/? ? ?, patch ?/? ? ?')
    expect(texts('resources_create_or_update', discovered)).toContain('create ?/? - ?, patch ?/? - ?')
  })

  it('is worked out once', () => {
    expect(calls('pods_get')).toBe(calls('pods_get'))
  })
})

/** Values of all sorts, with those that rules tell apart more often. */
const value = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('team-a', 'web', 'Pod', 'Deployment', 'Widget', 'v1', 'apps/v1', 'ctx-b', ''),
  },
  { weight: 2, arbitrary: fc.constantFrom('start', 'stop', 'restart', 'pause', 'cancel', 'list', 'any-0') },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(true, false, null, 0n, 1n, 80n, -1n) },
  { weight: 1, arbitrary: fc.string() },
)
const manifest = fc
  .tuple(fc.constantFrom('v1', 'apps/v1', 'rbac.authorization.k8s.io/v1'), fc.constantFrom('Pod', 'Deployment', 'Node'))
  .map(([apiVersion, kind]) => `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a, namespace: team-a }\n`)

function covers(possible: PossibleCall, cluster: string, operations: readonly Operation[]): boolean {
  const namespaces = new Map<string, string>()
  return (
    possible.cluster === cluster &&
    possible.operations.every(one =>
      operations.some(
        real =>
          one.verb === real.verb &&
          one.subresource === real.subresource &&
          (one.group ?? real.group) === real.group &&
          (one.resource ?? real.resource) === real.resource &&
          (one.name ?? real.name) === real.name &&
          sameNamespace(one.namespace, real.namespace, namespaces),
      ),
    )
  )
}

function sameNamespace(possible: PossibleOperation['namespace'], real: string, chosen: Map<string, string>): boolean {
  if (typeof possible === 'string') return possible === real
  if (real === '') return false
  const before = chosen.get(possible.any)
  chosen.set(possible.any, before ?? real)
  return before === undefined || before === real
}

describe('whatever the arguments', () => {
  it.each<[string, ServerKubernetes]>([
    ['with a namespace of its own', server],
    ['without one', strict],
    ['with discovery', discovered],
  ])('a call amounts to one of them: a Server %s', (_, where) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...entries).chain(tool => fc.tuple(fc.constant(tool), argumentsOf(tool))),
        ([tool, args]) => {
          const resolved = tool.resolve(new Map(Object.entries(args).map(([key, one]) => [key, json(one)])), where)
          const possible = tool.possible(where)
          if (!resolved.ok || possible === 'anything') return
          expect(possible.some(one => covers(one, resolved.cluster, resolved.operations))).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('the arguments of every shipped tool can be gone through', () => {
    for (const tool of entries) expect([tool.name, tool.possible(server) === 'anything']).toEqual([tool.name, false])
  })
})

function argumentsOf(tool: CatalogTool) {
  const record = Object.fromEntries([...tool.knownArguments].map(name => [name, fc.oneof(value, manifest)]))
  return fc.record(record, { requiredKeys: [] })
}
