import { join } from 'node:path'
import * as z from 'zod'
import { packageRoot } from '../package-root.js'
import { type Child, startChild } from './child-process.js'
import { freePorts } from './free-port.js'
import { readyOrStopped } from './mcp-server.js'
import { rawPost } from './raw-post.js'

const Record = z.looseObject({
  decision_id: z.string(),
  decision: z.string(),
  mode: z.string(),
  reason: z.string().optional(),
  subject: z.looseObject({ user: z.string() }).optional(),
  agent: z.looseObject({ id: z.string() }).optional(),
  actors: z.array(z.string()).optional(),
  would_deny: z.array(z.looseObject({ reason: z.string(), policy_reason: z.string().optional() })).optional(),
})
export type DemoRecord = z.infer<typeof Record>

export interface AuthzProcess {
  readonly grpcPort: number
  readonly httpPort: number
  readonly child: Child
  /** Decision records so far, as they came. */
  readonly records: readonly string[]
  /** The record of a decision; waits for it up to 5 s. */
  record(decisionId: string): Promise<{ readonly line: string; readonly parsed: DemoRecord }>
  /** The revision of the policies in force. */
  revision(): Promise<string>
  /** Waits until other policies are in force than those of a revision. */
  waitForOther(revision: string): Promise<void>
  stop(): Promise<void>
}

/** Starts `mcp-authz serve` as its users do, as a process of its own, and waits until it is ready. */
export async function startAuthz(options: {
  readonly policies: string
  readonly ports?: readonly [grpc: number, http: number]
  /** Further settings of the Config, as for `--set`. */
  readonly settings?: Readonly<Record<string, string>>
}): Promise<AuthzProcess> {
  const [grpcPort = 0, httpPort = 0] = options.ports ?? (await freePorts(2))
  const records: string[] = []
  const settings = {
    'listeners.0.host': '127.0.0.1',
    'listeners.0.port': grpcPort,
    'http.host': '127.0.0.1',
    'http.port': httpPort,
    'identity.insecureLoopbackIssuers': true,
    'shutdown.drainSeconds': 2,
    ...options.settings,
  }
  const child = await startChild({
    name: 'mcp-authz',
    command: process.execPath,
    args: [
      join(packageRoot, 'dist/cli/main.js'),
      ...['serve', '--policies', options.policies],
      ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ],
    onLine: line => {
      if (line.startsWith('{"version"')) records.push(line)
    },
  })
  const page = async (path: string): Promise<string> => {
    const answer = await rawPost({ url: `http://127.0.0.1:${httpPort}${path}`, method: 'GET', body: '' }).catch(
      () => undefined,
    )
    return answer === undefined ? '' : answer.body
  }
  const revision = async () => /mcp_authz_policy_info\{revision="([^"]*)"/.exec(await page('/metrics'))?.[1] ?? ''
  await readyOrStopped(child, async () => (await page('/readyz')).includes('"status":"ready"'))
  return {
    grpcPort,
    httpPort,
    child,
    records,
    revision,
    waitForOther: before => poll(async () => (await revision()) !== before),
    async record(decisionId) {
      const find = () => records.find(line => line.includes(decisionId))
      await poll(async () => find() !== undefined)
      const line = find() ?? ''
      return { line, parsed: Record.parse(JSON.parse(line)) }
    },
    stop: async () => void (await child.stop()),
  }
}

/** Every 50 ms until it is so; an error after 5 s. */
async function poll(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 5_000
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('mcp-authz did not come to the expected state within 5 s')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
