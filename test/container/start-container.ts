import { spawnSync } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from '../../src/demo/child-process.js'

export interface ContainerOptions {
  /** What the container sees where: from its path to ours. */
  readonly mounts: Readonly<Record<string, string>>
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Arguments of Node. */
  readonly args: readonly string[]
  readonly uid: number
  /** Groups beside its own. */
  readonly groups?: readonly number[]
  readonly onLine?: (line: string) => void
}

const script = join(import.meta.dirname, 'enter-container.sh')
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Why no container can be made here; undefined if one can. */
export function containerProblem(): string | undefined {
  if (process.platform !== 'linux') return 'only Linux has mount namespaces'
  if (process.getuid?.() !== 0) return 'only root may become another user'
  if (spawnSync('setpriv', ['--version']).status !== 0) return 'there is no setpriv (util-linux)'
  const tried = spawnSync('unshare', ['-m', 'mount', '--make-rprivate', '/'], { encoding: 'utf8' })
  return tried.status === 0 ? undefined : `no mount namespace can be made: ${tried.stderr || tried.error?.message}`
}

/** Runs Node with the network of this machine and a file system of its own, which is read-only and has nothing else. */
export async function startContainer(options: ContainerOptions): Promise<Child> {
  const root = await mkdtemp(join(tmpdir(), 'mcp-authz-container-'))
  const { mounts, environment, args, uid, groups = [] } = options
  const child = await startChild({
    name: 'container',
    command: 'env',
    args: [
      ...['-i', path, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
      ...['unshare', '-m', script, root, process.execPath, String(uid), groups.join() || 'none'],
      ...[...Object.entries(mounts).map(([target, source]) => `${source}=${target}`), '--', ...args],
    ],
    ...(options.onLine !== undefined && { onLine: options.onLine }),
  })
  // What was mounted on it was mounted in a namespace that is gone by then.
  void child.exited.then(() => rmdir(root))
  return child
}
