import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cachedDirectory } from './user-cache.js'

const run = promisify(execFile)
const MAX_OUTPUT = 16_777_216
const SAY_EVERY_MS = 30_000

export interface GoProgram {
  /** Of the program and of its place in the user's cache. */
  readonly name: string
  /** Directory of its go.mod, go.sum and main package. */
  readonly source: string
  /** For the linker, besides leaving out what only debuggers read. */
  readonly linkerFlags?: string
  /** Told, in one line each, that something is built, and every 30 s that it still is. */
  readonly say: (line: string) => void
  /** For the compiler, with fetching what it needs unless `fetchSeconds` says otherwise. Default: an hour. */
  readonly buildSeconds?: number
  /** If given, modules are fetched first, all that go.mod names, in this time. */
  readonly fetchSeconds?: number
}

export type GoBuild =
  | { readonly built: true; readonly program: string }
  | {
      readonly built: false
      /** broken: it does not compile, or something that it needs could not be fetched along the way. */
      readonly why: 'no-go' | 'not-fetched' | 'too-slow' | 'broken'
      readonly message: string
    }

/**
 * A Go program from source. It is kept in the user's cache by its source, flags and version of Go, so that only the first
 * build takes its time. Where Go is missing or older than go.mod demands, nothing is fetched to replace it.
 */
export async function buildGoProgram(wanted: GoProgram): Promise<GoBuild> {
  const { name, source, say, buildSeconds = 3600, fetchSeconds } = wanted
  const go = await findGo(source)
  if (go === undefined)
    return {
      built: false,
      why: 'no-go',
      message: `${name}: needs ${await versionOf(source)} or newer (https://go.dev/dl)`,
    }
  const flags = ['-s', '-w', ...(wanted.linkerFlags === undefined ? [] : [wanted.linkerFlags])].join(' ')
  const digest = createHash('sha256').update(`${go.version}\n${flags}\n`)
  for (const file of (await readdir(source)).filter(file => /^go\.(?:mod|sum)$|\.go$/.test(file)).sort())
    digest.update(`${file}\n`).update(await readFile(join(source, file)))
  const options = { cwd: source, env: { ...process.env, CGO_ENABLED: '0' }, maxBuffer: MAX_OUTPUT } as const
  const within = (seconds: number) => ({ ...options, timeout: seconds * 1000, killSignal: 'SIGKILL' }) as const
  try {
    const home = await cachedDirectory({
      name: `${name}-${digest.digest('hex').slice(0, 16)}`,
      fill: async directory => {
        if (fetchSeconds !== undefined)
          await run(go.command, ['mod', 'download'], within(fetchSeconds)).catch(cause => {
            throw new Error(`its modules could not be fetched within ${fetchSeconds} s`, { cause })
          })
        const build = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', flags]
        await sayingSo(name, say, () =>
          run(go.command, [...build, '-o', join(directory, name), '.'], within(buildSeconds)),
        )
      },
    })
    return { built: true, program: join(home, name) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const failed = (why: 'not-fetched' | 'too-slow' | 'broken', message: string) =>
      ({ built: false, why, message: `${name}: ${message}` }) as const
    if (error.cause !== undefined) return failed('not-fetched', error.message)
    if ('killed' in error && error.killed === true)
      return failed('too-slow', `building took more than ${buildSeconds} s`)
    return failed('broken', error.message)
  }
}

export interface FoundGo {
  readonly command: string
  /** What `go version` says. */
  readonly version: string
}

/** Go as it is installed, also where it is not on the path of this process, if it is new enough for a module. */
export async function findGo(source: string): Promise<FoundGo | undefined> {
  const env = { ...process.env, GOTOOLCHAIN: 'local' }
  for (const command of ['go', '/usr/local/go/bin/go']) {
    try {
      // Unlike `go version`, this one reads go.mod, and refuses one for a newer Go.
      await run(command, ['list', '-m'], { cwd: source, env, timeout: 20_000 })
      return { command, version: (await run(command, ['version'], { cwd: source, env })).stdout }
    } catch {
      // Not this one.
    }
  }
  return undefined
}

async function versionOf(source: string): Promise<string> {
  const [, version = ''] = /^go ([0-9.]+)$/m.exec(await readFile(join(source, 'go.mod'), 'utf8')) ?? []
  return `Go ${version}`.trim()
}

async function sayingSo(name: string, say: (line: string) => void, build: () => Promise<unknown>): Promise<void> {
  say(`building ${name} (the first time takes minutes)`)
  const begun = performance.now()
  const seconds = () => Math.round((performance.now() - begun) / 1000)
  const timer = setInterval(() => say(`building ${name} (${seconds()} s so far)`), SAY_EVERY_MS)
  try {
    await build()
    say(`built ${name} in ${seconds()} s`)
  } finally {
    clearInterval(timer)
  }
}
