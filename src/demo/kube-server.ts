import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { stringify } from 'yaml'
import { buildKubeServer } from './build-kube-server.js'
import { type Child, type ChildOptions, startChild } from './child-process.js'
import { freePort } from './free-port.js'
import { signalGroup } from './kill-on-exit.js'
import { resumeProcess, suspendProcess } from './suspend-process.js'

const ATTEMPTS = 5
/** Alone on a machine it takes three to four seconds. */
const READY_TIMEOUT_MS = 120_000

export interface KubeServerOptions {
  /** Further flags of kube-apiserver, `--name=value`. */
  readonly flags?: readonly string[]
  /** Users with a token of their own, and their groups. `admin` (group system:masters) is always there. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /** An AuthenticationConfiguration (apiserver.config.k8s.io/v1). */
  readonly authentication?: object
  /** Whether every request is written to `audit.log` in its directory, without its body. Default: true. */
  readonly audit?: boolean
  /** See {@link ChildOptions.niceness}. */
  readonly niceness?: number
  /** Told what a build that has to be done first says. Default: nobody. */
  readonly say?: (line: string) => void
}

/** Where an API server is and who may do everything there: all that a client in another process needs. */
export interface KubeServerPlace {
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Its own, removed by `stop`. */
  readonly directory: string
  /** Certificate of the authority that its certificate comes from. */
  readonly caFile: string
  /** Bearer token by user: `admin` and those that were asked for. */
  readonly tokens: Readonly<Record<string, string>>
}

export interface KubeServer extends KubeServerPlace {
  readonly child: Child
  /** Stops it as a power cut does. */
  kill(): Promise<void>
  /** Kills it if it runs, and starts it again with what it had kept, on the same port. */
  restart(): Promise<void>
  /** Connections stay open and nothing is answered, from when the promise resolves until it resumes. */
  pause(): Promise<void>
  resume(): void
  /** Another AuthenticationConfiguration; the API server notices within seconds. */
  setAuthentication(configuration: object): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a real Kubernetes API server, with etcd and without nodes, and waits until it is ready. It has a new directory and
 * whatever port is free. Throws when it cannot be built (see buildKubeServer) or does not start.
 */
export async function startKubeServer(options: KubeServerOptions = {}): Promise<KubeServer> {
  const build = await buildKubeServer(options.say ?? (() => {}))
  if (!build.built) throw new Error(`there is no Kubernetes API server: ${build.message}`)
  const { program } = build
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-kube-'))
  try {
    const names = ['admin', ...Object.keys(options.users ?? {})]
    const tokens = Object.fromEntries(names.map(name => [name, randomBytes(16).toString('hex')] as const))
    const flags = await writeFiles(directory, options, tokens)
    const caFile = join(directory, 'pki', 'apiserver.crt')
    const { niceness } = options
    const start = (port: number) =>
      startProgram({ program, directory, caFile, port, flags, token: tokens.admin ?? '', niceness })
    const first = await startOnFreePort(start)
    const { port } = first
    let child = first.child
    const kill = async (): Promise<void> => {
      signalGroup(child.pid, 'SIGKILL')
      await child.exited
    }
    return {
      url: `https://127.0.0.1:${port}`,
      ...{ port, directory, caFile, tokens },
      get child() {
        return child
      },
      kill,
      async restart() {
        await kill()
        child = await start(port)
      },
      pause: () => suspendProcess(child.pid),
      resume: () => resumeProcess(child.pid),
      setAuthentication: configuration => writeWhole(join(directory, 'authentication.yaml'), configuration),
      async stop() {
        await kill()
        await rm(directory, { recursive: true, force: true })
      },
    }
  } catch (cause) {
    await rm(directory, { recursive: true, force: true })
    throw cause
  }
}

interface Start {
  readonly program: string
  readonly directory: string
  readonly caFile: string
  readonly port: number
  readonly flags: readonly string[]
  readonly token: string
  readonly niceness: number | undefined
}

async function startProgram({ program, directory, caFile, port, flags, token, niceness }: Start): Promise<Child> {
  const own = ['-directory', directory, '-port', String(port), '-token', token]
  const child = await startChild({
    ...{ name: 'kube-server', command: program, args: [...own, '--', ...flags] },
    ...(niceness !== undefined && { niceness }),
  })
  try {
    await child.waitUntilReady(async () => {
      const connect = { ca: await readFile(caFile) }
      const dispatcher = new Agent({ connect })
      const headers = { authorization: `Bearer ${token}` }
      try {
        const answer = await request(`https://127.0.0.1:${port}/readyz`, { dispatcher, headers, headersTimeout: 2_000 })
        await answer.body.dump()
        return answer.statusCode === 200
      } finally {
        await dispatcher.destroy()
      }
    }, READY_TIMEOUT_MS)
  } catch (cause) {
    signalGroup(child.pid, 'SIGKILL')
    await child.exited
    throw cause
  }
  return child
}

/** Between the choice of a port and its use another program may take it: then the next one is tried. */
async function startOnFreePort(start: (port: number) => Promise<Child>): Promise<{ port: number; child: Child }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, child: await start(port) }
    } catch (error) {
      const taken = error instanceof Error && error.message.includes('address already in use')
      if (!taken || attempt === ATTEMPTS) throw error
    }
  }
}

/** Writes what the flags name and returns the flags. */
async function writeFiles(
  directory: string,
  { flags = [], users = {}, authentication, audit = true }: KubeServerOptions,
  tokens: Readonly<Record<string, string>>,
): Promise<string[]> {
  const put = (name: string, text: string) => writeFile(join(directory, name), text, { mode: 0o600 })
  const groups: Readonly<Record<string, readonly string[]>> = { ...users, admin: ['system:masters'] }
  const rows = Object.entries(tokens).map(
    ([user, token]) => `${token},${user},uid-of-${user},"${(groups[user] ?? []).join()}"\n`,
  )
  await put('tokens.csv', rows.join(''))
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await put('sa.key', privateKey.export({ type: 'pkcs1', format: 'pem' }).toString())
  const file = (name: string) => join(directory, name)
  const all = [
    `--token-auth-file=${file('tokens.csv')}`,
    `--service-account-key-file=${file('sa.key')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
  ]
  if (!flags.some(flag => flag.startsWith('--authorization-'))) all.push('--authorization-mode=RBAC')
  if (audit) {
    const rules = [{ level: 'Metadata', omitStages: ['RequestReceived'] }]
    await put('audit-policy.yaml', stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }))
    all.push(`--audit-policy-file=${file('audit-policy.yaml')}`, `--audit-log-path=${file('audit.log')}`)
  }
  if (authentication !== undefined) {
    await writeWhole(file('authentication.yaml'), authentication)
    all.push(`--authentication-config=${file('authentication.yaml')}`)
  }
  // The two exclude each other.
  if (authentication === undefined || !('anonymous' in authentication)) all.push('--anonymous-auth=false')
  return [...all, ...flags]
}

/** A file that is written in place may be read while it is empty. */
async function writeWhole(path: string, content: object): Promise<void> {
  await writeFile(`${path}.new`, stringify(content), { mode: 0o600 })
  await rename(`${path}.new`, path)
}
