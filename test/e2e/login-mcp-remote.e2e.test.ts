import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { everythingPolicies } from './support/everything-policies.js'
import { type Stand, startStand } from './support/stand.js'

let stand: Stand
let settings: string
beforeAll(async () => {
  settings = await mkdtemp(join(tmpdir(), 'mcp-authz-mcp-remote-'))
  stand = await startStand({ upstream: 'everything', serverName: 'everything', policies: everythingPolicies })
})
afterAll(async () => {
  await stand?.stop()
  if (settings !== undefined) await rm(settings, { recursive: true, force: true })
})
beforeEach(() => stand.proxy.forget())

const manifest = findManifest()

/** undefined where mcp-remote is not installed. */
function findManifest(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('mcp-remote/package.json')
  } catch {
    return undefined
  }
}

/** A client that speaks stdio, behind mcp-remote as its users start it. */
async function behindMcpRemote(args: readonly string[]): Promise<Client> {
  const common = [stand.url, '--allow-http', '--transport', 'http-only']
  const client = new Client({ name: 'stdio', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(dirname(manifest ?? ''), 'dist', 'proxy.js'), ...common, ...args],
    env: { ...getDefaultEnvironment(), MCP_REMOTE_CONFIG_DIR: settings },
    stderr: 'ignore',
  })
  await client.connect(transport)
  return client
}

describe.skipIf(manifest === undefined)('mcp-remote, without a browser', () => {
  it('hands on a token of its user', async () => {
    const token = await stand.idp.login('alice')
    const client = await behindMcpRemote(['--header', `Authorization: Bearer ${token}`])
    expect(await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 3 } })).not.toHaveProperty('isError', true)
    expect(stand.proxy.last()?.headers['x-mcp-authz-user']).toBe('alice')
    const denied = await client.callTool({ name: 'get-env' })
    expect(denied).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining('Denied by policy') }],
    })
    await client.close()
  })

  it('logs in with a secret, by what 401 and metadata say', async () => {
    const information = JSON.stringify({ client_id: 'sre-agent', client_secret: 'sre-agent-demo-secret' })
    const client = await behindMcpRemote(['--client-credentials', '--static-oauth-client-info', information])
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('echo')
    expect(stand.proxy.last()?.headers['x-mcp-authz-user']).toBe('service-account-sre-agent')
    // The group of the agent is given nothing: the denial comes through, and starts no login.
    expect(await client.callTool({ name: 'echo', arguments: { message: 'x' } })).toMatchObject({ isError: true })
    await client.close()
  })
})
