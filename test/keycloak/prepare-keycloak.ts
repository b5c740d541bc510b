import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const keycloakVersion = '26.7.5'
/** SHA-256 of the zip on Maven Central. */
const zipDigest = '30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a'
const zipName = `keycloak-quarkus-dist-${keycloakVersion}.zip`
const mavenGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'
/** What the augmented server is made for; another set needs another directory. Nothing is stored between runs. */
const buildOptions = ['--db=dev-mem', '--health-enabled=true']
const fetchTimeoutMs = 1_200_000
const buildTimeoutMs = 600_000

/** Why there is no Keycloak to test with. */
export class KeycloakUnavailable extends Error {
  override readonly name = 'KeycloakUnavailable'
}

/**
 * The directory of a Keycloak that is ready to start: in the user's cache, keyed by version. The first run fetches 174 MB
 * from Maven Central with Maven, checks the digest, unpacks, and lets Keycloak build itself (a minute or two).
 * Throws KeycloakUnavailable where there is no Java 17 or newer, or it cannot be fetched.
 */
export async function prepareKeycloak(say: (text: string) => void): Promise<string> {
  await checkJava()
  const cache = join(cacheHome(), 'mcp-authz')
  const home = join(cache, `keycloak-${keycloakVersion}`)
  if (await exists(home)) return home
  say(`fetching Keycloak ${keycloakVersion} (174 MB) from Maven Central into ${home}`)
  await mkdir(cache, { recursive: true, mode: 0o700 })
  // Beside the destination and then renamed: an interrupted run leaves nothing that looks complete.
  const target = await mkdtemp(join(cache, 'incomplete-'))
  try {
    await fetchZip(target)
    await unpack(join(target, zipName), target)
    const unpacked = join(target, `keycloak-${keycloakVersion}`)
    say('letting Keycloak build itself')
    await run('sh', [join(unpacked, 'bin', 'kc.sh'), 'build', ...buildOptions], {
      timeout: buildTimeoutMs,
      maxBuffer: 16_777_216,
    })
    // Another run may have been faster.
    await rename(unpacked, home).catch(async error => {
      if (!(await exists(home))) throw error
    })
  } finally {
    await rm(target, { recursive: true, force: true })
  }
  return home
}

async function checkJava(): Promise<void> {
  const { stderr } = await run('java', ['-version']).catch(() => {
    throw new KeycloakUnavailable('there is no java on PATH; Keycloak needs Java 17 or newer')
  })
  const [, major = '0'] = /version "(\d+)/.exec(stderr) ?? []
  if (Number(major) < 17) throw new KeycloakUnavailable(`java is version ${major}; Keycloak needs 17 or newer`)
}

async function fetchZip(directory: string): Promise<void> {
  const artifact = `org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`
  // Maven reads a pom.xml of the directory that it runs in: there is none here.
  const args = ['-q', '-B', '-N', mavenGoal, `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`]
  await run('mvn', args, { cwd: directory, timeout: fetchTimeoutMs, maxBuffer: 16_777_216 }).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const why = missing ? 'there is no mvn on PATH' : `Maven could not fetch it: ${firstLines(cause)}`
    throw new KeycloakUnavailable(why, { cause })
  })
  const hash = createHash('sha256')
  await pipeline(createReadStream(join(directory, zipName)), hash)
  const digest = hash.digest('hex')
  if (digest !== zipDigest) throw new Error(`${zipName} has the digest ${digest}, not the one that is pinned`)
}

/** With whatever is there: `jar` comes with a JDK, though not with a JRE. */
async function unpack(zip: string, directory: string): Promise<void> {
  const ways: readonly (readonly [string, ...string[]])[] = [
    ['unzip', '-q', zip],
    ['jar', '-xf', zip],
    ['python3', '-m', 'zipfile', '-e', zip, '.'],
  ]
  for (const [command, ...args] of ways) {
    try {
      await run(command, args, { cwd: directory, timeout: buildTimeoutMs, maxBuffer: 16_777_216 })
      return
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
    }
  }
  throw new KeycloakUnavailable('nothing here unpacks a zip: install unzip, a JDK or python3')
}

function firstLines(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n').slice(0, 6).join('\n').slice(0, 1_000)
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
