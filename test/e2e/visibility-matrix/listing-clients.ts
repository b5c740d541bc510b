import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import { pythonPackages } from '../../hostile/servers/python-packages.js'

export const listKinds = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const
export type ListKind = (typeof listKinds)[number]

export interface ListRequest {
  readonly url: string
  readonly token: string
  readonly headers: Readonly<Record<string, string>>
  readonly kinds: readonly ListKind[]
}

const names = z.array(z.string()).optional()
const Listed = z.strictObject({
  tools: names,
  prompts: names,
  resources: names,
  resourceTemplates: names,
  refused: z.string().optional(),
})
/** Names, uris and templates by list, of all pages; what the client said where it was refused. */
export type Listed = z.infer<typeof Listed>

/** Connects, lists, and ends. */
export type ListingClient = (request: ListRequest) => Promise<Listed>

const info = { name: 'matrix', version: '1' }
interface Page {
  readonly nextCursor?: string | undefined
}

async function all<P extends Page>(
  page: (params: { cursor?: string }) => Promise<P>,
  names: (page: P) => readonly string[],
): Promise<readonly string[]> {
  const listed: string[] = []
  let cursor: string | undefined
  do {
    const next = await page(cursor === undefined ? {} : { cursor })
    listed.push(...names(next))
    cursor = next.nextCursor
  } while (cursor !== undefined)
  return listed
}

type PageOf<Field extends string, Name extends string> = Page & {
  readonly [field in Field]: readonly { readonly [name in Name]: string }[]
}

/** The lists that both SDKs have alike. */
function listersOf(client: ClientV1 | ClientV2): { readonly [kind in ListKind]: () => Promise<readonly string[]> } {
  return {
    tools: () =>
      all<PageOf<'tools', 'name'>>(
        params => client.listTools(params),
        page => page.tools.map(({ name }) => name),
      ),
    prompts: () =>
      all<PageOf<'prompts', 'name'>>(
        params => client.listPrompts(params),
        page => page.prompts.map(({ name }) => name),
      ),
    resources: () =>
      all<PageOf<'resources', 'uri'>>(
        params => client.listResources(params),
        page => page.resources.map(({ uri }) => uri),
      ),
    resourceTemplates: () =>
      all<PageOf<'resourceTemplates', 'uriTemplate'>>(
        params => client.listResourceTemplates(params),
        page => page.resourceTemplates.map(({ uriTemplate }) => uriTemplate),
      ),
  }
}

async function listWith(
  client: ClientV1 | ClientV2,
  { kinds }: ListRequest,
  connect: () => Promise<void>,
): Promise<Listed> {
  try {
    await connect()
    const listers = listersOf(client)
    const listed: Listed = {}
    for (const kind of kinds) listed[kind] = [...(await listers[kind]())]
    return listed
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) }
  } finally {
    await client.close().catch(() => {})
  }
}

const headersOf = ({ token, headers }: ListRequest) => ({ ...headers, authorization: `Bearer ${token}` })

const sdkV1: ListingClient = request => {
  const client = new ClientV1(info)
  const transport = new TransportV1(new URL(request.url), { requestInit: { headers: headersOf(request) } })
  return listWith(client, request, () => client.connect(transport))
}

const sdkV2 =
  (mode: 'legacy' | 'auto'): ListingClient =>
  request => {
    const client = new ClientV2(info, { versionNegotiation: { mode } })
    const transport = new TransportV2(new URL(request.url), { requestInit: { headers: headersOf(request) } })
    return listWith(client, request, () => client.connect(transport))
  }

/** One program of the Python SDK that takes request after request. */
export interface PythonClients {
  readonly client: (mode: 'legacy' | 'auto') => ListingClient
  stop(): void
}

export async function startPythonClients(): Promise<PythonClients> {
  const env = { ...process.env, PYTHONPATH: await pythonPackages(), PYTHONDONTWRITEBYTECODE: '1' }
  const child: ChildProcessWithoutNullStreams = spawn(
    'python3',
    [join(import.meta.dirname, 'python_listing_client.py')],
    { env },
  )
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString('utf8')).slice(-4_000)
  })
  const waiting: ((line: string | undefined) => void)[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => waiting.shift()?.(line))
  lines.on('close', () => {
    for (const settle of waiting.splice(0)) settle(undefined)
  })
  return {
    client: mode => async request => {
      const line = await new Promise<string | undefined>(resolve => {
        waiting.push(resolve)
        child.stdin.write(`${JSON.stringify({ ...request, mode })}\n`)
      })
      if (line === undefined) throw new Error(`the Python client ended: ${complaints}`)
      return Listed.parse(JSON.parse(line))
    },
    stop: () => void child.kill(),
  }
}

export const nodeClients: Readonly<Record<string, ListingClient>> = {
  'SDK v1': sdkV1,
  'SDK v2, legacy': sdkV2('legacy'),
  'SDK v2, modern': sdkV2('auto'),
}
