import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { request as overTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { isScalar, parse, parseDocument, stringify, visit } from 'yaml'
import { findEnvoy } from '../../src/demo/find-envoy.js'
import { freePorts, portOf } from '../../src/demo/free-port.js'
import { idleMs } from '../../src/demo/loopback-server.js'
import { type RawAnswer, rawPost } from '../../src/demo/raw-post.js'
import { readBody } from '../../src/demo/read-body.js'
import { type RunningEnvoy, startEnvoy } from '../../src/demo/start-envoy.js'
import { packageRoot } from '../../src/package-root.js'
import { type AuthzProcess, startAuthzProcess } from './support/authz-process.js'
import { type ListingServer, startListingServer } from './support/listing-server.js'
import { forThisEnvoy } from './support/needs-envoy.js'

const run = promisify(execFile)

/** What the files in envoy/ name, and what stands there in a test. */
const exampleIssuer = 'https://idp.example.com'
const exampleSocket = '/tmp/mcp-authz.sock'
const exampleCertificates = '/tmp/mcp-authz-tls'

export const mcpResource = 'https://mcp.example.com/mcp'

export interface Issuer {
  /** An access token of alice, of team-a-developers. */
  token(claims?: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>
  readonly port: number
  stop(): Promise<void>
}

export interface TokenOptions {
  /** Default: that of the MCP server. */
  readonly audience?: string
  /** Of now. Default 300. */
  readonly expiresInSeconds?: number
}

/** An issuer that has keys and tokens, and asks nobody for a password. */
export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const key = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  const server = createServer({ keepAliveTimeout: idleMs }, ({ url }, response) => {
    const documents: Readonly<Record<string, object>> = {
      '/.well-known/openid-configuration': { issuer: issuer(), jwks_uri: `${issuer()}/jwks` },
      '/jwks': { keys: [key] },
    }
    const document = documents[url ?? '']
    if (document === undefined) response.writeHead(404).end()
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
  })
  const issuer = (): string => `http://127.0.0.1:${portOf(server)}`
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const alice = { sub: 'alice', preferred_username: 'alice', groups: ['team-a-developers'], tenant: 'team-a' }
  return {
    port: portOf(server),
    token: (claims = {}, { audience = mcpResource, expiresInSeconds = 300 } = {}) =>
      new SignJWT({ ...alice, client_id: 'ops-console', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
        .setIssuer(issuer())
        .setAudience(audience)
        .setJti(crypto.randomUUID())
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds)
        .sign(privateKey),
    stop: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export interface Call {
  readonly body?: string
  readonly token?: string
  /** Default /mcp. */
  readonly path?: string
  /** Default POST. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A client certificate by its name; with it, and where it is undefined but there, TLS is spoken. */
  readonly certificate?: string | undefined
}

export interface ConfigurationStand {
  readonly envoy: RunningEnvoy
  readonly authz: AuthzProcess
  /** By the ports of the examples. */
  readonly servers: Readonly<Record<8081 | 8083 | 8084, ListingServer>>
  /** What Envoy says of the configuration without starting. */
  readonly validation: string
  call(call: Call): Promise<RawAnswer>
  stop(): Promise<void>
}

export interface ConfigurationOptions {
  readonly issuer: Issuer
  /** More of the Config's spec than what is shipped. */
  readonly config?: Readonly<Record<string, unknown>>
  /** The MCP server takes this long for each answer. Default: none, and it keeps what it is asked. */
  readonly serverTakesMs?: number
  /** SPIFFE ids of clients; each gets a certificate. */
  readonly workloads?: readonly string[]
}

/** One of envoy/*.yaml with the Config and the policies beside it, as shipped but for ports, folders and the issuer. */
export async function startConfiguration(
  name: string,
  { issuer, config: more, serverTakesMs, workloads }: ConfigurationOptions,
): Promise<ConfigurationStand> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  const started = async <T extends { stop(): Promise<unknown> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting
    stops.push(() => part.stop())
    return part
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-configuration-'))
    stops.push(() => rm(directory, { recursive: true, force: true }))
    const certificates = join(directory, 'tls')
    if (workloads !== undefined)
      await run('sh', [join(packageRoot, 'envoy', name, 'trial-certificates.sh'), certificates, ...workloads])
    const servers = {
      8081: await started(startListingServer()),
      8083: await started(startListingServer()),
      8084: await started(startListingServer()),
    }
    const slow = serverTakesMs === undefined ? undefined : await started(startSlowServer(serverTakesMs))
    const [listener = 0, admin = 0, requests = 0, answers = 0, httpPort = 0] = await freePorts(5)
    const upstream = (server: ListingServer): number => Number(new URL(server.origin).port)
    const ports: ReadonlyMap<unknown, number> = new Map([
      ...([8081, 8083, 8084] as const).map(port => [port, upstream(servers[port])] as const),
      ...([
        [8080, listener],
        [8082, issuer.port],
        [9001, requests],
        [9002, httpPort],
        [9003, answers],
      ] as const),
      [9901, admin],
      ...(slow === undefined ? [] : [[8081, slow.port] as const]),
    ])
    const relocated = (text: string): string =>
      text
        .replaceAll(exampleIssuer, `http://127.0.0.1:${issuer.port}`)
        .replaceAll(exampleSocket, join(directory, 'mcp-authz.sock'))
        .replaceAll(exampleCertificates, certificates)

    const config = await prepareConfig(name, directory, relocated, ports, more)
    const authz = await started(startAuthzProcess({ config, httpPort }))
    await authz.untilReady()

    const found = await findEnvoy({ announce: () => {} })
    const shipped = relocated(await readFile(join(packageRoot, 'envoy', `${name}.yaml`), 'utf8'))
    const text = withPorts(forThisEnvoy(shipped), ports)
    const file = join(directory, 'envoy.yaml')
    await writeFile(file, text)
    const validated = await run(found.path, ['--mode', 'validate', '-l', 'warn', '--disable-hot-restart', '-c', file])
    const envoy = await started(startEnvoy({ path: found.path, config: text }))
    return {
      ...{ envoy, authz, servers, stop },
      validation: `${validated.stdout}${validated.stderr}`.replaceAll(file, 'envoy.yaml').trim(),
      call: async call => {
        const { body = '', path = '/mcp', token, method, headers } = call
        if (!('certificate' in call))
          return rawPost({
            url: `http://127.0.0.1:${listener}${path}`,
            body,
            ...(token !== undefined && { token }),
            ...(method !== undefined && { method }),
            ...(headers !== undefined && { headers }),
          })
        return callOverTls(call, listener, certificates)
      },
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function startSlowServer(ms: number): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer({ keepAliveTimeout: idleMs }, (request, response) => {
    request.resume()
    setTimeout(() => response.setHeader('content-type', 'application/json').end('{}'), ms)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: portOf(server),
    stop: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The Config beside the Envoy configuration, in a folder of its own, with policies that know the issuer of the test. */
async function prepareConfig(
  name: string,
  directory: string,
  relocated: (text: string) => string,
  ports: ReadonlyMap<unknown, number>,
  more: Readonly<Record<string, unknown>> | undefined,
): Promise<string> {
  const home = join(packageRoot, 'envoy', name)
  const { spec, ...head } = parse(relocated(await readFile(join(home, 'config.yaml'), 'utf8')))
  const sources: { directory: string }[] = []
  for (const [index, source] of spec.sources.entries()) {
    const copy = join(directory, `policies-${index}`)
    await mkdir(copy)
    await cp(join(home, source.directory), copy, { recursive: true })
    for (const file of await readdir(copy))
      await writeFile(join(copy, file), relocated(await readFile(join(copy, file), 'utf8')))
    sources.push({ directory: copy })
  }
  const here = ({ port, ...rest }: { port?: number }) => ({
    ...rest,
    ...(port !== undefined && { port: portIn(ports, port) }),
  })
  const changed = {
    ...spec,
    sources,
    listeners: spec.listeners.map(here),
    http: here(spec.http),
    identity: { insecureLoopbackIssuers: true },
    shutdown: { drainSeconds: 1 },
    ...more,
  }
  const file = join(directory, 'config.yaml')
  await writeFile(file, stringify({ ...head, spec: changed }))
  return file
}

function portIn(ports: ReadonlyMap<unknown, number>, written: unknown): number {
  const port = ports.get(written)
  if (port === undefined) throw new Error(`a port that nobody knows here: ${String(written)}`)
  return port
}

function withPorts(text: string, ports: ReadonlyMap<unknown, number>): string {
  const document = parseDocument(text)
  visit(document, {
    Pair(_key, { key, value }) {
      if (!isScalar(key) || !isScalar(value) || key.value !== 'port_value') return
      value.value = portIn(ports, value.value)
      delete value.source
    },
  })
  return document.toString({ lineWidth: 0 })
}

async function callOverTls(call: Call, port: number, folder: string): Promise<RawAnswer> {
  const { body = '', path = '/mcp', token, method = 'POST', headers, certificate } = call
  const own = certificate === undefined ? {} : await pairOf(folder, certificate)
  const options: RequestOptions & { ca: Buffer } = {
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    agent: false,
    ca: await readFile(join(folder, 'ca.crt')),
    ...own,
  }
  return new Promise((resolve, reject) => {
    const request = overTls(options, response => {
      const { statusCode = 0, headers: answered } = response
      readBody(response, 1024 * 1024).then(bytes => resolve(answerOf(statusCode, answered, bytes)), reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

function answerOf(status: number, headers: IncomingHttpHeaders, bytes: Buffer | undefined): RawAnswer {
  return { status, headers, body: bytes?.toString('utf8') ?? '' }
}

async function pairOf(folder: string, name: string): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  return { cert: await readFile(join(folder, `${name}.crt`)), key: await readFile(join(folder, `${name}.key`)) }
}
