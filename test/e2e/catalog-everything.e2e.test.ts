import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startEverythingServer } from '../../src/demo/everything-server.js'
import type { McpServer } from '../../src/demo/mcp-server.js'
import { shippedCatalog } from '../../src/rbac/catalog.fixture.js'
import { eventually } from './support/eventually.js'

const catalog = shippedCatalog('server-everything')

interface Published {
  readonly name: string
  readonly arguments: readonly string[]
}

let server: McpServer
let tools: readonly Published[]
let prompts: readonly Published[]

beforeAll(async () => {
  server = await startEverythingServer()
  // Some tools are there only for clients that can be asked something, and come when the client has said so.
  const question = { elicitation: { create: {} }, sampling: { createMessage: {} } }
  const capabilities = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} }, tasks: { requests: question } }
  const sdk = new Client({ name: 'catalog-test', version: '1.0.0' }, { capabilities })
  await sdk.connect(new StreamableHTTPClientTransport(new URL(server.url)))
  await eventually('every tool', async () => (await sdk.listTools()).tools.length >= catalog.tools.size)
  tools = (await sdk.listTools()).tools.map(({ name, inputSchema }) => ({
    name,
    arguments: Object.keys(inputSchema.properties ?? {}),
  }))
  prompts = (await sdk.listPrompts()).prompts.map(({ name, arguments: given = [] }) => ({
    name,
    arguments: given.map(one => one.name),
  }))
  await sdk.close()
})
afterAll(() => server?.stop())

it('the catalogue has every tool and prompt of server-everything, and no others', () => {
  expect(tools.map(({ name }) => name).sort()).toEqual([...catalog.tools.keys()].sort())
  expect(prompts.map(({ name }) => name).sort()).toEqual([...catalog.prompts.keys()].sort())
})

it('it lists their arguments', () => {
  for (const { name, arguments: given } of [...tools, ...prompts]) {
    const entry = catalog.tools.get(name) ?? catalog.prompts.get(name)
    expect([...(entry?.arguments ?? [])].sort(), name).toEqual([...given].sort())
  }
})

it('nothing in it touches Kubernetes', () => {
  for (const entry of [...catalog.tools.values(), ...catalog.prompts.values()]) expect(entry.noOperations).toBe(true)
})
