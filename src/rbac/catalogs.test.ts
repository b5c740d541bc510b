import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Args, caller, server, shippedCatalog, strict } from './catalog.fixture.js'

const kubernetes = shippedCatalog('kubernetes-mcp-server')
const { call, operations } = caller(kubernetes)

const pod = { apiVersion: 'v1', kind: 'Pod' }
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' }

describe('what each tool of kubernetes-mcp-server amounts to', () => {
  const cases: readonly (readonly [string, Args, readonly string[]])[] = [
    ['events_list', {}, ['list /events all -']],
    ['events_list', { namespace: null }, ['list /events all -']],
    ['events_list', { namespace: 'dev' }, ['list /events dev -']],
    ['namespaces_list', {}, ['list /namespaces cluster -']],
    ['projects_list', {}, ['list project.openshift.io/projects cluster -']],
    ['nodes_log', { name: 'n1', query: 'kubelet' }, ['get /nodes cluster n1', 'get /nodes/proxy cluster n1']],
    ['nodes_stats_summary', { name: 'n1' }, ['get /nodes cluster n1', 'get /nodes/proxy cluster n1']],
    ['nodes_top', { name: 'n1' }, ['get metrics.k8s.io/nodes cluster n1', 'list /nodes cluster -']],
    ['nodes_top', { name: '' }, ['list metrics.k8s.io/nodes cluster -', 'list /nodes cluster -']],
    ['pods_list', {}, ['list /pods all -']],
    ['pods_list_in_namespace', { namespace: 'dev' }, ['list /pods dev -']],
    ['pods_get', { name: 'a', namespace: 'dev' }, ['get /pods dev a']],
    ['pods_get', { name: 'a' }, ['get /pods home a']],
    ['pods_get', { name: 'a', namespace: '' }, ['get /pods home a']],
    ['pods_top', {}, ['list metrics.k8s.io/pods all -']],
    ['pods_top', { all_namespaces: true, namespace: 'dev' }, ['list metrics.k8s.io/pods dev -']],
    ['pods_top', { all_namespaces: false }, ['list metrics.k8s.io/pods home -']],
    ['pods_top', { all_namespaces: false, namespace: 'dev', name: 'a' }, ['get metrics.k8s.io/pods dev a']],
    ['pods_top', { name: 'a' }, ['get metrics.k8s.io/pods all a']],
    ['pods_log', { name: 'a', container: 'c' }, ['get /pods/log home a']],
    ['pods_log', { name: 'a', namespace: 'dev' }, ['get /pods/log dev a', 'get /pods dev a']],
    ['pods_delete', { name: 'a', namespace: 'dev' }, ['get /pods dev a', 'delete /pods dev a']],
    [
      'pods_exec',
      { name: 'a', namespace: 'dev', command: ['ls'] },
      ['get /pods dev a', 'get /pods/exec dev a', 'create /pods/exec dev a'],
    ],
    ['pods_run', { image: 'nginx' }, ['create /pods home -', 'patch /pods home -']],
    [
      'pods_run',
      { image: 'nginx', port: 0n, name: 'a', namespace: 'dev' },
      ['create /pods dev a', 'patch /pods dev a'],
    ],
    [
      'pods_run',
      { image: 'nginx', port: 80n, name: 'a' },
      ['create /pods home a', 'patch /pods home a', 'create /services home a', 'patch /services home a'],
    ],
    [
      'pods_run',
      { image: 'nginx', port: 0.5 },
      ['create /pods home -', 'patch /pods home -', 'create /services home -', 'patch /services home -'],
    ],
    ['resources_list', { ...deployment }, ['list apps/deployments all -']],
    ['resources_list', { ...deployment, namespace: 'dev' }, ['list apps/deployments dev -']],
    ['resources_list', { apiVersion: 'v1', kind: 'Node' }, ['list /nodes cluster -']],
    ['resources_get', { ...pod, name: 'a' }, ['get /pods home a']],
    ['resources_get', { apiVersion: 'v1', kind: 'Namespace', name: 'dev' }, ['get /namespaces cluster dev']],
    ['resources_get', { apiVersion: 'v1', kind: 'Secret', name: 's', namespace: 'dev' }, ['get /secrets dev s']],
    ['resources_delete', { ...pod, name: 'a', namespace: 'dev' }, ['delete /pods dev a']],
    [
      'resources_delete',
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'a:b' },
      ['delete rbac.authorization.k8s.io/clusterroles cluster a:b'],
    ],
    ['resources_scale', { ...deployment, name: 'a', namespace: 'dev' }, ['get apps/deployments/scale dev a']],
    [
      'resources_scale',
      { ...deployment, name: 'a', namespace: 'dev', scale: 3n },
      ['get apps/deployments/scale dev a', 'update apps/deployments/scale dev a'],
    ],
    ['helm_list', {}, ['list /secrets home -']],
    ['helm_list', { all_namespaces: true, namespace: 'dev' }, ['list /secrets all -']],
    ['helm_list', { namespace: 'dev', all_namespaces: false }, ['list /secrets dev -']],
    [
      'cluster-health-check',
      { namespace: 'dev' },
      [
        'list /nodes cluster -',
        'get /namespaces cluster -',
        'list /namespaces cluster -',
        'list /pods dev -',
        'list apps/deployments dev -',
        'list apps/statefulsets dev -',
        'list apps/daemonsets dev -',
        'list /persistentvolumeclaims dev -',
        'list /events dev -',
      ],
    ],
  ]
  it.each(cases)('%s %o', (tool, args, expected) => expect(operations(tool, args)).toEqual(expected))
})

describe('refuses', () => {
  const hostileNamespaces = [
    'dev/../kube-system',
    'dev/../../..',
    '..',
    '.',
    'Dev',
    'dev ',
    '-dev',
    'dev-',
    'dev%2f',
    'dev\n',
    'a.b',
    '*',
    'x'.repeat(64),
  ]
  const namespaced: readonly (readonly [string, Args])[] = [
    ['events_list', {}],
    ['pods_list_in_namespace', {}],
    ['pods_get', { name: 'a' }],
    ['pods_top', {}],
    ['pods_top', { all_namespaces: false }],
    ['pods_log', { name: 'a' }],
    ['pods_log', { name: 'a', container: 'c' }],
    ['pods_delete', { name: 'a' }],
    ['pods_exec', { name: 'a', command: ['ls'] }],
    ['pods_run', { image: 'nginx' }],
    ['resources_list', deployment],
    ['resources_list', { apiVersion: 'v1', kind: 'Node' }],
    ['resources_get', { ...pod, name: 'a' }],
    ['resources_delete', { ...pod, name: 'a' }],
    ['resources_scale', { ...deployment, name: 'a' }],
    ['helm_list', {}],
    ['cluster-health-check', {}],
  ]
  it.each(namespaced)('%s %o with a namespace that is none', (tool, args) => {
    for (const namespace of [...hostileNamespaces, 5n, true, ['dev'], { a: 'dev' }]) {
      expect(operations(tool, { ...args, namespace }), String(namespace)).toBe('authorization.namespace')
    }
  })

  const needNamespace = namespaced.filter(([tool, args]) =>
    tool === 'pods_top'
      ? 'all_namespaces' in args
      : !['events_list', 'cluster-health-check', 'resources_list'].includes(tool),
  )
  it.each(needNamespace)('%s %o without namespace, where the server has none', (tool, args) => {
    for (const rest of [{}, { namespace: '' }, { namespace: null }]) {
      expect(operations(tool, { ...args, ...rest }, strict)).toBe('authorization.namespace')
    }
  })

  it('pods_list_in_namespace without namespace, whatever the server has', () => {
    for (const args of [{}, { namespace: '' }, { namespace: null }]) {
      expect(operations('pods_list_in_namespace', args)).toBe('authorization.namespace')
    }
  })

  const named: readonly (readonly [string, Args])[] = [
    ['nodes_log', { query: 'x' }],
    ['nodes_stats_summary', {}],
    ['pods_get', {}],
    ['pods_log', {}],
    ['pods_delete', {}],
    ['pods_exec', { command: ['ls'] }],
    ['resources_get', pod],
    ['resources_delete', pod],
    ['resources_scale', deployment],
  ]
  it.each(named)('%s %o with a bad name or none', (tool, args) => {
    for (const name of ['a/b', '..', '.', 'a%2fb', 'a\u0000', 'a\n', 'x'.repeat(254), '', null, 5n, ['a']]) {
      expect(operations(tool, { ...args, namespace: 'dev', name }), String(name)).toMatch(/^authorization\.argument$/)
    }
    expect(operations(tool, args)).toBe('authorization.argument')
  })
  it('an optional name that is bad', () => {
    expect(operations('pods_run', { image: 'i', name: '../x' })).toBe('authorization.argument')
    expect(operations('nodes_top', { name: '../x' })).toBe('authorization.argument')
    expect(operations('pods_top', { name: '../x' })).toBe('authorization.argument')
  })

  it('context in every tool and prompt, unless the server lists it', () => {
    for (const tool of [...kubernetes.tools.keys(), ...kubernetes.prompts.keys()]) {
      for (const context of ['ctx-a', '', null]) {
        expect(operations(tool, { context }), tool).toBe('authorization.cluster_unknown')
      }
      expect(operations(tool, { context: 5n }), tool).toBe('authorization.argument')
      expect(operations(tool, { context: 'ctx-b' }, strict), tool).toBe('authorization.cluster_unknown')
    }
    expect(call('namespaces_list', { context: 'ctx-b' })).toMatchObject({ ok: true, cluster: 'west' })
    expect(call('namespaces_list', {})).toMatchObject({ ok: true, cluster: 'local' })
  })

  it('kinds that are not spelled canonically', () => {
    const kinds: readonly (readonly [Args, string])[] = [
      [{ apiVersion: 'v1', kind: 'secret' }, 'Secret'],
      [{ apiVersion: 'v1', kind: 'secrets' }, 'Secret'],
      [{ apiVersion: '/v1', kind: 'Secret' }, 'apiVersion v1'],
      [{ apiVersion: 'V1', kind: 'Secret' }, 'apiVersion v1'],
      [{ apiVersion: 'v1/', kind: 'Secret' }, 'apiVersion v1'],
      [{ apiVersion: 'v1', kind: 'Deployment' }, 'apps/v1'],
      [{ apiVersion: 'apps/v1', kind: 'Deploymnet' }, 'Deployment'],
      [{ apiVersion: 'example.com/v1', kind: 'Widget' }, 'catalogue'],
    ]
    for (const tool of ['resources_get', 'resources_delete', 'resources_scale']) {
      for (const [args, hint] of kinds) {
        expect(call(tool, { ...args, name: 'a', namespace: 'dev' })).toMatchObject({
          ok: false,
          reason: 'authorization.kind_unknown',
          hint: expect.stringContaining(hint),
        })
      }
    }
    for (const [args] of kinds) expect(operations('resources_list', args)).toBe('authorization.kind_unknown')
    expect(operations('resources_get', { apiVersion: 'v1', name: 'a' })).toBe('authorization.argument')
    expect(operations('resources_get', { apiVersion: 1n, kind: 'Pod', name: 'a' })).toBe('authorization.argument')
    expect(operations('resources_scale', { ...pod, name: 'a', scale: 1n })).toBe('authorization.kind_unknown')
  })

  it('arguments that the tool does not take', () => {
    expect(operations('pods_list', { namespace: 'dev' })).toBe('authorization.argument')
    expect(operations('pods_get', { name: 'a', Namespace: 'dev' })).toBe('authorization.argument')
  })

  it.each([3, 3.5, '3', -1n, null, '', true])('resources_scale to %o', scale => {
    expect(operations('resources_scale', { ...deployment, name: 'a', namespace: 'dev', scale })).toBe(
      'authorization.argument',
    )
  })

  it('flags of the wrong type, which the server would take for absent', () => {
    expect(operations('pods_top', { all_namespaces: 'false' })).toBe('authorization.argument')
    expect(operations('helm_list', { all_namespaces: 'true' })).toBe('authorization.argument')
    expect(operations('pods_run', { image: 'i', port: '80' })).toBe('authorization.argument')
    expect(operations('pods_log', { name: 'a', container: 5n })).toBe('authorization.argument')
    for (const image of [5n, ['i'], null, '', undefined]) {
      expect(operations('pods_run', image === undefined ? {} : { image })).toBe('authorization.argument')
    }
  })

  it('for everybody', () => {
    const refused = [...kubernetes.tools.values()].filter(({ refuse }) => refuse !== undefined).map(({ name }) => name)
    expect(refused.filter(name => !/^(?:kiali|netobserv)_/.test(name))).toEqual([
      'configuration_contexts_list',
      'configuration_view',
      'nodes_log',
      'helm_install',
      'helm_uninstall',
    ])
    expect(refused.filter(name => /^(?:kiali|netobserv)_/.test(name)).length).toBe(14)
  })

  it('says nothing of what the caller wrote', () => {
    const secret = 'hunter2/x'
    for (const tool of kubernetes.tools.keys()) {
      for (const argument of ['name', 'namespace', 'kind', 'apiVersion', 'context', 'resource', secret]) {
        expect(
          JSON.stringify(call(tool, { [argument]: secret }), (_, value) => (typeof value === 'bigint' ? 0 : value)),
        ).not.toContain('hunter2')
      }
    }
  })
})

it('whatever the arguments are, operations hold names that stay in their place', () => {
  const nasty = fc.constantFrom(
    'dev',
    'a',
    '..',
    'a/b',
    'v1',
    'apps/v1',
    'Pod',
    'Deployment',
    'Secret',
    '',
    'a%2fb',
    'ctx-b',
  )
  const value = fc.oneof(
    { weight: 4, arbitrary: nasty },
    fc.string(),
    fc.bigInt(0n, 9n),
    fc.boolean(),
    fc.constant(null),
    fc.double(),
  )
  const names = [
    'name',
    'namespace',
    'kind',
    'apiVersion',
    'context',
    'scale',
    'image',
    'port',
    'all_namespaces',
    'container',
  ]
  const args = fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([name]) => name, maxLength: 6 })
  const tools = [...kubernetes.tools.values(), ...kubernetes.prompts.values()]
  let resolvedCalls = 0
  fc.assert(
    fc.property(fc.constantFrom(...tools), args, fc.constantFrom(server, strict), (tool, entries, where) => {
      const taken = entries.filter(([name]) => tool.arguments?.has(name) !== false)
      const resolved = tool.resolve(new Map(taken), where)
      if (!resolved.ok) return
      resolvedCalls++
      for (const { resource, subresource, namespace, name, clusterScoped } of resolved.operations) {
        expect(`${resource}${subresource}`).toMatch(/^[a-z]+$/)
        expect(namespace).toMatch(clusterScoped ? /^$/ : /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?$/)
        expect(name).not.toMatch(/[/%]|^\.\.?$/)
      }
    }),
    { numRuns: 3000 },
  )
  expect(resolvedCalls).toBeGreaterThan(200)
})

describe('images and replicas', () => {
  const workload = (tool: string, args: Args) => {
    const resolved = call(tool, args)
    return resolved.ok ? { images: resolved.images, replicas: resolved.replicas } : resolved.reason
  }
  const manifest = (object: unknown) => workload('resources_create_or_update', { resource: JSON.stringify(object) })
  const spec = {
    containers: [{ name: 'a', image: 'x:1' }],
    initContainers: [{ image: 'y' }],
    ephemeralContainers: [{ image: 'z' }],
    volumes: [{ name: 'v', image: { reference: 'w' } }, { emptyDir: {} }],
  }
  const metadata = { name: 'a', namespace: 'dev' }
  const all = ['x:1', 'y', 'z', 'w']

  it('from arguments', () => {
    expect(workload('pods_run', { image: 'nginx' })).toEqual({ images: ['nginx'], replicas: [] })
    expect(workload('resources_scale', { ...deployment, name: 'a', scale: 7n })).toEqual({ images: [], replicas: [7n] })
    expect(workload('pods_list', {})).toEqual({ images: [], replicas: [] })
    expect(workload('helm_install', { chart: 'x' })).toEqual({ images: undefined, replicas: undefined })
  })

  it.each([
    ['Pod', 'v1', { spec }, all, []],
    ['PodTemplate', 'v1', { template: { spec } }, all, []],
    ['ReplicationController', 'v1', { spec: { replicas: 2, template: { spec } } }, all, [2n]],
    ['Deployment', 'apps/v1', { spec: { replicas: 3, template: { spec } } }, all, [3n]],
    ['ReplicaSet', 'apps/v1', { spec: { template: { spec } } }, all, []],
    ['StatefulSet', 'apps/v1', { spec: { replicas: 0, template: { spec } } }, all, [0n]],
    ['DaemonSet', 'apps/v1', { spec: { template: { spec } } }, all, []],
    ['Job', 'batch/v1', { spec: { template: { spec } } }, all, []],
    ['CronJob', 'batch/v1', { spec: { jobTemplate: { spec: { template: { spec } } } } }, all, []],
    ['Job of many pods', 'batch/v1', { spec: { parallelism: 500, completions: 9000 } }, [], [500n, 9000n]],
    ['CronJob of many pods', 'batch/v1', { spec: { jobTemplate: { spec: { parallelism: 500 } } } }, [], [500n]],
    ['HorizontalPodAutoscaler', 'autoscaling/v2', { spec: { minReplicas: 1, maxReplicas: 9 } }, [], [1n, 9n]],
    ['ConfigMap', 'v1', { data: { image: 'no' } }, [], []],
    ['ControllerRevision', 'apps/v1', { data: { spec } }, undefined, undefined],
  ])('from a %s', (kind, apiVersion, rest, images, replicas) => {
    expect(manifest({ apiVersion, kind: kind.split(' ')[0], metadata, ...rest })).toEqual({ images, replicas })
  })

  it.each([
    ['containers that are no list', { spec: { containers: { a: 1 } } }],
    ['a container that is no object', { spec: { containers: ['x'] } }],
    ['an image that is no text', { spec: { containers: [{ image: 5 }] } }],
    ['an image volume without object', { spec: { volumes: [{ image: 'x' }] } }],
    ['a spec that is no object', { spec: 'x' }],
  ])('refuses %s', (_name, rest) => expect(manifest({ ...pod, metadata, ...rest })).toBe('message.manifest'))

  it('refuses the pods of a Job that are no whole number', () => {
    for (const parallelism of ['3', 3.5, -1, null]) {
      expect(manifest({ apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { parallelism } })).toBe(
        'message.manifest',
      )
    }
    const cron = { apiVersion: 'batch/v1', kind: 'CronJob', metadata, spec: { jobTemplate: { spec: 'x' } } }
    expect(manifest(cron)).toBe('message.manifest')
  })

  it('refuses replicas that are no whole number', () => {
    for (const replicas of ['3', 3.5, -1, null, true]) {
      expect(manifest({ ...deployment, metadata, spec: { replicas } })).toBe('message.manifest')
    }
    expect(
      workload('resources_create_or_update', {
        resource: 'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: { replicas: 3.0 }',
      }),
    ).toBe('message.manifest')
  })
})

describe('manifests', () => {
  const apply = (resource: unknown, where = server) => operations('resources_create_or_update', { resource }, where)
  const named = (rest: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n${rest}`

  it('every document becomes create and patch', () => {
    expect(
      apply(
        `${named('  namespace: dev\n')}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: b }\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: c }\n`,
      ),
    ).toEqual([
      'create /configmaps dev a',
      'patch /configmaps dev a',
      'create apps/deployments home b',
      'patch apps/deployments home b',
      'create /namespaces cluster c',
      'patch /namespaces cluster c',
    ])
  })
  it('the operation carries the object', () => {
    const resolved = call('resources_create_or_update', { resource: named('data: { k: v }') })
    const object = resolved.ok ? resolved.operations[0]?.object : undefined
    expect(object instanceof Map && object.get('data')).toEqual(new Map([['k', 'v']]))
  })

  it.each([
    ['no text', 5n, 'authorization.argument'],
    ['nothing', '', 'message.manifest'],
    ['no apiVersion', 'kind: Pod\nmetadata: { name: a }', 'message.manifest'],
    ['no metadata', 'apiVersion: v1\nkind: Pod', 'message.manifest'],
    ['no name', 'apiVersion: v1\nkind: Pod\nmetadata: {}', 'message.manifest'],
    ['a number as name', 'apiVersion: v1\nkind: Pod\nmetadata: { name: 5 }', 'message.manifest'],
    ['a path as name', 'apiVersion: v1\nkind: Pod\nmetadata: { name: ../a }', 'message.manifest'],
    ['generateName', named('  generateName: b\n'), 'message.manifest'],
    ['labels that are no text', named('  labels: { a: 1 }\n'), 'message.manifest'],
    ['a List', 'apiVersion: v1\nkind: List\nitems: []', 'message.manifest'],
    ['a PodList', 'apiVersion: v1\nkind: PodList\nitems: []', 'message.manifest'],
    ['a second document that is broken', `${named('')}---\na: [`, 'message.manifest'],
    ['a traversing namespace', named('  namespace: dev/../kube-system\n'), 'authorization.namespace'],
    ['a namespace of another type', named('  namespace: 5\n'), 'authorization.namespace'],
    ['an empty namespace', named('  namespace: ""\n'), 'authorization.namespace'],
    ['a namespace that is null', named('  namespace:\n'), 'authorization.namespace'],
    [
      'a namespace on a cluster-scoped object',
      'apiVersion: v1\nkind: Node\nmetadata: { name: a, namespace: b }',
      'message.manifest',
    ],
    ['a smuggled namespace', named('  namespace: !!binary a3ViZS1zeXN0ZW0=\n'), 'message.manifest'],
    ['a kind in lower case', 'apiVersion: v1\nkind: secret\nmetadata: { name: a }', 'authorization.kind_unknown'],
    [
      'an apiVersion with a slash before',
      'apiVersion: /v1\nkind: Secret\nmetadata: { name: a }',
      'authorization.kind_unknown',
    ],
    [
      'a custom kind that nobody added',
      'apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: a }',
      'authorization.kind_unknown',
    ],
    ...[
      'rbac.authorization.k8s.io/v1 RoleBinding',
      'rbac.authorization.k8s.io/v1 ClusterRole',
      'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration',
      'apiregistration.k8s.io/v1 APIService',
      'certificates.k8s.io/v1 CertificateSigningRequest',
    ].map((kind): [string, unknown, string] => {
      const [apiVersion = '', name = ''] = kind.split(' ')
      return [
        `a ${name}`,
        `${named('')}\n---\napiVersion: ${apiVersion}\nkind: ${name}\nmetadata: { name: a }`,
        'authorization.manifest_refused',
      ]
    }),
  ])('refuses %s', (_name, resource, reason) => expect(apply(resource)).toBe(reason))

  it('needs a namespace where the server has none', () => {
    expect(apply(named(''), strict)).toBe('authorization.namespace')
    expect(apply(named('  namespace: dev\n'), strict)).toEqual(['create /configmaps dev a', 'patch /configmaps dev a'])
  })
})

describe('the catalogues themselves', () => {
  it('lists every argument that the server publishes', () => {
    for (const tool of kubernetes.tools.values()) expect(tool.knownArguments, tool.name).toContain('context')
  })
  it('server-everything touches nothing in Kubernetes', () => {
    const everything = shippedCatalog('server-everything')
    expect(everything.tools.size).toBe(19)
    for (const tool of everything.tools.values()) {
      expect(tool.noOperations).toBe(true)
      expect(tool.resolve(new Map(), strict)).toMatchObject({ ok: true, operations: [] })
    }
  })
})
