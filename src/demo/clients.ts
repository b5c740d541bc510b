import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import * as z from 'zod'

export interface ConnectOptions {
  /** Of the MCP endpoint. */
  readonly url: string
  /** Sent as `authorization: Bearer …` with every request. */
  readonly token?: string
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface ToolAnswer {
  readonly isError: boolean
  /** All text blocks, one after the other. */
  readonly text: string
  /** `_meta` of the result; empty when there is none. */
  readonly meta: Readonly<Record<string, unknown>>
}

/** What the demo and its tests do with a client, whichever SDK it comes from. `sdk` is the SDK's own object. */
export interface ConnectedClient<Sdk> {
  readonly sdk: Sdk
  /** The revision that client and server agreed upon, such as 2025-11-25; undefined when the SDK does not say. */
  readonly protocolVersion: string | undefined
  /** Names, all pages. */
  listTools(): Promise<string[]>
  /** A result with `isError` is returned; what the SDK throws (protocol and HTTP errors) is thrown. */
  callTool(name: string, args?: Record<string, unknown>): Promise<ToolAnswer>
  /** Ends the session, if there is one, then the connection. */
  close(): Promise<void>
}

const CLIENT_INFO = { name: 'mcp-authz-demo', version: '1.0.0' }

const CallResult = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  isError: z.boolean().default(false),
  _meta: z.record(z.string(), z.unknown()).default({}),
})

/** The first SDK (`@modelcontextprotocol/sdk`): `initialize`, sessions, revisions up to 2025-11-25. */
export async function connectV1(options: ConnectOptions): Promise<ConnectedClient<ClientV1>> {
  const transport = new TransportV1(new URL(options.url), { requestInit: { headers: headersOf(options) } })
  const sdk = new ClientV1(CLIENT_INFO)
  await sdk.connect(transport)
  return {
    sdk,
    protocolVersion: transport.protocolVersion,
    listTools: () => allPages(cursor => sdk.listTools({ ...(cursor === undefined ? {} : { cursor }) })),
    callTool: async (name, args = {}) => answerOf(await sdk.callTool({ name, arguments: args })),
    close: async () => {
      await transport.terminateSession().catch(() => {})
      await sdk.close()
    },
  }
}

/**
 * The second SDK (`@modelcontextprotocol/client`). `legacy`, its default, opens with `initialize`; `auto` asks with
 * `server/discover` for revision 2026-07-28 first and falls back.
 */
export async function connectV2(
  options: ConnectOptions & { readonly negotiation?: 'legacy' | 'auto' },
): Promise<ConnectedClient<ClientV2>> {
  const transport = new TransportV2(new URL(options.url), { requestInit: { headers: headersOf(options) } })
  const sdk = new ClientV2(CLIENT_INFO, { versionNegotiation: { mode: options.negotiation ?? 'legacy' } })
  await sdk.connect(transport)
  return {
    sdk,
    protocolVersion: transport.protocolVersion,
    listTools: () => allPages(cursor => sdk.listTools({ ...(cursor === undefined ? {} : { cursor }) })),
    callTool: async (name, args = {}) => answerOf(await sdk.callTool({ name, arguments: args })),
    close: async () => {
      await transport.terminateSession().catch(() => {})
      await sdk.close()
    },
  }
}

function headersOf({ token, headers = {} }: ConnectOptions): Record<string, string> {
  return { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
}

function answerOf(result: unknown): ToolAnswer {
  const { content, isError, _meta: meta } = CallResult.parse(result)
  return { isError, meta, text: content.flatMap(({ text }) => text ?? []).join('\n') }
}

interface ToolPage {
  readonly tools: readonly { readonly name: string }[]
  readonly nextCursor?: string | undefined
}

async function allPages(page: (cursor: string | undefined) => Promise<ToolPage>): Promise<string[]> {
  const names: string[] = []
  let cursor: string | undefined
  do {
    const { tools, nextCursor } = await page(cursor)
    names.push(...tools.map(({ name }) => name))
    cursor = nextCursor
  } while (cursor !== undefined && names.length < 10_000)
  return names
}
