import type { Args } from './catalog.fixture.js'

/** What an example of a row amounts to: operations in brief, the text of a refusal, or the reason for which it is denied. */
export interface Row {
  readonly allowed?: readonly (readonly [Args, readonly string[]])[]
  /** Refused for everybody, for this reason. */
  readonly refuse?: RegExp
  readonly denied: readonly (readonly [string, Args, string])[]
}

const argument = 'authorization.argument'
const namespace = 'authorization.namespace'
const cluster = 'authorization.cluster_unknown'
const kind = 'authorization.kind_unknown'
const manifest = 'message.manifest'

const pod = { apiVersion: 'v1', kind: 'Pod' }
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' }
const vm = { name: 'v', namespace: 'dev' }
const elsewhere = 'dev/../kube-system'
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n'
const kiali = /Kiali decides/
const plugin = /plugin .* decides/
const instance = 'virtualmachineinstances'

/** One row for each of the 52 tools, in the order of the server's own list. */
export const tools: Readonly<Record<string, Row>> = {
  configuration_contexts_list: { refuse: /addresses/, denied: [['an argument', { name: 'x' }, argument]] },
  configuration_view: { refuse: /credentials/, denied: [['another cluster', { context: 'ctx-a' }, cluster]] },
  events_list: {
    allowed: [
      [{}, ['list /events all -']],
      [{ namespace: 'dev', fieldSelector: 'type=Warning' }, ['list /events dev -']],
    ],
    denied: [['a namespace that leads elsewhere', { namespace: elsewhere }, namespace]],
  },
  helm_install: { refuse: /chart/, denied: [['an argument that it does not take', { repo: 'x' }, argument]] },
  helm_list: {
    allowed: [
      [{}, ['list /secrets home -']],
      [{ namespace: 'dev' }, ['list /secrets dev -']],
      [{ namespace: 'dev', all_namespaces: true }, ['list /secrets all -']],
    ],
    denied: [
      ['a flag as text', { all_namespaces: 'true' }, argument],
      ['a namespace that leads elsewhere', { namespace: elsewhere }, namespace],
    ],
  },
  helm_uninstall: { refuse: /release/, denied: [['another cluster', { name: 'r', context: 'x' }, cluster]] },
  kcp_workspace_describe: {
    allowed: [[{ workspace: 'team' }, ['get tenancy.kcp.io/workspaces cluster team']]],
    denied: [
      ['no workspace', {}, argument],
      ['a path', { workspace: '../x' }, argument],
    ],
  },
  kcp_workspaces_list: {
    allowed: [[{}, ['list tenancy.kcp.io/workspaces cluster -']]],
    denied: [['an argument', { workspace: 'x' }, argument]],
  },
  kiali_get_logs: { refuse: kiali, denied: [['an argument that it does not take', { pod: 'x' }, argument]] },
  kiali_get_mesh_status: { refuse: kiali, denied: [['an argument', { namespace: 'x' }, argument]] },
  kiali_get_mesh_traffic_graph: { refuse: kiali, denied: [['an argument too many', { namespace: 'x' }, argument]] },
  kiali_get_metrics: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_get_pod_performance: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_get_resource_details: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_get_trace_details: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_list_mesh_clusters: { refuse: kiali, denied: [['an argument', { name: 'x' }, argument]] },
  kiali_list_traces: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_manage_istio_config: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  kiali_manage_istio_config_read: { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] },
  namespaces_list: {
    allowed: [[{ fieldSelector: 'metadata.name=dev' }, ['list /namespaces cluster -']]],
    denied: [['an argument too many', { namespace: 'dev' }, argument]],
  },
  netobserv_export_flows: { refuse: plugin, denied: [['an argument too many', { name: 'x' }, argument]] },
  netobserv_get_flow_metrics: { refuse: plugin, denied: [['an argument too many', { name: 'x' }, argument]] },
  netobserv_list_flows: { refuse: plugin, denied: [['an argument too many', { name: 'x' }, argument]] },
  nodes_log: {
    refuse: /node itself/,
    allowed: [[{ name: 'n', query: 'kubelet' }, ['get /nodes cluster n', 'get /nodes/proxy cluster n']]],
    denied: [['a path as name', { name: 'n/../m', query: '/' }, argument]],
  },
  nodes_stats_summary: {
    allowed: [[{ name: 'n' }, ['get /nodes cluster n', 'get /nodes/proxy cluster n']]],
    denied: [['no name', {}, argument]],
  },
  nodes_top: {
    allowed: [
      [{}, ['list metrics.k8s.io/nodes cluster -', 'list /nodes cluster -']],
      [{ name: 'n' }, ['get metrics.k8s.io/nodes cluster n', 'list /nodes cluster -']],
    ],
    denied: [['a name that is no text', { name: 1n }, argument]],
  },
  pods_delete: {
    allowed: [
      [{ name: 'a' }, ['get /pods home a', 'delete /pods home a']],
      [{ name: 'a', namespace: 'dev' }, ['get /pods dev a', 'delete /pods dev a']],
    ],
    denied: [
      ['no name', { namespace: 'dev' }, argument],
      ['a namespace that leads elsewhere', { name: 'a', namespace: elsewhere }, namespace],
    ],
  },
  pods_exec: {
    allowed: [
      [
        { name: 'a', namespace: 'dev', command: ['ls'] },
        ['get /pods dev a', 'get /pods/exec dev a', 'create /pods/exec dev a'],
      ],
    ],
    denied: [['another cluster', { name: 'a', command: ['ls'], context: 'ctx-a' }, cluster]],
  },
  pods_get: {
    allowed: [
      [{ name: 'a' }, ['get /pods home a']],
      [{ name: 'a', namespace: 'dev' }, ['get /pods dev a']],
    ],
    denied: [['a namespace of another type', { name: 'a', namespace: ['dev'] }, namespace]],
  },
  pods_list: {
    allowed: [[{ labelSelector: 'app=web' }, ['list /pods all -']]],
    denied: [['a namespace, which the server would ignore', { namespace: 'dev' }, argument]],
  },
  pods_list_in_namespace: {
    allowed: [[{ namespace: 'dev' }, ['list /pods dev -']]],
    denied: [
      ['no namespace', {}, namespace],
      ['"", which the server takes for all', { namespace: '' }, namespace],
      ['a namespace that leads elsewhere', { namespace: elsewhere }, namespace],
      ['one that leads out', { namespace: 'dev/../../..' }, namespace],
    ],
  },
  pods_log: {
    allowed: [
      [{ name: 'a' }, ['get /pods/log home a', 'get /pods home a']],
      [{ name: 'a', namespace: 'dev', container: 'c' }, ['get /pods/log dev a']],
    ],
    denied: [['a path as name', { name: 'a/log' }, argument]],
  },
  pods_run: {
    allowed: [
      [{ image: 'nginx' }, ['create /pods home -', 'patch /pods home -']],
      [
        { image: 'nginx', name: 'a', namespace: 'dev', port: 80n },
        ['create /pods dev a', 'patch /pods dev a', 'create /services dev a', 'patch /services dev a'],
      ],
    ],
    denied: [
      ['no image', {}, argument],
      ['a port as text', { image: 'nginx', port: '80' }, argument],
    ],
  },
  pods_top: {
    allowed: [
      [{}, ['list metrics.k8s.io/pods all -']],
      [{ namespace: 'dev' }, ['list metrics.k8s.io/pods dev -']],
      [{ all_namespaces: false }, ['list metrics.k8s.io/pods home -']],
      [{ name: 'a', namespace: 'dev' }, ['get metrics.k8s.io/pods dev a']],
    ],
    denied: [['a flag as text', { all_namespaces: 'false' }, argument]],
  },
  projects_list: {
    allowed: [[{}, ['list project.openshift.io/projects cluster -']]],
    denied: [['another cluster', { context: 'ctx-a' }, cluster]],
  },
  resources_create_or_update: {
    allowed: [
      [{ resource: configMap }, ['create /configmaps home a', 'patch /configmaps home a']],
      [
        { resource: `${configMap}---\n{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b"}}` },
        [
          ...['create /configmaps home a', 'patch /configmaps home a'],
          ...['create /namespaces cluster b', 'patch /namespaces cluster b'],
        ],
      ],
    ],
    denied: [
      ['no document', { resource: '' }, manifest],
      ['an object that is no text', { resource: { kind: 'Pod' } }, argument],
      [
        'a role binding',
        {
          resource:
            'apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: { name: a }\nroleRef: { kind: ClusterRole, name: admin }',
        },
        'authorization.manifest_refused',
      ],
    ],
  },
  resources_delete: {
    allowed: [[{ ...pod, name: 'a', namespace: 'dev' }, ['delete /pods dev a']]],
    denied: [
      ['a kind in lower case', { apiVersion: 'v1', kind: 'secret', name: 'a' }, kind],
      ['no name', pod, argument],
    ],
  },
  resources_get: {
    allowed: [
      [{ ...pod, name: 'a' }, ['get /pods home a']],
      [{ apiVersion: 'v1', kind: 'Secret', name: 'a', namespace: 'dev' }, ['get /secrets dev a']],
    ],
    denied: [
      ['a kind in lower case', { apiVersion: 'v1', kind: 'secret', name: 'a' }, kind],
      ['an apiVersion with a slash before', { apiVersion: '/v1', kind: 'Secret', name: 'a' }, kind],
      ['a path as name', { ...pod, name: '../../secrets/a' }, argument],
      [
        'a namespace, for a kind without',
        { apiVersion: 'v1', kind: 'Namespace', name: 'a', namespace: 'dev' },
        namespace,
      ],
    ],
  },
  resources_list: {
    allowed: [
      [deployment, ['list apps/deployments all -']],
      [{ ...deployment, namespace: 'dev' }, ['list apps/deployments dev -']],
      [{ apiVersion: 'v1', kind: 'Node' }, ['list /nodes cluster -']],
    ],
    denied: [
      ['a namespace that leads elsewhere', { ...deployment, namespace: elsewhere }, namespace],
      ['one, for a kind without', { apiVersion: 'v1', kind: 'Node', namespace: elsewhere }, namespace],
      ['a namespace, for a kind without', { apiVersion: 'v1', kind: 'Node', namespace: 'dev' }, namespace],
    ],
  },
  resources_scale: {
    allowed: [
      [{ ...deployment, name: 'a' }, ['get apps/deployments/scale home a']],
      [
        { ...deployment, name: 'a', namespace: 'dev', scale: 3n },
        ['get apps/deployments/scale dev a', 'update apps/deployments/scale dev a'],
      ],
    ],
    denied: [
      ['a count as text', { ...deployment, name: 'a', scale: '3' }, argument],
      ['what cannot be scaled', { ...pod, name: 'a', scale: 3n }, kind],
    ],
  },
  tekton_pipeline_start: {
    allowed: [
      [{ name: 'p' }, ['get tekton.dev/pipelines home p', 'create tekton.dev/pipelineruns home -']],
      [{ ...vm, params: { a: 'b' } }, ['get tekton.dev/pipelines dev v', 'create tekton.dev/pipelineruns dev -']],
    ],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '' }, namespace],
      ['no name', {}, argument],
    ],
  },
  tekton_pipelinerun_lifecycle: {
    allowed: [
      [{ ...vm, action: 'restart' }, ['get tekton.dev/pipelineruns dev v', 'create tekton.dev/pipelineruns dev -']],
      [{ ...vm, action: 'cancel' }, ['get tekton.dev/pipelineruns dev v', 'patch tekton.dev/pipelineruns dev v']],
      [
        { ...vm, action: 'other' },
        [
          ...['get tekton.dev/pipelineruns dev v', 'patch tekton.dev/pipelineruns dev v'],
          'create tekton.dev/pipelineruns dev -',
        ],
      ],
    ],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '', action: 'cancel' }, namespace],
      ['an action that is no text', { ...vm, action: ['cancel'] }, argument],
    ],
  },
  tekton_pipelinerun_logs: {
    allowed: [
      [
        { name: 'r' },
        ['get tekton.dev/pipelineruns home r', 'list tekton.dev/taskruns home -', 'get /pods/log home -'],
      ],
    ],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '' }, namespace],
      ['a namespace that leads elsewhere', { name: 'r', namespace: elsewhere }, namespace],
    ],
  },
  tekton_task_start: {
    allowed: [[vm, ['get tekton.dev/tasks dev v', 'create tekton.dev/taskruns dev -']]],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '' }, namespace],
      ['another cluster', { ...vm, context: 'x' }, cluster],
    ],
  },
  tekton_taskrun_logs: {
    allowed: [[vm, ['get tekton.dev/taskruns dev v', 'get /pods/log dev -']]],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '' }, namespace],
      ['a path as name', { name: 'a/b' }, argument],
    ],
  },
  tekton_taskrun_restart: {
    allowed: [[vm, ['get tekton.dev/taskruns dev v', 'create tekton.dev/taskruns dev -']]],
    denied: [
      ['"" as namespace, which is none at all', { name: 'v', namespace: '' }, namespace],
      ['no name', { namespace: 'dev' }, argument],
    ],
  },
  vm_clone: {
    allowed: [[{ ...vm, targetName: 'w' }, ['create clone.kubevirt.io/virtualmachineclones dev -']]],
    denied: [['"" as namespace, which is the server’s own', { name: 'v', namespace: '' }, namespace]],
  },
  vm_create: {
    allowed: [
      [
        { ...vm, workload: 'quay.io/containerdisks/fedora:41', storage: '30Gi', networks: ['net-a'] },
        [
          'list cdi.kubevirt.io/datasources all -',
          'list instancetype.kubevirt.io/virtualmachineclusterpreferences cluster -',
          'list instancetype.kubevirt.io/virtualmachinepreferences dev -',
          'list instancetype.kubevirt.io/virtualmachineclusterinstancetypes cluster -',
          'list instancetype.kubevirt.io/virtualmachineinstancetypes dev -',
          'create kubevirt.io/virtualmachines dev v',
          'patch kubevirt.io/virtualmachines dev v',
        ],
      ],
    ],
    denied: [
      ['a name that the server would shorten', { ...vm, name: ' v' }, argument],
      ['an object in another namespace', { ...vm, workload: 'x\n---\napiVersion: v1\nkind: Secret' }, argument],
      ['a field in a list', { ...vm, networks: [{ name: 'x\nmetadata: {}' }] }, argument],
      ['a namespace that is a number in YAML', { ...vm, namespace: '0' }, argument],
      ['no namespace', { name: 'v' }, namespace],
      ['a namespace that leads elsewhere', { name: 'v', namespace: elsewhere }, namespace],
    ],
  },
  vm_create_from_template: {
    allowed: [
      [
        { template_name: 't', namespace: 'dev' },
        ['create subresources.template.kubevirt.io/virtualmachinetemplates/create dev t'],
      ],
    ],
    denied: [['a path as name', { template_name: 't/..', namespace: 'dev' }, argument]],
  },
  vm_guest_info: {
    allowed: [
      [
        vm,
        [
          `get kubevirt.io/${instance} dev v`,
          ...['guestosinfo', 'filesystemlist', 'userlist', 'interfacelist'].map(
            part => `get subresources.kubevirt.io/${instance}/${part} dev v`,
          ),
        ],
      ],
      ...Object.entries({
        os: 'guestosinfo',
        filesystem: 'filesystemlist',
        users: 'userlist',
        network: 'interfacelist',
      }).map(
        ([info_type, part]) =>
          [
            { ...vm, info_type },
            [`get kubevirt.io/${instance} dev v`, `get subresources.kubevirt.io/${instance}/${part} dev v`],
          ] as const,
      ),
    ],
    denied: [['a kind of information that is no text', { ...vm, info_type: 1n }, argument]],
  },
  vm_lifecycle: {
    allowed: [
      ...['start', 'stop', 'restart'].map(
        action =>
          [
            { ...vm, action },
            ['get kubevirt.io/virtualmachines dev v', 'update kubevirt.io/virtualmachines dev v'],
          ] as const,
      ),
      ...['pause', 'unpause'].map(
        action =>
          [
            { ...vm, action },
            [
              ...['get kubevirt.io/virtualmachines dev v', 'update kubevirt.io/virtualmachines dev v'],
              `update subresources.kubevirt.io/${instance}/${action} dev v`,
            ],
          ] as const,
      ),
    ],
    denied: [['a path as name', { name: 'v/../w', namespace: 'dev', action: 'start' }, argument]],
  },
  vm_troubleshoot: {
    allowed: [
      [
        vm,
        [
          'get kubevirt.io/virtualmachines dev v',
          `get kubevirt.io/${instance} dev v`,
          'list kubevirt.io/virtualmachineinstancemigrations dev -',
          'get cdi.kubevirt.io/datavolumes dev -',
          'get /persistentvolumeclaims dev -',
          'list /pods dev -',
          'get /pods/log dev -',
          'list /events dev -',
          'get storage.k8s.io/storageclasses cluster -',
          'list storage.k8s.io/storageclasses cluster -',
        ],
      ],
    ],
    denied: [['no namespace', { name: 'v' }, namespace]],
  },
}

const kialiPrompt: Row = { refuse: kiali, denied: [['an argument too many', { name: 'x' }, argument]] }

/** One row for each of the 16 prompts. */
export const prompts: Readonly<Record<string, Row>> = {
  'cluster-health-check': {
    allowed: [
      [
        { namespace: 'dev', check_events: 'true' },
        [
          ...['list /nodes cluster -', 'get /namespaces cluster -', 'list /namespaces cluster -', 'list /pods dev -'],
          ...['list apps/deployments dev -', 'list apps/statefulsets dev -', 'list apps/daemonsets dev -'],
          ...['list /persistentvolumeclaims dev -', 'list /events dev -'],
        ],
      ],
    ],
    denied: [['a namespace that leads elsewhere', { namespace: elsewhere }, namespace]],
  },
  'hco-status': {
    allowed: [
      [
        {},
        [
          'list hco.kubevirt.io/hyperconvergeds all -',
          'list kubevirt.io/kubevirts all -',
          'list cdi.kubevirt.io/cdis cluster -',
          'list networkaddonsoperator.network.kubevirt.io/networkaddonsconfigs cluster -',
          'list /events all -',
        ],
      ],
    ],
    denied: [['another cluster', { context: 'ctx-a' }, cluster]],
  },
  'istio-config-review': kialiPrompt,
  'list-istio-config': kialiPrompt,
  'mesh-health-check': kialiPrompt,
  'mesh-list-applications': kialiPrompt,
  'mesh-list-namespaces': kialiPrompt,
  'mesh-list-services': kialiPrompt,
  'mesh-list-workloads': kialiPrompt,
  'mesh-topology': kialiPrompt,
  'pipeline-troubleshoot': {
    allowed: [
      [
        vm,
        [
          ...['get tekton.dev/pipelineruns dev v', 'get tekton.dev/pipelines dev -', 'list tekton.dev/taskruns dev -'],
          ...['get /pods/log dev -', 'list /events dev -', 'list pipelinesascode.tekton.dev/repositories dev -'],
          'list operator.tekton.dev/tektonconfigs cluster -',
        ],
      ],
    ],
    denied: [['no namespace', { name: 'r' }, namespace]],
  },
  'service-troubleshoot': kialiPrompt,
  'trace-analysis': kialiPrompt,
  'traffic-topology': kialiPrompt,
  'vm-troubleshoot': {
    allowed: [
      [
        vm,
        [
          ...['get kubevirt.io/virtualmachines dev v', `get kubevirt.io/${instance} dev v`, 'list /pods dev -'],
          ...['get /pods/log dev -', 'list /events dev -'],
        ],
      ],
    ],
    denied: [['a path as name', { name: '../v', namespace: 'dev' }, argument]],
  },
  'windows-golden-image': {
    allowed: [[{ winImageDownloadURL: 'https://example.com/x.iso' }, []]],
    denied: [['an argument too many', { name: 'x' }, argument]],
  },
}
