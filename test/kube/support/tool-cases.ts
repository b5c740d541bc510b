/** A permission, as RBAC gives it. */
export interface Need {
  readonly verb: string
  readonly group?: string
  readonly resource: string
  /** undefined: all namespaces, or what has none. */
  readonly namespace?: string
}

export interface ToolCase {
  readonly tool: string
  readonly what?: string
  readonly args: Readonly<Record<string, unknown>>
  /** What it takes to do this in Kubernetes: with all of it the API server refuses nothing, without any of it something. */
  readonly needs: readonly Need[]
  /** What only the gateway asks for; see `differences`. */
  readonly beside?: readonly Need[]
  /** What has to be there, and is made anew before each call. */
  readonly object?: object
  /** The gateway refuses it to everybody, whatever the API server would say. */
  readonly refused?: string
}

export const namespace = 'shop'
export const nodeName = 'node-1'

const container = { name: 'web', image: 'registry.example.com/web:1.0' }
const pod = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace } },
  spec: { containers: [container] },
})
export const deployment = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
  },
}
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } })
const read = (resource: string, verb = 'get'): Need => ({ verb, resource, namespace })

/** The default tools of kubernetes-mcp-server, in the order of its own list. */
export const toolCases: readonly ToolCase[] = [
  {
    tool: 'configuration_view',
    args: {},
    needs: [],
    refused: 'it returns credentials of the server, not of Kubernetes',
  },
  { tool: 'events_list', args: { namespace }, needs: [read('events', 'list')] },
  { tool: 'events_list', what: 'everywhere', args: {}, needs: [{ verb: 'list', resource: 'events' }] },
  { tool: 'namespaces_list', args: {}, needs: [{ verb: 'list', resource: 'namespaces' }] },
  {
    tool: 'nodes_log',
    args: { name: nodeName, query: 'kubelet' },
    needs: [
      { verb: 'get', resource: 'nodes' },
      { verb: 'get', resource: 'nodes/proxy' },
    ],
    refused: 'it reads files of the node, which nobody can tell from the permission',
  },
  {
    tool: 'nodes_stats_summary',
    args: { name: nodeName },
    needs: [
      { verb: 'get', resource: 'nodes' },
      { verb: 'get', resource: 'nodes/proxy' },
    ],
  },
  {
    tool: 'nodes_top',
    args: {},
    needs: [
      { verb: 'list', group: 'metrics.k8s.io', resource: 'nodes' },
      { verb: 'list', resource: 'nodes' },
    ],
  },
  {
    tool: 'pods_delete',
    args: { namespace, name: 'doomed' },
    needs: [read('pods'), read('pods', 'delete')],
    object: pod('doomed'),
  },
  {
    tool: 'pods_exec',
    args: { namespace, name: 'web', command: ['ls'] },
    needs: [read('pods'), read('pods/exec', 'create')],
    beside: [read('pods/exec')],
  },
  { tool: 'pods_get', args: { namespace, name: 'web' }, needs: [read('pods')] },
  { tool: 'pods_list', args: {}, needs: [{ verb: 'list', resource: 'pods' }] },
  { tool: 'pods_list_in_namespace', args: { namespace }, needs: [read('pods', 'list')] },
  { tool: 'pods_log', args: { namespace, name: 'web' }, needs: [read('pods'), read('pods/log')] },
  {
    tool: 'pods_run',
    args: { namespace, name: 'run', image: 'registry.example.com/web:1.0' },
    needs: [read('pods', 'create'), read('pods', 'patch')],
  },
  { tool: 'pods_top', args: {}, needs: [{ verb: 'list', group: 'metrics.k8s.io', resource: 'pods' }] },
  { tool: 'projects_list', args: {}, needs: [{ verb: 'list', group: 'project.openshift.io', resource: 'projects' }] },
  {
    tool: 'resources_create_or_update',
    args: { resource: JSON.stringify(configMap('made')) },
    needs: [read('configmaps', 'create'), read('configmaps', 'patch')],
  },
  {
    tool: 'resources_delete',
    args: { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'doomed' },
    needs: [read('configmaps', 'delete')],
    object: configMap('doomed'),
  },
  {
    tool: 'resources_get',
    args: { apiVersion: 'v1', kind: 'Secret', namespace, name: 'key' },
    needs: [read('secrets')],
  },
  { tool: 'resources_list', args: { apiVersion: 'v1', kind: 'Secret', namespace }, needs: [read('secrets', 'list')] },
  {
    tool: 'resources_scale',
    args: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web', scale: 3 },
    needs: [
      { verb: 'get', group: 'apps', resource: 'deployments/scale', namespace },
      { verb: 'update', group: 'apps', resource: 'deployments/scale', namespace },
    ],
  },
]

export interface Difference extends Omit<ToolCase, 'refused' | 'beside'> {
  readonly what: string
}

/**
 * What a user with these permissions, and no others, may do at the API server and not at the gateway, which has to decide by
 * what the call says. The other way round there is nothing but `deletesService`. docs/catalogs.md has them all.
 */
export const differences: readonly Difference[] = [
  {
    what: 'a connection that may not be upgraded by GET is upgraded by POST, which takes another verb; which comes first is a setting',
    ...{ tool: 'pods_exec', args: { namespace, name: 'web', command: ['ls'] } },
    needs: [read('pods'), read('pods/exec', 'create')],
  },
  ...[
    { tool: 'pods_list', args: {}, resource: 'pods' },
    { tool: 'events_list', args: {}, resource: 'events' },
    { tool: 'resources_list', args: { apiVersion: 'v1', kind: 'ConfigMap' }, resource: 'configmaps' },
  ].map(({ tool, args, resource }) => ({
    what: 'who may not list everywhere silently gets the default namespace instead of what was asked for',
    ...({ tool, args } as const),
    needs: [{ verb: 'list', resource, namespace: 'default' }],
  })),
  {
    what: 'what is there already is only patched, which nobody knows beforehand',
    ...{ tool: 'resources_create_or_update' },
    args: { resource: JSON.stringify(configMap('there')) },
    needs: [read('configmaps', 'patch')],
    object: configMap('there'),
  },
]

/** A pod that pods_run made with a port has a Service, which the server deletes with it; pods that others made have none. */
export const deletesService: ToolCase = {
  ...{ tool: 'pods_delete', args: { namespace, name: 'doomed' } },
  needs: [read('pods'), read('pods', 'delete')],
  object: {
    ...pod('doomed'),
    metadata: {
      ...{ name: 'doomed', namespace },
      labels: { 'app.kubernetes.io/managed-by': 'kubernetes-mcp-server', 'app.kubernetes.io/name': 'doomed' },
    },
  },
}

/** What the cases are about, and the kinds that only an add-on or OpenShift has: there are no nodes that could be measured. */
export const world = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  ...[pod('web'), deployment],
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key', namespace } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } },
  customResource('metrics.k8s.io', 'v1beta1', 'NodeMetrics', 'nodes', 'Cluster'),
  customResource('metrics.k8s.io', 'v1beta1', 'PodMetrics', 'pods', 'Namespaced'),
  customResource('project.openshift.io', 'v1', 'Project', 'projects', 'Cluster'),
]

function customResource(group: string, version: string, kind: string, plural: string, scope: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
    spec: {
      ...{ group, scope, names: { kind, plural, singular: kind.toLowerCase() } },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  }
}

export function describeNeed({ verb, group = '', resource, namespace: where }: Need): string {
  return `${verb} ${group === '' ? '' : `${group}/`}${resource}${where === undefined ? '' : ` in ${where}`}`
}

/** RBAC objects that give a user some permissions. */
export function rolesFor(user: string, needs: readonly Need[]): object[] {
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }]
  return needs.flatMap(({ verb, group = '', resource, namespace: where }, index) => {
    const prefix = where === undefined ? 'Cluster' : ''
    const metadata = { name: `${user}-${index}`, ...(where === undefined ? {} : { namespace: where }) }
    const apiVersion = 'rbac.authorization.k8s.io/v1'
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefix}Role`, name: metadata.name }
    return [
      {
        apiVersion,
        kind: `${prefix}Role`,
        metadata,
        rules: [{ apiGroups: [group], resources: [resource], verbs: [verb] }],
      },
      { apiVersion, kind: `${prefix}RoleBinding`, metadata, subjects, roleRef },
    ]
  })
}
