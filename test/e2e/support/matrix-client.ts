import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import { pythonPackages } from '../../hostile/servers/python-packages.js'

export interface Call {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

export interface Plan {
  readonly denied: Call
  readonly allowed: Call
}

const Outcome = z.object({
  step: z.enum(['connect', 'denied', 'prompt', 'resource', 'list', 'notify', 'allowed', 'close']),
  kind: z.enum(['ok', 'toolError', 'error']),
  /** All that the program that uses the client gets to see. */
  text: z.string(),
  code: z.number().nullable(),
  ms: z.number(),
})
export type Outcome = z.infer<typeof Outcome>
export type Step = Outcome['step']

/** Goes through a session: what it is denied, what it may, the end. Steps after a refused connect are left out. */
export type MatrixClient = (url: string, token: string, plan: Plan) => Promise<readonly Outcome[]>

const info = { name: 'matrix', version: '1' }
const capabilities = { roots: { listChanged: true } }
const rootsChanged = { method: 'notifications/roots/list_changed' } as const
const prompt = { name: 'simple-prompt' }
const resource = { uri: 'demo://x' }

export const sdkV1: MatrixClient = (url, token, { denied, allowed }) => {
  const client = new ClientV1(info, { capabilities })
  const transport = new TransportV1(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
  return takeAll({
    connect: () => client.connect(transport),
    denied: () => client.callTool({ ...denied, arguments: { ...denied.arguments } }),
    prompt: () => client.getPrompt(prompt),
    resource: () => client.readResource(resource),
    list: () => client.listPrompts(),
    notify: () => client.notification(rootsChanged),
    allowed: () => client.callTool({ ...allowed, arguments: { ...allowed.arguments } }),
    close: async () => {
      await transport.terminateSession().finally(() => client.close())
    },
  })
}

export const sdkV2 =
  (mode: 'legacy' | 'auto'): MatrixClient =>
  (url, token, { denied, allowed }) => {
    const client = new ClientV2(info, { capabilities, versionNegotiation: { mode } })
    const transport = new TransportV2(new URL(url), { requestInit: { headers: { authorization: `Bearer ${token}` } } })
    return takeAll({
      connect: () => client.connect(transport),
      denied: () => client.callTool({ ...denied, arguments: { ...denied.arguments } }),
      prompt: () => client.getPrompt(prompt),
      resource: () => client.readResource(resource),
      list: () => client.listPrompts(),
      notify: () => client.notification(rootsChanged),
      allowed: () => client.callTool({ ...allowed, arguments: { ...allowed.arguments } }),
      close: async () => {
        await transport.terminateSession().finally(() => client.close())
      },
    })
  }

export const pythonSdk =
  (mode: 'legacy' | 'auto'): MatrixClient =>
  async (url, token, plan) => {
    const env = { ...process.env, PYTHONPATH: await pythonPackages(), PYTHONDONTWRITEBYTECODE: '1' }
    const script = join(import.meta.dirname, 'python_client.py')
    const args = [script, url, token, mode, JSON.stringify(plan)]
    const { stdout } = await promisify(execFile)('python3', args, { env, timeout: 60_000 })
    return stdout
      .trim()
      .split('\n')
      .map(line => Outcome.parse(JSON.parse(line)))
  }

async function takeAll(steps: Readonly<Record<Step, () => Promise<unknown>>>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const step of Outcome.shape.step.options) {
    const started = performance.now()
    const outcome = await steps[step]().then(describeResult, describeError)
    outcomes.push({ step, ...outcome, ms: performance.now() - started })
    if (step === 'connect' && outcome.kind === 'error') break
  }
  return outcomes
}

type What = Pick<Outcome, 'kind' | 'text' | 'code'>

const Result = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ text: z.string().optional() })).optional(),
})
const Thrown = z.object({ code: z.number().optional(), data: z.unknown().optional() })

function describeResult(result: unknown): What {
  const read = Result.safeParse(result)
  const { isError = false, content = [] } = read.success ? read.data : {}
  return { kind: isError ? 'toolError' : 'ok', text: content.map(({ text = '' }) => text).join('\n'), code: null }
}

function describeError(error: unknown): What {
  const read = Thrown.safeParse(error)
  const { code = null, data } = read.success ? read.data : {}
  return {
    kind: 'error',
    text: `${error instanceof Error ? error.message : String(error)} ${JSON.stringify(data)}`,
    code,
  }
}
