import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import { loadConfig } from '../../../src/config/load-config.js'
import { createService, type Service } from '../../../src/service.js'
import { createLogging } from '../../../src/telemetry/logger.js'
import { createLocalIssuer } from '../../e2e/support/local-issuer.js'
import { type Asked, askAsGateway } from './ask-as-gateway.js'

const audience = 'https://mcp.example.com/mcp'

export interface RunningService {
  readonly service: Service
  /** A tools/call of a person whose token has not been seen before, unless `sameToken`. */
  call(user: string, tool: string, args: object, options?: { readonly sameToken?: boolean }): Promise<Asked>
  /** A tools/call with a token of somebody else's making. */
  callWith(token: string, tool: string, args: object): Promise<Asked>
  readiness(): Promise<{ readonly status: number; readonly reasons: readonly string[] }>
  metrics(): Promise<string>
  stop(): Promise<void>
}

export interface RunningServiceOptions {
  /** `spec` of the Config beside listeners and the directory with the policies. */
  readonly config: { readonly [key: string]: unknown; readonly sources?: readonly object[]; readonly clusters: object }
  /** More documents for the directory. */
  readonly policies?: string
  /** `spec` of the Server beside its resource. */
  readonly server?: object
  /** Issuers of the Identity beside the one of the people. */
  readonly issuers?: Readonly<Record<string, object>>
}

/** The whole service in this process, with an issuer that is a file, asked as a gateway asks. */
export async function startService({
  config,
  policies = '',
  server = {},
  issuers = {},
}: RunningServiceOptions): Promise<RunningService> {
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-service-'))
  const issuer = await createLocalIssuer({ audience })
  const document = {
    apiVersion: 'mcp-authz.dev/v1alpha1',
    kind: 'Server',
    metadata: { name: 'kubernetes' },
    spec: { resource: audience, catalog: 'kubernetes-mcp-server', denial: 'http403', ...server },
  }
  const trusted = parseAllDocuments(issuer.policies)
  for (const one of trusted)
    if (one.get('kind') === 'Identity')
      for (const [url, rule] of Object.entries(issuers)) one.setIn(['spec', 'issuers', url], rule)
  const texts = [...trusted.map(String), stringify(document), policies]
  await writeFile(join(directory, 'policies.yaml'), texts.map(text => text.replace(/^---\n/, '')).join('\n---\n'))
  const spec = {
    ...config,
    sources: [{ directory }, ...(config.sources ?? [])],
    listeners: [{ host: '127.0.0.1', port: 0 }],
    http: { host: '127.0.0.1', port: 0 },
  }
  const text = stringify({ apiVersion: 'mcp-authz.dev/v1alpha1', kind: 'Config', spec })
  const loaded = loadConfig({ file: { path: join(directory, '..', 'config.yaml'), text } })
  if (!loaded.ok) throw new Error(loaded.findings.map(finding => finding.message).join('; '))
  const silent = { write: (_chunk: Buffer, done: () => void) => done() }
  const service = createService({ config: loaded.config, logging: createLogging('silent'), recordTarget: silent })
  const { listeners, http } = await service.start()
  const address = listeners[0]?.address
  if (address?.kind !== 'tcp') throw new Error('no listener')
  const gateway = askAsGateway(address.port)
  const tokens = new Map<string, string>()
  const origin = `http://127.0.0.1:${http.port}`
  return {
    service,
    async call(user, tool, args, { sameToken = true } = {}) {
      const known = sameToken ? tokens.get(user) : undefined
      const token = known ?? (await issuer.token({ sub: user, preferred_username: user, groups: [] }))
      tokens.set(user, token)
      return gateway.call(token, tool, args)
    },
    callWith: (token, tool, args) => gateway.call(token, tool, args),
    async readiness() {
      const answer = await fetch(`${origin}/readyz`)
      const { reasons } = (await answer.json()) as { reasons: string[] }
      return { status: answer.status, reasons }
    },
    metrics: async () => (await fetch(`${origin}/metrics`)).text(),
    async stop() {
      gateway.close()
      await service.stop()
      await issuer.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
