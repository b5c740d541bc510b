import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cachedDirectory, userCache } from '../../src/demo/user-cache.js'

const run = promisify(execFile)
const source = join(import.meta.dirname, 'suites')
const files = ['package.json', 'package-lock.json']
/** The suites use fs.globSync. */
const oldestNode = 22
const installTimeoutMs = 600_000

/** Why there are no suites to run. */
export class SuitesUnavailable extends Error {
  override readonly name = 'SuitesUnavailable'
}

export interface Suites {
  /** A Node that can run them. */
  readonly node: string
  /** Entry points of the command line, by what suites/package.json calls them. */
  readonly released: string
  readonly next: string
}

/**
 * The official suites, in the user's cache, keyed by the digest of their lock file. Where this process runs on an older
 * Node than they need, a newer one comes with them from npm (125 MB), for Linux. The first run fetches; throws
 * SuitesUnavailable where it cannot.
 */
export async function prepareSuites(say: (text: string) => void): Promise<Suites> {
  const name = await entryName()
  const home = await cachedDirectory({
    name,
    fill: async directory => {
      say(`fetching the conformance suites${ownNodeWill() ? '' : ` and Node ${oldestNode}`} with npm, once`)
      for (const file of files) await copyFile(join(source, file), join(directory, file))
      // Nothing of what is fetched runs before it is asked to: no scripts.
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...(ownNodeWill() ? ['--omit=optional'] : [])]
      await run('npm', args, { cwd: directory, timeout: installTimeoutMs, maxBuffer: 16_777_216 }).catch(cause => {
        throw new SuitesUnavailable(`npm could not fetch the suites: ${firstLines(cause)}`, { cause })
      })
    },
  })
  return suitesIn(home)
}

/** The same without fetching anything; undefined when nothing was prepared before. */
export async function preparedSuites(): Promise<Suites | undefined> {
  const home = join(userCache(), await entryName())
  return access(home).then(
    () => suitesIn(home).catch(() => undefined),
    () => undefined,
  )
}

async function entryName(): Promise<string> {
  const digest = createHash('sha256')
  for (const file of files) digest.update(await readFile(join(source, file)))
  return `mcp-conformance-${digest.digest('hex').slice(0, 16)}${ownNodeWill() ? '' : '-node'}`
}

function ownNodeWill(): boolean {
  return Number(process.versions.node.split('.', 1)) >= oldestNode
}

async function suitesIn(home: string): Promise<Suites> {
  const modules = join(home, 'node_modules')
  const entry = (name: string) => join(modules, name, 'dist', 'index.js')
  const node = ownNodeWill() ? process.execPath : join(modules, `node-linux-${process.arch}`, 'bin', 'node')
  await access(node).catch(() => {
    throw new SuitesUnavailable(`they need Node ${oldestNode} or newer, and there is none for this system on npm`)
  })
  return { node, released: entry('conformance-released'), next: entry('conformance-next') }
}

function firstLines(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n').slice(0, 6).join('\n').slice(0, 1_000)
}
