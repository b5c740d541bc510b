import { describe, expect, it } from 'vitest'
import { inbound } from '../../test/support/inbound.js'
import { policyDocument } from '../../test/support/judge.js'
import { catalogs, errorsOf, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { createDecide } from './create-decide.js'

const both = 'application/json, text/event-stream'

interface Ask {
  readonly method?: string
  readonly params?: unknown
  /** As it is written. */
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
}

function setUp(spec: Record<string, unknown>, ...documents: readonly string[]) {
  const server = policyDocument('Server', 'srv', {
    ...{ resource: 'https://srv.example.com/mcp', require: ['grants'], denial: 'hide' },
    ...spec,
  })
  const files = Object.fromEntries([server, ...documents].map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([catalogs, memorySource(files)], namesAsTokens({ alice: person('alice') }))
  const { findings } = store.load()
  const decide = createDecide({ snapshot: () => store.current })
  return {
    errors: errorsOf(findings),
    ask({ method = 'tools/call', params = { name: 'pods_delete' }, id = '1', headers = {} }: Ask = {}) {
      const body = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}`
      const all = { authorization: 'Bearer alice', accept: both, ...headers }
      const decision = decide(inbound({ authority: 'srv.example.com', headers: all, body }))
      if (decision instanceof Promise || decision.answer.kind !== 'respond') throw new Error('it was not denied')
      return { ...decision.answer, headers: new Map(decision.answer.headers.map(({ name, value }) => [name, value])) }
    },
  }
}

const catalog = (notFound: unknown) =>
  policyDocument('ToolCatalog', 'own', { tools: { a: { access: 'read', operations: 'none' } }, notFound })

describe('a tool that is hidden', () => {
  const kubernetes = setUp({ catalog: 'kubernetes-mcp-server' })

  it('is answered as its server answers for one that it does not have', () => {
    const { status, headers, body } = kubernetes.ask()
    expect(status).toBe(200)
    expect([...headers]).toEqual([
      ['cache-control', 'no-cache, no-transform'],
      ['content-type', 'text/event-stream'],
    ])
    const error = '{"code":-32602,"message":"unknown tool \\"pods_delete\\""}'
    expect(body).toBe(`event: message\ndata: {"jsonrpc":"2.0","id":1,"error":${error}}\n\n`)
  })

  it.each([
    ['1', '1'],
    ['-7', '-7'],
    ['"a\\u0041\\/"', '"aA/"'],
    ['"\\u2028<"', '"\\u2028<"'],
    ['9007199254740993', '9007199254740992'],
  ])('has the id %s as a server in Go writes it: %s', (id, written) => {
    expect(kubernetes.ask({ id }).body).toContain(`"id":${written},`)
  })

  it.each([
    ['"a\\u0041\\/"', '"aA/"'],
    ['"\\u2028"', '"\u2028"'],
    ['9007199254740993', '9007199254740993'],
  ])('has the id %s as a server in JavaScript writes it: %s', (id, written) => {
    const { ask } = setUp({ catalog: 'server-everything' })
    expect(ask({ id, headers: { 'mcp-session-id': 'abc' } }).body).toContain(`"id":${written}}`)
  })

  it('is answered in the session that was named, with events that are new each time', () => {
    const { ask } = setUp({ catalog: 'server-everything' })
    const one = ask({ headers: { 'mcp-session-id': 'abc' } })
    const other = ask({ headers: { 'mcp-session-id': 'abc' } })
    expect(one.headers.get('mcp-session-id')).toBe('abc')
    expect(one.body).not.toBe(other.body)
    expect(one.body.replace(/^id: .*$/m, '')).toBe(other.body.replace(/^id: .*$/m, ''))
    const later = ask({ headers: { 'mcp-session-id': 'abc', 'mcp-protocol-version': '2025-11-25' } })
    expect(later.body).toMatch(/^id: [0-9a-f-]{36}\ndata: \n\nevent: message\nid: [0-9a-f-]{36}\ndata: \{/)
  })

  it.each([
    ['what every client sends', both, 200],
    ['a wildcard', '*/*', 200],
    ['ranges', 'application/*;q=0.1, TEXT/*', 200],
    ['one of the two', 'application/json', 400],
    ['nothing that it knows', 'application/jsonx, text/event-streams', 400],
  ])('is answered by Accept as the server reads it: %s', (_what, accept, status) => {
    expect(kubernetes.ask({ headers: { accept } }).status).toBe(status)
  })

  it('names what was asked for, and nothing in it is a placeholder', () => {
    const own = { json: 'go', answers: [{ messages: { 'resources/read': '{"id":{id},"x":"{name}"}' } }] }
    const { ask, errors } = setUp({ catalog: 'own' }, catalog(own))
    expect(errors).toEqual([])
    const { body } = ask({ method: 'resources/read', params: { uri: "demo://a?'$&'$1" }, id: '"{name}"' })
    expect(body).toBe(`{"id":"{name}","x":"demo://a?'$&'$1"}`)
  })

  it.each([
    ['a catalogue that does not tell', { catalog: 'own' }, [catalog(undefined)]],
    ['no catalogue', {}, []],
  ])('is answered in general words with %s', (_what, spec, documents) => {
    const { status, headers, body } = setUp(spec, ...documents).ask()
    expect({ status, headers: [...headers] }).toEqual({ status: 200, headers: [['content-type', 'application/json']] })
    expect(body).toBe('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Tool pods_delete not found"}}')
  })

  it.each([
    ['a frame without its message', { frame: 'x', messages: { 'tools/call': '{}' } }, 'a frame has {message}'],
    ['a message without its frame', { frame: '{message}' }, 'a frame has {message}'],
    ['a message that is no JSON', { messages: { 'tools/call': '{"id":{id}' } }, 'is not JSON'],
    ['a message of two lines', { messages: { 'tools/call': '{"id":{id},\n"a":1}' } }, 'is not JSON'],
    ['a header of the gateway', { headers: { 'content-length': '1' }, frame: 'x' }, 'the gateway sets this header'],
    ['a header of ours', { headers: { 'x-mcp-authz-user': '1' }, frame: 'x' }, 'the gateway sets this header'],
  ])('cannot be described with %s', (_what, answer, message) => {
    const { errors } = setUp({ catalog: 'own' }, catalog({ json: 'go', answers: [answer] }))
    expect(errors.join('\n')).toContain(message)
  })
})

describe('what is not the absence of a name', () => {
  it('is answered in general words: a list, a method that needs leave', () => {
    const { ask } = setUp({ catalog: 'kubernetes-mcp-server', connect: 'required' })
    const { status, body } = ask({ method: 'tools/list', params: {} })
    expect(status).toBe(200)
    expect(body).toBe('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}')
  })
})

describe('the header that names the decision', () => {
  const guardrail = policyDocument('Guardrail', 'g', {
    match: { servers: ['srv'] },
    validations: [{ expression: 'false' }],
    denial: 'hide',
  })
  const grant = policyDocument('Grant', 'all', {
    match: { servers: ['srv'], subjects: [{ kind: 'Group', name: 'system:authenticated' }] },
  })
  it('is in a hidden answer exactly where it is in the others of that Server', () => {
    expect(setUp({ denial: 'hide' }, guardrail, grant).ask().headers.has('x-mcp-authz-decision-id')).toBe(false)
    expect(setUp({ denial: 'toolError' }, guardrail, grant).ask().headers.has('x-mcp-authz-decision-id')).toBe(true)
  })
})
