import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { cachedDirectory } from '../../src/demo/user-cache.js'

const run = promisify(execFile)

export const keycloakVersion = '26.7.5'
/** SHA-256 of the zip on Maven Central. */
const zipDigest = '30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a'
const zipName = `keycloak-quarkus-dist-${keycloakVersion}.zip`
const unpackedName = `keycloak-${keycloakVersion}`
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
  return cachedDirectory({
    name: unpackedName,
    fill: async target => {
      say(`fetching Keycloak ${keycloakVersion} (174 MB) from Maven Central`)
      await fetchZip(target)
      await unpack(join(target, zipName), target)
      await rm(join(target, zipName))
      for (const name of await readdir(join(target, unpackedName)))
        await rename(join(target, unpackedName, name), join(target, name))
      say('letting Keycloak build itself')
      await run('sh', [join(target, 'bin', 'kc.sh'), 'build', ...buildOptions], {
        timeout: buildTimeoutMs,
        maxBuffer: 16_777_216,
      })
    },
  })
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
