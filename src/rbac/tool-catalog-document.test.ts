import { describe, expect, it } from 'vitest'
import { readDocuments } from '../documents/read-documents.js'
import { compileToolCatalog } from './tool-catalog-document.js'

const compile = (spec: string) => {
  const { documents, findings } = readDocuments(
    'catalog.yaml',
    `apiVersion: mcp-authz.dev/v1alpha1\nkind: ToolCatalog\nmetadata: { name: c }\nspec:\n${spec}`,
  )
  expect(findings).toEqual([])
  const [document] = documents
  if (document === undefined) throw new Error('no document')
  return compileToolCatalog(document)
}
const tool = (fields: string) => compile(`  tools:\n    t: ${fields}\n`)
const operation = (fields: string) => tool(`{ access: read, operations: [${fields}] }`)
const pods = 'verb: get, resource: pods, namespace: { argument: ns }'

describe('mistakes are errors at their place', () => {
  it.each([
    ['an unknown field', tool('{ access: read, operations: none, replica: { argument: x } }'), 'spec.tools.t.replica'],
    ['no word about what it does', tool('{ access: read }'), 'spec.tools.t'],
    ['no access', tool('{ operations: none }'), 'spec.tools.t.access'],
    ['an access that is none', tool('{ access: all, operations: none }'), 'spec.tools.t.access'],
    ['an empty list of operations', tool('{ access: read, operations: [] }'), 'spec.tools.t.operations'],
    ['an empty list of arguments', tool('{ access: read, arguments: [], operations: none }'), 'spec.tools.t.arguments'],
    [
      'an empty list of verbs',
      operation('{ verbs: [], resource: pods, namespace: all }'),
      'spec.tools.t.operations[0].verbs',
    ],
    ['an empty when', operation(`{ ${pods}, when: [] }`), 'spec.tools.t.operations[0].when'],
    ['no verb', operation('{ resource: pods, namespace: all }'), 'spec.tools.t.operations[0]'],
    [
      'verb and verbs',
      operation('{ verb: get, verbs: [list], resource: pods, namespace: all }'),
      'spec.tools.t.operations[0]',
    ],
    ['no target', operation('{ verb: get, namespace: all }'), 'spec.tools.t.operations[0]'],
    [
      'two targets',
      operation('{ verb: get, resource: pods, manifest: { argument: m } }'),
      'spec.tools.t.operations[0]',
    ],
    ['no namespace', operation('{ verb: get, resource: pods }'), 'spec.tools.t.operations[0]'],
    [
      'a pod in the cluster',
      operation('{ verb: get, resource: pods, namespace: cluster }'),
      'spec.tools.t.operations[0].namespace',
    ],
    [
      'a node in a namespace',
      operation('{ verb: get, resource: nodes, namespace: { argument: ns } }'),
      'spec.tools.t.operations[0].namespace',
    ],
    [
      'a required namespace with default',
      operation('{ verb: get, resource: pods, namespace: { argument: ns, required: true, default: all } }'),
      'spec.tools.t.operations[0].namespace',
    ],
    [
      'a namespace beside a manifest',
      operation('{ verb: create, manifest: { argument: m }, namespace: all }'),
      'spec.tools.t.operations[0]',
    ],
    [
      'a chosen kind in the cluster',
      operation('{ verb: get, gvk: { apiVersion: a, kind: k }, namespace: cluster }'),
      'spec.tools.t.operations[0].namespace',
    ],
    [
      'a slash in the resource',
      operation('{ verb: get, resource: pods/log, namespace: all }'),
      'spec.tools.t.operations[0].resource',
    ],
    ['a condition without test', operation(`{ ${pods}, when: { argument: x } }`), 'spec.tools.t.operations[0].when'],
    [
      'a condition with two',
      operation(`{ ${pods}, when: [{ argument: x, present: true, equals: y }] }`),
      'spec.tools.t.operations[0].when[0]',
    ],
    [
      'one argument of two types',
      tool(`{ access: read, replicas: { argument: ns }, operations: [{ ${pods} }] }`),
      'spec.tools.t',
    ],
    [
      'another unknownTools',
      compile('  unknownTools: allow\n  tools: { t: { access: read, operations: none } }\n'),
      'spec.unknownTools',
    ],
    ['an empty catalogue', compile('  unknownTools: deny\n'), 'spec'],
    [
      'a kind that is built in',
      compile(
        '  kinds: [{ apiVersion: v1, kind: Pod, resource: pods }]\n  tools: { t: { access: read, operations: none } }\n',
      ),
      'spec.kinds[0]',
    ],
    [
      'an apiVersion that is none',
      compile(
        '  kinds: [{ apiVersion: a/b/v1, kind: W, resource: ws }]\n  tools: { t: { access: read, operations: none } }\n',
      ),
      'spec.kinds[0].apiVersion',
    ],
  ])('%s', (_name, compiled, path) => {
    expect(compiled.value).toBeUndefined()
    expect(compiled.findings.map(finding => [finding.severity, finding.path])).toContainEqual(['error', path])
    for (const { location } of compiled.findings) expect(location.line).toBeGreaterThan(0)
  })
})

describe('a compiled catalogue', () => {
  const server = { cluster: 'local', defaultNamespace: 'home', contexts: new Map<string, string>() }

  it('knows the names of arguments, labels and the access', () => {
    const { value, findings } = compile(`  cluster: { argument: context }
  tools:
    t:
      access: write
      labels: { risk: high }
      arguments: [ns, extra]
      images: [{ argument: image }]
      operations: [{ ${pods}, name: { argument: n, required: false }, when: { argument: w, equals: 3 } }]
`)
    expect(findings).toEqual([])
    const compiled = value?.tools.get('t')
    expect(compiled).toMatchObject({ name: 't', access: 'write', noOperations: false, refuse: undefined })
    expect(compiled?.labels).toEqual(new Map([['risk', 'high']]))
    expect([...(compiled?.knownArguments ?? [])].sort()).toEqual(['context', 'extra', 'image', 'n', 'ns', 'w'])
    expect(compiled?.arguments).toEqual(new Set(['ns', 'extra', 'context']))
  })

  it('adds custom kinds, whose contents are unknown', () => {
    const { value, findings } = compile(`  kinds:
  - { apiVersion: argoproj.io/v1alpha1, kind: Rollout, resource: rollouts, scale: true }
  - { apiVersion: example.com/v1, kind: Cage, resource: cages, namespaced: false }
  tools:
    apply: { access: write, operations: [{ verbs: [create, patch], manifest: { argument: m } }] }
`)
    expect(findings).toEqual([])
    const apply = (manifest: string) => value?.tools.get('apply')?.resolve(new Map([['m', manifest]]), server)
    expect(apply('apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: r }')).toMatchObject({
      ok: true,
      images: undefined,
      replicas: undefined,
      operations: [
        {
          verb: 'create',
          group: 'argoproj.io',
          version: 'v1alpha1',
          resource: 'rollouts',
          namespace: 'home',
          name: 'r',
        },
        { verb: 'patch' },
      ],
    })
    expect(apply('apiVersion: example.com/v1\nkind: Cage\nmetadata: { name: c }')).toMatchObject({
      operations: [{ clusterScoped: true, namespace: '' }, { clusterScoped: true }],
    })
    expect(apply('apiVersion: example.com/v1\nkind: cage\nmetadata: { name: c }')).toMatchObject({
      reason: 'authorization.kind_unknown',
      hint: 'write apiVersion example.com/v1 and kind Cage',
    })
  })

  it('a refused tool has operations of nobody', () => {
    const refused = tool('{ access: read, refuse: because, operations: none }').value?.tools.get('t')
    expect(refused).toMatchObject({ refuse: 'because', noOperations: false })
    expect(refused?.resolve(new Map(), server)).toMatchObject({ ok: true, operations: [] })
  })
})
