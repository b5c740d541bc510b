import { ProtocolError } from '@modelcontextprotocol/client'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectedClient, connectV1, connectV2 } from '../../src/demo/clients.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { errorOf, resultOf } from './support/answers.js'
import { eventually } from './support/eventually.js'
import { everythingPolicies } from './support/everything-policies.js'
import { request, toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

let stand: Stand
let alice: string
beforeAll(async () => {
  stand = await startStand({ upstream: 'everything', serverName: 'everything', policies: everythingPolicies })
  alice = await stand.idp.login('alice')
})
afterAll(() => stand?.stop())
beforeEach(() => stand.proxy.forget())

function post(body: string, method = 'POST', token = alice): Promise<RawAnswer> {
  return rawPost({ url: stand.url, token, body, method })
}

describe('a request that is denied', () => {
  it.each([
    { what: 'prompts/get', body: request('prompts/get', { name: 'simple-prompt' }), reason: 'authorization.grant' },
    { what: 'resources/read', body: request('resources/read', { uri: 'demo://x' }), reason: 'authorization.grant' },
    { what: 'a method that nobody has', body: request('tools/destroy', {}), reason: 'method.unknown' },
    { what: "a method of the server's side", body: request('roots/list', {}), reason: 'method.direction' },
    { what: 'a task', body: request('tasks/get', { taskId: '1' }), reason: 'method.not_enabled' },
  ])('$what: an error in HTTP 200, with a code that no client takes for a login', async ({ body, reason }) => {
    const answer = await post(body)
    expect(answer.status).toBe(200)
    const { code, data } = errorOf(answer)
    expect(data.reason).toBe(reason)
    expect([-31403, -32601]).toContain(code)
    expect(stand.proxy.count()).toBe(0)
  })

  it.each(['notifications/message', 'notifications/tools/list_changed'])(
    '%s: 403, because nobody reads an answer',
    async name => {
      const answer = await post(JSON.stringify({ jsonrpc: '2.0', method: name, params: {} }))
      expect(answer.status).toBe(403)
      expect(errorOf(answer).data.reason).toBe('method.direction')
      expect(stand.proxy.count()).toBe(0)
    },
  )

  it('keeps its id as it was written', async () => {
    for (const id of ['9007199254740993', '0', '-1', '"0"', '""', '"\\u0041"']) {
      const answer = await post(toolsCall('get-env', {}).replace('"id":1', `"id":${id}`))
      expect(answer.body).toContain(`"id":${id},`)
    }
  })
})

describe('what the SDKs make of a denial', () => {
  const read = { name: 'simple-prompt' }
  it('SDK v1 throws an McpError, and the session goes on', async () => {
    const client = await connectV1({ url: stand.url, token: alice })
    const error = await client.sdk.getPrompt(read).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(McpError)
    expect(error).toMatchObject({ code: -31403, data: { reason: 'authorization.grant' } })
    expect(await client.callTool('get-sum', { a: 2, b: 3 })).toMatchObject({ isError: false })
    await client.close()
  })

  it('SDK v2 throws a ProtocolError, and the session goes on', async () => {
    const client = await connectV2({ url: stand.url, token: alice })
    const error = await client.sdk.getPrompt(read).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({ code: -31403, data: { reason: 'authorization.grant' } })
    expect(await client.callTool('get-sum', { a: 2, b: 3 })).toMatchObject({ isError: false })
    await client.close()
  })
})

describe('how a Server says no', () => {
  const denied = toolsCall('get-env', {})
  let client: ConnectedClient<unknown>
  afterAll(() => client?.close())

  async function denial(mode: string): Promise<RawAnswer> {
    const { 'everything.yaml': text } = everythingPolicies({})
    await stand.policies.write('everything.yaml', (text ?? '').replace('require:', `denial: ${mode}\n  require:`))
    const revision = await eventually('the new policies', async () => {
      const { policy_revision } = stand.authz.records.at(-1) ?? {}
      await post(denied)
      return seen.has(policy_revision) ? undefined : policy_revision
    })
    seen.add(revision)
    return post(denied)
  }
  const seen = new Set<string | undefined>([undefined])
  beforeAll(async () => {
    client = await connectV1({ url: stand.url, token: alice })
    await post(denied)
    seen.add((await eventually('a record', () => stand.authz.records.at(-1))).policy_revision)
  })

  it('jsonrpcError', async () => {
    const answer = await denial('jsonrpcError')
    expect(answer.status).toBe(200)
    expect(errorOf(answer)).toMatchObject({ code: -31403, data: { reason: 'authorization.grant' } })
    await expect(client.callTool('get-env')).rejects.toThrow(McpError)
  })

  it('http403', async () => {
    const answer = await denial('http403')
    expect(answer.status).toBe(403)
    expect(errorOf(answer)).toMatchObject({ code: -31403, data: { reason: 'authorization.grant' } })
    await expect(client.callTool('get-env')).rejects.toThrow('403')
  })

  it('hide: as the server answers, and no trace of us', async () => {
    const answer = await denial('hide')
    // Without a session this server does not look for the tool at all. What it says in one: hide.e2e.test.ts.
    expect(answer.status).toBe(400)
    expect(answer.body).toBe(
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}',
    )
    expect(Object.keys(answer.headers).filter(name => name.startsWith('x-mcp-authz'))).toEqual([])
    expect((await post(toolsCall('no-such-tool', {}))).body).toBe(answer.body)
  })

  it('toolError, which is the default', async () => {
    const result = resultOf(await denial('toolError'))
    expect(result.isError).toBe(true)
    expect(result.content?.[0]?.text).toMatch(/^Denied by policy: .*\n[\s\S]*Reason: authorization\.grant\. Decision: /)
  })
})
