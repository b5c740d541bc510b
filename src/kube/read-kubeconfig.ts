import { dirname, isAbsolute, join } from 'node:path'
import { parse as parseYaml } from 'yaml'
import type { ClusterConnection } from './cluster-connection.js'
import type { ExecPlugin } from './run-exec-plugin.js'

/** One context of a kubeconfig, read and checked; the files that it names are not read yet. */
export interface Kubeconfig {
  readonly host: string
  readonly port: number
  readonly basePath: string
  readonly serverName: string
  readonly verify: boolean
  readonly ca: PemSource
  readonly cert: PemSource
  readonly key: PemSource
  readonly token: string | undefined
  readonly tokenFile: string | undefined
  readonly basic: { readonly username: string; readonly password: string } | undefined
  readonly impersonate: string | undefined
  readonly exec: ExecPlugin | undefined
  /** Asks an `auth-provider` (oidc, gcp, azure, …); the value of the header `authorization`. */
  readonly authProvider: (() => Promise<string | undefined>) | undefined
}

/** PEM in base64 in the kubeconfig, or in a file; data wins, as with kubectl. */
export interface PemSource {
  readonly data: string | undefined
  readonly file: string | undefined
}

export type ReadKubeconfig =
  | { readonly ok: true; readonly config: Kubeconfig }
  | { readonly ok: false; readonly message: string }

const serverPattern =
  /^https:\/\/(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._-]{1,253})(?::([0-9]{1,5}))?((?:\/[^/?#\s]+)*)\/?$/
const printable = /^[\x21-\x7e]+$/
/** Fields of a user that say who is asking, and that the library drops without a word. */
const dropped = ['as-groups', 'as-uid', 'as-user-extra'] as const

/**
 * Reads the text of a kubeconfig with `@kubernetes/client-node`, which is loaded only here: it takes most of a second and
 * 70 MB. What it would pass over in silence, such as impersonated groups, a proxy or `tokenFile`, is honoured or refused.
 */
export async function readKubeconfig(
  text: string,
  connection: Extract<ClusterConnection, { kind: 'kubeconfig' }>,
): Promise<ReadKubeconfig> {
  const { file } = connection
  const fail = (problem: string): ReadKubeconfig => ({ ok: false, message: `the kubeconfig ${file} ${problem}` })
  const { KubeConfig } = await import('@kubernetes/client-node')
  const library = new KubeConfig()
  let raw: unknown
  try {
    raw = parseYaml(text)
    library.loadFromString(text)
  } catch {
    return fail('is not a kubeconfig; look at it with `kubectl config view`')
  }
  const name = connection.context ?? library.getCurrentContext()
  if (typeof name !== 'string' || name === '') return fail('has no current context; name one')
  const context = library.getContextObject(name)
  if (context === null) return fail(`has no context ${JSON.stringify(name)}`)
  const cluster = library.getCluster(context.cluster)
  if (cluster === null) return fail(`has no cluster ${JSON.stringify(context.cluster)}`)
  const user = library.getUser(context.user)
  if (user === null && context.user !== undefined) return fail(`has no user ${JSON.stringify(context.user)}`)
  library.setCurrentContext(name)

  const server = serverPattern.exec(cluster.server)
  if (server === null) return fail('names a server that is no https:// address')
  if (cluster.proxyUrl) return fail('asks for a proxy (proxy-url), which is not supported')
  if (cluster.skipTLSVerify && (cluster.caData || cluster.caFile)) {
    return fail('names an authority and says insecure-skip-tls-verify; remove one of the two')
  }
  const rawUser = userEntry(raw, context.user)
  for (const field of dropped) if (rawUser[field] !== undefined) return fail(`says ${field}, which is not supported`)
  if (user?.token && !printable.test(user.token)) return fail('has a token with characters that a token cannot have')
  if (user?.impersonateUser && !/^[\x20-\x7e]+$/.test(user.impersonateUser)) {
    return fail('names an impersonated user (as) with characters that a header cannot have')
  }
  const absolute = (path: unknown) =>
    typeof path !== 'string' || path === '' ? undefined : isAbsolute(path) ? path : join(dirname(file), path)
  const host = (server[1] ?? '').replace(/^\[|\]$/g, '')
  const verify = !cluster.skipTLSVerify
  const port = Number(server[2] ?? 443)
  const serverName = cluster.tlsServerName || host
  const exec = user?.exec
    ? readExec(user.exec, file, {
        server: cluster.server,
        ...(cluster.tlsServerName && { 'tls-server-name': cluster.tlsServerName }),
        ...(!verify && { 'insecure-skip-tls-verify': true }),
        ...(cluster.caData && { 'certificate-authority-data': cluster.caData }),
      })
    : undefined
  if (typeof exec === 'string') return fail(exec)
  const authProvider = async (): Promise<string | undefined> => {
    const options: { headers: Record<string, string> } = { headers: {} }
    await library.applyToHTTPSOptions(options)
    return options.headers.Authorization
  }
  return {
    ok: true,
    config: {
      ...{ host, port, basePath: server[3] ?? '', serverName, verify, exec },
      ca: { data: cluster.caData, file: absolute(cluster.caFile) },
      cert: { data: user?.certData, file: absolute(user?.certFile) },
      key: { data: user?.keyData, file: absolute(user?.keyFile) },
      token: user?.token || undefined,
      tokenFile: absolute(rawUser.tokenFile),
      basic: user?.username ? { username: user.username, password: user.password ?? '' } : undefined,
      impersonate: user?.impersonateUser || undefined,
      authProvider: user?.authProvider ? authProvider : undefined,
    },
  }
}

/** The plugin, or what is wrong with it. */
function readExec(exec: unknown, file: string, cluster: object): ExecPlugin | string {
  if (!isRecord(exec) || typeof exec.command !== 'string' || exec.command === '') return 'names no exec command'
  const { apiVersion, command, args = [], env = [], interactiveMode, provideClusterInfo } = exec
  if (apiVersion !== 'client.authentication.k8s.io/v1' && apiVersion !== 'client.authentication.k8s.io/v1beta1') {
    return 'has an exec plugin whose apiVersion is neither client.authentication.k8s.io/v1 nor v1beta1'
  }
  if (interactiveMode === 'Always') return 'has an exec plugin that wants to talk to a person (interactiveMode: Always)'
  const variables: Record<string, string> = {}
  for (const pair of Array.isArray(env) ? env : []) {
    if (isRecord(pair) && typeof pair.name === 'string') variables[pair.name] = String(pair.value ?? '')
  }
  return {
    apiVersion,
    command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: variables,
    spec: provideClusterInfo === true ? { cluster } : {},
    file,
  }
}

function userEntry(raw: unknown, name: string | undefined): Readonly<Record<string, unknown>> {
  const users = isRecord(raw) && Array.isArray(raw.users) ? raw.users : []
  for (const entry of users) if (isRecord(entry) && entry.name === name && isRecord(entry.user)) return entry.user
  return {}
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
