import { parse } from 'yaml'
import { z } from 'zod'

/** Arguments of one call. */
export type Args = Readonly<Record<string, unknown>>

interface Shape {
  /** The entry of the catalogue. */
  readonly entry: Readonly<Record<string, unknown>>
  /** All combinations that RBAC and the catalogue can tell apart, the likeliest first. */
  readonly calls: readonly Args[]
}

const namespaces = ['team-a', 'team-b']
const inNamespace = { namespace: { argument: 'namespace' } }
const required = { namespace: { argument: 'namespace', required: true } }
const named = { name: { argument: 'name' } }

const each = (...more: Args[]): Args[] => namespaces.flatMap(namespace => more.map(one => ({ namespace, ...one })))
const pod = (verb: string, more: object = {}) => ({ verb, resource: 'pods', ...inNamespace, ...named, ...more })
const gvks: readonly Args[] = [
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'v1', kind: 'Node' },
  { apiVersion: 'v1', kind: 'Secret' },
]
const manifest = (apiVersion: string, kind: string, namespace?: string) =>
  JSON.stringify({ apiVersion, kind, metadata: { name: 'web', ...(namespace && { namespace }) } })

/** Tools of every kind that a catalogue can tell apart. */
const shapes: Readonly<Record<string, Shape>> = {
  pods_get: { entry: { access: 'read', operations: [pod('get')] }, calls: each({ name: 'web' }, { name: 'x' }) },
  about: { entry: { access: 'read', operations: 'none' }, calls: [{}] },
  reset: { entry: { access: 'write', operations: 'none' }, calls: [{}] },
  pods_list: {
    entry: {
      access: 'read',
      operations: [{ verb: 'list', resource: 'pods', namespace: { argument: 'namespace', default: 'all' } }],
    },
    calls: [...each({}), {}],
  },
  nodes_list: {
    entry: { access: 'read', operations: [{ verb: 'list', resource: 'nodes', namespace: 'cluster' }] },
    calls: [{}],
  },
  namespaces_list: {
    entry: { access: 'read', operations: [{ verb: 'list', resource: 'namespaces', namespace: 'cluster' }] },
    calls: [{}],
  },
  pods_move: {
    entry: {
      access: 'delete',
      operations: [
        pod('delete', required),
        { verb: 'create', resource: 'pods', namespace: { argument: 'to', required: true } },
      ],
    },
    calls: each({ to: 'team-a', name: 'web' }, { to: 'team-b', name: 'web' }, { to: 'team-b', name: 'x' }),
  },
  lifecycle: {
    entry: {
      access: 'write',
      operations: [
        { verb: 'create', resource: 'pods', ...inNamespace, when: { argument: 'action', equals: 'start' } },
        { verb: 'delete', resource: 'pods', ...inNamespace, when: { argument: 'action', equals: 'stop' } },
      ],
    },
    calls: [...each({ action: 'start' }, { action: 'stop' }), { action: 'wait' }, {}],
  },
  top: {
    entry: {
      access: 'read',
      operations: [
        pod('get', { when: { argument: 'name', present: true } }),
        { verb: 'list', resource: 'pods', namespace: 'all', when: { argument: 'name', present: false } },
        { verb: 'list', resource: 'nodes', namespace: 'cluster', when: { argument: 'wide', equals: true } },
      ],
    },
    calls: [...each({ name: 'web' }, { name: 'web', wide: true }), {}, { wide: true }],
  },
  any_get: {
    entry: {
      access: 'read',
      operations: [{ verb: 'get', gvk: { apiVersion: 'apiVersion', kind: 'kind' }, ...inNamespace, ...named }],
    },
    calls: [
      ...gvks.flatMap(gvk => each({ ...gvk, name: 'web' }, { ...gvk, name: 'x' })),
      { apiVersion: 'v1', kind: 'Node', name: 'x' },
    ],
  },
  apply: {
    entry: { access: 'write', operations: [{ verbs: ['create', 'patch'], manifest: { argument: 'manifest' } }] },
    calls: [
      ...namespaces.map(namespace => ({ manifest: manifest('v1', 'Pod', namespace) })),
      ...namespaces.map(namespace => ({ manifest: manifest('apps/v1', 'Deployment', namespace) })),
      { manifest: manifest('v1', 'Node') },
    ],
  },
  secret: { entry: { access: 'sensitive', refuse: 'it shows what nobody may see' }, calls: [{}] },
  scale: {
    entry: {
      access: 'write',
      replicas: { argument: 'scale' },
      operations: [
        { verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale', ...inNamespace, ...named },
      ],
    },
    calls: each({ name: 'web', scale: 2 }, { name: 'web', scale: 50 }, { name: 'x', scale: 2 }),
  },
  run: {
    entry: {
      access: 'write',
      images: [{ argument: 'image' }],
      operations: [{ verb: 'create', resource: 'pods', ...inNamespace }],
    },
    calls: each({ image: 'registry.example.com/web:1' }, { image: 'docker.io/x' }),
  },
  build: {
    entry: { access: 'write', images: 'unknown', operations: [{ verb: 'create', resource: 'pods', ...inNamespace }] },
    calls: each({}),
  },
  exec: {
    entry: { access: 'exec', operations: [pod('create', { subresource: 'exec' })] },
    calls: each({ name: 'web' }, { name: 'x' }),
  },
  logs: {
    entry: { access: 'read', operations: [pod('get', { subresource: 'log' })] },
    calls: each({ name: 'web' }, { name: 'x' }),
  },
  events: {
    entry: { access: 'read', operations: [{ verb: 'list', resource: 'events', ...required }] },
    calls: each({}),
  },
  config_read: {
    entry: { access: 'sensitive', operations: [{ verb: 'get', resource: 'configmaps', ...inNamespace, ...named }] },
    calls: each({ name: 'web' }, { name: 'x' }),
  },
  services: {
    entry: {
      access: 'read',
      arguments: ['namespace'],
      operations: [{ verb: 'list', resource: 'services', ...inNamespace }],
    },
    calls: each({}),
  },
}
const shapeNames = Object.keys(shapes)
const rare = new Map([
  ['apply', 4],
  ['any_get', 20],
])

/** 2,000 names, of all kinds at every length; what takes manifests or any kind is rare, as it is in practice. */
export const tools: readonly string[] = Array.from({ length: 120 }, (_, index) =>
  shapeNames.filter(shape => index < (rare.get(shape) ?? 120)).map(shape => `${shape}_${index}`),
)
  .flat()
  .slice(0, 2000)

const risks = ['low', 'high']

/** As JSON, which is YAML. */
export const catalog: string = JSON.stringify({
  apiVersion: 'mcp-authz.dev/v1alpha1',
  kind: 'ToolCatalog',
  metadata: { name: 'matrix' },
  spec: {
    tools: Object.fromEntries(
      tools.map(name => {
        const risk = risks[Number(name.slice(name.lastIndexOf('_') + 1)) % 3]
        return [name, { ...shapes[shapeOf(name)]?.entry, ...(risk && { labels: { risk } }) }]
      }),
    ),
  },
})

function shapeOf(name: string): string {
  return name.replace(/_\d+$/, '')
}

/** What to try a tool with: its calls, each alone and with everything that the policies look for beside it. */
export function callsOf(name: string, extras: readonly Args[] = []): readonly Args[] {
  const calls = shapes[shapeOf(name)]?.calls ?? [{}]
  return [...calls, ...extras.flatMap(extra => calls.map(call => ({ ...call, ...extra })))]
}

const Catalogue = z.looseObject({
  spec: z.looseObject({
    tools: z.record(
      z.string(),
      z.looseObject({ arguments: z.union([z.literal('none'), z.array(z.string())]).optional() }),
    ),
  }),
})

/** Values of the arguments of kubernetes-mcp-server, beside namespace and kind. */
const values: Args = {
  name: 'web',
  scale: 2,
  image: 'registry.example.com/web:1',
  command: ['ls'],
  all_namespaces: false,
  tail: 1,
  workspace: 'w',
  action: 'start',
}

/** Tools of kubernetes-mcp-server's catalogue, and what to try each with. */
export function kubernetesCalls(text: string): ReadonlyMap<string, readonly Args[]> {
  const { spec } = Catalogue.parse(parse(text))
  return new Map(
    Object.entries(spec.tools).map(([name, { arguments: known = [] }]) => {
      const taken = new Set(known === 'none' ? [] : known)
      const pick = (args: Args): Args => Object.fromEntries(Object.entries(args).filter(([key]) => taken.has(key)))
      const calls = ['team-a', 'default', undefined].flatMap(namespace =>
        gvks.flatMap(gvk => {
          const { apiVersion, kind } = gvk
          const resource = manifest(String(apiVersion), String(kind), namespace)
          const place = namespace === undefined ? {} : { namespace }
          return [pick({ ...values, ...gvk, ...place, resource }), pick({ ...gvk, ...place })]
        }),
      )
      const distinct = new Map(calls.map(call => [JSON.stringify(call), call]))
      return [name, [...distinct.values()]] as const
    }),
  )
}
