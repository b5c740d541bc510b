import { describe, expect, it } from 'vitest'
import { memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { type AskedFor, createResultGuard, type GuardedMessage } from './guard-results.js'
import type { Viewer } from './hypothetical-call.js'

const secret = 'AKIAABCDEFGHIJKLMNOP'
const keys = "patterns: [{ pattern: 'AKIA[0-9A-Z]{16}' }]"
const call: AskedFor = { method: 'tools/call', tool: 'pods_log' }

interface Setting {
  /** `spec` of Guardrails, by name, without `on`. */
  readonly rules?: Readonly<Record<string, string>>
  readonly server?: string
  readonly viewer?: Partial<Viewer>
  readonly asked?: AskedFor
}

function guardWith({ rules = { keys }, server = '', viewer = {}, asked = call }: Setting = {}) {
  const documents = [
    '{ apiVersion: mcp-authz.dev/v1alpha1, kind: ToolCatalog, metadata: { name: c }, spec: { tools: { pods_log: { access: read, operations: none }, pods_get: { access: read, operations: none } } } }',
    `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Server, metadata: { name: srv }, spec: { resource: 'https://srv.example.com/mcp', catalog: c, ${server} } }`,
    ...Object.entries(rules).map(
      ([name, spec]) =>
        `{ apiVersion: mcp-authz.dev/v1alpha1, kind: Guardrail, metadata: { name: ${name} }, spec: { on: response, ${spec} } }`,
    ),
  ]
  const store = storeOf([memorySource({ 'a.yaml': documents.join('\n---\n') })], namesAsTokens({}), 'serve')
  store.load()
  const snapshot = store.current
  const found = snapshot?.servers.byName('srv')
  if (snapshot === undefined || found === undefined) throw new Error('the policies do not load')
  return createResultGuard({ snapshot, server: found, principal: person('alice', ['sre']), ...viewer }, asked)
}

async function guarded(text: string, setting: Setting = {}) {
  const bytes = Buffer.from(text)
  const judged = await guardWith(setting).guard(bytes, 'd-1')
  if (!judged.ok) throw new Error(judged.message)
  return { ...judged, text: Buffer.from(judged.bytes).toString('utf8'), same: judged.bytes === bytes }
}

const message = (result: unknown, more: object = {}) => JSON.stringify({ jsonrpc: '2.0', id: 7, ...more, result })
const texts = (...all: string[]) => ({ content: all.map(text => ({ type: 'text', text })) })
const policies = (list: GuardedMessage['notes']['failures']) => list.map(({ policy, reason }) => `${policy} ${reason}`)

/** An image that is a text. */
const svg = { type: 'image', mimeType: 'image/svg+xml', data: Buffer.from(`<svg>${secret}`).toString('base64') }

describe('what a server asks for', () => {
  it.each<[string, unknown]>([
    ['an image', svg],
    ['a resource', { type: 'resource', resource: { uri: 'a:b', blob: Buffer.from(secret).toString('base64') } }],
  ])('is looked into: %s for a model', async (_name, content) => {
    const params = { messages: [{ role: 'user', content }], maxTokens: 5 }
    const { text, notes } = await guarded(
      JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params }),
    )
    expect(notes.redactions).toHaveLength(1)
    expect(blobs(text)).toContain('[redacted by keys]')
  })
})

describe('what is redacted', () => {
  it.each<[string, unknown]>([
    ['a text block', texts(`key ${secret}!`)],
    ['a structure', { content: [], structuredContent: { a: [{ b: secret }] } }],
    ['a key of a structure', { structuredContent: { [secret]: 1 } }],
    ['meta data', { ...texts('a'), _meta: { a: secret } }],
    ['a resource', { contents: [{ uri: 'a:b', text: secret }] }],
    ['a uri', { contents: [{ uri: `a:${secret}`, text: 'a' }] }],
    ['a prompt', { messages: [{ role: 'user', content: { type: 'text', text: secret } }] }],
    ['an unknown kind of block', { content: [{ type: 'x', y: [{ z: secret }] }] }],
    ['a text in a text', texts(JSON.stringify({ a: secret }))],
    ['a text blob', { contents: [{ uri: 'a:b', blob: Buffer.from(`é ${secret}`).toString('base64') }] }],
    [
      'a text blob in lines',
      { contents: [{ uri: 'a:b', blob: Buffer.from(secret).toString('base64').replace(/.{8}/g, '$&\n') }] },
    ],
    [
      'an image that is a text',
      {
        content: [{ type: 'image', mimeType: 'image/svg+xml', data: Buffer.from(`<svg>${secret}`).toString('base64') }],
      },
    ],
    [
      'an image that a result asks a model about',
      {
        resultType: 'input_required',
        inputRequests: {
          a: { method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: svg }] } },
        },
      },
    ],
  ])('%s', async (_name, result) => {
    const { text, notes } = await guarded(message(result))
    expect(text).not.toContain(secret)
    expect(blobs(text)).not.toContain(secret)
    expect(JSON.parse(text)).toMatchObject({ id: 7, result: {} })
    expect(notes).toEqual({
      failures: [],
      would: [],
      warnings: [],
      redactions: [{ policy: 'Guardrail/keys', count: 1 }],
    })
  })

  it.each([
    ['an error', `{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m","data":"${secret}"}}`],
    ['a result and an error', `{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":"${secret}"}}`],
    [
      'a notification',
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${secret}"}}`,
    ],
    [
      'a request of the server',
      `{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"a":["${secret}"]}}`,
    ],
    ['a member that JSON-RPC does not know', `{"jsonrpc":"2.0","id":7,"result":{},"debug":{"a":"${secret}"}}`],
    ['escapes', '{"id":7,"result":{"a":"\\u0041KIAABCDEFGHIJKLMNOP"}}'],
    ['a key that comes twice', `{"id":7,"result":{"content":[{"type":"text","text":"a","text":"${secret}"}]}}`],
    ['a batch', `[{"id":7,"result":{}},{"id":8,"result":{"a":"${secret}"}}]`],
    ['a text that is no message', `"${secret}"`],
    ['a text in a batch', `["${secret}",{"id":7,"result":{}}]`],
  ])('of %s', async (_name, bytes) => {
    const { text, notes } = await guarded(bytes)
    expect(JSON.stringify(JSON.parse(text))).not.toContain(secret)
    expect(notes.redactions).toEqual([{ policy: 'Guardrail/keys', count: 1 }])
  })

  it.each([
    ['4111111111111111', 'as it is'],
    ['4.111111111111111e15', 'with an exponent'],
  ])('a number %s, %s', async number => {
    const { text } = await guarded(`{"id":7,"result":{"structuredContent":{"card":${number},"n":12}}}`, {
      rules: { cards: String.raw`patterns: [{ pattern: '\b4\d{15}\b' }]` },
    })
    expect(JSON.parse(text).result.structuredContent).toEqual({ card: '[redacted by cards]', n: 12 })
  })

  it('but never what the protocol needs', async () => {
    const rules = { all: String.raw`patterns: [{ pattern: '[a-z]+|\d', replacement: '*' }]` }
    const { text } = await guarded('{"id":7,"error":{"code":-32602,"message":"abc"}}', { rules })
    expect(JSON.parse(text)).toEqual({ id: 7, error: { code: -32602, message: '*' } })
    const result = await guarded(message({ resultType: 'complete', ttlMs: 1, ...texts('abc') }), { rules })
    expect(JSON.parse(result.text).result).toEqual({ resultType: 'complete', ttlMs: 1, ...texts('*') })
  })

  it('by several guardrails, each on what the others left, in the order of their names', async () => {
    const rules = {
      b: "patterns: [{ pattern: 'two', replacement: 'three' }]",
      a: "patterns: [{ pattern: 'one', replacement: 'two' }, { pattern: 'zero', replacement: 'one' }]",
    }
    const { text, notes } = await guarded(message(texts('zero one two')), { rules })
    expect(JSON.parse(text).result).toEqual(texts('three three three'))
    expect(notes.redactions).toEqual([
      { policy: 'Guardrail/a', count: 3 },
      { policy: 'Guardrail/b', count: 3 },
    ])
  })

  it('again, where removing it makes another', async () => {
    const rules = { a: "patterns: [{ pattern: 'ab', replacement: '' }]" }
    const { text } = await guarded(message(texts('aaabbbx')), { rules })
    expect(JSON.parse(text).result).toEqual(texts('x'))
  })

  it('with the rest of every line of a long text', async () => {
    const lines = Array.from({ length: 5000 }, (_, n) => (n % 1000 === 1 ? `${n} ${secret} é` : `${n} nothing here`))
    const { text, notes } = await guarded(message(texts(lines.join('\n'))))
    expect(JSON.parse(text).result).toEqual(texts(lines.join('\n').replaceAll(secret, '[redacted by keys]')))
    expect(notes.redactions).toEqual([{ policy: 'Guardrail/keys', count: 5 }])
  })

  it('over several lines', async () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----'
    const rules = { pem: "patterns: [{ pattern: '(?s)-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----' }]" }
    const { text } = await guarded(message(texts(`a\n${pem}\nb\n${pem}`)), { rules })
    expect(JSON.parse(text).result).toEqual(texts('a\n[redacted by pem]\nb\n[redacted by pem]'))
  })

  it('where a text begins or ends, and nowhere else', async () => {
    const rules = { a: "patterns: [{ pattern: '^x|y$', replacement: '*' }]" }
    const { text } = await guarded(message(texts('xy', 'ax', 'x\nx')), { rules })
    expect(JSON.parse(text).result).toEqual(texts('**', 'ax', '*\nx'))
  })

  it('leaves every other byte', async () => {
    const text = `{ "id" : 7.0, "result":{"n":1e400,"content":[ {"type":"text","text":"${secret}"} ]}, "x":1 }`
    expect((await guarded(text)).text).toBe(text.replace(secret, '[redacted by keys]'))
  })
})

describe('what is withheld', () => {
  const deny = "patterns: [{ pattern: 'AKIA', action: Deny, message: no keys, reason: Keys, hint: look elsewhere }]"

  it('of a tool is a result of a tool that says what happened', async () => {
    const { text, notes } = await guarded(message(texts(secret)), { rules: { 'no-keys': deny } })
    expect(JSON.parse(text)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: {
        content: [
          {
            type: 'text',
            text: 'Withheld by policy: no keys\nlook elsewhere\nThe call was carried out; only its result is withheld. Calling again does not show it, and may do again what was done.\nGuardrail: no-keys. Reason: guardrail.violated, Keys. Decision: d-1.',
          },
        ],
        isError: true,
        _meta: {
          'mcp-authz.dev/decision': {
            reason: 'guardrail.violated',
            policyReason: 'Keys',
            decisionId: 'd-1',
            carriedOut: true,
          },
        },
      },
    })
    expect(notes).toMatchObject({ failures: [{ policy: 'Guardrail/no-keys', policyReason: 'Keys' }], redactions: [] })
  })

  it('says no more where rules are hidden', async () => {
    const { text } = await guarded(message(texts(secret)), { rules: { 'no-keys': deny }, server: 'denial: hide' })
    expect(text).not.toMatch(/no-keys|no keys|Keys|elsewhere/)
    expect(text).toContain('The call was carried out')
  })

  it.each<[string, string, AskedFor, object]>([
    [
      'the modern era',
      message({ resultType: 'input_required', a: secret }),
      call,
      { id: 7, result: { resultType: 'complete', isError: true } },
    ],
    [
      'a resource',
      message({ contents: [{ uri: 'u', text: secret }] }),
      { method: 'resources/read', tool: undefined },
      { id: 7, error: { code: -31403 } },
    ],
    [
      'an unknown call with content',
      message(texts(secret)),
      { method: undefined, tool: undefined },
      { id: 7, result: { isError: true } },
    ],
    ['an error', `{"id":7,"error":{"message":"${secret}"}}`, call, { id: 7, error: { code: -31403 } }],
    ['a text as id', `{"id":"\\u0041","result":{"a":"${secret}"}}`, call, { id: 'A', result: { isError: true } }],
    [
      'a notification',
      `{"method":"x/y","params":{"a":"${secret}"}}`,
      call,
      { method: 'notifications/message', params: { level: 'warning' } },
    ],
    [
      'a request of the server',
      `{"id":1,"method":"sampling/createMessage","params":{"a":"${secret}"}}`,
      call,
      { method: 'notifications/message' },
    ],
    [
      'a message that is both',
      `{"id":7,"method":"x","params":{},"result":{"a":"${secret}"}}`,
      call,
      { id: 7, result: { isError: true } },
    ],
    ['a text that is no message', `"${secret}"`, call, { id: null, error: { code: -31403 } }],
  ])('%s', async (_name, bytes, asked, expected) => {
    const { text } = await guarded(bytes, { rules: { a: `match: { servers: ['*'] }, ${deny}` }, asked })
    expect(JSON.parse(text)).toMatchObject(expected)
    expect(text).not.toContain('AKIA')
  })

  it('of a batch is what must be, and nothing else', async () => {
    const { text } = await guarded(`[{"id":1,"result":{"a":"${secret}"}},{"id":2,"result":{"a":"b"}}]`, {
      rules: { a: deny },
    })
    expect(JSON.parse(text)).toMatchObject([
      { id: 1, result: { isError: true } },
      { id: 2, result: { a: 'b' } },
    ])
  })

  it.each<[string, string, unknown, string | undefined]>([
    ['as large as it may be', 'maxBytes: 12', { a: 'bcde' }, undefined],
    ['too large', 'maxBytes: 12', { a: 'bcdef' }, 'Guardrail/r guardrail.violated'],
    ['a rule that is kept', "validations: [{ expression: 'size(result.content) < 3' }]", texts('a', 'b'), undefined],
    [
      'a rule that is broken',
      "validations: [{ expression: 'size(result.content) < 3' }]",
      texts('a', 'b', 'c'),
      'Guardrail/r guardrail.violated',
    ],
    [
      'a rule that fails',
      "validations: [{ expression: 'size(result.nothing) < 3' }]",
      texts('a'),
      'Guardrail/r guardrail.error',
    ],
    ['integers', "validations: [{ expression: 'result.n == 9007199254740993' }]", undefined, undefined],
    [
      'a condition that does not hold',
      'matchConditions: [{ name: c, expression: "mcp.tool.access == \'write\'" }], maxBytes: 1',
      {},
      undefined,
    ],
    [
      'a condition that fails',
      "matchConditions: [{ name: c, expression: 'result.no' }], maxBytes: 9999",
      {},
      'Guardrail/r guardrail.error',
    ],
    ['who asks', "validations: [{ expression: \"'sre' in user.groups && user.username == 'alice'\" }]", {}, undefined],
    [
      'where',
      "validations: [{ expression: \"request.host == 'srv.example.com' && request.path == '/mcp' && server.name == 'srv'\" }]",
      {},
      undefined,
    ],
    [
      'what',
      "validations: [{ expression: \"mcp.method == 'tools/call' && mcp.tool.name == 'pods_log' && mcp.tool.access == 'read'\" }]",
      {},
      undefined,
    ],
    [
      'variables',
      "variables: [{ name: n, expression: 'size(result.content)' }], validations: [{ expression: 'variables.n < 1', messageExpression: \"string(variables.n) + ' of them'\" }]",
      texts('a'),
      'Guardrail/r guardrail.violated',
    ],
    [
      'what denies after it was redacted',
      "patterns: [{ pattern: '1', replacement: '' }, { pattern: 'bad', action: Deny }]",
      texts('b1ad'),
      'Guardrail/r guardrail.violated',
    ],
    [
      'replacements without end',
      'patterns: [{ pattern: a, replacement: b }, { pattern: b, replacement: a }]',
      texts('a'),
      'Guardrail/r guardrail.error',
    ],
    [
      'replacements that grow',
      `patterns: [{ pattern: '[ab]', replacement: '${'c'.repeat(200)}' }]`,
      texts('ab'.repeat(1000)),
      'Guardrail/r guardrail.error',
    ],
    [
      'names beside JSON-RPC',
      "patterns: [{ pattern: 'b', replacement: '*' }]",
      undefined,
      'Guardrail/r guardrail.error',
    ],
  ])('or not: %s', async (_name, rule, result, expected) => {
    const text =
      result === undefined ? '{"jsonrpc":"2.0","id":7,"reb":1,"result":{"n":9007199254740993}}' : message(result)
    const { notes, same } = await guarded(text, { rules: { r: rule } })
    expect(policies(notes.failures)).toEqual(expected === undefined ? [] : [expected])
    expect(same).toBe(expected === undefined)
  })

  it('by all rules together', async () => {
    const rules = { a: 'maxBytes: 1', b: "validations: [{ expression: 'false', message: never }]", c: deny, d: keys }
    const { notes, text } = await guarded(message(texts(secret)), { rules })
    expect(policies(notes.failures)).toEqual(['a', 'b', 'c'].map(name => `Guardrail/${name} guardrail.violated`))
    expect(notes.redactions).toEqual([])
    expect(text).toMatch(/one has \d+; never; no keys/)
  })

  it.each([
    ['validations', '{"id":7,"error":{"message":"m"}}', "validations: [{ expression: 'false' }]", []],
    [
      'conditions about results',
      '{"id":7,"error":{"message":"m"}}',
      "matchConditions: [{ name: c, expression: 'result.a' }], maxBytes: 1",
      ['Guardrail/r guardrail.violated'],
    ],
    ['a size', '{"id":7,"error":{"message":"m"}}', 'maxBytes: 1', ['Guardrail/r guardrail.violated']],
    [
      'a size with a result beside it',
      '{"id":7,"result":{},"error":{"message":"m"}}',
      "maxBytes: 5, validations: [{ expression: '!has(result.a)' }]",
      ['Guardrail/r guardrail.violated'],
    ],
  ])('of errors: %s', async (_name, bytes, rule, expected) => {
    const { notes } = await guarded(bytes, { rules: { r: rule } })
    expect(policies(notes.failures)).toEqual(expected)
  })

  it.each([
    ['a key twice', '{"id":7,"result":{"a":1,"a":2}}'],
    ['half a pair', '{"id":7,"result":{"a":"\\ud800"}}'],
    ['a number out of range', '{"id":7,"result":{"a":1e999}}'],
  ])('is what a validation reads and nobody can read in one way only: %s', async (_name, bytes) => {
    const rule = (expression: string) => ({ rules: { r: `validations: [{ expression: "${expression}" }]` } })
    expect((await guarded(bytes, rule('size(result) == 1'))).notes.failures).toHaveLength(1)
    expect((await guarded(bytes, rule("mcp.method != ''"))).notes.failures).toHaveLength(0)
  })

  it.each(['{"id":7,"result":', '{"id":7,"result":{},"result":{}}', `${'['.repeat(300)}${']'.repeat(300)}`])(
    'is all of what cannot be read: %s',
    async bytes => expect(await guardWith().guard(Buffer.from(bytes), 'd')).toMatchObject({ ok: false }),
  )

  it('is what takes too long', async () => {
    const now = Date.now()
    const slow = {
      rules: { slow: "patterns: [{ pattern: 'x*z|x', replacement: '' }]" },
      viewer: { now, deadline: now + 60 },
    }
    const { text, notes } = await guarded(message(texts('x'.repeat(30_000))), slow)
    expect(policies(notes.failures)).toEqual([' guardrail.error'])
    expect(JSON.parse(text)).toMatchObject({ id: 7, result: { isError: true } })
  })
})

describe('Audit and Warn', () => {
  const rules = (mode: string) => ({
    a: `mode: ${mode}, patterns: [{ pattern: AKIA, action: Deny, message: no keys }, { pattern: 'KI' }], maxBytes: 3`,
    b: `mode: ${mode}, validations: [{ expression: 'result.no' }]`,
  })

  it('change nothing, and tell', async () => {
    const audit = await guarded(message(texts(secret)), { rules: rules('Audit') })
    expect(audit).toMatchObject({ same: true, notes: { failures: [], warnings: [], redactions: [] } })
    expect(policies(audit.notes.would)).toEqual([
      ...Array(3).fill('Guardrail/a guardrail.violated'),
      'Guardrail/b guardrail.error',
    ])
    const warn = await guarded(message(texts(secret)), { rules: rules('Warn') })
    expect(warn).toMatchObject({ same: true, notes: { failures: [], would: [] } })
    expect(warn.notes.warnings).toHaveLength(4)
  })

  it('of a Server', async () => {
    const { same, notes } = await guarded(message(texts(secret)), { server: 'mode: Audit' })
    expect(same).toBe(true)
    expect(policies(notes.would)).toEqual(['Guardrail/keys guardrail.violated'])
  })
})

describe('which rules count', () => {
  const none: AskedFor = { method: undefined, tool: undefined }
  const tool: AskedFor = { method: 'tools/call', tool: undefined }
  it.each<[string, AskedFor, boolean]>([
    ['{ tools: [pods_log] }', call, true],
    ['{ tools: [pods_get] }', call, false],
    ['{ tools: [pods_get] }', tool, true],
    ['{ tools: [pods_get] }', none, true],
    ['{ tools: [pods_get] }', { method: 'resources/read', tool: undefined }, false],
    ['{ tools: [pods_get] }', { method: 'tasks/result', tool: undefined }, true],
    ['{ tools: [pods_get] }', { method: 'subscriptions/listen', tool: undefined }, true],
    ['{ prompts: [a] }', { method: 'subscriptions/listen', tool: undefined }, false],
    ['{ access: [read] }', call, true],
    ['{ access: [write] }', call, false],
    ['{ prompts: [a] }', { method: 'prompts/get', tool: undefined }, true],
    ['{ prompts: [a] }', { method: 'completion/complete', tool: undefined }, true],
    ['{ prompts: [a] }', call, false],
    ['{ resources: [a] }', { method: 'subscriptions/listen', tool: undefined }, true],
    ['{ resources: [a] }', tool, false],
    ['{}', { method: 'tools/list', tool: undefined }, false],
    ['{}', { method: 'initialize', tool: undefined }, false],
    ['{}', { method: 'vendor/run', tool: undefined }, true],
    ['{}', none, true],
    ['{ methods: [tools/list] }', { method: 'tools/list', tool: undefined }, true],
    ['{ methods: [tools/list] }', call, false],
    ['{ servers: [srv] }', call, true],
    ['{ servers: [other] }', none, false],
    ['{ subjects: [{ kind: Group, name: sre }] }', call, true],
    ['{ subjects: [{ kind: Group, name: staff }] }', none, false],
  ])('%s of %j: %s', (match, asked, counts) => {
    expect(guardWith({ rules: { r: `match: ${match}, maxBytes: 1` }, asked }).idle).toBe(!counts)
  })

  it('one that does not compile withholds all', async () => {
    const rules = { r: "match: { tools: [pods_log] }, patterns: [{ pattern: '(' }]" }
    const { notes, text } = await guarded(message(texts('a')), { rules })
    expect(notes.failures).toMatchObject([{ reason: 'policy.error', policy: 'Guardrail/r' }])
    expect(JSON.parse(text)).toMatchObject({ result: { isError: true } })
    expect(guardWith({ rules, asked: { method: 'tools/call', tool: 'pods_get' } }).idle).toBe(true)
  })
})

describe('a message of many parts', () => {
  it.each<[string, string]>([
    ['texts without anything in them', Array(200_000).fill('""').join()],
    ['numbers', Array(200_000).fill('1').join()],
    ['texts with something to redact', Array(40_000).fill(`"${secret}"`).join()],
  ])('leaves turns to others: %s', async (_name, elements) => {
    const text = `{"jsonrpc":"2.0","id":7,"result":{"structuredContent":[${elements}]}}`
    let others = 0
    let done = false
    const count = () => {
      others++
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    const judged = await guardWith().guard(Buffer.from(text), 'd-1')
    done = true
    expect(judged.ok).toBe(true)
    expect(others).toBeGreaterThan(1)
  })
})

describe('a body that is no message', () => {
  it.each<[string, string, string, string | undefined]>([
    ['as it is', keys, 'nothing', 'nothing'],
    ['redacted', keys, `<p>é ${secret}`, '<p>é [redacted by keys]'],
    ['denied', 'patterns: [{ pattern: AKIA, action: Deny }]', secret, undefined],
    ['too large', 'maxBytes: 3', 'abcd', undefined],
    ['without a result', "validations: [{ expression: 'result.a' }]", 'abcd', 'abcd'],
  ])('%s', async (_name, rule, text, expected) => {
    const { bytes, notes } = await guardWith({ rules: { keys: rule } }).guardText(Buffer.from(text), 'd-1')
    const sent = Buffer.from(bytes).toString()
    if (expected !== undefined) expect(sent).toBe(expected)
    else {
      expect(sent).not.toContain(text)
      expect(JSON.parse(sent)).toMatchObject({ id: null, error: { data: { decisionId: 'd-1', carriedOut: true } } })
    }
    expect(notes.failures).toHaveLength(expected === undefined ? 1 : 0)
  })

  it.each(['utf16le', 'latin1'] as const)('with a zero beside each character, as %s', async encoding => {
    const text = encoding === 'utf16le' ? secret : [...secret].join('\0')
    const { bytes, notes } = await guardWith().guardText(Buffer.from(text, encoding), 'd-1')
    expect(Buffer.from(bytes).toString('latin1').replaceAll('\0', '')).not.toContain(secret)
    expect(notes.failures).toMatchObject([{ reason: 'guardrail.error' }])
  })

  it('in another encoding', async () => {
    const { bytes } = await guardWith().guardText(Buffer.from(`\xe9 ${secret}`, 'latin1'), 'd-1')
    expect(bytes).toEqual(Buffer.from('\xe9 [redacted by keys]', 'latin1'))
  })
})

/** The texts of all base64 in a message. */
function blobs(text: string): string {
  return [...text.matchAll(/"(?:data|blob)":"([^"]*)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString())
    .join()
}
