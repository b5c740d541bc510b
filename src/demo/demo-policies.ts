import { readdirSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../package-root.js'

export interface DemoPolicies {
  readonly directory: string
  /** Puts the Guardrail replica-cap into Audit or back into Enforce by changing its document, as an operator would. */
  setReplicaCap(mode: 'Enforce' | 'Audit'): Promise<void>
  remove(): Promise<void>
}

/** Where a real API server authorizes: RBAC objects stand there, and callers' tokens go on to it. */
export interface RealCluster {
  /** PEM: what to know the certificate of the OpenID provider by. */
  readonly ca: string
}

/** What stands in policies/demo and policies/demo-ledger, for the addresses and the namespace of this run. */
export async function copyDemoPolicies(values: {
  readonly issuer: string
  readonly resource: string
  readonly ledger: string
  readonly namespace: string
  readonly cluster?: RealCluster
}): Promise<DemoPolicies> {
  const directory = await mkdtemp(join(tmpdir(), 'mcp-authz-demo-'))
  for (const folder of ['policies/demo', 'policies/demo-ledger'])
    await cp(join(packageRoot, folder), directory, { recursive: true })
  for (const name of readdirSync(directory)) {
    const file = join(directory, name)
    const text = await readFile(file, 'utf8')
    await writeFile(
      file,
      text
        .replaceAll('https://idp.example.com', values.issuer)
        .replaceAll('https://mcp.example.com/mcp', values.resource)
        .replaceAll('https://mcp.example.com/ledger', values.ledger)
        .replaceAll('namespace: team-a', `namespace: ${values.namespace}`),
    )
  }
  if (values.cluster !== undefined) await adapt(directory, values.resource, values.cluster)
  const guardrails = join(directory, 'guardrails.yaml')
  const anchor = 'metadata: { name: replica-cap }\nspec:\n'
  return {
    directory,
    async setReplicaCap(mode) {
      const text = await readFile(guardrails, 'utf8')
      const plain = text.replace(`${anchor}  mode: Audit\n`, anchor)
      await writeFile(guardrails, mode === 'Audit' ? plain.replace(anchor, `${anchor}  mode: Audit\n`) : plain)
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

async function adapt(directory: string, resource: string, { ca }: RealCluster): Promise<void> {
  await rm(join(directory, 'rbac.yaml'))
  const change = async (name: string, from: RegExp, to: (found: string) => string): Promise<void> => {
    const file = join(directory, name)
    const text = await readFile(file, 'utf8')
    if (!from.test(text)) throw new Error(`policies/demo/${name} has no ${String(from)}`)
    await writeFile(file, text.replace(from, to))
  }
  const upstream = `  upstream: { authorization: passthrough, audience: ${JSON.stringify(resource)} }\n`
  await change('server.yaml', /^ {2}catalog: .*\n/m, found => found + upstream)
  // A JSON string is a YAML one.
  await change('identity.yaml', /^ {4}url: .*\n/m, found => `${found}    certificateAuthority: ${JSON.stringify(ca)}\n`)
}
