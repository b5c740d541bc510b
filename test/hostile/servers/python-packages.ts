import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const REQUIREMENTS = join(import.meta.dirname, 'python-requirements.txt')
const PIP_TIMEOUT_MS = 600_000

/**
 * A directory with what python-requirements.txt pins, for PYTHONPATH: in the user's cache, keyed by the requirements and
 * the version of Python. Fetched with pip by the first run. Throws when there is no Python, or it cannot be fetched.
 */
export async function pythonPackages(): Promise<string> {
  const requirements = await readFile(REQUIREMENTS)
  const { stdout } = await run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])
  const digest = createHash('sha256').update(requirements).digest('hex').slice(0, 16)
  const cache = join(cacheHome(), 'mcp-authz')
  const home = join(cache, `python-${stdout.trim()}-mcp-${digest}`)
  if (await exists(home)) return home
  await mkdir(cache, { recursive: true, mode: 0o700 })
  // Beside the destination and then renamed: an interrupted run leaves nothing that looks complete.
  const target = await mkdtemp(join(cache, 'incomplete-'))
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check']
    const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--target', target, '-r', REQUIREMENTS]
    await run('python3', [...pip, ...what], { timeout: PIP_TIMEOUT_MS, maxBuffer: 4_194_304 })
    // Another run may have been faster.
    await rename(target, home).catch(async error => {
      if (!(await exists(home))) throw error
    })
  } finally {
    await rm(target, { recursive: true, force: true })
  }
  return home
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
