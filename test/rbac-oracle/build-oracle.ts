import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const source = join(import.meta.dirname, 'go')
const inputs = ['go.mod', 'go.sum', 'main.go']
const buildTimeoutMs = 3_600_000

/**
 * The program of go/, built: in the user's cache, keyed by its source and the version of Go. The first build fetches
 * Kubernetes from the module proxy and takes minutes. Throws where there is no Go, or it cannot be built.
 */
export async function buildOracle(say: (text: string) => void): Promise<string> {
  const { stdout } = await run('go', ['version'], { cwd: source })
  const hash = createHash('sha256').update(stdout)
  for (const name of inputs) hash.update(await readFile(join(source, name)))
  const cache = join(cacheHome(), 'mcp-authz')
  const home = join(cache, `rbac-oracle-${hash.digest('hex').slice(0, 16)}`)
  const program = join(home, 'rbac-oracle')
  if (await exists(program)) return program
  say('building Kubernetes’ RBAC authorizer (the first time takes minutes)')
  await mkdir(cache, { recursive: true, mode: 0o700 })
  // Beside the destination and then renamed: an interrupted run leaves nothing that looks complete.
  const target = await mkdtemp(join(cache, 'incomplete-'))
  try {
    const build = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w']
    const options = { cwd: source, timeout: buildTimeoutMs, env: { ...process.env, CGO_ENABLED: '0' } }
    await run('go', [...build, '-o', join(target, 'rbac-oracle'), '.'], { ...options, maxBuffer: 16_777_216 })
    // Another run may have been faster.
    await rename(target, home).catch(async error => {
      if (!(await exists(program))) throw error
    })
  } finally {
    await rm(target, { recursive: true, force: true })
  }
  return program
}

/** XDG Base Directory Specification: a relative XDG_CACHE_HOME is to be ignored. */
function cacheHome(): string {
  const configured = process.env.XDG_CACHE_HOME
  return configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
