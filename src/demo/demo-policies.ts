import { readdirSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from './package-root.js'

export interface DemoPolicies {
  readonly directory: string
  /** Puts the Guardrail replica-cap into Audit or back into Enforce by changing its document, as an operator would. */
  setReplicaCap(mode: 'Enforce' | 'Audit'): Promise<void>
  remove(): Promise<void>
}

/** What stands in policies/demo and policies/demo-ledger, for the addresses and the namespace of this run. */
export async function copyDemoPolicies(values: {
  readonly issuer: string
  readonly resource: string
  readonly ledger: string
  readonly namespace: string
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
