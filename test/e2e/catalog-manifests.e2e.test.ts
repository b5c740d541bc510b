import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectedClient, connectV1 } from '../../src/demo/clients.js'
import { startKubernetesMcpServer } from '../../src/demo/kubernetes-mcp-server.js'
import type { McpServer } from '../../src/demo/mcp-server.js'
import type { JsonValue } from '../../src/protocol/json-value.js'
import { caller, shippedCatalog } from '../../src/rbac/catalog.fixture.js'
import { type RecordingApiServer, startRecordingApiServer } from './support/recording-api-server.js'

const { call } = caller(shippedCatalog('kubernetes-mcp-server'))

let api: RecordingApiServer
let server: McpServer
let client: ConnectedClient<unknown>
beforeAll(async () => {
  api = await startRecordingApiServer()
  server = await startKubernetesMcpServer({ kubeconfig: api.kubeconfig, args: ['--toolsets', 'core'] })
  client = await connectV1({ url: server.url })
})
afterAll(async () => {
  await client?.close()
  await server?.stop()
  await api?.stop()
})

interface Written {
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly object: unknown
}

/** What we judge; undefined where we refuse the text. */
function judged(resource: string): readonly Written[] | undefined {
  const resolved = call('resources_create_or_update', { resource })
  if (!resolved.ok) return undefined
  return resolved.operations
    .filter(({ verb }) => verb === 'patch')
    .map(one => ({
      resource: `${one.group}/${one.resource}`,
      ...{ namespace: one.namespace, name: one.name },
      object: comparable(plain(one.object ?? null)),
    }))
}

/** What the server writes. */
async function written(resource: string): Promise<readonly Written[]> {
  api.forget()
  await client.callTool('resources_create_or_update', { resource })
  return api.seen.map(one => ({
    resource: `${one.group}/${one.resource}`,
    ...{ namespace: one.namespace, name: one.name },
    object: comparable(one.body),
  }))
}

function plain(value: JsonValue): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return Array.isArray(value) ? value.map(item => plain(item)) : value
}

/** Without what the server drops or adds: `status`, and where the namespace was left out. */
function comparable(object: unknown): unknown {
  const { status: _, metadata, ...rest } = Object(object)
  const { namespace: __, creationTimestamp: ___, ...others } = Object(metadata)
  return { ...rest, metadata: others }
}

const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n'
const two = `${head}---\n${head.replace('name: a', 'name: b')}`

describe('what we read is what the server writes', () => {
  it.each<[string, string]>([
    ['one object', head],
    ['JSON', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"dev"},"data":{"x":"1"}}'],
    ['JSON over lines, with tabs', '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "a"}\n}'],
    ['two documents', two],
    ['with line ends of Windows', two.replaceAll('\n', '\r\n')],
    ['JSON and YAML', `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}\n---\n${head}`],
    ['a namespace', `${head}  namespace: dev\n`],
    ['a cluster-scoped object', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n'],
    ['block texts', `${head}data:\n  a: |\n    b\n      c\n\n  d: >-\n    e\n    f\n  g: |+\n    h\n\n`],
    ['quoted words', `${head}data: { a: "on", b: '0123', c: "1e3", d: "~", "y": "n" }\n`],
    ['numbers and flags', `${head}x: { a: 1, b: -2, c: 1.5, d: true, e: False, f: ~, g: null, h: 9007199254740991 }\n`],
    ['escapes', `${head}data: { a: "\\u00e9\\n\\t\\"\\\\", b: 'it''s' }\n`],
    ['lists', `${head}x:\n- 1\n- [a, b]\n- { c: d }\n-\n  - e\n`],
    ['text of other scripts', `${head}data: { a: é€😀, b: "日本" }\n`],
  ])('%s', async (_name, text) => {
    const ours = judged(text)
    expect(ours).toBeDefined()
    expect(ours).toEqual(await written(text))
  })
})

describe('a document that says nothing ends what the server writes, but not what we judge', () => {
  it.each<[string, string]>([
    ['with a marker before and behind', `---\n${two}---\n`],
    ['with comments', `# first\n${head}# then\n---\n# nothing\n---\n${head.replace('name: a', 'name: c')}`],
  ])('%s', async (_name, text) => {
    const ours = judged(text)
    const theirs = await written(text)
    expect(ours?.length).toBe(2)
    expect(theirs).toEqual(ours?.slice(0, theirs.length))
    expect(theirs.length).toBeLessThan(2)
  })
})

describe('what the server reads in another way than others is refused', () => {
  const secretly = (namespace: string) => `${head}  namespace: ${namespace}\n`
  it.each<[string, string, string]>([
    ['a repeated key', `${secretly('dev')}  namespace: kube-system\n`, 'kube-system'],
    ['a tag', secretly('!!binary a3ViZS1zeXN0ZW0='), 'kube-system'],
    ['a merge key', `x: &x { namespace: kube-system }\n${head}  <<: *x\n`, 'kube-system'],
    ['an alias', `x: &x kube-system\n${secretly('*x')}`, 'kube-system'],
    ['a word that was a flag', secretly('on'), 'home'],
    ['an octal number', secretly('0123'), 'home'],
    ['a namespace that is null', secretly('~'), 'home'],
  ])('%s', async (_name, text, namespace) => {
    expect(judged(text)).toBeUndefined()
    expect((await written(text)).map(one => one.namespace)).toEqual([namespace])
  })

  it.each<[string, string]>([
    ['a marker with a space behind', two.replace('---\n', '--- \n')],
    ['a marker with a comment', two.replace('---\n', '--- # next\n')],
    ['a directive', `%YAML 1.1\n---\n${head}`],
    ['a second document behind a lone carriage return', two.replace('\n---\n', '\r---\r')],
  ])('%s', async (_name, text) => {
    expect(judged(text)).toBeUndefined()
    // Some of it is dropped without a word, or taken for something else.
    expect((await written(text)).length).toBeLessThan(2)
  })
})

it('random texts are refused, or the server writes what we read, or the first of it', async () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      'b: c',
      ': ',
      '- ',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ',',
      '\n',
      '\n  ',
      '\n---\n',
      '\n--- ',
      '#',
      ' # x',
      '|',
      '>-',
    ],
    ...[
      '&a ',
      '*a',
      '!!str ',
      '<<: ',
      '? ',
      '~',
      '1',
      '0x1',
      '1_0',
      '12:30',
      '.5',
      'on',
      'true',
      '\t',
      '\\n',
      'é',
      '\u00a0',
    ],
    ...[
      '%YAML 1.1\n',
      '...',
      'x: {y: z}',
      'x: [1, 2]',
      '\r\n',
      '\u2028',
      '-',
      '2024-01-01',
      'null',
      '=',
      '@',
      '`',
      '"a"',
    ],
    ...["'b'", '[a, b]', '{ a: b }', ' ', 'a b', 'v1.2', '10m', '- a\n', '|\n    a\n', '"\\u0061"', '1.50', '-0', '00'],
  )
  const some = (most: number) => fc.array(piece, { maxLength: most }).map(pieces => pieces.join(''))
  const text = fc.tuple(some(2), some(3), fc.boolean()).map(([inside, behind, again]) => {
    return `${head}x: ${inside}\nw:\n  z: ${behind}\n${again ? `---\n${head}` : ''}`
  })
  let read = 0
  await fc.assert(
    fc.asyncProperty(text, async given => {
      const ours = judged(given)
      if (ours === undefined) return
      read++
      const theirs = await written(given)
      expect(theirs).toEqual(ours.slice(0, theirs.length))
    }),
    { numRuns: Number(process.env.MANIFEST_RUNS ?? 250) },
  )
  expect(read).toBeGreaterThan(30)
}, 600_000)
