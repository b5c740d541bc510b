import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * Our directory in the user's cache. XDG Base Directory Specification: a relative XDG_CACHE_HOME is to be ignored.
 * `env` defaults to the environment of this process.
 */
export function userCache(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const configured = env.XDG_CACHE_HOME
  const home = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache')
  return join(home, 'mcp-authz')
}

export interface CacheEntry {
  /** Default: userCache(). */
  readonly cache?: string
  /** What the entry holds, in full: with another version or digest it is another entry. */
  readonly name: string
  /** Puts everything into an empty directory. */
  readonly fill: (directory: string) => Promise<void>
  /** Whether an entry that is there may be used. Default: yes. One that may not is made anew. */
  readonly isGood?: (directory: string) => Promise<boolean>
}

/**
 * A directory in the user's cache, filled if it was not there. That happens beside the destination, which it is then renamed
 * to: an interrupted run leaves nothing that looks complete. Throws what `fill` throws.
 */
export async function cachedDirectory({
  cache = userCache(),
  name,
  fill,
  isGood = exists,
}: CacheEntry): Promise<string> {
  const home = join(cache, name)
  if (await isGood(home)) return home
  await mkdir(cache, { recursive: true, mode: 0o700 })
  const target = await mkdtemp(join(cache, 'incomplete-'))
  try {
    await fill(target)
    // Another run may have been faster: then this fails, and what somebody may use already stays.
    await rename(target, home).catch(async () => {
      if (await isGood(home)) return
      await rm(home, { recursive: true, force: true })
      await rename(target, home).catch(async error => {
        if (!(await isGood(home))) throw error
      })
    })
  } finally {
    await rm(target, { recursive: true, force: true })
  }
  return home
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
