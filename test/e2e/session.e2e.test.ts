import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectedClient, type ConnectOptions, connectV1, connectV2 } from '../../src/demo/clients.js'
import { eventually } from './support/eventually.js'
import { everythingPolicies } from './support/everything-policies.js'
import { decisionOf } from './support/meta.js'
import { type Stand, type StandOptions, startStand } from './support/stand.js'

type Connect = (options: ConnectOptions) => Promise<ConnectedClient<unknown>>
const connectModern: Connect = options => connectV2({ ...options, negotiation: 'auto' })

interface Allowed {
  readonly tool: string
  readonly args: Record<string, unknown>
  readonly says: string
}

interface Case {
  readonly server: string
  readonly stand: StandOptions
  readonly clients: readonly { readonly client: string; readonly connect: Connect; readonly version: string }[]
  readonly tools: readonly string[]
  readonly allowed: Allowed
  readonly denied: Omit<Allowed, 'says'> & { readonly says: readonly string[] }
}

const legacy = [
  { client: 'SDK v1', connect: connectV1, version: '2025-11-25' },
  { client: 'SDK v2', connect: connectV2, version: '2025-11-25' },
  { client: 'SDK v2 asking for the modern era', connect: connectModern, version: '2025-11-25' },
]

const kubernetes = {
  tools: ['pods_list_in_namespace', 'resources_scale'],
  allowed: { tool: 'pods_list_in_namespace', args: { namespace: 'team-a' }, says: 'web-' },
  denied: {
    tool: 'pods_list_in_namespace',
    args: { namespace: 'team-b' },
    says: ['Denied by policy', 'authorization.rbac', 'team-b'],
  },
}

const cases: readonly Case[] = [
  { server: 'kubernetes-mcp-server', stand: { upstream: 'kubernetes' }, clients: legacy, ...kubernetes },
  {
    server: 'kubernetes-mcp-server --stateless',
    stand: { upstream: 'kubernetes-stateless' },
    clients: [{ client: 'SDK v2, modern', connect: connectModern, version: '2026-07-28' }],
    ...kubernetes,
  },
  {
    server: 'server-everything',
    stand: { upstream: 'everything', serverName: 'everything', policies: everythingPolicies },
    clients: legacy,
    tools: ['echo', 'get-sum', 'get-env'],
    allowed: { tool: 'echo', args: { message: 'hello' }, says: 'Echo: hello' },
    denied: { tool: 'get-env', args: {}, says: ['Denied by policy', 'authorization.grant'] },
  },
]

describe.each(cases)('$server', ({ stand: options, clients, tools, allowed, denied }) => {
  let stand: Stand
  let token: string
  beforeAll(async () => {
    stand = await startStand(options)
    token = await stand.idp.login('alice')
  })
  afterAll(() => stand?.stop())

  describe.each(clients)('called by $client', ({ connect, version }) => {
    let client: ConnectedClient<unknown>
    beforeAll(async () => {
      stand.proxy.forget()
      client = await connect({ url: stand.url, token })
    })
    afterAll(() => client?.close())
    beforeEach(() => stand.proxy.forget())

    it('opens in the era that client and server share', () => {
      expect(client.protocolVersion).toBe(version)
    })

    it('lists the same tools as without us', async () => {
      const direct = await connect({ url: `${stand.server.origin}/mcp` })
      const listed = await client.listTools()
      expect(listed).toEqual(await direct.listTools())
      expect(listed).toEqual(expect.arrayContaining([...tools]))
      await direct.close()
    })

    it('calls a tool that is allowed', async () => {
      const answer = await client.callTool(allowed.tool, allowed.args)
      expect(answer.isError).toBe(false)
      expect(answer.text).toContain(allowed.says)
      expect(stand.proxy.count('/mcp')).toBe(1)
    })

    it('hands a denial to the model as the result of the tool', async () => {
      const answer = await client.callTool(denied.tool, denied.args)
      expect(answer.isError).toBe(true)
      for (const text of denied.says) expect(answer.text).toContain(text)
      expect(stand.proxy.count()).toBe(0)
    })

    it('names the decision of a denial, under which the record is found', async () => {
      const { meta } = await client.callTool(denied.tool, denied.args)
      const { decisionId } = decisionOf(meta)
      const record = await stand.authz.record(decisionId)
      expect(record).toMatchObject({ decision: 'deny', subject: { user: 'alice' }, mcp: { method: 'tools/call' } })
    })

    it('goes on after a denial', async () => {
      await client.callTool(denied.tool, denied.args)
      expect(await client.callTool(allowed.tool, allowed.args)).toMatchObject({ isError: false })
    })

    it('makes the same requests of the server as without us, from the first to the last', async () => {
      const session = async (options: ConnectOptions): Promise<string[]> => {
        stand.proxy.forget()
        const one = await connect(options)
        await one.listTools()
        await one.callTool(allowed.tool, allowed.args)
        await eventually('the event stream', () => version >= '2026' || stand.proxy.requests.some(isStream))
        await one.close()
        return stand.proxy.requests.map(({ method, path }) => `${method} ${path}`).sort()
      }
      const direct = await session({ url: `${stand.proxy.url}/mcp` })
      expect(await session({ url: stand.url, token })).toEqual(direct)
      expect(direct.includes('DELETE /mcp')).toBe(version < '2026')
    })
  })
})

describe('event streams', () => {
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand({ upstream: 'everything', serverName: 'everything', policies: everythingPolicies })
  })
  afterAll(() => stand?.stop())

  it('carries what the server sends on its own', async () => {
    const client = await connectV1({ url: stand.url, token: await stand.idp.login('alice') })
    const received: unknown[] = []
    client.sdk.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void received.push(params.data))
    await eventually('the event stream', () => stand.proxy.requests.some(isStream))
    expect(await client.callTool('toggle-simulated-logging')).toMatchObject({ isError: false })
    await eventually('a notification of the server', () => received.length > 0)
    await client.close()
  })

  it('carries the progress of a call', async () => {
    const client = await connectV1({ url: stand.url, token: await stand.idp.login('alice') })
    const steps: number[] = []
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }
    await client.sdk.callTool(call, undefined, { onprogress: ({ progress }) => void steps.push(progress) })
    expect(steps.slice(0, 2)).toEqual([1, 2])
    await client.close()
  })
})

function isStream({ method }: { readonly method: string }): boolean {
  return method === 'GET'
}
