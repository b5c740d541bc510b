import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectV1, connectV2 } from '../../src/demo/clients.js'
import { startLedgerServer } from '../../src/demo/ledger-server.js'
import { rawPost } from '../../src/demo/raw-post.js'
import { toolsCall } from './support/messages.js'
import { type Stand, startStand } from './support/stand.js'

const ISSUER = 'https://authz.example.com'
const LEDGER = 'https://ledger.example.com'

let directory: string
let stand: Stand
let alice: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mcp-authz-context-'))
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  stand = await startStand({
    serverName: 'ledger',
    trust: 'network',
    startServer: ({ httpPort }) =>
      startLedgerServer({
        jwksUrl: `http://127.0.0.1:${httpPort}/.well-known/jwks.json`,
        issuer: ISSUER,
        audience: LEDGER,
      }),
    config: { signing: { issuer: ISSUER, keys: [{ file: join(directory, 'key.pem') }] } },
    policies: demo => ({
      'identity.yaml': demo['identity.yaml'] ?? '',
      'ledger.yaml': `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: ledger }
spec:
  resource: https://mcp.example.com/mcp
  upstream: { contextToken: true, audience: ${LEDGER} }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: everybody-books }
spec: { match: { servers: [ledger], tools: [book], subjects: [{ kind: Group, name: team-a-developers }] } }
`,
    }),
  })
  alice = await stand.idp.login('alice')
})
afterAll(async () => {
  await stand?.stop()
  if (directory !== undefined) await rm(directory, { recursive: true })
})
beforeEach(() => stand.proxy.forget())

const booking = { account: 'team-a', amount: 10 }

describe('a server that verifies the context token', () => {
  it.each([
    ['v1', connectV1],
    ['v2', connectV2],
  ] as const)('takes every message of an unmodified client (%s)', async (_name, connect) => {
    const token = await stand.idp.exchange(alice)
    const client = await connect({ url: stand.url, token })
    expect(await client.listTools()).toEqual(['book'])
    expect(await client.callTool('book', booking)).toMatchObject({
      isError: false,
      text: 'booked 10 on team-a, for alice, through sre-agent',
    })
    await client.close()
  })

  it('takes arguments that can be written in several ways', async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"note":"\\u00e4\\ud83d\\ude00","amount":1.0e1,"account":"t","n":[1E-7,-0,9007199254740993]},"name":"book"}}'
    expect(await rawPost({ url: stand.url, token: alice, body })).toMatchObject({ status: 200 })
    expect(stand.proxy.count()).toBe(1)
  })

  /** The token of a call that was allowed, as somebody between gateway and server could get hold of it. */
  async function tokenOf(body: string): Promise<string> {
    expect((await rawPost({ url: stand.url, token: alice, body })).status).toBe(200)
    return String(stand.proxy.last()?.headers['x-mcp-authz-context'])
  }
  const toServer = (body: string, token?: string) =>
    rawPost({
      url: `${stand.server.origin}/mcp`,
      body,
      headers: token === undefined ? {} : { 'x-mcp-authz-context': token },
    })

  it.each([
    ['other arguments', toolsCall('book', { ...booking, amount: 10_000 }), 'the arguments differ'],
    ['another tool', toolsCall('transfer', booking), 'another tool'],
    ['another method', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', 'another method'],
    ['the same call, written anew', toolsCall('book', booking).replace('"id":1', '"id":2'), 'another message'],
  ])('refuses the token of a call with %s', async (_name, body, message) => {
    const token = await tokenOf(toolsCall('book', booking))
    expect(await toServer(toolsCall('book', booking), token)).toMatchObject({ status: 200 })
    const answer = await toServer(body, token)
    expect(answer.status).toBe(403)
    expect(answer.body).toContain(message)
  })

  it.each([
    ['none', undefined],
    ['garbage', 'x'],
    ['an access token', () => alice],
    ['an unsigned one', 'eyJhbGciOiJub25lIiwidHlwIjoidHhudG9rZW4rand0In0.e30.'],
  ])('refuses a call with %s in its place', async (_name, token) => {
    const answer = await toServer(toolsCall('book', booking), typeof token === 'function' ? token() : token)
    expect(answer.status).toBe(403)
  })

  it('never sees what a client writes in its place', async () => {
    const token = await tokenOf(toolsCall('book', booking))
    const answer = await rawPost({
      url: stand.url,
      token: alice,
      body: toolsCall('book', { ...booking, amount: 11 }),
      headers: ['x-mcp-authz-context', token, 'X-Mcp-Authz-Context', token, 'x_mcp_authz_context', token],
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('booked 11')
  })
})
