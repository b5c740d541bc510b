import * as v2 from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { describe, expect, it } from 'vitest'
import { checkFraming } from '../framing.js'
import { inboundRequest } from '../inbound-request.fixture.js'
import { readCall } from './classify.js'

const url = new URL('http://mcp.example.com/mcp')

/** A server in place of the network: judges each request as we would, then answers as one of the era would. */
function judge(serves: 'legacy' | 'modern') {
  const seen: string[] = []
  const fetch = async (target: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const http = new Request(target, init)
    const text = await http.text()
    const request = inboundRequest({
      method: http.method,
      headers: [...http.headers],
      ...(text === '' ? {} : { text }),
    })
    const framing = checkFraming(request)
    const result = readCall(request, { protocol: 'mcp', methods: new Set() })
    if (framing !== undefined || !result.ok) {
      seen.push(`${http.method} refused: ${framing?.reason ?? (result.ok ? '' : result.reason)}`)
      return new Response(null, { status: 400 })
    }
    const { call } = result
    seen.push(`${call.kind} ${call.era} ${call.method}`.trim())
    if (call.kind === 'stream') return new Response(null, { status: 405 })
    if (call.id === undefined) return new Response(null, { status: call.kind === 'close' ? 200 : 202 })
    const reply = replies[call.method]
    const error = { code: -32601, message: 'no' }
    const body =
      reply === undefined || (call.method === 'server/discover' && serves === 'legacy') ? { error } : { result: reply }
    return Response.json(
      { jsonrpc: '2.0', id: JSON.parse(call.id), ...body },
      {
        status: 'error' in body ? 400 : 200,
        ...(serves === 'legacy' ? { headers: { 'mcp-session-id': 'sid-1' } } : {}),
      },
    )
  }
  return { fetch, seen }
}

const shared = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} }
const serverInfo = { name: 's', version: '1' }
const replies: { readonly [method: string]: object } = {
  'server/discover': { ...shared, supportedVersions: ['2026-07-28'], capabilities, serverInfo },
  initialize: { protocolVersion: '2025-11-25', capabilities, serverInfo },
  'tools/list': { ...shared, tools: [{ name: 'a', inputSchema: { type: 'object' } }] },
  'tools/call': { ...shared, content: [] },
  'prompts/get': { ...shared, messages: [] },
  'resources/read': { ...shared, contents: [] },
  'completion/complete': { ...shared, completion: { values: [] } },
}

const legacyTraffic = [
  'request legacy initialize',
  'notification legacy notifications/initialized',
  'stream legacy',
  'request legacy tools/list',
  'request legacy tools/call',
  'request legacy prompts/get',
  'request legacy resources/read',
  'request legacy completion/complete',
  'close legacy',
]
const modernTraffic = [
  'request modern server/discover',
  ...legacyTraffic
    .filter(line => line.includes('/') && line.startsWith('request'))
    .map(line => line.replace('legacy', 'modern')),
]

async function useAll(client: ClientV1 | v2.Client): Promise<void> {
  await client.listTools()
  await client.callTool({ name: 'a', arguments: { n: 1 } })
  await client.getPrompt({ name: 'p' })
  await client.readResource({ uri: 'file:///a%20b' })
  await client.complete({ ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'x', value: '' } })
}

describe('unmodified clients pass', () => {
  it('TypeScript v1', async () => {
    const { fetch, seen } = judge('legacy')
    const client = new ClientV1({ name: 'c', version: '1' })
    const transport = new TransportV1(url, { fetch })
    // The transport's optional members are typed without `undefined`, which exactOptionalPropertyTypes minds.
    await client.connect(transport as Parameters<ClientV1['connect']>[0])
    await useAll(client)
    await transport.terminateSession()
    await client.close()
    expect(seen.toSorted()).toEqual(legacyTraffic.toSorted())
  })

  it('TypeScript v2 as it comes', async () => {
    const { fetch, seen } = judge('legacy')
    const client = new v2.Client({ name: 'c', version: '1' })
    const transport = new v2.StreamableHTTPClientTransport(url, { fetch })
    await client.connect(transport)
    await useAll(client)
    await transport.terminateSession()
    await client.close()
    expect(seen.toSorted()).toEqual(legacyTraffic.toSorted())
  })

  it('TypeScript v2 that negotiates with a modern server', async () => {
    const { fetch, seen } = judge('modern')
    const client = new v2.Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new v2.StreamableHTTPClientTransport(url, { fetch }))
    await useAll(client)
    await client.close()
    expect(seen.toSorted()).toEqual(modernTraffic.toSorted())
  })

  it('TypeScript v2 that falls back to a legacy server', async () => {
    const { fetch, seen } = judge('legacy')
    const client = new v2.Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    const transport = new v2.StreamableHTTPClientTransport(url, { fetch })
    await client.connect(transport)
    await useAll(client)
    await transport.terminateSession()
    await client.close()
    expect(seen.toSorted()).toEqual(['request modern server/discover', ...legacyTraffic].toSorted())
  })
})
