import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ConnectedClient, connectV1 } from '../../src/demo/clients.js'
import { startKubernetesMcpServer } from '../../src/demo/kubernetes-mcp-server.js'
import type { McpServer } from '../../src/demo/mcp-server.js'
import { type Args, caller, shippedCatalog } from '../../src/rbac/catalog.fixture.js'
import { prompts as promptRows, tools as toolRows } from '../../src/rbac/kubernetes-mcp-server.fixture.js'
import type { Operation } from '../../src/rbac/operation.js'
import { covers, describeSeen, kindOf } from './support/covers.js'
import { type RecordingApiServer, startRecordingApiServer } from './support/recording-api-server.js'

const allToolsets = 'core,config,helm,kcp,kiali,kubevirt,netobserv,tekton'
const catalog = shippedCatalog('kubernetes-mcp-server')
const { call } = caller(catalog)

const Requirement = z.strictObject({
  verbs: z.array(z.string()),
  target: z.strictObject({
    resource: z
      .strictObject({ apiGroup: z.string().default(''), resource: z.string(), subresource: z.string().default('') })
      .optional(),
    gvk: z
      .strictObject({ apiVersionArgument: z.string(), kindArgument: z.string(), subresource: z.string().default('') })
      .optional(),
    manifest: z.strictObject({ argument: z.string() }).optional(),
  }),
  namespace: z.strictObject({ argument: z.string().optional(), all: z.boolean().optional() }).optional(),
  resourceName: z.strictObject({ argument: z.string() }).optional(),
})
const Rbac = z.strictObject({
  version: z.literal('v1alpha1'),
  none: z.strictObject({}).optional(),
  bounded: z.strictObject({ requirements: z.array(Requirement) }).optional(),
  unbounded: z.strictObject({ reason: z.string() }).optional(),
})
const metaKey = 'io.kubernetes-mcp-server/rbac'
const Meta = z.looseObject({ [metaKey]: Rbac })

interface Published {
  readonly name: string
  readonly arguments: readonly string[]
  readonly rbac: z.output<typeof Rbac>
}

let api: RecordingApiServer
let server: McpServer
let client: ConnectedClient<unknown>
let tools: readonly Published[]
let prompts: readonly Published[]
/** Of an example: calls the tool, or gets the prompt. What the server makes of the answer does not matter. */
let perform: (name: string, args: Args) => Promise<unknown>

beforeAll(async () => {
  api = await startRecordingApiServer()
  server = await startKubernetesMcpServer({ kubeconfig: api.kubeconfig, args: ['--toolsets', allToolsets] })
  const connected = await connectV1({ url: server.url })
  client = connected
  const { sdk } = connected
  tools = (await sdk.listTools()).tools.map(({ name, inputSchema, _meta }) => ({
    name,
    arguments: Object.keys(inputSchema.properties ?? {}),
    rbac: Meta.parse(_meta)[metaKey],
  }))
  prompts = (await sdk.listPrompts()).prompts.map(({ name, arguments: given = [], _meta }) => ({
    name,
    arguments: given.map(one => one.name),
    rbac: Meta.parse(_meta)[metaKey],
  }))
  perform = (name, args) => {
    const plain = Object.fromEntries(Object.entries(args).map(([key, value]) => [key, plainOf(value)]))
    if (catalog.tools.has(name)) return sdk.callTool({ name, arguments: plain })
    const texts = Object.entries(args).map(([key, value]) => [key, String(value)] as const)
    return sdk.getPrompt({ name, arguments: Object.fromEntries(texts) })
  }
})

afterAll(async () => {
  await client?.close()
  await server?.stop()
  await api?.stop()
})

const plainOf = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

describe('what kubernetes-mcp-server publishes with every toolset', () => {
  it('is in the catalogue: every tool and prompt, and no others', () => {
    expect(tools.map(({ name }) => name).sort()).toEqual([...catalog.tools.keys()].sort())
    expect(prompts.map(({ name }) => name).sort()).toEqual([...catalog.prompts.keys()].sort())
  })

  it('takes the arguments that the catalogue lists', () => {
    for (const { name, arguments: given } of [...tools, ...prompts]) {
      const entry = catalog.tools.get(name) ?? catalog.prompts.get(name)
      // `context` is honoured where no schema shows it, so the catalogue has it everywhere.
      expect([...(entry?.arguments ?? [])].sort(), name).toEqual([...new Set([...given, 'context'])].sort())
    }
  })
})

/**
 * Where the server names more than the catalogue asks for, and why. `configuration_view`, which calls itself harmless and
 * returns credentials, is refused, and so is whatever has no bounds.
 */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // Releases are kept in secrets unless the server is told otherwise, which then costs an entry in a copy of the catalogue.
  helm_list: ['list /configmaps'],
  // Only of pods that pods_run made with a port; docs/catalogs.md.
  pods_delete: [
    ...['list /services', 'delete /services'],
    ...['list route.openshift.io/routes', 'delete route.openshift.io/routes'],
  ],
  // On OpenShift only.
  pods_run: ['create route.openshift.io/routes', 'patch route.openshift.io/routes'],
  'cluster-health-check': ['list config.openshift.io/clusteroperators'],
}

it('every permission that the server names is asked for, but for documented exceptions', () => {
  for (const { name, rbac } of [...tools, ...prompts]) {
    const entry = catalog.tools.get(name) ?? catalog.prompts.get(name)
    if (rbac.unbounded !== undefined) {
      expect(entry?.refuse, name).toBeDefined()
      continue
    }
    const rows = toolRows[name]?.allowed ?? promptRows[name]?.allowed ?? []
    const asked = new Set(rows.flatMap(([args]) => operationsOf(name, args)).map(kindOf))
    // Written through the two rows of the table, whose kinds are the caller's choice.
    const chosen = new Set([...asked].map(operation => operation.replace(/ \S+?(\/scale)?$/, ' *$1')))
    const missing = (rbac.bounded?.requirements ?? []).flatMap(({ verbs, target }) =>
      verbs
        .map(verb => {
          if (target.resource === undefined) return `${verb} *${target.gvk?.subresource ? '/scale' : ''}`
          const { apiGroup, resource, subresource } = target.resource
          return kindOf({ verb, group: apiGroup, resource, subresource })
        })
        .filter(operation => !(operation.includes('*') ? chosen : asked).has(operation)),
    )
    expect(missing, name).toEqual(exceptions[name] ?? [])
  }
})

function operationsOf(name: string, args: Args): readonly Operation[] {
  const resolved = call(name, args)
  if (!resolved.ok) throw new Error(`${name}: ${resolved.message}`)
  return resolved.operations
}

const examples = Object.entries({ ...toolRows, ...promptRows }).flatMap(([name, { allowed = [] }]) =>
  allowed.map(([args]) => ({ name, args })),
)

describe('what the server asks the API server for is what the catalogue says', () => {
  it.each(examples)('$name $args', async ({ name, args }) => {
    api.forget()
    await perform(name, args).catch(() => undefined)
    const ours = operationsOf(name, args)
    expect(api.seen.filter(seen => !ours.some(one => covers(one, seen))).map(describeSeen)).toEqual([])
    // kcp keeps its workspaces below a path of their own.
    const strange = api.strange.filter(path => !path.startsWith('GET /clusters/root/apis/tenancy.kcp.io/'))
    expect(strange).toEqual([])
    const silent = name === 'kcp_workspaces_list' || name === 'windows-golden-image' || args.action === 'other'
    if (!silent) expect(api.seen.length).toBeGreaterThan(0)
  })
})

describe('why the catalogue is as strict as it is', () => {
  const paths = async (name: string, args: Args) => {
    api.forget()
    await perform(name, args).catch(() => undefined)
    return api.seen.map(describeSeen)
  }

  it.each<[string, string, Args, string]>([
    [
      'a namespace leads into another one',
      'pods_list_in_namespace',
      { namespace: 'dev-x/../kube-system' },
      'list /pods kube-system -',
    ],
    ['an empty namespace is all of them', 'pods_list_in_namespace', { namespace: '' }, 'list /pods - -'],
    ['an omitted one is the server’s own', 'pods_get', { name: 'a' }, 'get /pods home a'],
    ['or all of them', 'events_list', {}, 'list /events - -'],
    ['a kind is found in lower case', 'resources_list', { apiVersion: 'v1', kind: 'secret' }, 'list /secrets - -'],
    ['and with a slash before its version', 'resources_list', { apiVersion: '/v1', kind: 'Pod' }, 'list /pods - -'],
    [
      'an argument begins another object',
      'vm_create',
      {
        name: 'a',
        namespace: 'dev',
        workload: 'x\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: z\n  namespace: kube-system',
      },
      'patch /secrets kube-system z',
    ],
    ['a namespace is no text', 'vm_create', { name: 'a', namespace: 'on' }, 'patch kubevirt.io/virtualmachines home a'],
    ['a name is cut', 'vm_create', { name: ' a', namespace: 'dev' }, 'patch kubevirt.io/virtualmachines dev a'],
    ['an empty namespace is none', 'tekton_task_start', { name: 'a', namespace: '' }, 'get tekton.dev/tasks - a'],
    ['a prompt reads the cluster', 'cluster-health-check', {}, 'list /nodes - -'],
  ])('%s', async (_what, name, args, seen) => {
    expect(await paths(name, args)).toContain(seen)
  })

  it('a context is another cluster', async () => {
    const known = await client.callTool('namespaces_list', { context: 'ctx-b' })
    const unknown = await client.callTool('namespaces_list', { context: 'ctx-z' })
    expect([known.isError, unknown.isError]).toEqual([false, true])
  })
})
