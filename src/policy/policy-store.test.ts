import { describe, expect, it } from 'vitest'
import { catalogs, errorsOf, memorySource, namesAsTokens, storeOf } from '../../test/support/policies.js'
import { formatFinding } from '../documents/format-finding.js'

const nobody = namesAsTokens({})
const server = (name: string, resource = `https://${name}.example.com/mcp`, more = '') => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: ${name} }
spec: { resource: "${resource}"${more} }
`
const guardrail = (name: string, expression: string, match = '{ servers: [files] }') => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Guardrail
metadata: { name: ${name} }
spec:
  match: ${match}
  validations:
  - expression: ${JSON.stringify(expression)}
`

describe('PolicyStore at start', () => {
  it('is in force when every document compiles', () => {
    const store = storeOf([memorySource({ 'a.yaml': server('files') })], nobody)
    const report = store.load()
    expect(errorsOf(report.findings)).toEqual([])
    expect(report).toMatchObject({ inForce: true, documents: 1, broken: [] })
    expect(store.current?.servers.byName('files')?.require).toEqual(['grants'])
  })

  it('refuses to be in force with a broken document', () => {
    const store = storeOf(
      [memorySource({ 'a.yaml': server('files'), 'b.yaml': guardrail('g', 'usr.username == "x"') })],
      nobody,
    )
    const report = store.load()
    expect(report.inForce).toBe(false)
    expect(store.current).toBeUndefined()
    expect(report.broken).toEqual(['Guardrail/g'])
    expect(report.findings[0]).toMatchObject({
      severity: 'error',
      subject: 'Guardrail/g',
      location: { file: 'b.yaml', line: 8 },
    })
    expect(report.findings[0]?.message).toContain('usr')
    expect(report.findings[0]?.hint).toContain('user')
  })

  it('becomes in force when the document is mended', () => {
    const files = { 'a.yaml': server('files'), 'b.yaml': guardrail('g', 'nope') }
    const store = storeOf([memorySource(files)], nobody)
    store.load()
    files['b.yaml'] = guardrail('g', 'true')
    expect(store.load().inForce).toBe(true)
  })

  it('governs what a broken guardrail names, and only that, when told to serve', () => {
    const files = {
      'a.yaml': server('files'),
      'c.yaml': server('other'),
      'b.yaml': guardrail('g', 'nope'),
    }
    const store = storeOf([memorySource(files)], nobody, 'serve')
    expect(store.load().inForce).toBe(true)
    const broken = (name: string) =>
      store.current?.broken
        .candidates({ server: name, tool: 't', catalogTool: undefined, call: toolCall })
        .map(rule => rule.name)
    expect(broken('files')).toEqual(['Guardrail/g'])
    expect(broken('other')).toEqual([])
  })

  it('governs everything when a file cannot be read at all', () => {
    const store = storeOf([memorySource({ 'a.yaml': server('files'), 'b.yaml': 'kind: [' })], nobody, 'serve')
    store.load()
    const rules = store.current?.broken.candidates({
      server: 'files',
      tool: 't',
      catalogTool: undefined,
      call: toolCall,
    })
    expect(rules?.map(rule => rule.name)).toEqual(['b.yaml'])
  })
})

const toolCall = {
  protocol: 'mcp',
  kind: 'request',
  era: 'legacy',
  version: undefined,
  id: '1',
  method: 'tools/call',
  target: { kind: 'tool', name: 't' },
  alsoTargets: [],
  params: undefined,
  arguments: undefined,
  sessionId: undefined,
} as const

describe('PolicyStore at run time', () => {
  const start = () => {
    const files: Record<string, string> = { 'a.yaml': server('files'), 'b.yaml': guardrail('g', 'true') }
    const store = storeOf([memorySource(files)], nobody)
    store.load()
    return { files, store }
  }

  it('keeps the last good version of a document that stops compiling, and says so', () => {
    const { files, store } = start()
    const before = store.current?.revision
    files['b.yaml'] = guardrail('g', 'nope')
    const report = store.load()
    expect(report).toMatchObject({ inForce: true, broken: ['Guardrail/g'] })
    expect(report.revision).toBe(before)
    expect(
      store.current?.guardrails.candidates({ server: 'files', tool: 't', catalogTool: undefined, call: toolCall }),
    ).toHaveLength(1)
    expect(
      store.current?.broken.candidates({ server: 'files', tool: 't', catalogTool: undefined, call: toolCall }),
    ).toHaveLength(0)
  })

  it('keeps all that a file held when its text breaks', () => {
    const { files, store } = start()
    files['b.yaml'] = 'a: b: c'
    const report = store.load()
    expect(report.broken).toEqual(['b.yaml'])
    expect(
      store.current?.guardrails.candidates({ server: 'files', tool: 't', catalogTool: undefined, call: toolCall }),
    ).toHaveLength(1)
  })

  it('drops a document that was deleted', () => {
    const { files, store } = start()
    delete files['b.yaml']
    const before = store.current?.revision
    expect(store.load()).toMatchObject({ documents: 1, broken: [] })
    expect(store.current?.revision).not.toBe(before)
  })

  it('gives the same revision for the same documents, whatever the order of files', () => {
    const { store } = start()
    const other = storeOf([memorySource({ 'b.yaml': guardrail('g', 'true'), 'a.yaml': server('files') })], nobody)
    other.load()
    expect(other.current?.revision).toBe(store.current?.revision)
  })

  it('gives the same revision wherever the files are mounted', () => {
    const text = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n'
    const revisions = ['a/x.yaml', 'b/y.yaml'].map(
      file => storeOf([memorySource({ [file]: text })], nobody).load().revision,
    )
    expect(revisions[0]).toBe(revisions[1])
  })

  it('keeps a Server whose catalogue went away', () => {
    const files: Record<string, string> = {
      'a.yaml': server('files', 'https://files.example.com/mcp', ', catalog: kubernetes-mcp-server'),
    }
    let present = true
    const vanishing = { ...catalogs, read: () => (present ? catalogs.read() : { files: [], findings: [] }) }
    const store = storeOf([vanishing, memorySource(files)], nobody)
    expect(errorsOf(store.load().findings)).toEqual([])
    present = false
    const report = store.load()
    expect(report.broken).toEqual(['Server/files'])
    expect(store.current?.servers.byName('files')?.catalog?.name).toBe('kubernetes-mcp-server')
  })
})

describe('authority of sources', () => {
  it('refuses a kind that a source may not hold', () => {
    const store = storeOf([memorySource({ 'a.yaml': server('files') }, { kinds: ['Grant', 'Guardrail'] })], nobody)
    expect(errorsOf(store.load().findings)[0]).toContain('may not hold a Server')
  })

  it('lets the more trusted source win, and reports the other', () => {
    const store = storeOf(
      [
        memorySource({ 'low.yaml': server('files', 'https://low.example.com/mcp') }, { trust: 10, name: 'low' }),
        memorySource({ 'high.yaml': server('files', 'https://high.example.com/mcp') }, { trust: 20, name: 'high' }),
      ],
      nobody,
    )
    const report = store.load()
    expect(store.current?.servers.byName('files')?.host).toBe('high.example.com')
    expect(report.findings).toMatchObject([{ severity: 'warning', location: { file: 'low.yaml' } }])
  })

  it('loads neither of two equals, and denies what a guardrail among them could govern', () => {
    const store = storeOf(
      [
        memorySource({
          'a.yaml': server('files'),
          'b.yaml': guardrail('g', 'true'),
          'c.yaml': guardrail('g', 'false'),
        }),
      ],
      nobody,
      'serve',
    )
    const report = store.load()
    expect(errorsOf(report.findings)).toHaveLength(2)
    const matched = { server: 'files', tool: 't', catalogTool: undefined, call: toolCall } as const
    expect(store.current?.guardrails.candidates(matched)).toEqual([])
    expect(store.current?.broken.candidates(matched).map(rule => rule.name)).toEqual(['Guardrail/g', 'Guardrail/g'])
  })

  it('refuses two Servers at one address', () => {
    const store = storeOf(
      [
        memorySource({
          'a.yaml': server('one', 'https://x.example.com/mcp'),
          'b.yaml': server('two', 'https://X.example.com:443/mcp'),
        }),
      ],
      nobody,
    )
    expect(errorsOf(store.load().findings)).toHaveLength(2)
  })
})

describe('findings', () => {
  it('of one document are a hundred at most, and a number', () => {
    const catalog = `
apiVersion: mcp-authz.dev/v1alpha1
kind: ToolCatalog
metadata: { name: c }
spec: { tools: { known: { access: read, operations: none } } }
`
    const unknown = (of: string) => Array.from({ length: 20_000 }, (_, n) => `${of}${n}`).join(', ')
    const files = {
      's.yaml': `${catalog}---${server('files', undefined, ', catalog: c')}`,
      // So many in all that they are no arguments of one call any more.
      ...Object.fromEntries(
        Array.from({ length: 8 }, (_, n) => [
          `g${n}.yaml`,
          guardrail(`g${n}`, 'true', `{ servers: [files], tools: [${unknown('x')}] }`),
        ]),
      ),
    }
    const report = storeOf([memorySource(files)], nobody).load()
    expect(report).toMatchObject({ inForce: true, documents: 10, broken: [] })
    expect(report.findings).toHaveLength(8 * 101)
    expect(report.findings.filter(({ message }) => message.startsWith('and '))).toHaveLength(8)
    expect(report.findings.at(-1)).toMatchObject({
      severity: 'warning',
      subject: 'Guardrail/g7',
      message: 'and 19900 more warnings in this document',
    })
  })

  it.each([
    [
      'an unknown kind',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Gaurdrail\nmetadata: { name: x }\nspec: {}',
      'error',
      'is not a kind',
      'Guardrail',
    ],
    [
      'an old API version',
      'apiVersion: mcp-authz.dev/v1\nkind: Grant\nmetadata: { name: x }\nspec: {}',
      'error',
      'not an API version',
      'v1alpha1',
    ],
    ['an unknown field', server('a', 'https://a.example.com/mcp', ', denail: hide'), 'error', 'denail', 'denial'],
    [
      'a resource with a query',
      server('a', 'https://a.example.com/mcp?x=1'),
      'error',
      'no user, query or fragment',
      'RL that clients use',
    ],
    [
      'a resource in an unplain form',
      server('a', 'https://a.example.com/a/../mcp'),
      'error',
      'plain form',
      'URL that clients use',
    ],
    [
      'a catalogue that does not exist',
      server('a', 'https://a.example.com/mcp', ', catalog: kubernetes-mcp-servr'),
      'error',
      'no ToolCatalog',
      'did you mean "kubernetes-mcp-server"',
    ],
    [
      'operations without a catalogue',
      server('a', 'https://a.example.com/mcp', ', require: [operations]'),
      'error',
      'needs a catalog',
      'add catalog',
    ],
    [
      'passthrough to nobody in particular',
      server('a', 'https://a.example.com/mcp', ', upstream: { authorization: passthrough }'),
      'error',
      'needs to know which server',
      'add upstream.audience',
    ],
    [
      'a Grant for nobody',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Grant\nmetadata: { name: x }\nspec: { match: { servers: [a] } }',
      'error',
      'whom it gives to',
      'system:authenticated',
    ],
    [
      'a Grant without servers',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Grant\nmetadata: { name: x }\nspec: { match: { subjects: [{ kind: User, name: a }] } }',
      'error',
      'servers',
      '',
    ],
    ['an empty list', guardrail('g', 'true', '{ servers: [] }'), 'error', '', ''],
    [
      'a Server that nothing has',
      `${guardrail('g', 'true', '{ servers: [fils] }')}---${server('files')}`,
      'warning',
      'no Server "fils"',
      'files',
    ],
    ['a regular expression that RE2 refuses', guardrail('g', "request.path.matches('(?=a)')"), 'error', '', ''],
    [
      'a reserved header',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Enrichment\nmetadata: { name: x }\nspec: { requestHeaders: [{ name: x-mcp-authz-user, valueExpression: "\'root\'" }] }',
      'error',
      'says who asks',
      'another',
    ],
    [
      'context for results',
      'apiVersion: mcp-authz.dev/v1alpha1\nkind: Enrichment\nmetadata: { name: x }\nspec: { resultContext: [{ expression: "user.username" }] }',
      'warning',
      'waits for a response door',
      '',
    ],
  ] as const)('%s is reported', (_name, text, severity, message, hint) => {
    const store = storeOf([catalogs, memorySource({ 'a.yaml': text })], nobody)
    const found = store.load().findings
    const [first = ''] = found.filter(finding => finding.severity === severity).map(formatFinding)
    expect(first).toContain(message)
    expect(first).toContain(hint)
  })
})
