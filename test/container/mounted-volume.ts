import { randomUUID } from 'node:crypto'
import { chown, mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface VolumeFile {
  readonly text: string
  readonly mode: number
  /** undefined: root's. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** A directory as the kubelet mounts it: each name is a link into `..data`, a link that is moved when something changes. */
export interface MountedVolume {
  readonly directory: string
  /** Replaces all files at once. */
  write(files: Readonly<Record<string, VolumeFile>>): Promise<void>
  remove(): Promise<void>
}

/** Owners are set where this process may (root); elsewhere everything is its own. */
export async function createMountedVolume(): Promise<MountedVolume> {
  const holder = await mkdtemp(join(tmpdir(), 'mcp-authz-volume-'))
  const directory = join(holder, 'volume')
  await mkdir(directory, { mode: 0o755 })
  const data = join(directory, '..data')
  return {
    directory,
    async write(files) {
      const before = await readlink(data).catch(() => undefined)
      const version = `..${randomUUID()}`
      await mkdir(join(directory, version), { mode: 0o755 })
      for (const [name, { text, mode, uid = 0, gid = 0 }] of Object.entries(files)) {
        const path = join(directory, version, name)
        await writeFile(path, text, { mode })
        if (process.getuid?.() === 0) await chown(path, uid, gid)
        await symlink(join('..data', name), join(directory, name)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        })
      }
      await symlink(version, `${data}.new`)
      await rename(`${data}.new`, data)
      if (before !== undefined) await rm(join(directory, before), { recursive: true })
    },
    remove: () => rm(holder, { recursive: true, force: true }),
  }
}
