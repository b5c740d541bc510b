import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKubernetesMcpServer } from '../../src/demo/kubernetes-mcp-server.js'
import type { McpServer } from '../../src/demo/mcp-server.js'
import { rawPost } from '../../src/demo/raw-post.js'
import { isJsonObject } from '../../src/protocol/json-value.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'
import { brief, server as kubernetes, shippedCatalog } from '../../src/rbac/catalog.fixture.js'
import { prompts as promptRows, tools as toolRows } from '../../src/rbac/kubernetes-mcp-server.fixture.js'
import type { CatalogTool } from '../../src/rbac/tool-catalog.js'
import { covers, describeSeen } from './support/covers.js'
import { type RecordingApiServer, startRecordingApiServer } from './support/recording-api-server.js'

const catalog = shippedCatalog('kubernetes-mcp-server')
const runs = Number(process.env.CATALOG_FUZZ_RUNS ?? 25)

/** Values as JSON texts, because only a text tells `3` from `3.0`. */
const odd = ['null', 'true', 'false', '0', '3', '-1', '1.5', '3.0', '1e2', '[]', '["dev"]', '{}', '""', '" "', '"0"']
/** What becomes another object, another field or no text at all where a server fills arguments into YAML. */
const injections = [
  'x\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: z\n  namespace: kube-system\n#',
  ...['x', 'x"', "x'"].map(start => `${start}\nmetadata:\n  name: z\n  namespace: kube-system\n#`),
  ...['a #b', '"a"', '&x a', '!!str a', 'a: b', '{a: b}', '|', '~', '*x', 'a:', '- a'],
]
const names = [
  ...['a', 'a.b', 'A_b', 'a b', ' a', 'a ', 'a?b', 'a#b', 'a&b=c', 'a;b', 'a:b', 'a\\b', 'a+b', 'a@b', '*', '~', '-'],
  ...['...', '.a', 'a/b', '..', '.', '%2e%2e', 'a%2fb', 'é', '😀', 'a\u200bb', '\u202ea', 'a\n', 'a\u0000', 'a\u0085'],
  ...[
    'system:x',
    'deployment/a',
    'default',
    'proxy',
    'log',
    'namespaces',
    'x'.repeat(253),
    'x'.repeat(254),
    "a'b",
    'a"b',
  ],
  ...injections,
]
const namespaces = [
  ...['dev', 'home', 'kube-system', 'a-b', '0', 'on', '1e3', 'null', '0x1'],
  ...['Dev', 'dev ', ' dev', 'dev\n', 'dev\t', '.', '..', 'dev/..', 'dev/../kube-system', '../..', 'a.b', 'dev%2f..'],
  ...['*', 'all', 'x'.repeat(63), 'x'.repeat(64), 'dev?', 'dev#', 'dev,home', '-', 'dev-', '１', 'dev\u0000'],
]
const kinds: readonly (readonly [string, string])[] = [
  ...[
    ['v1', 'Pod'],
    ['v1', 'Secret'],
    ['v1', 'Node'],
    ['v1', 'Namespace'],
    ['v1', 'ConfigMap'],
    ['v1', 'Event'],
    ['v1', 'ServiceAccount'],
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'StatefulSet'],
    ['apps/v1', 'DaemonSet'],
    ['batch/v1', 'CronJob'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
    ['storage.k8s.io/v1', 'StorageClass'],
  ],
  ...[
    ['V1', 'Pod'],
    ['/v1', 'Pod'],
    ['core/v1', 'Pod'],
    ['v1 ', 'Pod'],
    ['v1/', 'Pod'],
    ['v1', 'pod'],
    ['v1', 'pods'],
    ['v1', 'Pods'],
    ['v1', 'POD'],
    ['v1', 'Pod '],
    ['v1', 'PodList'],
    ['v1', 'List'],
    ['v1', 'Pod/log'],
    ['v1', 'pods/log'],
    ['v1', ''],
    ['', 'Pod'],
    ['apps', 'Deployment'],
    ['v1', 'Deployment'],
    ['apps/v2', 'Deployment'],
    ['apps/v1', 'Scale'],
    ['autoscaling/v1', 'Scale'],
    ['authorization.k8s.io/v1', 'SelfSubjectAccessReview'],
    ['metrics.k8s.io/v1beta1', 'PodMetrics'],
    ['v1', 'Po\u017f'],
  ],
] as [string, string][]

const quoted = (texts: readonly string[]) => texts.map(text => JSON.stringify(text))
const selectors = quoted(['a=b', 'a=b&watch=true', 'a in (b, c)', '!a', '', 'a=b#', 'a=b&fieldSelector=x', '=', '\n'])
const numbers = ['0', '1', '3', '-1', '3.0', '1e2', '0.5', '"3"', 'null', '2147483648', '9223372036854775807', '""']
const actions = quoted([
  ...[
    'start',
    'stop',
    'restart',
    'pause',
    'unpause',
    'cancel',
    'Cancel',
    'RESTART',
    ' restart',
    'restart\n',
    '',
    'other',
  ],
  ...['all', 'os', 'filesystem', 'users', 'network', 'Network'],
])

function valuesOf(argument: string): readonly string[] {
  switch (argument) {
    case 'namespace':
      return [...quoted(namespaces), '""', 'null']
    case 'name':
    case 'workspace':
    case 'template_name':
    case 'targetName':
    case 'container':
      return quoted(names)
    case 'labelSelector':
    case 'fieldSelector':
    case 'label_selector':
      return selectors
    case 'scale':
    case 'port':
    case 'tail':
    case 'tailLines':
    case 'gracePeriodSeconds':
      return numbers
    case 'action':
    case 'info_type':
      return actions
    case 'all_namespaces':
    case 'previous':
    case 'autostart':
    case 'check_events':
      return ['true', 'false', '"true"', '"false"', 'null', '1', '0', '""', '"TRUE"']
    case 'command':
      return ['["ls"]', '[]', '"ls"', '["sh","-c","id"]', '[null]', '[1]']
    case 'context':
      return ['"ctx-a"', '"ctx-b"', '""', 'null', '" "', '"ctx-z"', '1']
    case 'params':
      return ['{}', '{"a":"b"}', '{"a":["b"]}', 'null', '[]', '"x"']
    case 'workload':
    case 'size':
    case 'storage':
    case 'instancetype':
    case 'preference':
    case 'performance':
    case 'networks':
      return quoted(['small', 'fedora', 'quay.io/x/y:z', ...injections])
    case 'image':
      return quoted(['nginx', 'fedora', 'quay.io/x/y:z', '', ' ', 'a b', 'x@sha256:0'])
    default:
      return quoted([...names.slice(0, 8), ...namespaces.slice(0, 4), ...injections])
  }
}

/** An object, as a text, of anything that may be in it. */
function anyArguments(tool: CatalogTool): fc.Arbitrary<string> {
  const listed = [...(tool.arguments ?? [])].filter(one => one !== 'context')
  const good = (values: readonly string[]) => fc.constantFrom(...values.slice(0, 5))
  const member = (argument: string) => {
    const values = valuesOf(argument)
    return fc
      .oneof(
        { weight: 5, arbitrary: good(values) },
        { weight: 5, arbitrary: fc.constantFrom(...values) },
        { weight: 1, arbitrary: fc.constantFrom(...odd) },
        { weight: 2, arbitrary: fc.constant(undefined) },
      )
      .map(value => (value === undefined ? [] : [`${JSON.stringify(argument)}:${value}`]))
  }
  const rest = listed.filter(argument => argument !== 'apiVersion' && argument !== 'kind').map(member)
  const kind = fc
    .oneof(
      { weight: 2, arbitrary: fc.constantFrom(...kinds.slice(0, 14)) },
      { weight: 1, arbitrary: fc.constantFrom(...kinds) },
    )
    .map(([apiVersion, kind]) => [`"apiVersion":${JSON.stringify(apiVersion)}`, `"kind":${JSON.stringify(kind)}`])
  const parts = listed.includes('kind') ? [kind, ...rest] : rest
  const context = fc.oneof(
    { weight: 12, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.constantFrom(...valuesOf('context')).map(value => [`"context":${value}`]) },
  )
  return fc.tuple(...parts, context).map(members => `{${members.flat().join(',')}}`)
}

/** The arguments of the catalogue's tests that are allowed, each member as a JSON text. */
function examplesOf(tool: CatalogTool): readonly (readonly (readonly [string, string])[])[] {
  const rows = (toolRows[tool.name] ?? promptRows[tool.name])?.allowed ?? []
  return rows.map(([args]) => Object.entries(args).map(([key, value]) => [key, textOf(value)] as const))
}

function objectText(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}

/** An example of the catalogue's tests, with one or two of its members changed or added. */
function changedExamples(tool: CatalogTool): fc.Arbitrary<string> {
  const examples = examplesOf(tool)
  const listed = [...(tool.arguments ?? [])]
  const change = fc
    .constantFrom(...listed)
    .chain(argument => fc.constantFrom(...valuesOf(argument), ...odd).map(value => [argument, value] as const))
  return fc
    .tuple(fc.constantFrom(...examples), fc.array(change, { minLength: 1, maxLength: 2 }))
    .map(([example, changes]) => objectText(new Map([...example, ...changes])))
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? Number(item) : item))
}

let api: RecordingApiServer
let server: McpServer
let headers: Record<string, string>
beforeAll(async () => {
  api = await startRecordingApiServer()
  const args = ['--toolsets', 'core,config,helm,kcp,kubevirt,tekton']
  server = await startKubernetesMcpServer({ kubeconfig: api.kubeconfig, args })
  const clientInfo = { name: 'fuzz', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  const opened = await rawPost({
    url: server.url,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
  headers = { 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  await rawPost({ url: server.url, headers, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' })
})
afterAll(async () => {
  await server?.stop()
  await api?.stop()
})

const bounded = [...catalog.tools.values(), ...catalog.prompts.values()].filter(
  ({ name, refuse }) => refuse === undefined && name !== 'resources_create_or_update',
)

describe('whatever the arguments of an allowed call, the server does nothing that was not asked for', () => {
  it.each(bounded.map(tool => [tool.name, tool] as const))(
    '%s',
    async (name, tool) => {
      const isTool = catalog.tools.has(name)
      let allowed = 0
      await fc.assert(
        fc.asyncProperty(fc.oneof(anyArguments(tool), changedExamples(tool)), async text => {
          const parsed = parseStrictJson(Buffer.from(text))
          if (!parsed.ok || !isJsonObject(parsed.value)) return
          const resolved = tool.resolve(parsed.value, kubernetes)
          if (!resolved.ok) return
          allowed++
          api.forget()
          const method = isTool ? 'tools/call' : 'prompts/get'
          const body = `{"jsonrpc":"2.0","id":2,"method":"${method}","params":{"name":"${name}","arguments":${text}}}`
          await rawPost({ url: server.url, headers, body })
          const beyond = api.seen.filter(seen => !resolved.operations.some(one => covers(one, seen)))
          expect({ beyond: beyond.map(describeSeen), asked: resolved.operations.map(brief) }).toEqual({
            beyond: [],
            asked: expect.anything(),
          })
          const strange = api.strange.filter(path => !path.startsWith('GET /clusters/root/apis/tenancy.kcp.io/'))
          expect(strange).toEqual([])
        }),
        // One that is allowed as it is comes first, so that something was tried whatever chance brings.
        {
          numRuns: runs,
          examples: examplesOf(tool)
            .slice(0, 1)
            .map(example => [objectText(example)]),
        },
      )
      expect(allowed).toBeGreaterThan(0)
    },
    600_000,
  )
})
