import type { ClusterTls } from './cluster-access.js'
import type { ClusterConnection } from './cluster-connection.js'
import type { LoadAccess, LoadedAccess } from './create-access-source.js'
import {
  type CredentialFile,
  isAuthority,
  readAuthorityFile,
  readPemFile,
  readSmallFile,
  readTokenFile,
} from './read-credential-file.js'
import { type Kubeconfig, type PemSource, type ReadKubeconfig, readKubeconfig } from './read-kubeconfig.js'
import { type ExecCredential, runExecPlugin } from './run-exec-plugin.js'

export interface KubeconfigOptions {
  /** Milliseconds that an exec plugin, or an auth-provider, has. */
  readonly execMs: number
  warn(message: string): void
}

const maxBytes = 4 * 1024 * 1024
/** So long before it expires a credential is obtained anew. Milliseconds. */
const leadMs = 30_000

type Found<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly message: string }
interface Credential {
  readonly authorization: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly expiresAt: number | undefined
}

/**
 * The access that a kubeconfig describes. It, and the files that it names, are read whole each time; an exec plugin runs when
 * what it gave is about to expire or was refused.
 */
export function loadKubeconfigAccess(
  connection: Extract<ClusterConnection, { kind: 'kubeconfig' }>,
  { execMs, warn }: KubeconfigOptions,
): LoadAccess {
  let text: string | undefined
  let read: ReadKubeconfig = { ok: false, message: 'the kubeconfig was not read yet' }
  let fromPlugin: Extract<ExecCredential, { ok: true }> | undefined

  async function credentialOf(
    config: Kubeconfig,
    anew: boolean,
    signal: AbortSignal,
  ): Promise<Found<{ readonly credential: Credential }>> {
    if (config.exec !== undefined) {
      if (anew || (fromPlugin?.expiresAt ?? Number.POSITIVE_INFINITY) - leadMs < Date.now()) fromPlugin = undefined
      if (fromPlugin === undefined) {
        const given = await runExecPlugin(config.exec, execMs, signal)
        if (!given.ok) return given
        fromPlugin = given
      }
      const { token, cert, key, expiresAt } = fromPlugin
      return { ok: true, credential: { authorization: bearer(token), cert, key, expiresAt } }
    }
    const [cert, key] = await Promise.all([pemOf(config.cert), pemOf(config.key)])
    if (!cert.ok) return cert
    if (!key.ok) return key
    const authorization = await authorizationOf(config, connection.file, execMs, signal)
    if (!authorization.ok) return authorization
    const credential = { authorization: authorization.value, cert: cert.pem, key: key.pem, expiresAt: undefined }
    return { ok: true, credential }
  }

  return async (anew, signal): Promise<LoadedAccess> => {
    const file = await readSmallFile(connection.file, maxBytes)
    if (!file.ok) return file
    if (file.text !== text || anew) {
      if (file.text !== text) fromPlugin = undefined
      text = file.text
      read = await readKubeconfig(text, connection)
      if (read.ok && !read.config.verify) {
        const why = 'because the kubeconfig says insecure-skip-tls-verify: true'
        warn(
          `the certificate of the API server ${read.config.host} is not verified, ${why}; give it certificate-authority`,
        )
      }
    }
    if (!read.ok) return read
    const { config } = read
    const ca = await authorityOf(config.ca)
    if (!ca.ok) return ca
    const found = await credentialOf(config, anew, signal)
    if (!found.ok) return found
    const { authorization, cert, key, expiresAt } = found.credential
    if ((cert === undefined) !== (key === undefined)) {
      return { ok: false, message: `the kubeconfig ${connection.file} has a client certificate or a key, not both` }
    }
    const tls: ClusterTls = { ca: ca.pem, cert, key, serverName: config.serverName, verify: config.verify }
    const headers = {
      ...(authorization !== undefined && { authorization }),
      // Never empty: the API server takes an empty one for none, and would judge by the credential itself.
      ...(config.impersonate !== undefined && { 'impersonate-user': config.impersonate }),
    }
    const { host, port, basePath } = config
    return { ok: true, access: { host, port, basePath, tls, headers }, expiresAt }
  }
}

async function authorizationOf(
  config: Kubeconfig,
  file: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Found<{ readonly value: string | undefined }>> {
  if (config.tokenFile !== undefined) {
    const token = await readTokenFile(config.tokenFile)
    return token.ok ? { ok: true, value: bearer(token.text) } : token
  }
  if (config.token !== undefined) return { ok: true, value: bearer(config.token) }
  if (config.basic !== undefined) {
    const { username, password } = config.basic
    return { ok: true, value: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  }
  if (config.authProvider === undefined) return { ok: true, value: undefined }
  const failure = { ok: false, message: `the auth-provider of the kubeconfig ${file} gave no credential` } as const
  try {
    const value = await inTime(config.authProvider(), timeoutMs, signal)
    return value === undefined ? failure : { ok: true, value }
  } catch {
    return failure
  }
}

function inTime<T>(promise: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      resolve(undefined)
    }
    const timer = setTimeout(giveUp, timeoutMs)
    signal.addEventListener('abort', giveUp)
    promise.then(resolve, reject).finally(giveUp)
  })
}

async function pemOf({ data, file }: PemSource): Promise<Found<{ readonly pem: string | undefined }>> {
  if (data) return pemFrom({ ok: true, text: Buffer.from(data, 'base64').toString('utf8') })
  return file === undefined ? { ok: true, pem: undefined } : pemFrom(await readPemFile(file))
}

async function authorityOf({ data, file }: PemSource): Promise<Found<{ readonly pem: string | undefined }>> {
  if (!data) return file === undefined ? { ok: true, pem: undefined } : pemFrom(await readAuthorityFile(file))
  const pem = Buffer.from(data, 'base64').toString('utf8')
  return isAuthority(pem)
    ? { ok: true, pem }
    : { ok: false, message: 'certificate-authority-data of the kubeconfig holds no certificate' }
}

function pemFrom(file: CredentialFile): Found<{ readonly pem: string }> {
  return file.ok ? { ok: true, pem: file.text } : file
}

function bearer(token: string | undefined): string | undefined {
  return token === undefined ? undefined : `Bearer ${token}`
}
