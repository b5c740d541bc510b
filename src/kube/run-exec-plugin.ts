import { execFile } from 'node:child_process'
import { dirname, isAbsolute, join } from 'node:path'
import { isJsonObject, type JsonValue } from '../protocol/json-value.js'
import { parseStrictJson } from '../protocol/strict-json.js'

/** What a kubeconfig says of an exec plugin (client.authentication.k8s.io). */
export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The `spec` that the plugin is told in KUBERNETES_EXEC_INFO. */
  readonly spec: object
  /** Of the kubeconfig: a command with a slash in it is relative to its folder. */
  readonly file: string
}

export type ExecCredential =
  | {
      readonly ok: true
      readonly token: string | undefined
      /** PEM. */
      readonly cert: string | undefined
      readonly key: string | undefined
      /** Milliseconds since the epoch; undefined: until the API server refuses it. */
      readonly expiresAt: number | undefined
    }
  | { readonly ok: false; readonly message: string }

const maxOutput = 1024 * 1024
const printable = /^[\x21-\x7e]+$/

/** Runs the plugin and reads the credential it prints. What it writes to stderr is not looked at: it may hold anything. */
export async function runExecPlugin(
  plugin: ExecPlugin,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecCredential> {
  const { command, apiVersion, spec } = plugin
  const program = command.includes('/') && !isAbsolute(command) ? join(dirname(plugin.file), command) : command
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...spec } })
  const env = { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: info }
  const bounds = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maxOutput, signal } as const
  const options = { env, encoding: 'buffer', ...bounds } as const
  return new Promise(resolve => {
    try {
      const child = execFile(program, [...plugin.args], options, (error, output) => {
        resolve(
          error === null ? readCredential(command, apiVersion, output) : fail(command, describe(error, timeoutMs)),
        )
      })
      child.stdin?.end()
    } catch {
      resolve(fail(command, 'cannot be run; its arguments hold something that no argument can hold'))
    }
  })
}

function describe(error: Error & { readonly code?: unknown; readonly killed?: boolean }, timeoutMs: number): string {
  if (error.code === 'ENOENT') return 'is not there; install it, or correct users[].user.exec.command'
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${maxOutput} bytes`
  if (error.killed === true) return `did not end within ${timeoutMs} ms`
  return typeof error.code === 'number' ? `ended with status ${error.code}; run it by hand to see why` : 'cannot be run'
}

function readCredential(command: string, apiVersion: string, output: Buffer): ExecCredential {
  const parsed = parseStrictJson(output)
  if (!parsed.ok || !isJsonObject(parsed.value)) return fail(command, 'printed no JSON object')
  if (parsed.value.get('kind') !== 'ExecCredential' || parsed.value.get('apiVersion') !== apiVersion) {
    return fail(command, `printed no ExecCredential of ${apiVersion}, which the kubeconfig asks for`)
  }
  const status = parsed.value.get('status')
  if (!isJsonObject(status)) return fail(command, 'printed no status')
  const token = text(status.get('token'))
  const cert = text(status.get('clientCertificateData'))
  const key = text(status.get('clientKeyData'))
  if ((cert === undefined) !== (key === undefined))
    return fail(command, 'printed a client certificate or a key, not both')
  if (token === undefined && cert === undefined) return fail(command, 'printed neither a token nor a certificate')
  if (token !== undefined && !printable.test(token))
    return fail(command, 'printed a token with characters it cannot have')
  const expires = text(status.get('expirationTimestamp'))
  const expiresAt = expires === undefined ? undefined : Date.parse(expires)
  if (Number.isNaN(expiresAt)) return fail(command, 'printed an expirationTimestamp that is no date')
  return { ok: true, token, cert, key, expiresAt }
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function fail(command: string, problem: string): ExecCredential {
  return { ok: false, message: `the exec plugin ${command} of the kubeconfig ${problem}` }
}
