import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, TestRunner, vi } from 'vitest'

const directory = mkdtempSync(join(tmpdir(), 'needs-envoy-'))
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.resetModules()
})

/** As in a run with an Envoy of this version; "": the default of all runs. */
async function inRunWith(version: string, oldest = version) {
  const path = join(directory, 'envoy')
  const commit = '0123456789abcdef0123456789abcdef01234567'
  writeFileSync(path, `#!/bin/sh\necho "envoy  version: ${commit}/${version}/Clean/RELEASE/BoringSSL"\n`)
  chmodSync(path, 0o755)
  vi.stubEnv('ENVOY_BIN', version === '' ? '' : path)
  vi.stubEnv('ENVOY_OLDEST', oldest)
  vi.resetModules()
  const { envoyHas, forThisEnvoy, needsEnvoy } = await import('./needs-envoy.js')
  return {
    ...{ envoyHas, forThisEnvoy },
    /** What a test says that calls it. */
    needs(since: `${number}.${number}`) {
      const test = { meta: {}, context: { skip: vi.fn() } }
      vi.spyOn(TestRunner, 'getCurrentTest').mockReturnValue(test as never)
      needsEnvoy(since, 'body_size_limit')
      return { skipped: test.context.skip.mock.calls, meta: test.meta }
    },
  }
}

const config = 'http_filters:\n  - name: envoy.filters.http.body_size_limit\n  - name: router\n'
const old = 'http_filters:\n  - name: router\n'

describe('a test that needs a newer Envoy', () => {
  it('is never skipped with the pinned one', async () => {
    const { needs, envoyHas, forThisEnvoy } = await inRunWith('')
    expect(needs('1.40')).toEqual({ skipped: [], meta: {} })
    expect(envoyHas('1.40')).toBe(true)
    expect(forThisEnvoy(config)).toBe(config)
  })

  it('cannot need more than the pinned one', async () => {
    for (const version of ['', '1.39.3']) {
      const { needs, envoyHas } = await inRunWith(version)
      expect(() => needs('1.41')).toThrow('the pinned Envoy 1.40.0 lacks it as well')
      expect(() => envoyHas('1.40.1')).toThrow('the pinned Envoy 1.40.0 lacks it as well')
    }
  })

  it('is skipped with an older one, and says why', async () => {
    const { needs, envoyHas, forThisEnvoy } = await inRunWith('1.39.3')
    expect(needs('1.40')).toEqual({
      skipped: [['needs Envoy 1.40 (body_size_limit), this is 1.39.3']],
      meta: { needsEnvoy: 'Envoy 1.40 (body_size_limit)' },
    })
    expect(needs('1.39')).toEqual({ skipped: [], meta: {} })
    expect([envoyHas('1.40'), envoyHas('1.38.4', '1.39.1')]).toEqual([false, true])
    expect(forThisEnvoy(config)).toBe(old)
  })

  it('is not skipped because an older one would be allowed', async () => {
    const { needs } = await inRunWith('1.40.0', '1.38.3')
    expect(needs('1.40')).toEqual({ skipped: [], meta: {} })
  })
})
