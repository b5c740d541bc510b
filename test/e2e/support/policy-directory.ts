import { mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../../src/demo/package-root.js'

/** File names and what stands in them. */
export type PolicyFiles = Readonly<Record<string, string>>

/** Where the real issuer and endpoint are, in place of those in the documents. */
export interface PolicyPlace {
  readonly issuer: string
  readonly resource: string
}

export interface PolicyDirectory {
  readonly path: string
  /** Replaces or adds one file, in one step, so that nobody ever reads half of it. */
  write(name: string, text: string): Promise<void>
  read(name: string): Promise<string>
  delete(name: string): Promise<void>
  remove(): Promise<void>
}

/** The documents of policies/demo as they are shipped. */
export async function demoPolicies(): Promise<PolicyFiles> {
  const directory = join(packageRoot, 'policies', 'demo')
  const names = (await readdir(directory)).filter(name => name.endsWith('.yaml'))
  return Object.fromEntries(
    await Promise.all(names.map(async name => [name, await readFile(join(directory, name), 'utf8')] as const)),
  )
}

/** Puts this machine's issuer and endpoint in place of those that our documents name. */
export function relocated(text: string, { issuer, resource }: PolicyPlace): string {
  return text.replaceAll('https://mcp.example.com/mcp', resource).replaceAll('https://idp.example.com', issuer)
}

/** A temporary directory with policies. */
export async function createPolicyDirectory(files: PolicyFiles, place: PolicyPlace): Promise<PolicyDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'mcp-authz-policies-'))
  const directory: PolicyDirectory = {
    path,
    async write(name, text) {
      // Names that begin with a dot are passed over by the loader.
      const draft = join(path, `.${name}.new`)
      await writeFile(draft, relocated(text, place))
      await rename(draft, join(path, name))
    },
    read: name => readFile(join(path, name), 'utf8'),
    delete: name => unlink(join(path, name)),
    remove: () => rm(path, { recursive: true, force: true }),
  }
  for (const [name, text] of Object.entries(files)) await directory.write(name, text)
  return directory
}
