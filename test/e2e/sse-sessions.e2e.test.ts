import { randomBytes } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawPost } from '../../src/demo/raw-post.js'
import { decisionIdOf, errorOf } from './support/answers.js'
import { toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

/** Sessions of HTTP+SSE (2024-11-05), which clients name in the query. */

const policies = `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: everything }
spec:
  resource: https://mcp.example.com/mcp
  catalog: server-everything
  require: [grants]
  sse: { messages: /message }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec:
  match: { servers: [everything], tools: [echo], subjects: [{ kind: Group, name: "system:authenticated" }] }
`

let stand: Stand
let alice: string
let bob: string

/** A client of alice, and where it was told to send its messages. */
async function connect() {
  let endpoint = ''
  const transport = new SSEClientTransport(new URL(stand.url), {
    requestInit: { headers: { authorization: `Bearer ${alice}` } },
    fetch: (url, init) => {
      if (init?.method === 'POST') endpoint = String(url)
      return fetch(url, init)
    },
  })
  const client = new Client({ name: 'e2e', version: '1' })
  await client.connect(transport)
  return { client, endpoint: () => endpoint }
}

describe.each([
  { door: 'ext_proc beside ext_authz', alone: false },
  { door: 'ext_proc alone', alone: true },
])('a session that is named in the query: $door', ({ alone }) => {
  beforeAll(async () => {
    stand = await startStand({
      upstream: 'everything-sse',
      serverName: 'everything',
      path: '/sse',
      policies: demo => ({ 'identity.yaml': demo['identity.yaml'] ?? '', 'server.yaml': policies }),
      responseDoor: { keys: [randomBytes(32).toString('base64')], alone },
      adaptEnvoy: template =>
        template.replace('match: { path: /mcp }', 'match: { safe_regex: { regex: "/(sse|message)" } }'),
    })
    alice = await stand.idp.login('alice')
    bob = await stand.idp.login('bob')
  })
  afterAll(() => stand?.stop())

  it('works: the client has a tag, the server its own id', async () => {
    const { client, endpoint } = await connect()
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo'])
    expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
      content: [{ text: expect.stringContaining('hi') }],
    })
    expect(endpoint()).toMatch(/\/message\?sessionId=[0-9a-f-]{36}~[\w-]{8}~[\w-]{32}$/)
    await client.close()
  })

  it('is good for nobody else, nor without its tag', async () => {
    const { client, endpoint } = await connect()
    stand.proxy.forget()
    const tagged = endpoint()
    const bare = tagged.slice(0, tagged.indexOf('~'))
    const send = (url: string, token: string) => rawPost({ url, token, body: toolsCall('echo', { message: 'x' }) })
    const refused = async (url: string, token: string) => {
      const answer = await send(url, token)
      return [answer.status, errorOf(answer).data.reason]
    }
    expect(await refused(tagged, bob)).toEqual([404, 'session.foreign'])
    expect(await refused(bare, bob)).toEqual([404, 'session.unknown'])
    expect(await refused(bare, alice)).toEqual([404, 'session.unknown'])
    expect(await refused(`${tagged}&sessionId=x`, alice)).toEqual([400, 'session.malformed'])
    expect((await rawPost({ url: tagged, body: toolsCall('echo', {}) })).status).toBe(401)
    expect(stand.proxy.count()).toBe(0)
    const sent = await send(tagged, alice)
    expect(sent.status).toBe(202)
    expect(await stand.authz.record(decisionIdOf(sent))).toMatchObject({ mcp: { session: 'bound' } })
    await client.close()
  })
})
