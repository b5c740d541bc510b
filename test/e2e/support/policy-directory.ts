import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../../src/package-root.js'

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

/**
 * The same, laid out as the kubelet mounts a ConfigMap: each file is a link into `..data`, itself a link to a directory
 * of this version. A change makes a new directory and swaps that one link.
 */
export async function createMountedPolicies(files: PolicyFiles, place: PolicyPlace): Promise<PolicyDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'mcp-authz-mounted-'))
  const present = new Map(Object.entries(files).map(([name, text]) => [name, relocated(text, place)]))
  let version = 0
  const swap = async (): Promise<void> => {
    const data = `..version-${++version}`
    await mkdir(join(path, data))
    for (const [name, text] of present) {
      await writeFile(join(path, data, name), text)
      await symlink(join('..data', name), join(path, name)).catch(ifThere)
    }
    await symlink(data, join(path, '..data_tmp'))
    await rename(join(path, '..data_tmp'), join(path, '..data'))
    await rm(join(path, `..version-${version - 1}`), { recursive: true, force: true })
  }
  await swap()
  return {
    path,
    write: async (name, text) => {
      present.set(name, relocated(text, place))
      await swap()
    },
    read: name => readFile(join(path, name), 'utf8'),
    delete: async name => {
      present.delete(name)
      await swap()
      await unlink(join(path, name))
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

function ifThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}
