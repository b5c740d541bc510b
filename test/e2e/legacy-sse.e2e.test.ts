import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawPost } from '../../src/demo/raw-post.js'
import { errorOf } from './support/answers.js'
import { request, toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'
import { switchPolicies } from './support/switch-policies.js'

let stand: Stand
let alice: string
let messages: string

beforeAll(async () => {
  stand = await startStand({
    upstream: 'everything-sse',
    serverName: 'everything',
    path: '/sse',
    policies: demo => ({ 'identity.yaml': demo['identity.yaml'] ?? '', 'server.yaml': policies({}) }),
    adaptEnvoy: template =>
      template.replace('match: { path: /mcp }', 'match: { safe_regex: { regex: "/(sse|message)" } }'),
  })
  alice = await stand.idp.login('alice')
  messages = stand.url.replace(/\/sse$/, '/message')
})
afterAll(() => stand?.stop())

function policies({ denial = 'toolError', connect = 'authenticated' }: { denial?: string; connect?: string }): string {
  return `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: everything }
spec:
  resource: https://mcp.example.com/mcp
  catalog: server-everything
  require: [grants]
  sse: { messages: /message }
  denial: ${denial}
  connect: ${connect}
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec:
  match: { servers: [everything], tools: [echo, get-sum], subjects: [{ kind: Group, name: team-a-developers }] }
`
}

async function connect(token = alice): Promise<Client> {
  const headers = { authorization: `Bearer ${token}` }
  const transport = new SSEClientTransport(new URL(stand.url), { requestInit: { headers } })
  const client = new Client({ name: 'e2e', version: '1' })
  await client.connect(transport)
  return client
}

/** What a promise was rejected with; an error if it was not, or not at once. */
async function rejection(what: Promise<unknown>): Promise<Error> {
  const start = performance.now()
  const error = await what.then(
    () => new Error('it was not rejected'),
    (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause))),
  )
  // The SDK's own patience with a server that does not answer is 60 s.
  expect(performance.now() - start).toBeLessThan(5000)
  return error
}

const switchTo = (text: string) =>
  switchPolicies(stand, 'server.yaml', text, () =>
    rawPost({ url: `${messages}?sessionId=probe`, token: alice, body: toolsCall('get-env', {}) }),
  )

describe('a session over HTTP+SSE', () => {
  it('works as without us, from the first event to the end', async () => {
    const client = await connect()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('get-sum')
    expect(await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 3 } })).toMatchObject({
      content: [{ text: expect.stringContaining('5') }],
    })
    await client.ping()
    await client.close()
    const posts = stand.proxy.requests.filter(({ method }) => method === 'POST')
    expect(posts.length).toBeGreaterThan(3)
    for (const { headers } of posts) {
      expect(headers.authorization).toBeUndefined()
      expect(headers['x-mcp-authz-user']).toBe('alice')
    }
  })
})

describe.each(['jsonrpcError', 'http403', 'hide', 'toolError'])('denial: %s over HTTP+SSE', denial => {
  beforeAll(() => switchTo(policies({ denial })))

  it('reaches the caller at once, and the session goes on', async () => {
    const client = await connect()
    stand.proxy.forget()
    const status = denial === 'hide' ? 400 : 403
    const reason = denial === 'hide' ? 'Tool get-env not found' : 'authorization.grant'
    const calls: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => client.callTool({ name: 'get-env', arguments: {} }), reason],
      [() => client.getPrompt({ name: 'simple-prompt' }), denial === 'hide' ? 'not found' : 'authorization.grant'],
      [() => client.readResource({ uri: 'demo://x' }), denial === 'hide' ? 'not found' : 'authorization.grant'],
    ]
    for (const [call, text] of calls) {
      const { message } = await rejection(call())
      expect(message).toContain(`HTTP ${status}`)
      expect(message).toContain(text)
    }
    expect(stand.proxy.count()).toBe(0)
    expect(await client.callTool({ name: 'echo', arguments: { message: 'still here' } })).toMatchObject({
      content: [{ text: expect.stringContaining('still here') }],
    })
    await client.close()
  })
})

describe('a stream that is refused', () => {
  it('tells its client at once: no token', async () => {
    expect(await rejection(connect('nonsense'))).toMatchObject({ code: 401 })
  })

  it('tells its client at once: no permission', async () => {
    await switchTo(policies({ connect: 'required' }))
    expect(await rejection(connect())).toMatchObject({ code: 403 })
    const posted = await rawPost({ url: `${messages}?sessionId=x`, token: alice, body: request('tools/list', {}) })
    expect(posted.status).toBe(403)
    expect(errorOf(posted).data.reason).toBe('authorization.connect')
    await switchTo(policies({}))
  })
})

describe('the two paths', () => {
  it('send a client that tries the newer transport first to this one', async () => {
    const headers = { authorization: `Bearer ${alice}` }
    const transport = new StreamableHTTPClientTransport(new URL(stand.url), { requestInit: { headers } })
    const error = await rejection(new Client({ name: 'e2e', version: '1' }).connect(transport))
    // The code by which clients fall back (2025-03-26, basic/transports, backwards compatibility).
    expect(error).toMatchObject({ code: 405 })
  })

  it.each([
    ['messages without a session', 'POST', '', 400, 'session.missing'],
    ['two sessions', 'POST', '?sessionId=a&sessionId=b', 400, 'session.malformed'],
    ['GET of the messages', 'GET', '?sessionId=a', 405, 'framing.http_method'],
    ['DELETE', 'DELETE', '?sessionId=a', 405, 'framing.http_method'],
  ])('%s: %s %s', async (_what, method, query, status, reason) => {
    stand.proxy.forget()
    const body = method === 'POST' ? toolsCall('echo', { message: 'x' }) : ''
    const answer = await rawPost({ url: `${messages}${query}`, token: alice, method, body })
    expect(answer.status).toBe(status)
    expect(errorOf(answer).data.reason).toBe(reason)
    expect(stand.proxy.count()).toBe(0)
  })
})
