import * as v2 from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { describe, expect, it } from 'vitest'
import { EventStreamReader } from '../sse/event-stream-reader.js'
import { appendText } from './append-text.js'
import { editEvent } from './edit-event.js'
import { filterList } from './filter-list.js'
import { mapResultTexts } from './map-result-texts.js'
import type { Rewritten } from './read-server-messages.js'
import type { ResponseFailure } from './response-failure.js'

const url = new URL('http://mcp.example.com/mcp')

const shared = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }
const capabilities = { tools: {}, prompts: {}, resources: {} }
const serverInfo = { name: 's', version: '1' }
const schema = { type: 'object' }
const replies: { readonly [method: string]: object } = {
  'server/discover': { ...shared, supportedVersions: ['2026-07-28'], capabilities, serverInfo },
  initialize: { protocolVersion: '2025-11-25', capabilities, serverInfo },
  'tools/list': { ...shared, tools: ['hidden1', 'shown', 'hidden2'].map(name => ({ name, inputSchema: schema })) },
  'prompts/list': { ...shared, prompts: [{ name: 'hidden' }, { name: 'shown' }] },
  'resources/list': { ...shared, resources: [{ uri: 'file:///hidden', name: 'a' }] },
  'resources/templates/list': { ...shared, resourceTemplates: [{ uriTemplate: 'file:///{shown}', name: 'a' }] },
  'tools/call': {
    ...shared,
    content: [{ type: 'text', text: 'the password is "hunter2"' }],
    structuredContent: { password: 'hunter2', é: ['😀'] },
  },
}

/** Everything that happens to an answer on its way back. */
function wayBack(bytes: Uint8Array): Rewritten | ResponseFailure {
  const listed = filterList(bytes, ({ name }) => !name.includes('hidden'), { cacheScope: 'private' })
  if (!listed.ok) return listed
  const mapped = mapResultTexts(listed.bytes, text =>
    text.includes('hunter2') ? text.replaceAll('hunter2', '***') : undefined,
  )
  return mapped.ok ? appendText(mapped.bytes, ['You act for jane.']) : mapped
}

function passOn(done: Rewritten | ResponseFailure): Uint8Array {
  if (!done.ok) throw new Error(done.message)
  return done.bytes
}

type Answer = (message: object) => Response

const asJson: Answer = message =>
  new Response(passOn(wayBack(Buffer.from(JSON.stringify(message)))), {
    headers: { 'content-type': 'application/json' },
  })

/** Indented, over several lines of data, in small chunks. */
const asStream: Answer = message => {
  const data = JSON.stringify(message, undefined, 1).replaceAll('\n', '\r\ndata: ')
  const source = Buffer.from(`: hello\r\n\r\nid: 1\r\ndata:\r\n\r\nevent: message\r\nid: 2\r\ndata: ${data}\r\n\r\n`)
  const reader = new EventStreamReader()
  const out: Uint8Array[] = []
  for (let at = 0; at < source.length; at += 7) {
    for (const event of reader.read(source.subarray(at, at + 7)).events) out.push(passOn(editEvent(event, wayBack)))
  }
  return new Response(Buffer.concat(out), { headers: { 'content-type': 'text/event-stream' } })
}

/** A server in place of the network. */
function serve(answer: Answer, era: 'legacy' | 'modern') {
  return async (target: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const http = new Request(target, init)
    if (http.method !== 'POST') return new Response(null, { status: 405 })
    const { id, method } = JSON.parse(await http.text())
    if (id === undefined) return new Response(null, { status: 202 })
    const result = replies[method]
    if (result === undefined || (method === 'server/discover' && era === 'legacy')) {
      return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }, { status: 400 })
    }
    return answer({ jsonrpc: '2.0', id, result })
  }
}

const called = {
  content: [
    { type: 'text', text: 'the password is "***"' },
    { type: 'text', text: 'You act for jane.', _meta: { 'mcp-authz.dev/context': true } },
  ],
  structuredContent: { password: '***', é: ['😀'] },
}

async function useAll(client: ClientV1 | v2.Client): Promise<void> {
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['shown'])
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['shown'])
  expect((await client.listResources()).resources).toEqual([])
  expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1)
  expect(await client.callTool({ name: 'shown', arguments: {} })).toMatchObject(called)
  await client.close()
}

describe.each([
  ['JSON', asJson],
  ['events', asStream],
] as const)('unmodified clients read what is left of %s', (_name, answer) => {
  it('TypeScript v1', async () => {
    const client = new ClientV1({ name: 'c', version: '1' })
    const transport = new TransportV1(url, { fetch: serve(answer, 'legacy') })
    // The transport's optional members are typed without `undefined`, which exactOptionalPropertyTypes minds.
    await client.connect(transport as Parameters<ClientV1['connect']>[0])
    await useAll(client)
  })

  it.each(['legacy', 'modern'] as const)('TypeScript v2 with a %s server', async era => {
    const client = new v2.Client({ name: 'c', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new v2.StreamableHTTPClientTransport(url, { fetch: serve(answer, era) }))
    await useAll(client)
  })
})
