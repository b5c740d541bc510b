import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js'
import { stringify } from 'yaml'
import { envoy } from '../../gen/wire.js'
import { freePorts } from '../../src/demo/free-port.js'
import { resumeProcess, suspendProcess } from '../../src/demo/suspend-process.js'
import { extAuthzService } from '../../src/doors/ext-authz/ext-authz-door.js'
import { packageRoot } from '../../src/package-root.js'
import { type AuthzProcess, startAuthzProcess } from './support/authz-process.js'
import { createLocalIssuer } from './support/local-issuer.js'

const { CheckRequest, CheckResponse } = envoy.service.auth.v3
const run = promisify(execFile)

const resource = 'https://mcp.example.com/mcp'
const rules = (tools: readonly string[]) => `
apiVersion: mcp-authz.dev/v1alpha1
kind: Server
metadata: { name: files }
spec: { resource: "${resource}", require: [grants] }
---
apiVersion: mcp-authz.dev/v1alpha1
kind: Grant
metadata: { name: staff }
spec: { match: { servers: [files], tools: [${tools.join(', ')}], subjects: [{ kind: Group, name: staff }] } }
`

export interface Answered {
  readonly allowed: boolean
  readonly decisionId: string
}

/** One connection of a gateway. */
export interface Gateway {
  ask(tool: string, deadlineMs?: number): Promise<Answered>
  close(): void
}

export interface WorkersStand {
  readonly authz: AuthzProcess
  readonly grpcPort: number
  readonly socket: string
  readonly adminPort: number
  readonly log: string
  /** Process ids of the workers that run now. */
  workers(): Promise<readonly number[]>
  /** A connection of its own. */
  gateway(target?: string, creds?: ChannelCredentials): Gateway
  metrics(): Promise<string>
  grant(tools: readonly string[]): Promise<void>
  /** `mcp-authz log verify` on the decision log. */
  verify(): Promise<string>
  stop(): Promise<void>
}

/** `mcp-authz serve` from dist/ with workers, and an issuer whose keys are in a file. */
export async function startWorkersStand(spec: Readonly<Record<string, unknown>> = {}): Promise<WorkersStand> {
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-workers-'))
  const issuer = await createLocalIssuer({ audience: resource })
  const [grpcPort = 0, httpPort = 0, adminPort = 0] = await freePorts(3)
  const policies = join(directory, 'rules.yaml')
  const grant = (tools: readonly string[]) => writeFile(policies, rules(tools))
  await grant(['read'])
  await writeFile(join(directory, 'identity.yaml'), issuer.policies)
  const log = join(directory, 'decisions.ndjson')
  const socket = join(directory, 'authz.sock')
  const config = join(directory, 'config')
  const host = '127.0.0.1'
  const document = {
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'Config',
    spec: {
      workers: 2,
      sources: [{ directory: policies }, { directory: join(directory, 'identity.yaml') }],
      listeners: [
        { name: 'one', host, port: grpcPort },
        { name: 'two', socket },
      ],
      http: { host, port: httpPort },
      admin: { port: adminPort, recentDecisions: 100_000 },
      decisionLog: { file: log, stdout: true, chain: true },
      shutdown: { drainSeconds: 5 },
      ...spec,
    },
  }
  await writeFile(config, stringify(document))
  const token = await issuer.token()
  const remove = async () => {
    await issuer.stop()
    await rm(directory, { recursive: true, force: true })
  }
  let authz: AuthzProcess
  try {
    authz = await startAuthzProcess({ config, httpPort })
    await authz.untilReady()
  } catch (cause) {
    await remove()
    throw cause
  }
  const gateways = new Set<Gateway>()
  return {
    ...{ authz, grpcPort, socket, adminPort, log, grant },
    workers: () => childrenOf(authz.child.pid),
    gateway(target = `${host}:${grpcPort}`, creds = credentials.createInsecure()) {
      const gateway = openGateway(target, creds, token)
      gateways.add(gateway)
      return gateway
    },
    metrics: async () => (await fetch(`http://${host}:${httpPort}/metrics`)).text(),
    async verify() {
      const { stdout } = await run(process.execPath, [join(packageRoot, 'dist/cli/main.js'), 'log', 'verify', log])
      return stdout
    },
    async stop() {
      for (const gateway of gateways) gateway.close()
      await authz.stop()
      await remove()
    },
  }
}

function openGateway(target: string, creds: ChannelCredentials, token: string): Gateway {
  const client = new Client(target, creds, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_channelz': 0,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 200,
  })
  const pass = (bytes: Buffer) => bytes
  return {
    ask: (tool, deadlineMs = 5_000) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + deadlineMs
        client.makeUnaryRequest(
          `/${extAuthzService}/Check`,
          ...[pass, pass, question(token, tool), { deadline }],
          (error, answer) => (answer === undefined ? reject(error ?? new Error('no answer')) : resolve(read(answer))),
        )
      }),
    close: () => client.close(),
  }
}

function question(token: string, name: string): Buffer {
  const body = Buffer.from(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  )
  const headers = {
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${token}`,
    'content-length': String(body.length),
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
    'x-envoy-auth-partial-body': 'false',
  }
  const http = {
    ...{ id: '1', method: 'POST', path: '/mcp', host: 'mcp.example.com', scheme: 'https', protocol: 'HTTP/1.1' },
    ...{ headers, rawBody: body, size: body.length },
  }
  return Buffer.from(CheckRequest.encode({ attributes: { request: { http } } }).finish())
}

function read(bytes: Uint8Array): Answered {
  const { status, okResponse, deniedResponse } = CheckResponse.decode(bytes)
  const allowed = (status?.code ?? 0) === 0 && okResponse !== null && okResponse !== undefined
  const headers = (allowed ? okResponse?.headers : deniedResponse?.headers) ?? []
  const id = headers.find(({ header }) => header?.key === 'x-mcp-authz-decision-id')?.header?.value
  return { allowed, decisionId: id ?? '' }
}

/** From /proc, as Linux has it. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const ids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(
    ids.map(async id => {
      const status = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')
      const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ')
      return { id, isChild: Number(parent) === pid && state !== 'Z' }
    }),
  )
  return parents.filter(({ isChild }) => isChild).map(({ id }) => id)
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The connections that a process has: those that are not answered while it is stopped. */
export async function connectionsOf(pid: number, gateways: readonly Gateway[]): Promise<ReadonlySet<Gateway>> {
  await Promise.all(gateways.map(gateway => gateway.ask('read')))
  await suspendProcess(pid)
  try {
    const answered = await Promise.all(
      gateways.map(gateway =>
        gateway.ask('read', 1_500).then(
          () => true,
          () => false,
        ),
      ),
    )
    return new Set(gateways.filter((_, index) => answered[index] === false))
  } finally {
    resumeProcess(pid)
  }
}

/** Sum of the samples of a metric in the Prometheus text format, of those with these labels. */
export function sumOf(text: string, name: string, label = ''): number {
  const samples = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return samples
    .filter(line => line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
