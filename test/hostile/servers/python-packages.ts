import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cachedDirectory } from '../../../src/demo/user-cache.js'

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
  return cachedDirectory({
    name: `python-${stdout.trim()}-mcp-${digest}`,
    fill: async target => {
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check']
      const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--target', target, '-r', REQUIREMENTS]
      await run('python3', [...pip, ...what], { timeout: PIP_TIMEOUT_MS, maxBuffer: 4_194_304 })
    },
  })
}
