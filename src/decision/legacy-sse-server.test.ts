import { describe, expect, it } from 'vitest'
import { inbound, toolsCall } from '../../test/support/inbound.js'
import { policyDocument, setUpServer } from '../../test/support/judge.js'
import { errorsOf, memorySource, namesAsTokens, person, storeOf } from '../../test/support/policies.js'
import { createDecide } from './create-decide.js'

const spec = { resource: 'https://srv.example.com/sse', sse: { messages: '/messages' } }
const to = { path: '/messages', query: 'sessionId=abc' }

describe('a Server of the transport HTTP+SSE', () => {
  it('is found at both of its paths', () => {
    const judge = setUpServer(spec)
    expect(judge(toolsCall('x'), to).verdict).toBe('allow')
    expect(judge(undefined, { method: 'GET', path: '/sse' }).verdict).toBe('allow')
    expect(judge(toolsCall('x'), { ...to, path: '/messages/x' }).verdict).toBe('server.path')
    expect(judge(toolsCall('x'), { ...to, path: '/mcp' }).verdict).toBe('server.unknown')
    const extensions = { 'mcp-server': 'srv' }
    expect(judge(toolsCall('x'), { ...to, extensions }).verdict).toBe('allow')
    expect(judge(toolsCall('x'), { ...to, path: '/elsewhere', extensions }).verdict).toBe('server.path')
  })

  it.each(['toolError', 'jsonrpcError', 'http403', 'hide'])(
    'answers every refused message 4xx, whatever denial says (%s): the status is all that its client reads',
    denial => {
      const judge = setUpServer({ ...spec, denial }, [], { tools: ['open'] })
      for (const body of [
        toolsCall('x'),
        { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///x' } },
        { jsonrpc: '2.0', id: 1, method: 'no/such' },
        { jsonrpc: '2.0', id: 1, method: 'tools/call' },
        { jsonrpc: '2.0', method: 'notifications/message' },
      ]) {
        const { status, body: answer } = judge(body, to)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(404)
        expect(answer).toMatchObject({ error: { code: expect.any(Number) } })
      }
    },
  )

  it('answers a refused stream 403: without it there is nothing', () => {
    const judge = setUpServer({ ...spec, connect: 'required' })
    expect(judge(undefined, { method: 'GET', path: '/sse' })).toMatchObject({ status: 403 })
    expect(judge(toolsCall('x'), { path: '/sse' })).toMatchObject({ status: 405 })
  })

  it.each([
    ['a path', { messages: 'messages' }, 'begins with "/"'],
    ['a path in its plain form', { messages: '/a/../b' }, 'plain form'],
    ['a path of its own', { messages: '/sse' }, 'the same path'],
    ['a plain parameter', { messages: '/messages', session: 'a b' }, 'query parameter'],
  ])('needs %s', (_what, sse, message) => {
    const document = policyDocument('Server', 'srv', { ...spec, sse })
    expect(errorsOf(load(document).findings).join('\n')).toContain(message)
  })

  it('shares none of its paths with another Server', () => {
    const other = policyDocument('Server', 'other', { resource: 'https://srv.example.com/messages' })
    const { findings, verdict } = load(policyDocument('Server', 'srv', spec), other)
    expect(errorsOf(findings).join('\n')).toContain('stand at the same address')
    expect(verdict(to)).toBe('server.unknown')
  })

  it('keeps both paths closed when it is broken', () => {
    const root = policyDocument('Server', 'root', { resource: 'https://srv.example.com/', mode: 'Audit' })
    const { verdict } = load(policyDocument('Server', 'srv', { ...spec, catalog: 'no-such' }), root)
    expect(verdict(to)).toBe('server.unknown')
    expect(verdict({ path: '/sse', method: 'GET' })).toBe('server.unknown')
    const unreadable = load(policyDocument('Server', 'srv', { ...spec, sse: { messages: '/m', nope: 1 } }), root)
    expect(unreadable.verdict({ path: '/m', query: 'sessionId=a' })).toBe('server.unknown')
    const nowhere = load(policyDocument('Server', 'srv', { ...spec, sse: { mesages: '/m' } }), root)
    expect(nowhere.verdict({ path: '/' })).toBe('server.unknown')
  })
})

function load(...documents: readonly string[]) {
  const files = Object.fromEntries(documents.map((text, index) => [`${index}.yaml`, text]))
  const store = storeOf([memorySource(files)], namesAsTokens({ alice: person('alice') }), 'serve')
  const { findings } = store.load()
  const decide = createDecide({ snapshot: () => store.current })
  return {
    findings,
    verdict(options: Parameters<typeof inbound>[0]): string | undefined {
      const headers = { authorization: 'Bearer alice' }
      const body = options?.method === 'GET' ? undefined : toolsCall('x')
      const decision = decide(inbound({ authority: 'srv.example.com', headers, body, ...options }))
      if (decision instanceof Promise) throw new Error('the pipeline waited')
      return decision.failure?.reason ?? decision.outcome
    },
  }
}
